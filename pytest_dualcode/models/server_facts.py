"""What a role's server is and did, for ``run.json``. No answer is never an error."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pytest_dualcode.errors import ServerError
from pytest_dualcode.models import endpoints
from pytest_dualcode.models.endpoints import RoleEndpoint
from pytest_dualcode.models.launch import safe_to_show
from pytest_dualcode.models.launched import Launched
from pytest_dualcode.models.metrics import read_metrics, work_done
from pytest_dualcode.models.profiles import RoleProfile
from pytest_dualcode.types import Role

METRICS_TIMEOUT = 3.0
"""Seconds for one look at ``/metrics``: it is asked also when a session has to end soon."""


def role_facts(
    place: RoleEndpoint, role: RoleProfile, server: Launched | None, device: Literal["cpu", "gpu"]
) -> dict[str, Any]:
    """Return what one role's server is, as far as it says, and what the profile says of it.

    ``price_per_hour`` and ``gpus`` are of all servers of the role together; ``None``: not known.
    """
    root = ask(lambda: model_root(place))
    found = {
        "model": place.model,
        "launched": place.launched,
        "replicas": len(place.urls),
        "max_model_len": place.max_model_len,
        "root": root,
        "vllm": ask(lambda: vllm_version(place)),
        **model_facts(str(root or place.model), role.revision),
        "sampling": dict(place.sampling),
        "thinking_budget": place.thinking_budget,
        "price_per_hour": role.price_per_hour,
        "gpus": role.gpus_used(device) if server is not None else role.gpus,
    }
    return {**found, **launched_facts(server)} if server is not None else found


def launched_facts(server: Launched) -> dict[str, Any]:
    """Return how one of our servers was started, without secrets."""
    plan, said = server.plan, server.process.text()
    shown = {name: value for name, value in plan.environment.items() if safe_to_show(name)}
    invariant = {**os.environ, **plan.environment}.get("VLLM_BATCH_INVARIANT", "0")
    quantization = re.search(r"\bquantization=([\w-]+)", said)
    found = {
        "server": server.label,
        "command": list(plan.command_on(endpoints.port_of(server.url))),
        "environment": shown,
        "cards": [
            card for card in plan.environment.get("CUDA_VISIBLE_DEVICES", "").split(",") if card
        ],
        "batch_invariant": invariant not in ("", "0"),
        "ready_seconds": server.ready_seconds,
        "kept": server.kept,
        "reused": server.reused,
    }
    if quantization is not None and quantization[1] != "None":
        found["quantization"] = quantization[1]
    return found


def servers_of(
    roles: Mapping[Role, Mapping[str, Any]], urls: Mapping[Role, Any]
) -> list[dict[str, Any]]:
    """Return each server once, with the roles that it answers: what adds up to the run's cost.

    `roles` are the `role_facts`; attached roles at the same `urls` have the same server.
    """
    found: dict[Any, dict[str, Any]] = {}
    for role, facts in roles.items():
        same = found.setdefault(urls[role], {"roles": [], "price_per_hour": None, "gpus": None})
        same["roles"].append(role)
        for name in ("price_per_hour", "gpus"):
            same[name] = facts[name] if same[name] is None else same[name]
        same["cards"] = facts.get("cards", [])
    return list(found.values())


def ask(question: Callable[[], Any]) -> Any:
    """An answer of a server, or ``None`` where it has none: a record must not fail for it."""
    try:
        return question()
    except (OSError, ValueError, ServerError):
        return None


def vllm_version(place: RoleEndpoint) -> Any:
    """The version that vLLM's ``/version`` gives; other servers have no such path."""
    key = endpoints.key_of(place)
    url = endpoints.server_root(place.urls[0]) + "/version"
    reply = endpoints.get_json(url, key)
    return reply.get("version") if isinstance(reply, dict) else None


def model_root(place: RoleEndpoint) -> str | None:
    """The model that a server loaded, whatever name it serves it under."""
    url = place.urls[0]
    return endpoints.find_model(place.role, url, place.model, launched=place.launched).root


def model_facts(model: str, revision: str) -> dict[str, Any]:
    """Return quantisation and revision by the model's own files, where they are on this machine.

    The revision of a hub model is the commit in the hub's cache, otherwise the one asked for.
    """
    folder, commit = Path(model).expanduser(), revision or None
    if not folder.is_dir():
        cached = hub_cache() / f"models--{model.replace('/', '--')}"
        commit = ask(lambda: (cached / "refs" / (revision or "main")).read_text().strip()) or commit
        folder = cached / "snapshots" / str(commit)
    config = ask(lambda: json.loads((folder / "config.json").read_text("utf-8")))
    quantized = config.get("quantization_config") if isinstance(config, dict) else None
    method = quantized.get("quant_method") if isinstance(quantized, dict) else None
    return {"revision": commit, "quantization": method}


def hub_cache() -> Path:
    """The hub's cache folder, by the environment variables that its library obeys."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub")


def counters(place: RoleEndpoint) -> dict[str, float]:
    """The counters of a role's servers that have any."""
    key = endpoints.key_of(place)
    sums: dict[str, float] = {}
    for url in place.urls:
        page = endpoints.server_root(url) + "/metrics"
        text = ask(functools.partial(endpoints.get_text, page, key, METRICS_TIMEOUT)) or ""
        for name, value in read_metrics(text).items():
            sums[name] = sums.get(name, 0.0) + value
    return sums


def compared(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, Any]:
    """Return one role's counters before and after the run, and what was ``done`` in between."""
    done = work_done(before, after)
    asked = done.get("prefix_cache_queried_tokens", 0.0)
    found: dict[str, Any] = {"before": dict(before), "after": dict(after), "done": done}
    if asked > 0:
        share = done.get("prefix_cache_hit_tokens", 0.0) / asked
        found["prefix_cache_hit_share"] = round(share, 4)
    return found
