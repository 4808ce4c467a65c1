"""Wrong options: one message that names the valid values, exit status 4, nothing run."""

from __future__ import annotations

from pathlib import Path

import pytest
from sums import write_samples, write_sums


@pytest.fixture
def sums(pytester: pytest.Pytester) -> Path:
    return write_sums(pytester.path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pipeline=reveiw-fix"], ["*no pipeline 'reveiw-fix'*", "*raw-coder*review-fix*"]),
        (["--pipeline=raw-coder", "--dataset=humanevil"], ["*humanevil*", "*humaneval*mbpp*own*"]),
        (["--pipeline=raw-coder", "--profile=huge"], ["*huge*", "*paper*small*tiny*"]),
        (["--pipeline=canonical", "--limit=0"], ["*--limit=0 is too small*"]),
        (["--pipeline=canonical", "--limit=x"], ["*--limit=x is not a number*"]),
        (["--pipeline=canonical", "--min-pass-at-1=85"], ["*not between 0 and 1*", "*0.85*"]),
        (["--pipeline=canonical", "--max-regressions=1"], ["*--baseline=DIR*"]),
        (["--samples=none.jsonl"], ["*none.jsonl*cannot be read*"]),
        (["--pipeline=samples"], ["*--samples=FILE*"]),
        (["--pipeline=canonical", "--judge=strict"], ["*strict*", "*dualcode*evalplus*"]),
        (["--pipeline=canonical", "--baseline=nowhere"], ["*no run directory*nowhere*"]),
        (["--pipeline=canonical", "--resume=nowhere"], ["*no run directory*nowhere*"]),
        (["--pipeline=,"], ["*--pipeline is empty*"]),
        (["--min-pass-at-1=0.5"], ["*--min-pass-at-1 needs a pipeline*"]),
        (["--pipeline=canonical", "--temperature=nan"], ["*nan is no temperature*"]),
        (["--pipeline=canonical", "--item-timeout=0"], ["*--item-timeout=0 is no time*"]),
        (["--pipeline=canonical", "--replay=a", "--rejudge=b"], ["*no run directory*"]),
        (["--pipeline=raw-coder", "--samples-per-problem=2"], ["*needs a temperature*"]),
    ],
)
def test_wrong_options(
    pytester: pytest.Pytester, sums: Path, options: list[str], message: list[str]
) -> None:
    if not any(option.startswith("--dataset") for option in options):
        options = [*options, f"--dataset={sums}"]
    result = pytester.runpytest_subprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(message)
    assert "Traceback" not in result.stderr.str()


def test_bad_sample_lines_are_named_and_the_good_ones_judged(
    pytester: pytest.Pytester, sums: Path
) -> None:
    file = write_samples(pytester.path / "s.jsonl", {"Sum/1": "def add_1(x): return x + 1"})
    with file.open("a") as out:
        out.write('{"task_id": "Sum/99", "solution": ""}\nnot json\n[1]\n{"task_id": "Sum/2"}\n')
    result = pytester.runpytest_subprocess(f"--samples={file}", f"--dataset={sums}")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*line 2*no problem 'Sum/99'*",
            "*line 3*not JSON*",
            "*line 4*not a JSON object*",
            "*line 5*needs task_id and solution or completion*",
        ]
    )


def test_a_samples_file_without_a_good_line_is_refused(
    pytester: pytest.Pytester, sums: Path
) -> None:
    file = write_samples(pytester.path / "s.jsonl", {"Other/1": "x = 1"})
    result = pytester.runpytest_subprocess(f"--samples={file}", f"--dataset={sums}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*holds no sample*", "*line 1*no problem 'Other/1'*"])


def test_help_and_ordinary_tests_start_nothing(pytester: pytest.Pytester, sums: Path) -> None:
    """A pipeline in the ini file must not make every session start servers."""
    pytester.makeini(f"[pytest]\ndualcode_pipeline = raw-coder\ndualcode_dataset = {sums}\n")
    pytester.makepyfile(test_mine="def test_mine(): pass")
    assert pytester.runpytest_subprocess("--help").ret == 0
    pytester.runpytest_subprocess("test_mine.py").assert_outcomes(passed=1)


def test_settings_come_from_ini_and_environment(
    pytester: pytest.Pytester, sums: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini(f"[pytest]\ndualcode_pipeline = canonical\ndualcode_dataset = {sums}\n")
    pytester.runpytest_subprocess("-q", "--collect-only").stdout.fnmatch_lines(
        ["*canonical-Sum/0-add_0*"]
    )
    monkeypatch.setenv("DUALCODE_CODER_URL", "nonsense")
    result = pytester.runpytest_subprocess("--pipeline=raw-coder")
    result.stderr.fnmatch_lines(["*--coder-url='nonsense'*"])
