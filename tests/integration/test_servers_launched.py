"""Sessions that launch servers of their own, played by the fake vLLM."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest
from fake_vllm import install_fake_vllm
from processes import MARKER, left_after, marked_processes
from sums import COUNT, stored_records, write_sums

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

WORKERS = pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "-n2"])


@pytest.fixture
def launch(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The options of a session that launches the fake for both roles."""
    monkeypatch.setenv(MARKER, str(pytester.path))
    monkeypatch.setenv("DUALCODE_CACHE_DIR", str(pytester.path / "cache"))
    (pytester.path / "some-model").mkdir()
    python = install_fake_vllm(pytester.path / "server")
    return (
        "--profile=small",
        "--coder-model=some-model",
        "--planner-model=some-model",
        f"--server-python={python}",
        f"--dataset={write_sums(pytester.path)}",
        "--run-dir=out",
    )


def outcomes(pytester: pytest.Pytester) -> Counter[str]:
    """How many items became what."""
    return Counter(row["outcome"] for row in stored_records(pytester.path / "out"))


def run_json(pytester: pytest.Pytester) -> dict[str, Any]:
    """What the run recorded about itself."""
    found: dict[str, Any] = json.loads((pytester.path / "out" / "run.json").read_text())
    return found


@WORKERS
def test_servers_that_die_once_cost_no_item(
    pytester: pytest.Pytester,
    launch: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    workers: tuple[str, ...],
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "once")
    result = pytester.runpytest_subprocess("--pipeline=review-fix", *launch, *workers)
    assert outcomes(pytester) == {"failed": COUNT}, "judged, though the fake's programs are wrong"
    result.stdout.fnmatch_lines(
        [
            "*coder: the server ended, exit status 3; starting it again",
            "*coder: some-model answers again after * s",
        ]
    )
    again = run_json(pytester)["models"]["restarts"]
    assert sorted(entry["roles"] for entry in again) == [["coder"], ["planner"]]
    assert (pytester.path / "out" / "logs" / "coder.1.log").exists()
    assert marked_processes(str(pytester.path)) == {}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_session_that_ends_during_a_restart(
    pytester: pytest.Pytester,
    launch: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    how: signal.Signals,
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "once")
    monkeypatch.setenv("FAKE_VLLM_AGAIN", "hang")
    command = [sys.executable, "-m", "pytest", "--pipeline=raw-coder", *launch]
    log = pytester.path / "out" / "logs" / "coder.log"
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL) as session:
        while not (log.with_name("coder.1.log").exists() and log.exists() and log.read_text()):
            assert session.poll() is None
            time.sleep(0.02)
        session.send_signal(how)
        session.wait(timeout=60)
    assert left_after(str(pytester.path), seconds=20) == {}


def test_a_server_that_dies_twice_makes_errors_with_its_last_words(
    pytester: pytest.Pytester, launch: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "late")
    result = pytester.runpytest_subprocess("--pipeline=raw-coder", *launch)
    assert outcomes(pytester) == {"error": COUNT}
    result.stdout.fnmatch_lines(["*ended during the run, exit status 3, after it had been*"])
    result.stdout.fnmatch_lines(["*EngineDeadError*"])
    assert marked_processes(str(pytester.path)) == {}


def test_kept_servers_serve_the_next_run(
    pytester: pytest.Pytester, launch: tuple[str, ...]
) -> None:
    options = ("--pipeline=review-fix", *launch, "--servers=keep")
    command = [sys.executable, "-m", "pytest_dualcode", "servers"]
    try:
        for run_dir in ("out", "again"):
            result = pytester.runpytest_subprocess(*options, f"--run-dir={run_dir}")
            log = pytester.path / run_dir / "logs" / "coder.log"
            assert log.is_file()
            assert not log.is_symlink()
        result.stdout.fnmatch_lines(["*coder: some-model ready after * s, kept by an earlier run"])
        assert outcomes(pytester) == {"failed": COUNT}
        shown = pytester.run(*command, "status")
        shown.stdout.fnmatch_lines(["1 *some-model *http://127.0.0.1:*idle*", "2 *"])
    finally:
        stopped = pytester.run(*command, "stop")
    stopped.stdout.fnmatch_lines(["1: some-model stopped", "2: some-model stopped"])
    assert marked_processes(str(pytester.path)) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--servers=forget"], "*--servers=forget is not known*"),
        (["--servers-idle=0"], "*--servers-idle=0 is no time*"),
    ],
)
def test_unknown_ways_to_keep_are_usage_errors(
    pytester: pytest.Pytester, options: list[str], message: str
) -> None:
    result = pytester.runpytest_subprocess("--pipeline=raw-coder", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


TURNS = """
[profiles.turns]
extends = "small"
turns = true
"""


@WORKERS
def test_two_models_take_turns_on_one_card(
    pytester: pytest.Pytester,
    launch: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    workers: tuple[str, ...],
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "turns")
    (pytester.path / "dualcode.toml").write_text(TURNS)
    options = ("--pipeline=raw-coder,review-fix", *launch, "--profile=turns", *workers)
    result = pytester.runpytest_subprocess(*options)
    assert outcomes(pytester) == {"failed": 2 * COUNT}
    result.stdout.fnmatch_lines(["*planner's turn (switched in * s)"])
    models = run_json(pytester)["models"]
    assert models["turns"]["switches"] == 1
    assert models["roles"]["planner"]["environment"]["VLLM_SERVER_DEV_MODE"] == "1"
    assert "--enable-sleep-mode" in models["roles"]["coder"]["command"]
    assert marked_processes(str(pytester.path)) == {}


def test_turns_and_kept_servers_do_not_go_together(
    pytester: pytest.Pytester, launch: tuple[str, ...]
) -> None:
    (pytester.path / "dualcode.toml").write_text(TURNS)
    options = ("--pipeline=review-fix", *launch, "--profile=turns", "--servers=keep")
    result = pytester.runpytest_subprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--servers=keep does not go with profile turns*"])
