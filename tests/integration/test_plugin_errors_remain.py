"""Items that ended with an error: what is kept of them, and that nobody overlooks them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Reply, ScriptedCoder, ScriptedServer
from sums import COUNT, PROGRAMS, stored_records, write_sums

Serve = Callable[..., ScriptedServer]


@pytest.fixture
def server(serve: Serve) -> ScriptedServer:
    """Refuses to review one problem's draft."""
    coder = ScriptedCoder(PROGRAMS, {}, frozenset())

    def script(body: dict[str, Any]) -> Reply | str:
        text = body["messages"][-1]["content"]
        reviewed = "add_2" in text and "VERDICT" in text
        return Reply(None, status=400, error="no") if reviewed else coder(body)

    return serve(script)


@pytest.fixture
def first(pytester: pytest.Pytester, server: ScriptedServer) -> pytest.RunResult:
    """A run in ``out`` of which one item is an error."""
    return pytester.runpytest_subprocess(
        "--pipeline=review-fix",
        f"--coder-url={server.url}",
        f"--planner-url={server.url}",
        f"--dataset={write_sums(pytester.path)}",
        "--run-dir=out",
    )


def records(run_dir: Path) -> dict[str, dict[str, Any]]:
    return {row["task_id"]: row for row in stored_records(run_dir)}


def test_an_error_is_recorded_with_the_calls_before_it(
    pytester: pytest.Pytester, first: pytest.RunResult
) -> None:
    first.assert_outcomes(passed=COUNT - 1, errors=1)
    found = records(pytester.path / "out")["Sum/2"]
    assert (found["outcome"], found["solution"]) == ("error", "")
    assert (found["llm_calls"], found["finish_reasons"]) == (1, ["stop"])
    assert [stage["name"] for stage in found["stages"]] == ["draft"]


@pytest.mark.parametrize(
    ("selection", "more"),
    [
        (("-k", "add_0"), 0),
        (("--limit=1",), 0),
        (("dualcode::test_problem[review-fix-Sum/0-add_0]",), 0),
        (("--pipeline=raw-coder",), COUNT),
    ],
)
@pytest.mark.usefixtures("first")
def test_errors_that_a_resumed_session_left_out_fail_it_and_can_be_run(
    pytester: pytest.Pytester, selection: tuple[str, ...], more: int
) -> None:
    result = pytester.runpytest_subprocess("--resume=out", *selection)
    result.assert_outcomes(passed=more or 1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "dualcode: 1 errors remain, 1 of them not selected in this session; "
            "run all that is missing with:",
            "  pytest *--resume=*out",
        ]
    )
    (command,) = (line for line in result.outlines if line.startswith("  pytest "))
    again = pytester.runpytest_subprocess(
        *(word for word in shlex.split(command)[1:] if not word.startswith("--basetemp"))
    )
    again.assert_outcomes(passed=COUNT - 1 + more, errors=1)


@pytest.mark.usefixtures("first")
def test_damaged_lines_are_said(pytester: pytest.Pytester) -> None:
    for name in ("calls.jsonl", "results.jsonl"):
        file = pytester.path / "out" / name
        file.write_text(file.read_text()[20:])
    result = pytester.runpytest_subprocess("--resume=out", "-k", "add_0 or add_1")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "dualcode: 1 damaged line(s) in *results.jsonl were skipped (line 1); *",
            "dualcode: 1 damaged line(s) in *calls.jsonl were skipped; what they held is *",
        ]
    )


@pytest.mark.usefixtures("first")
def test_judging_again_says_which_items_have_no_solution(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--rejudge=out", "--run-dir=again")
    result.assert_outcomes(passed=COUNT - 1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["dualcode: 1 items of *out ended with an error and have no solution to judge.*"]
    )


def test_judging_a_pipeline_again_does_not_ask_for_the_solutions_of_another(
    pytester: pytest.Pytester, first: pytest.RunResult
) -> None:
    assert first.ret == pytest.ExitCode.TESTS_FAILED
    pytester.runpytest_subprocess("--resume=out", "--pipeline=raw-coder")
    result = pytester.runpytest_subprocess(
        "--rejudge=out", "--run-dir=again", "--pipeline=raw-coder", "--min-pass-at-1=1"
    )
    result.assert_outcomes(passed=COUNT)
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_run_without_any_solution_cannot_be_judged_again(
    pytester: pytest.Pytester, serve: Serve, workers: str
) -> None:
    server = serve(lambda _: Reply(None, status=400, error="no"))
    sums = f"--dataset={write_sums(pytester.path)}"
    pytester.runpytest_subprocess(
        "--pipeline=raw-coder", f"--coder-url={server.url}", sums, "--run-dir=out"
    )
    result = pytester.runpytest_subprocess("--rejudge=out", "--run-dir=again", workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*out has no solutions to judge of raw-coder.", "*make them with --resume=*out*"]
    )


def test_a_solution_that_was_not_judged_is_judged_again(
    pytester: pytest.Pytester, server: ScriptedServer
) -> None:
    pytester.makepyfile(
        broken="""
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_setup(item):
            if "add_2" in item.name:
                raise RuntimeError("this machine is tired")
        """
    )
    options = (f"--dataset={write_sums(pytester.path)}", "--pipeline=raw-coder")
    url = f"--coder-url={server.url}"
    first = pytester.runpytest_subprocess(*options, url, "--run-dir=out", "-pbroken")
    assert first.ret == pytest.ExitCode.TESTS_FAILED
    assert records(pytester.path / "out")["Sum/2"]["outcome"] == "error"
    result = pytester.runpytest_subprocess("--rejudge=out", "--run-dir=again")
    result.assert_outcomes(passed=COUNT)
    assert result.ret == pytest.ExitCode.OK
