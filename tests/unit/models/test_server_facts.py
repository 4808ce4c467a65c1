"""What run.json says of servers: from their answers, their logs, and their models' files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from launching import changed, running

from pytest_dualcode.config import RunConfig
from pytest_dualcode.models.server_facts import compared, model_facts, servers_of


def test_a_folders_config_tells_the_quantisation(tmp_path: Path) -> None:
    config = {"quantization_config": {"quant_method": "awq", "bits": 4}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert model_facts(str(tmp_path), "") == {"revision": None, "quantization": "awq"}


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"quantization_config": 3}'])
def test_a_config_without_one_is_no_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert model_facts(str(tmp_path), "") == {"revision": None, "quantization": None}


def test_the_hubs_cache_tells_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert model_facts("org/m", "v1") == {"revision": "v1", "quantization": None}
    cached = tmp_path / "models--org--m"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("abc\n")
    (cached / "snapshots" / "abc").mkdir(parents=True)
    config = {"quantization_config": {"quant_method": "gptq"}}
    (cached / "snapshots" / "abc" / "config.json").write_text(json.dumps(config))
    assert model_facts("org/m", "") == {"revision": "abc", "quantization": "gptq"}


def test_counters_are_compared_and_hits_shared_out() -> None:
    before = {"prefix_cache_queried_tokens": 100.0, "prefix_cache_hit_tokens": 10.0}
    after = {"prefix_cache_queried_tokens": 300.0, "prefix_cache_hit_tokens": 160.0}
    found = compared(before, after)
    assert found["done"] == {"prefix_cache_queried_tokens": 200.0, "prefix_cache_hit_tokens": 150.0}
    assert found["prefix_cache_hit_share"] == 0.75
    assert "prefix_cache_hit_share" not in compared({}, {})


def test_a_server_of_both_roles_is_paid_once() -> None:
    roles = {
        "coder": {"price_per_hour": None, "gpus": 1, "cards": ["3"]},
        "planner": {"price_per_hour": 0.8, "gpus": 1, "cards": ["3"]},
    }
    one = servers_of(roles, {"coder": ("a",), "planner": ("a",)})  # type: ignore[arg-type]
    assert one == [
        {"roles": ["coder", "planner"], "price_per_hour": 0.8, "gpus": 1, "cards": ["3"]}
    ]
    two = servers_of(roles, {"coder": ("a",), "planner": ("b",)})  # type: ignore[arg-type]
    assert [server["price_per_hour"] for server in two] == [None, 0.8]


def test_launched_servers_say_how_they_were_started(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "1")
    file = tmp_path / "dualcode.toml"
    file.write_text(
        '[profiles.priced]\nextends = "small"\n[profiles.priced.coder]\n'
        "price_per_hour = 0.5\nsampling = { temperature = 0.2 }\n"
    )
    priced = changed(config, profile="priced", profile_file=file)
    with running(priced, tmp_path / "logs") as servers:
        servers.wait_ready()
        (tmp_path / "logs" / "coder.log").write_text("engine: quantization=awq_marlin, x=1\n")
        found = servers.provenance()
        after = servers.aftermath()
    coder, planner = found["roles"]["coder"], found["roles"]["planner"]
    assert coder["batch_invariant"] is True
    assert (coder["quantization"], planner["quantization"]) == ("awq_marlin", None)
    assert (coder["price_per_hour"], planner["price_per_hour"]) == (0.5, None)
    assert (coder["gpus"], coder["sampling"]) == (0, {"temperature": 0.2})
    assert [server["roles"] for server in found["servers"]] == [["coder"], ["planner"]]
    assert found["metrics"]["coder"]["before"]["requests"] == 0
    assert after["metrics"]["coder"]["done"]["requests"] == 0
