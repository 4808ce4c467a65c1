"""A profile's sampling, thinking budget, price and cards, in whole sessions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_server import ScriptedCoder, ScriptedServer
from sums import COUNT, PROGRAMS, write_sums

Serve = Callable[..., ScriptedServer]

PROFILE = """
[profiles.mine]
extends = "paper"
[profiles.mine.coder]
price_per_hour = 0.5
[profiles.mine.planner]
thinking = true
gpus = 2
price_per_hour = 1.25
thinking_budget = 300
sampling = { temperature = 0.6, top_p = 0.95, top_k = 20, seed = 7 }
"""


@pytest.fixture
def options(pytester: pytest.Pytester) -> tuple[str, ...]:
    """A review-fix run with the profile above."""
    (pytester.path / "dualcode.toml").write_text(PROFILE)
    sums = write_sums(pytester.path)
    return ("--pipeline=review-fix", "--profile=mine", f"--dataset={sums}", "--run-dir=out")


def attach(server: ScriptedServer) -> tuple[str, ...]:
    return (f"--coder-url={server.url}", f"--planner-url={server.url}")


def test_the_planner_samples_and_the_coder_does_not(
    pytester: pytest.Pytester, serve: Serve, options: tuple[str, ...]
) -> None:
    server = serve(ScriptedCoder(PROGRAMS))
    result = pytester.runpytest_subprocess(*options, *attach(server))
    result.assert_outcomes(passed=COUNT)
    drafts = [body for body in server.requests if body["temperature"] == 0]
    reviews = [body for body in server.requests if body["temperature"] == 0.6]
    assert len(drafts) == len(reviews) == COUNT
    assert {(body["top_p"], body["top_k"], body["seed"]) for body in reviews} == {(0.95, 20, 7)}
    assert {body["thinking_token_budget"] for body in reviews} == {300}
    assert not any("seed" in body for body in drafts)
    assert "thinks at temperature 0" not in result.stdout.str()


def test_run_json_has_price_cards_and_metrics(
    pytester: pytest.Pytester, serve: Serve, options: tuple[str, ...]
) -> None:
    server = serve(ScriptedCoder(PROGRAMS))
    pytester.runpytest_subprocess(*options, *attach(server))
    models = json.loads((pytester.path / "out" / "run.json").read_text())["models"]
    coder, planner = models["roles"]["coder"], models["roles"]["planner"]
    assert (coder["price_per_hour"], coder["gpus"]) == (0.5, None)
    assert (planner["price_per_hour"], planner["gpus"]) == (1.25, 2)
    assert planner["sampling"]["top_k"] == 20
    assert models["servers"] == [
        {"roles": ["coder", "planner"], "price_per_hour": 0.5, "gpus": 2, "cards": []}
    ]
    done = models["metrics"]["coder"]["done"]
    assert done["completion_tokens"] > 0


def test_the_command_lines_temperature_wins_and_greedy_thoughts_are_warned_of(
    pytester: pytest.Pytester, serve: Serve, options: tuple[str, ...]
) -> None:
    server = serve(ScriptedCoder(PROGRAMS))
    result = pytester.runpytest_subprocess(*options, *attach(server), "--temperature=0")
    assert {body["temperature"] for body in server.requests} == {0}
    result.stdout.fnmatch_lines(["*planner: thinks at temperature 0, as in the paper; Qwen*"])


def test_a_replay_asks_as_the_run_did(
    pytester: pytest.Pytester, serve: Serve, options: tuple[str, ...]
) -> None:
    server = serve(ScriptedCoder(PROGRAMS))
    pytester.runpytest_subprocess(*options, *attach(server))
    Path(pytester.path / "dualcode.toml").unlink()
    result = pytester.runpytest_subprocess("--replay=out", "--run-dir=again")
    result.assert_outcomes(passed=COUNT)
