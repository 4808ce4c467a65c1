"""Sessions whose workers do not start together: sixteen take seconds on a small machine."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from scripted_server import ScriptedCoder, ScriptedServer
from sums import COUNT, PROGRAMS, stored_records, write_sums, wrong

Serve = Callable[..., ScriptedServer]

LATE = """
import os
import pytest

FIFO = "judged"

def is_late(config):
    return getattr(config, "workerinput", {}).get("workerid") == "gw1"

def wait_for_the_other():
    with open(FIFO) as judged:  # blocks until the other worker has judged something
        judged.read()

def pytest_collection_modifyitems(config, items):
    if is_late(config):
        wait_for_the_other()
        late_collection(items)

def late_collection(items):
    pass

@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid):
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw0" and os.path.exists(FIFO):
        with open(FIFO, "w") as judged:
            judged.write(nodeid)
        os.unlink(FIFO)
"""
"""The second worker has collected only after the first has judged a problem."""

PATIENCE = 120.0
"""Seconds after which a session that waits for its late worker is a failure."""


@pytest.fixture
def server(serve: Serve) -> ScriptedServer:
    return serve(ScriptedCoder({**PROGRAMS, "add_1": wrong(1)}, {}, frozenset()))


def run(pytester: pytest.Pytester, server: ScriptedServer, *options: str) -> pytest.RunResult:
    os.mkfifo(pytester.path / "judged")
    return pytester.runpytest_subprocess(
        "--pipeline=raw-coder",
        f"--coder-url={server.url}",
        f"--dataset={write_sums(pytester.path)}",
        "--run-dir=out",
        "-n2",
        "-plate",
        *options,
        timeout=PATIENCE,
    )


def test_nobody_waits_for_the_last_worker(
    pytester: pytest.Pytester, server: ScriptedServer
) -> None:
    pytester.makepyfile(late=LATE)
    result = run(pytester, server)
    result.assert_outcomes(passed=COUNT - 1, failed=1)
    assert len(stored_records(pytester.path / "out")) == COUNT
    result.stdout.fnmatch_lines([f"dualcode: {COUNT} items; more workers join as they start"])


FAILING = """
def pytest_configure(config):
    if is_late(config):
        wait_for_the_other()
        raise pytest.UsageError("no space left")
"""


def test_a_late_worker_that_cannot_start_ends_no_session_in_which_others_judge(
    pytester: pytest.Pytester, server: ScriptedServer
) -> None:
    pytester.makepyfile(late=LATE + FAILING)
    result = run(pytester, server)
    result.assert_outcomes(passed=COUNT - 1, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*The worker gw1 (popen) cannot judge; another takes its place."])
    result.stdout.fnmatch_lines(["*no space left*", "*pass@1*"])


ALL_FAILING = """
def pytest_configure(config):
    name = getattr(config, "workerinput", {}).get("workerid", "gw0")
    if name == "gw1":
        wait_for_the_other()
    if name != "gw0":
        raise pytest.UsageError("no space left")
"""


def test_workers_that_cannot_start_are_replaced_until_xdist_has_enough(
    pytester: pytest.Pytester, serve: Serve
) -> None:
    pytester.makepyfile(late=LATE + ALL_FAILING)
    silent = serve(ScriptedCoder(PROGRAMS, {}, frozenset()), faults=lambda *_: "hang")
    result = run(pytester, silent, "--pipeline=canonical,raw-coder", "--max-worker-restart=2")
    result.assert_outcomes(passed=COUNT)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*The worker gw3 (popen) cannot judge*",
            "*pass@1*",
            f"dualcode: {COUNT} items have no result; go on with:",
            "*maximum crashed workers reached: 2*",
        ]
    )


def test_a_late_worker_that_collected_something_else_is_said_and_loses_nothing(
    pytester: pytest.Pytester, server: ScriptedServer
) -> None:
    pytester.makepyfile(late=LATE.replace("    pass", "    items.pop()"))
    result = run(pytester, server)
    result.assert_outcomes(passed=COUNT - 1, failed=1, errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(stored_records(pytester.path / "out")) == COUNT
    result.stdout.fnmatch_lines(["*Different tests were collected between the first and gw1*"])
