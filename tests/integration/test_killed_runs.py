"""Runs killed with SIGKILL at random moments and resumed: nothing is lost, asked twice or left.

``DUALCODE_KILLS=20 pytest tests/integration/test_killed_runs.py`` kills more often.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Batching, ScriptedCoder, ScriptedServer
from sums import stored_records

from pytest_dualcode.problems import load_problems
from pytest_dualcode.types import Problem

KILLS = int(os.environ.get("DUALCODE_KILLS", "4"))
STAYS_AT_MOST = 20.0
"""Seconds in which all that a killed session started must have ended."""

SAME_EVERY_TIME = ("outcome", "base_status", "plus_status", "reason", "solution", "llm_calls")

Serve = Callable[..., ScriptedServer]


@pytest.fixture
def adopted() -> Iterator[None]:
    """Make orphans of killed sessions children of this process, so that none can hide."""
    libc = ctypes.CDLL(None, use_errno=True)
    become_subreaper = 36
    if not sys.platform.startswith("linux") or libc.prctl(become_subreaper, 1, 0, 0, 0):
        pytest.skip("needs Linux, where a process can adopt orphans")
    yield
    libc.prctl(become_subreaper, 0, 0, 0, 0)


def children() -> dict[int, str]:
    """Return the command lines of this process's children by their ids; reap the dead ones."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
    for pid in [pid for pid, command in found.items() if not command]:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        del found[pid]
    return found


def wait_for_orphans(before: set[int]) -> None:
    """Wait until nothing is left that came after `before`; fail if something stays."""
    until = time.monotonic() + STAYS_AT_MOST
    while left := {pid: said for pid, said in children().items() if pid not in before}:
        assert time.monotonic() < until, f"left running: {left}"
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(next(iter(left)))
            select.select([handle], [], [], until - time.monotonic())
            os.close(handle)


def session(folder: Path, server: ScriptedServer, *options: str) -> subprocess.Popen[bytes]:
    """Start a session in `folder`; it continues the run there, if one has begun."""
    begun = (folder / "run" / "run.json").exists()
    where = ["--resume=run"] if begun else ["--run-dir=run"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--dataset=own"]
    command += ["--pipeline=review-fix", f"--coder-url={server.url}", f"--planner-url={server.url}"]
    with (folder / "output.txt").open("ab") as output:
        return subprocess.Popen(
            [*command, *where, *options], cwd=folder, stdout=output, stderr=output
        )


def rows(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Return what must be the same each time, by task; the last record of a task counts."""
    records = stored_records(folder / "run")
    return {r["task_id"]: tuple(r[name] for name in SAME_EVERY_TIME) for r in records}


def stored_calls(folder: Path) -> list[str]:
    """Return the ids of the stored calls, whole lines only."""
    path = folder / "run" / "calls.jsonl"
    if not path.exists():
        return []
    lines = path.read_text(errors="replace").split("\n")[:-1]
    return [json.loads(line)["id"] for line in lines if line.endswith("}")]


def coder(problems: tuple[Problem, ...]) -> ScriptedCoder:
    """Draft right programs but for a third, which the review finds; half of these are mended."""
    right = {p.entry_point: p.reference for p in problems}
    bad = [p.entry_point for p in problems][::3]
    wrong = {name: f"def {name}(*args):\n    return None\n" for name in bad}
    return ScriptedCoder(right | wrong, {name: right[name] for name in bad[::2]}, frozenset(bad))


@pytest.mark.usefixtures("adopted")
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_run_that_is_killed_again_and_again_ends_as_an_undisturbed_one(
    serve: Serve, tmp_path: Path, workers: str
) -> None:
    script = coder(load_problems(["own"]))
    before = set(children())
    calm = tmp_path / "calm"
    calm.mkdir()
    began = time.monotonic()
    assert session(calm, serve(script, batching=Batching(speed=40)), workers).wait() == 1
    length = time.monotonic() - began
    server = serve(script, batching=Batching(speed=40))
    dice = random.Random(f"kills {workers}")
    finished: list[str] = []
    for _ in range(KILLS):
        process = session(tmp_path, server, workers)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.1, 1.0) * length)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_for_orphans(before)
        kept = stored_calls(tmp_path)
        assert kept[: len(finished)] == finished
        finished = kept
        lost = len(server.requests) - len(finished)
    process = session(tmp_path, server, workers)
    assert process.wait() == 1, (tmp_path / "output.txt").read_text()[-3000:]
    wait_for_orphans(before)
    assert rows(tmp_path) == rows(calm)
    calls = stored_calls(tmp_path)
    assert len(calls) == len(set(calls)) == len(stored_calls(calm))
    # Asked again is only what was under way at a kill, and so never came to be stored.
    assert len(server.requests) == len(calls) + lost
