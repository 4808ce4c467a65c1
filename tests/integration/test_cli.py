"""`python -m pytest_dualcode`, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from sample_records import make_record
from sample_runs import reviewed_run, write_run

from pytest_dualcode.__main__ import main


@pytest.fixture
def run_dir(tmp_path):
    return reviewed_run(tmp_path / "run")


def call(capsys, *arguments):
    """Exit status, standard output and standard error of one command."""
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_report_writes_the_reports_and_prints_the_summary(run_dir, capsys):
    status, out, err = call(capsys, "report", run_dir)
    assert (status, err) == (0, "")
    assert (run_dir / "summary.md").exists()
    assert "review-fix  humaneval  3 of 164  66.7 to 100.0" in out
    assert f"Report: {run_dir}" in out


def test_the_module_runs_without_importing_pytest_or_the_client(run_dir):
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['x', 'report', {str(run_dir)!r}]\n"
        "try: runpy.run_module('pytest_dualcode', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "print('bad:', {'pytest', 'openai', 'evalplus'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    assert done.stdout.endswith("bad: set()\n")


def test_compare_says_what_flipped(tmp_path, capsys):
    before = write_run(tmp_path / "before", [make_record(n, plus="fail") for n in range(8)])
    after = write_run(tmp_path / "after", [make_record(n) for n in range(8)])
    status, out, err = call(capsys, "compare", before, after)
    assert (status, err) == (0, "")
    assert "+8 of 8" in out
    assert "improved: HumanEval/0, HumanEval/1" in out
    assert "+0 of 8" in call(capsys, "compare", before, after, "--tests", "base")[1]


def test_compare_can_gate(tmp_path, capsys):
    before = write_run(tmp_path / "before", [make_record(n) for n in range(3)])
    after = write_run(tmp_path / "after", [make_record(n, plus="fail") for n in range(3)])
    assert call(capsys, "compare", before, after, "--max-regressions", 3)[0] == 0
    status, out, _ = call(capsys, "compare", before, after, "--max-regressions", 2)
    assert status == 1
    assert "raw-coder against raw-coder has 3: does not hold." in out


def test_show_tells_the_story_of_one_problem(run_dir, capsys):
    status, out, _ = call(capsys, "show", run_dir, "HumanEval/0", "--pipeline", "review-fix")
    assert status == 0
    assert "2. review: bugs" in out
    assert "with raw-coder" not in out
    assert "with raw-coder" in call(capsys, "show", run_dir, "HumanEval/0")[1]


def test_show_of_an_unknown_problem_lists_what_there_is(run_dir, capsys):
    status, out, err = call(capsys, "show", run_dir, "HumanEval/99")
    assert (status, out) == (2, "")
    assert "has no result for HumanEval/99." in err
    assert "It has HumanEval/0, HumanEval/1, HumanEval/2, with raw-coder, review-fix." in err


def test_export_writes_evalplus_files(tmp_path, capsys):
    records = [make_record(n) for n in range(164)]
    run = write_run(tmp_path / "run", records)
    status, out, _ = call(capsys, "export", run, "--evalplus")
    assert status == 0
    assert "samples.jsonl: 164 problems" in out
    samples = run / "evalplus" / "raw-coder-humaneval" / "samples.jsonl"
    assert len([json.loads(line) for line in samples.read_text().splitlines()]) == 164


def test_export_without_a_format_says_what_to_add(run_dir, capsys):
    status, _, err = call(capsys, "export", run_dir)
    assert status == 2
    assert "export needs a format.\nAdd --evalplus or --verdicts=OUT." in err


def test_export_writes_verdicts_without_benchmark_text(run_dir, tmp_path, capsys):
    status, out, _ = call(capsys, "export", run_dir, "--verdicts", tmp_path / "public")
    assert status == 0
    assert out == f"{tmp_path / 'public'}: no program, reason or input in it\n"
    assert "return a" not in (tmp_path / "public" / "results.jsonl").read_text()
    assert call(capsys, "compare", tmp_path / "public", run_dir)[0] == 0


@pytest.mark.parametrize("command", [["report"], ["compare", "{dir}"], ["show"], ["export"]])
def test_a_missing_run_is_an_error_with_the_remedy(tmp_path, capsys, run_dir, command):
    arguments = [part.format(dir=run_dir) for part in command] + [tmp_path / "nowhere"]
    arguments += ["HumanEval/0"] if command == ["show"] else []
    arguments += ["--evalplus"] if command == ["export"] else []
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (2, "")
    assert f"error: There is no run directory {tmp_path / 'nowhere'}" in err


def test_damaged_lines_are_said_and_the_rest_is_reported(run_dir, capsys):
    with (run_dir / "results.jsonl").open("a") as file:
        file.write('{"task_id": "Human')
    status, out, err = call(capsys, "report", run_dir)
    assert status == 0
    assert "warning: 1 damaged line(s)" in err
    assert "raw-coder" in out


def test_without_a_command_the_usage_lists_them(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_a_closed_pipe_is_no_traceback(run_dir):
    command = f"{sys.executable} -m pytest_dualcode show {run_dir} HumanEval/0 | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=300)
    assert done.stdout.startswith("HumanEval/0")
    assert done.stderr == ""


def test_report_can_price_a_run(run_dir, capsys):
    status, out, _ = call(capsys, "report", run_dir, "--price-per-hour", "3600")
    assert status == 0
    assert "cost at 3600 an hour for all servers" in out
    assert "the run" in out
    status, _, err = call(capsys, "report", run_dir, "--price-per-hour", "-1")
    assert status == 2
    assert "Give what the servers cost an hour." in err


def test_report_can_compare_with_a_baseline(tmp_path, capsys):
    before = write_run(tmp_path / "before", [make_record(n, plus="fail") for n in range(3)])
    after = write_run(tmp_path / "after", [make_record(n) for n in range(3)])
    status, out, _ = call(capsys, "report", after, "--baseline", before)
    assert status == 0
    assert "with the baseline run:" in out
    assert "raw-coder against the baseline's raw-coder on humaneval" in out
