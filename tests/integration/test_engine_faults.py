"""Whole runs of the engine against servers that fail, restart, or lose their client.

Whatever happens, an item's solution is the one of an undisturbed run or an infrastructure error,
and a second run over the same call store completes what is missing.
"""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import recipe_run
from recipe_run import client, coder, solve_all
from scripted_server import ScriptedServer

from pytest_dualcode.engine import Engine
from pytest_dualcode.errors import InfrastructureError
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.pipelines.registry import paper_names
from pytest_dualcode.types import ItemKey, Solution

ITEMS = 24
Serve = Callable[..., ScriptedServer]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[ItemKey, str]:
    """The programs of a run without any fault."""
    path = tmp_path_factory.mktemp("undisturbed") / "calls.jsonl"
    with ScriptedServer(coder(ITEMS)) as server:
        return programs(solve_all(StoredModels(client([server.url]), CallStore(path)), ITEMS))


def programs(results: dict[ItemKey, Any]) -> dict[ItemKey, str]:
    """Return the programs of the items that were solved; all others must be infrastructure."""
    solved = {key: r.program for key, r in results.items() if isinstance(r, Solution)}
    assert all(isinstance(r, InfrastructureError) for k, r in results.items() if k not in solved)
    return solved


def at_random(fault: str, rate: float) -> Callable[[Any, int], str | None]:
    """Return a plan that meets a request with `fault` at a fixed pseudo-random `rate`."""
    dice = random.Random(f"{fault} {rate}")
    return lambda *_: fault if dice.random() < rate else None


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.7])
@pytest.mark.parametrize(
    "fault", ["429", "500", "503", "reset", "truncated", "cut", "empty", "abort", "unended", "hang"]
)
def test_faults_at_random(
    serve: Serve, tmp_path: Path, undisturbed: dict[ItemKey, str], fault: str, rate: float
) -> None:
    server = serve(coder(ITEMS), faults=at_random(fault, rate))
    path = tmp_path / "calls.jsonl"
    store = CallStore(path)
    settings = {"call_timeout": 1.0 if fault == "hang" else 60.0, "max_in_flight": ITEMS}
    results = solve_all(StoredModels(client([server.url], **settings), store), ITEMS)
    store.close()
    assert set(results) == set(undisturbed), "an item was lost"
    solved = programs(results)
    assert solved == {key: undisturbed[key] for key in solved}
    if rate < 0.1 and fault != "hang":
        assert solved == undisturbed

    server.faults = None
    resumed = programs(solve_all(StoredModels(client([server.url]), CallStore(path)), ITEMS))
    assert resumed == undisturbed


def test_an_attached_servers_503s_cost_nothing_but_time(
    serve: Serve, tmp_path: Path, undisturbed: dict[ItemKey, str]
) -> None:
    server = serve(coder(ITEMS), faults=at_random("503", 0.7))
    models = StoredModels(client([server.url], launched=False), CallStore(tmp_path / "c.jsonl"))
    assert programs(solve_all(models, ITEMS)) == undisturbed


def test_a_server_that_restarts_in_the_middle_costs_nothing_but_time(
    serve: Serve, tmp_path: Path, undisturbed: dict[ItemKey, str]
) -> None:
    server = serve(coder(ITEMS))
    ready: list[ItemKey] = []
    timers: list[threading.Timer] = []

    def restart(key: ItemKey, _: object) -> None:
        ready.append(key)
        if len(ready) in (3, 9, 15):
            server.refuse()
            timers.append(threading.Timer(0.1, server.accept))
            timers[-1].start()

    models = StoredModels(client([server.url], max_in_flight=4), CallStore(tmp_path / "c.jsonl"))
    results = solve_all(models, ITEMS, on_ready=restart)
    for timer in timers:
        timer.join()
    assert programs(results) == undisturbed
    assert models.traffic()["coder"].retries + models.traffic()["planner"].retries > 0


def test_one_of_two_servers_dies_and_the_other_does_all(
    serve: Serve, tmp_path: Path, undisturbed: dict[ItemKey, str]
) -> None:
    first, second = serve(coder(ITEMS)), serve(coder(ITEMS))

    def die(*_: object) -> None:
        first.refuse()

    models = StoredModels(client([first.url, second.url]), CallStore(tmp_path / "c.jsonl"))
    assert programs(solve_all(models, ITEMS, on_ready=die)) == undisturbed


