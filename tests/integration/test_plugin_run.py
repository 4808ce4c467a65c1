"""Whole sessions against scripted servers: the main job, with and without xdist."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Reply, ScriptedCoder, ScriptedServer
from sums import COUNT, PROGRAMS, stored_records, write_sums, wrong

Serve = Callable[..., ScriptedServer]

WORKERS = pytest.mark.parametrize(
    "workers", [("-n0",), ("-n2",), ("-n4",), ("-p", "no:xdist")], ids=lambda w: "".join(w)
)
BUGGY = {**PROGRAMS, "add_1": wrong(1), "add_4": wrong(4)}


@pytest.fixture
def sums(pytester: pytest.Pytester) -> Path:
    return write_sums(pytester.path)


def coder() -> ScriptedCoder:
    """Drafts two wrong programs; the review finds one of them."""
    return ScriptedCoder(BUGGY, {"add_1": PROGRAMS["add_1"]}, frozenset({"add_1"}))


def run(
    pytester: pytest.Pytester, server: ScriptedServer, sums: Path, *options: str
) -> pytest.RunResult:
    return pytester.runpytest_subprocess(
        f"--coder-url={server.url}",
        f"--planner-url={server.url}",
        f"--dataset={sums}",
        "--run-dir=out",
        "--junitxml=junit.xml",
        *options,
    )


def records(pytester: pytest.Pytester, run_dir: str = "out") -> dict[str, dict[str, Any]]:
    rows = stored_records(pytester.path / run_dir)
    return {f"{row['pipeline']} {row['task_id']}": row for row in rows}


@WORKERS
def test_the_main_job(
    pytester: pytest.Pytester, serve: Serve, sums: Path, workers: tuple[str, ...]
) -> None:
    server = serve(coder())
    result = run(pytester, server, sums, "--pipeline=raw-coder,review-fix", *workers)
    result.assert_outcomes(passed=2 * COUNT - 3, failed=3)
    found = records(pytester)
    assert len(found) == 2 * COUNT
    assert found["raw-coder Sum/1"]["outcome"] == "failed"
    assert found["review-fix Sum/1"]["outcome"] == "passed"
    assert found["review-fix Sum/1"]["llm_calls"] == 3
    assert found["review-fix Sum/1"]["finish_reasons"] == ["stop"] * 3
    assert found["review-fix Sum/4"]["outcome"] == "failed"
    # Drafts are shared: 6 drafts, 6 reviews, 1 fix.
    assert len(server.requests) == 2 * COUNT + 1
    result.stdout.fnmatch_lines(["*raw-coder*6 of 6*66.7*66.7*", "*review-fix*6 of 6*83.3*"])


@WORKERS
def test_junit_holds_every_item_and_its_properties(
    pytester: pytest.Pytester, serve: Serve, sums: Path, workers: tuple[str, ...]
) -> None:
    run(pytester, serve(coder()), sums, "--pipeline=review-fix", *workers)
    root = ET.parse(pytester.path / "junit.xml").getroot()
    cases = root.findall(".//testcase")
    assert len(cases) == COUNT
    properties = {p.get("name"): p.get("value") for p in cases[1].findall("properties/property")}
    wanted = (
        "task_id pipeline dataset base_status plus_status llm_calls prompt_tokens "
        "completion_tokens llm_seconds judge_seconds isolation"
    )
    assert set(wanted.split()) <= set(properties)
    assert len(root.findall(".//failure")) == 1
    assert not root.findall(".//error")
    suite = {p.get("name"): p.get("value") for p in root.findall("./testsuite/properties/property")}
    assert suite["pass_at_1.review-fix.sums.plus"] == "0.8333"


@WORKERS
def test_a_broken_server_is_an_error_and_never_a_wrong_answer(
    pytester: pytest.Pytester, serve: Serve, sums: Path, workers: tuple[str, ...]
) -> None:
    def script(body: dict[str, Any]) -> Reply | str:
        text = body["messages"][-1]["content"]
        return Reply(None, status=400, error="no") if "add_2" in text else coder()(body)

    result = run(pytester, serve(script), sums, "--pipeline=raw-coder", *workers)
    result.assert_outcomes(passed=COUNT - 3, failed=2, errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert records(pytester)["raw-coder Sum/2"]["outcome"] == "error"
    root = ET.parse(pytester.path / "junit.xml").getroot()
    assert len(root.findall(".//error")) == 1
    result.stdout.fnmatch_lines(["*50.0 to 66.7*", "*1 error*", "*--resume=*"])


def test_resume_repeats_no_finished_call_and_runs_the_errors(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    broken = True

    def script(body: dict[str, Any]) -> Reply | str:
        if broken and "add_2" in body["messages"][-1]["content"]:
            return Reply(None, status=400, error="no")
        return coder()(body)

    server = serve(script)
    run(pytester, server, sums, "--pipeline=raw-coder")
    broken = False
    before = len(server.requests)
    result = pytester.runpytest_subprocess(
        f"--coder-url={server.url}", f"--dataset={sums}", "--pipeline=raw-coder", "--resume=out"
    )
    result.assert_outcomes(passed=COUNT - 2, failed=2)
    assert len(server.requests) == before + 1
    assert records(pytester)["raw-coder Sum/2"]["outcome"] == "passed"


def test_replay_needs_no_server(pytester: pytest.Pytester, serve: Serve, sums: Path) -> None:
    server = serve(coder())
    run(pytester, server, sums, "--pipeline=review-fix")
    before = len(server.requests)
    options = (f"--dataset={sums}", "--replay=out", "--run-dir=again")
    result = pytester.runpytest_subprocess("--pipeline=review-fix", *options)
    result.assert_outcomes(passed=COUNT - 1, failed=1)
    assert len(server.requests) == before
    result = pytester.runpytest_subprocess("--pipeline=plan-code", *options[:2], "--run-dir=no")
    result.assert_outcomes(errors=COUNT)


def test_every_pipeline_of_the_paper(pytester: pytest.Pytester, serve: Serve, sums: Path) -> None:
    result = run(pytester, serve(coder()), sums, "--pipeline=all", "-n2")
    assert result.parseoutcomes().get("errors", 0) == 0
    calls = {
        name: [row["llm_calls"] for key, row in records(pytester).items() if key.startswith(name)]
        for name in ("raw-coder ", "raw-planner ", "plan-code ", "review-fix ", "adversarial ")
    }
    assert calls["raw-coder "] == calls["raw-planner "] == [1] * COUNT
    assert calls["plan-code "] == [2] * COUNT
    assert sorted(calls["review-fix "]) == [2] * (COUNT - 1) + [3]


def test_no_hidden_test_and_no_reference_reaches_a_request(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    server = serve(coder())
    run(pytester, server, sums, "--pipeline=all", "-n2")
    text = json.dumps(server.requests)
    assert "1001" not in text
    assert "-77" not in text


def test_a_server_that_is_not_there_ends_the_session_with_one_message(
    pytester: pytest.Pytester, sums: Path
) -> None:
    result = pytester.runpytest_subprocess(
        "--pipeline=raw-coder", f"--dataset={sums}", "--coder-url=http://127.0.0.1:9/v1", "-n2"
    )
    assert result.ret == 3
    text = result.stdout.str() + result.stderr.str()
    assert "does not answer" in text
    assert "Traceback" not in text
    assert "passed" not in text


def test_a_crashing_worker_is_an_error_and_the_rest_goes_on(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    pytester.makepyfile(
        crashing="""
        import os
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_call(item):
            if "add_3" in item.name and hasattr(item.config, "workerinput"):
                os._exit(1)
        """
    )
    result = run(pytester, serve(coder()), sums, "--pipeline=raw-coder", "-n2", "-pcrashing")
    found = records(pytester)
    assert len(found) == COUNT
    assert found["raw-coder Sum/3"]["outcome"] == "error"
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_odd_unicode_survives_the_wire(pytester: pytest.Pytester, serve: Serve, sums: Path) -> None:
    odd = 'def add_0(x):\n    return "\\ud800 \\x00 \U0001f600"\n'
    server = serve(ScriptedCoder({**PROGRAMS, "add_0": odd}))
    result = run(pytester, server, sums, "--pipeline=raw-coder", "-n2")
    result.assert_outcomes(passed=COUNT - 1, failed=1)
    assert len(ET.parse(pytester.path / "junit.xml").getroot().findall(".//testcase")) == COUNT


def test_the_run_directory_keeps_what_the_contract_says(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    run(pytester, serve(coder()), sums, "--pipeline=review-fix")
    files = {path.name for path in (pytester.path / "out").iterdir()}
    assert {"run.json", "calls.jsonl", "results.jsonl", "summary.md"} <= files
    settings = json.loads((pytester.path / "out" / "run.json").read_text())
    assert settings["pipelines"] == ["review-fix"]
    assert settings["datasets"]["sums"]["selected"] == COUNT
    assert settings["isolation"].startswith("L")


def test_rejudge_judges_the_stored_solutions_without_a_server(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    server = serve(coder())
    run(pytester, server, sums, "--pipeline=raw-coder,review-fix")
    before = len(server.requests)
    result = pytester.runpytest_subprocess("--rejudge=out", "--run-dir=again")
    result.assert_outcomes(passed=2 * COUNT - 3, failed=3)
    assert len(server.requests) == before
    first, again = records(pytester), records(pytester, "again")
    for key, row in first.items():
        assert {**again[key], "judge_seconds": 0} == {**row, "judge_seconds": 0}


def test_drafts_are_judged_too_for_the_reports_alone(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    server = serve(coder())
    run(pytester, server, sums, "--pipeline=review-fix")
    found = records(pytester)["review-fix Sum/1"]
    assert found["stage_verdicts"] == [{"stage": 0, "base_status": "fail", "plus_status": "fail"}]
    assert records(pytester)["review-fix Sum/2"]["stage_verdicts"] == []


@pytest.mark.parametrize(("share", "status"), [("0.8", 0), ("0.9", 1)])
def test_a_gate_decides_the_exit_status(
    pytester: pytest.Pytester, serve: Serve, sums: Path, share: str, status: int
) -> None:
    options = ("--pipeline=review-fix", f"--min-pass-at-1={share}")
    result = run(pytester, serve(coder()), sums, *options)
    assert result.ret == status
    result.stdout.fnmatch_lines([f"gate --min-pass-at-1={share}*83.3*"])


def test_a_baseline_gates_regressions_and_names_them(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    run(pytester, serve(coder()), sums, "--pipeline=review-fix")
    worse = serve(ScriptedCoder({**BUGGY, "add_5": wrong(5)}))
    options = ("--pipeline=review-fix", "--baseline=out", "--run-dir=new")
    result = run(pytester, worse, sums, *options, "--max-regressions=1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*gate --max-regressions=1*2*does not hold*"])


def test_the_step_summary_is_written_for_github(
    pytester: pytest.Pytester, serve: Serve, sums: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pytester.path / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    run(pytester, serve(coder()), sums, "--pipeline=review-fix")
    assert "review-fix" in file.read_text()


def test_repeat_counts_the_verdicts_that_flip(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    drafts = iter([PROGRAMS["add_2"], wrong(2), PROGRAMS["add_2"]])

    def script(body: dict[str, Any]) -> Reply | str:
        if "add_2" in body["messages"][-1]["content"]:
            return f"```python\n{next(drafts)}```"
        return coder()(body)

    result = run(pytester, serve(script), sums, "--pipeline=raw-coder", "--repeat=3")
    result.stdout.fnmatch_lines(["raw-coder on sums: 1 of 6 verdicts flip in 3 greedy runs: Sum/2"])
    assert result.parseoutcomes()["passed"] == 3 * COUNT - 7
    result.stdout.fnmatch_lines(["*add_2-s[012]*"])


def test_ctrl_c_keeps_everything_and_says_how_to_go_on(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    pytester.makepyfile(
        interrupting="""
        def pytest_runtest_logreport(report):
            if report.when == "teardown" and "Sum/2" in report.nodeid:
                raise KeyboardInterrupt
        """
    )
    server = serve(coder())
    options = ("--pipeline=raw-coder", "-pinterrupting")
    result = run(pytester, server, sums, *options)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert len(records(pytester)) == 3
    result.stdout.fnmatch_lines(["*items have no result; go on with:*", "*--resume=*out*"])


def test_ctrl_c_before_anything_was_asked_says_that_there_is_nothing_to_resume(sums: Path) -> None:
    class Interrupting(BaseHTTPRequestHandler):
        """A server that is asked what it serves just when the user has enough."""

        def do_GET(self) -> None:
            session.send_signal(signal.SIGINT)

    with HTTPServer(("127.0.0.1", 0), Interrupting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        command = [sys.executable, "-mpytest", "--pipeline=raw-coder", f"--coder-url={url}"]
        session = subprocess.Popen(
            [*command, f"--dataset={sums}", "--run-dir=out"], stdout=subprocess.PIPE, text=True
        )
        text = session.communicate()[0]
        server.shutdown()
    assert session.returncode == pytest.ExitCode.INTERRUPTED
    assert "nothing was asked yet: give the same command again" in text
    assert "--resume" not in text


def test_a_pipeline_that_returns_no_text_is_an_error_of_its_items(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    pytester.makeconftest(
        """
        from pytest_dualcode.pipelines import draft, pipeline

        @pipeline("forgetful")
        async def forgetful(spec, attempt):
            await draft(spec, attempt)
        """
    )
    result = run(pytester, serve(coder()), sums, "--pipeline=forgetful", "-n2")
    result.assert_outcomes(errors=COUNT)
    result.stdout.fnmatch_lines(["*forgetful returned NoneType, no program*"])


def test_an_empty_solution_is_judged_again_as_a_wrong_one(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    server = serve(lambda _body: "I would rather not.")
    run(pytester, server, sums, "--pipeline=raw-coder").assert_outcomes(failed=COUNT)
    again = pytester.runpytest_subprocess("--rejudge=out", "--run-dir=again")
    again.assert_outcomes(failed=COUNT)


def test_a_skipped_problem_is_no_result(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    pytester.makepyfile(
        omitting="""
        import pytest

        def pytest_collection_modifyitems(items):
            items[0].add_marker(pytest.mark.skip)
        """
    )
    result = run(pytester, serve(coder()), sums, "--pipeline=raw-coder", "-pomitting", "-n2")
    result.assert_outcomes(passed=COUNT - 3, failed=2, skipped=1)
    assert len(records(pytester)) == COUNT - 1


def test_names_outside_ascii_run(pytester: pytest.Pytester, sums: Path) -> None:
    text = sums.read_text().replace("add_1", "größe").replace("Sum/1", "Süm/1")
    sums.write_text(text, "utf-8")
    result = pytester.runpytest_subprocess("--pipeline=canonical", f"--dataset={sums}")
    result.assert_outcomes(passed=COUNT)


def test_resume_refuses_verdicts_of_other_data(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    server = serve(coder())
    run(pytester, server, sums, "--pipeline=raw-coder")
    sums.write_text(sums.read_text().replace("-77", "-78"))
    result = pytester.runpytest_subprocess("--resume=out", f"--coder-url={server.url}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*data of sums have changed*", "*--rejudge=*out*"])


def test_resume_keeps_what_was_selected_and_how(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    server = serve(coder())
    run(pytester, server, sums, "--pipeline=raw-coder", "--retries=0", "--repeat=2")
    result = pytester.runpytest_subprocess("--resume=out", "-k", "add_0")
    result.assert_outcomes(passed=2)
    settings = json.loads((pytester.path / "out" / "run.json").read_text())
    assert settings["settings"]["retries"] == 0
    assert settings["datasets"]["sums"]["selected"] == COUNT
    assert settings["models"]["endpoints"]["coder"]["model"] == "scripted"
    (first,) = settings["earlier_sessions"]
    assert "--pipeline=raw-coder" in first["command"]
    assert first["models"]["roles"]["coder"]["model"] == "scripted"
    assert settings["started"] == first["began"] <= settings["began"]


def test_no_terminal_is_needed(pytester: pytest.Pytester, serve: Serve, sums: Path) -> None:
    result = run(pytester, serve(coder()), sums, "--pipeline=review-fix", "-pno:terminal")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(records(pytester)) == COUNT
    root = ET.parse(pytester.path / "junit.xml").getroot()
    assert root.findall("./testsuite/properties/property")


def test_a_field_that_a_server_refuses_is_said_once(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    server = serve(coder(), owned_by="openai", rejects=("chat_template_kwargs",))
    result = run(pytester, server, sums, "--pipeline=raw-coder", "-n2")
    result.assert_outcomes(passed=COUNT - 2, failed=2)
    told = [line for line in result.outlines if "does not take" in line]
    assert len(told) == 1
    assert f"dualcode: coder: {server.url} does not take chat_template_kwargs" in told[0]
    settings = json.loads((pytester.path / "out" / "run.json").read_text())
    assert settings["models"]["refused_fields"] == {server.url: ["chat_template_kwargs"]}


def test_a_broken_engine_loses_no_report(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    pytester.makepyfile(
        breaking="""
        import threading
        from pytest_dualcode.plugin.controller import Controller

        deliver = Controller.deliver

        def broken(self, key, result):
            if key.task_id == "Sum/3" and threading.current_thread().name == "dualcode-engine":
                raise RuntimeError("odd")
            deliver(self, key, result)

        Controller.deliver = broken
        """
    )
    options = ("--pipeline=raw-coder", "-pbreaking", "--max-in-flight=1")
    result = run(pytester, serve(coder()), sums, *options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in text
    assert "The engine broke: RuntimeError: odd." in text
    found = records(pytester)
    assert len(found) == COUNT
    assert found["raw-coder Sum/3"]["outcome"] == "error"
    assert (pytester.path / "out" / "summary.md").exists()
    result.stdout.fnmatch_lines(["*errors remain; run just those again with:*"])


@pytest.mark.parametrize("more", [(), ("--no-summary",)])
def test_calls_that_cannot_be_flushed_at_the_end_fail_the_session(
    pytester: pytest.Pytester, serve: Serve, sums: Path, more: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        unflushed="""
        import errno
        from pytest_dualcode.models import call_store

        def full(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        call_store.os.fsync = full
        """
    )
    options = ("--pipeline=raw-coder", "-punflushed", "-kadd_2", *more)
    result = run(pytester, serve(coder()), sums, *options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    assert (pytester.path / "out" / "summary.md").exists()
    assert result.stdout.str().count("No space left on device") == 1


def test_a_session_that_ends_with_status_3_says_how_to_go_on(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    pytester.makepyfile(
        ending="""
        import pytest

        def pytest_runtest_logreport(report):
            if report.when == "teardown" and "Sum/2" in report.nodeid:
                pytest.exit("a worker could not be set up", 3)
        """
    )
    result = run(pytester, serve(coder()), sums, "--pipeline=raw-coder", "-pending")
    assert result.ret == 3
    result.stdout.fnmatch_lines(["*items have no result; go on with:*", "*--resume=*out*"])
