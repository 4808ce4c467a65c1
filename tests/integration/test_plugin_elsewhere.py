"""Judging on other machines: xdist's socket gateways, on this machine but without our files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import execnet
import pytest
from scripted_server import ScriptedCoder, ScriptedServer
from sums import COUNT, PROGRAMS, stored_records, write_sums, wrong

Serve = Callable[..., ScriptedServer]
Gateway = Callable[..., str]

SCRIPT = Path(execnet.__file__).parent / "script" / "socketserver.py"
UNSHARE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]


@pytest.fixture
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Start a process that serves workers, one at a time: ``gateway(prefix, **environment)``.

    Returns its ``--tx`` spec. It does not share the sessions' current folder.
    """
    with ExitStack() as stack:

        def start(prefix: Sequence[str] = (), **environment: str) -> str:
            process = stack.enter_context(
                subprocess.Popen(
                    [*prefix, sys.executable, "-u", str(SCRIPT), "127.0.0.1:0"],
                    cwd=tmp_path_factory.mktemp("elsewhere"),
                    env={**os.environ, **environment},
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            port = re.search(r"\('127.0.0.1', (\d+)\)", process.stdout.readline())
            assert port is not None, "the gateway did not start"
            return f"--tx=socket=127.0.0.1:{port.group(1)}"

        yield start


def hiding(folder: Path) -> list[str]:
    """Return the start of a command that sees `folder` empty; skip where that is refused."""
    if (
        shutil.which("unshare") is None
        or subprocess.run([*UNSHARE, "true"], check=False).returncode
    ):
        pytest.skip("needs mount namespaces (root, or user namespaces), which are refused here")
    return [*UNSHARE, "sh", "-c", f'mount -t tmpfs none "{folder}" && exec "$@"', "sh"]


@pytest.fixture
def server(serve: Serve) -> ScriptedServer:
    """Drafts two wrong programs; the review finds one of them."""
    drafts = {**PROGRAMS, "add_1": wrong(1), "add_4": wrong(4)}
    return serve(ScriptedCoder(drafts, {"add_1": PROGRAMS["add_1"]}, frozenset({"add_1"})))


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("--dist=load", *options)


@pytest.mark.parametrize("local", [(), ("--tx=popen",)], ids=["alone", "beside a local worker"])
def test_a_worker_needs_nothing_of_the_controllers_folder(
    pytester: pytest.Pytester,
    tmp_path_factory: pytest.TempPathFactory,
    server: ScriptedServer,
    gateway: Gateway,
    local: tuple[str, ...],
) -> None:
    sums = write_sums(tmp_path_factory.mktemp("data"))
    url = (f"--coder-url={server.url}", f"--planner-url={server.url}")
    there = gateway(hiding(pytester.path))
    pytester.makeconftest(
        """
        from pytest_dualcode.pipelines import draft, pipeline

        @pipeline("mine")
        async def mine(spec, attempt):
            return await draft(spec, attempt)
        """
    )
    names = ("--pipeline=mine,review-fix", f"--dataset={sums}", "--run-dir=out")
    run(pytester, *names, *url, there, *local).assert_outcomes(passed=2 * COUNT - 3, failed=3)
    found = stored_records(pytester.path / "out")
    assert {row["outcome"] for row in found} == {"passed", "failed"}
    assert {row["isolation"][0] for row in found} == {"L"}
    again = run(pytester, "--resume=out", *url, there, *local)
    again.assert_outcomes(passed=2 * COUNT - 3, failed=3)
    assert len(server.requests) == 2 * COUNT + 1
    rejudged = run(pytester, "--rejudge=out", "--run-dir=new", there, *local)
    rejudged.assert_outcomes(passed=2 * COUNT - 3, failed=3)


def test_samples_stay_with_the_controller(
    pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory, gateway: Gateway
) -> None:
    sums = write_sums(tmp_path_factory.mktemp("data"))
    large = PROGRAMS["add_2"] + "#" * 1_000_000
    rows = [{"task_id": "Sum/2", "solution": text} for text in (large, wrong(2), "'\ud800'")]
    samples = pytester.path / "samples.jsonl"
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    there = gateway(hiding(pytester.path))
    result = run(pytester, f"--dataset={sums}", "--samples=samples.jsonl", there)
    result.assert_outcomes(passed=1, failed=2)


def test_what_a_lost_machine_held_is_judged_here(
    pytester: pytest.Pytester, gateway: Gateway
) -> None:
    sums = write_sums(pytester.path)
    pytester.makepyfile(
        leaving="""
        import os
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_call(item):
            if "add_3" in item.name and "ELSEWHERE" in os.environ:
                os._exit(1)
        """
    )
    there = gateway(PYTHONPATH=str(pytester.path), ELSEWHERE="1")
    options = ("--pipeline=canonical", f"--dataset={sums}", "--run-dir=out", "-pleaving")
    result = run(pytester, *options, there)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=COUNT)
    assert [row["outcome"] for row in stored_records(pytester.path / "out")] == ["passed"] * COUNT
    result.stdout.fnmatch_lines(["*worker gw0 (127.0.0.1:*) was lost; another one, on this*"])


def test_other_data_end_the_session_with_one_message(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, gateway: Gateway
) -> None:
    sums = write_sums(pytester.path)
    other = pytester.path / "other.jsonl"
    other.write_text(sums.read_text().replace("-77", "-78"))
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(sums))
    options = ("--pipeline=canonical", "--dataset=humaneval", "--run-dir=out")
    result = run(pytester, *options, gateway(HUMANEVAL_OVERRIDE_PATH=str(other)), "--tx=popen")
    said = ["The worker gw0 (127.0.0.1:*) cannot judge.", "The data of humaneval differ: MD5*"]
    result.stdout.fnmatch_lines([*said, "Copy the controller's file to this machine."])
    assert result.ret == 3
    assert "Traceback" not in result.stdout.str()
    result = run(pytester, *options[:2], gateway(HUMANEVAL_OVERRIDE_PATH="/nowhere"))
    result.stdout.fnmatch_lines([said[0], "HUMANEVAL_OVERRIDE_PATH=/nowhere is not a file."])
    assert result.ret == 3
    assert not (pytester.path / "out" / "results.jsonl").exists()


def test_a_machine_that_does_not_answer_ends_the_session_with_one_message(
    pytester: pytest.Pytester,
) -> None:
    result = run(pytester, "--pipeline=canonical", "--dataset=own", "--tx=socket=127.0.0.1:9")
    said = ["The workers could not be started: ConnectionRefusedError*", "Check --tx: 127.0.0.1:9."]
    result.stdout.fnmatch_lines(said)
    assert result.ret == 3


def test_a_path_that_xdist_would_send_is_explained(pytester: pytest.Pytester) -> None:
    options = ("--pipeline=canonical", "--dataset=own", "--tx=popen//chdir=elsewhere")
    pytester.mkdir("out")
    result = run(pytester, *options, "--run-dir", "out")
    result.stdout.fnmatch_lines(["The workers could not be started*arg out*", "*--option=PATH*"])
    assert result.ret == 3


def test_workers_in_another_folder(pytester: pytest.Pytester) -> None:
    sums = write_sums(pytester.path)
    folder = pytester.mkdir("elsewhere")
    options = ("--pipeline=canonical", f"--dataset={sums.name}", f"--tx=2*popen//chdir={folder}")
    run(pytester, *options).assert_outcomes(passed=COUNT)