def test_killed_runs_end_with_the_same_programs_and_repeat_no_finished_call(
    serve: Serve, tmp_path: Path, undisturbed: dict[ItemKey, str]
) -> None:
    server = serve(coder(ITEMS))
    path = tmp_path / "calls.jsonl"
    dice = random.Random(1)
    for _ in range(20):
        stored = stored_conversations(path)
        before = len(server.requests)
        kill_a_run(server, path, after=dice.randint(1, 4))
        asked = [conversation(body["messages"]) for body in server.requests[before:]]
        assert not stored & set(asked), "a finished call was asked again"
    server.faults = None
    store = CallStore(path)
    assert not store.damaged
    assert programs(solve_all(StoredModels(client([server.url]), store), ITEMS)) == undisturbed


def kill_a_run(server: ScriptedServer, path: Path, after: int) -> None:
    """Start a run and kill it when the server has answered `after` calls and holds the others."""
    held = threading.Event()
    first = len(server.requests)

    def hold(_: object, number: int) -> str | None:
        if number < first + after:
            return None
        held.set()
        return "hang"

    server.faults = hold  # type: ignore[assignment]
    command = [sys.executable, recipe_run.__file__, server.url, str(path), str(ITEMS)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        assert held.wait(60) or run.poll() == 0
        run.send_signal(signal.SIGKILL)


def conversation(messages: list[dict[str, str]]) -> str:
    """Return what tells one call from another in these runs."""
    return json.dumps(messages, sort_keys=True)


def stored_conversations(path: Path) -> set[str]:
    """Return the conversations of all stored calls."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {conversation(json.loads(line)["request"]["messages"]) for line in lines}


def test_pipelines_together_share_their_drafts(serve: Serve, tmp_path: Path) -> None:
    apart, together = serve(coder(ITEMS)), serve(coder(ITEMS))
    names = paper_names()
    for number, name in enumerate(names):
        store = CallStore(tmp_path / f"{number}.jsonl")
        solve_all(StoredModels(client([apart.url]), store), ITEMS, [name])
    store = CallStore(tmp_path / "all.jsonl")
    results = solve_all(StoredModels(client([together.url]), store), ITEMS, names)
    assert len(together.requests) <= 0.65 * len(apart.requests)
    for number in range(ITEMS):
        first, second = (
            results[ItemKey(name, f"Own/{number}")] for name in ("raw-coder", "review-fix")
        )
        assert isinstance(first, Solution)
        assert isinstance(second, Solution)
        assert first.calls[0] == second.calls[0]


def test_a_replay_gives_the_same_programs_without_a_server(
    serve: Serve, tmp_path: Path, undisturbed: dict[ItemKey, str]
) -> None:
    server = serve(coder(ITEMS))
    path = tmp_path / "calls.jsonl"
    store = CallStore(path)
    solve_all(StoredModels(client([server.url]), store), ITEMS)
    store.close()
    replay = StoredModels(client([]), CallStore(earlier=[path]), replay=True)
    assert programs(solve_all(replay, ITEMS)) == undisturbed


def test_a_full_disk_ends_the_traffic_at_once(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    server = serve(coder(ITEMS), faults=lambda _, number: "hang" if number == 1 else None)
    models = StoredModels(
        client([server.url], max_in_flight=2, call_timeout=5.0), CallStore(tmp_path / "c.jsonl")
    )
    monkeypatch.setattr(os, "write", full)
    results = solve_all(models, ITEMS, ["raw-coder", "review-fix"])
    assert len(results) == 2 * ITEMS
    assert all("No space left on device" in str(result) for result in results.values())
    assert len(server.requests) <= 2, "what cannot be kept was asked"


def test_stopping_keeps_every_finished_call(serve: Serve, tmp_path: Path) -> None:
    server = serve(coder(ITEMS), faults=lambda _, number: "hang" if number >= 10 else None)
    path = tmp_path / "calls.jsonl"
    store = CallStore(path)
    models = StoredModels(client([server.url]), store)
    ready: list[ItemKey] = []
    some = threading.Event()

    def on_ready(key: ItemKey, _: object) -> None:
        ready.append(key)
        some.set()

    engine = Engine(models, on_ready=on_ready)
    engine.start([recipe_run.work_item("raw-coder", n, models, n) for n in range(ITEMS)])
    assert some.wait(60)
    assert engine.stop()
    store.close()
    assert len(CallStore(earlier=[path])) >= len(ready)
