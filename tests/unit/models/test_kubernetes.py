"""The documented Kubernetes manifests fit each other, the profile and the options."""

from __future__ import annotations

import pytest
from manifests import container, manifests

from pytest_dualcode.models.launch import ServerPython, serve_command
from pytest_dualcode.models.profiles import load_profiles
from pytest_dualcode.types import ROLES, Role

ON_GPU = ServerPython("python", {"vllm": "0.32.0"})


@pytest.mark.parametrize("role", ROLES)
def test_a_deployment_serves_as_the_profile_does(role: Role) -> None:
    profile = load_profiles()["paper"].role(role)
    command = list(serve_command(profile, profile.model, ON_GPU, 8000))
    wanted = command[command.index("serve") + 1 :]
    wanted[wanted.index("127.0.0.1")] = "0.0.0.0"
    server = container(manifests()["Deployment", role])
    assert server["command"] == ["vllm", "serve"]
    assert server["args"] == wanted
    assert server["resources"]["limits"]["nvidia.com/gpu"] == 1


@pytest.mark.parametrize("role", ROLES)
def test_a_service_leads_to_its_pods_and_the_job_to_the_service(role: Role) -> None:
    found = manifests()
    pods = found["Deployment", role]["spec"]["template"]["metadata"]["labels"]
    assert found["Service", role]["spec"]["selector"] == pods
    (port,) = found["Service", role]["spec"]["ports"]
    named = {p["name"]: p["containerPort"] for p in container(found["Deployment", role])["ports"]}
    assert named[port["targetPort"]] == 8000
    sent = {e["name"]: e.get("value") for e in container(found["Job", "review-fix"])["env"]}
    assert sent[f"DUALCODE_{role.upper()}_URL"] == f"http://{role}:{port['port']}/v1"


@pytest.mark.parametrize("role", ROLES)
def test_probes_ask_health_and_give_the_start_half_an_hour(role: Role) -> None:
    server = container(manifests()["Deployment", role])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server[probe]["httpGet"] == {"path": "/health", "port": "http"}
    start = server["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] == 1800


def test_every_volume_and_secret_that_is_used_exists() -> None:
    found = manifests()
    for (kind, _), manifest in found.items():
        if kind not in ("Deployment", "Job"):
            continue
        pod = manifest["spec"]["template"]["spec"]
        mounted = {mount["name"] for mount in container(manifest)["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
        for volume in pod["volumes"]:
            claim = volume.get("persistentVolumeClaim")
            assert claim is None or ("PersistentVolumeClaim", claim["claimName"]) in found
        for variable in container(manifest)["env"]:
            if "valueFrom" in variable:
                asked = variable["valueFrom"]["secretKeyRef"]
                assert asked["key"] in found["Secret", asked["name"]]["stringData"]
