"""Comparisons as text."""

from __future__ import annotations

from sample_records import make_record

from pytest_dualcode.analysis.summary import compare_runs
from pytest_dualcode.report.compare import comparison_lines


def test_flipped_problems_are_listed_and_wrapped():
    before = [make_record(n, plus="fail") for n in range(20)] + [make_record(50)]
    after = [make_record(n) for n in range(20)] + [make_record(50, plus="fail")]
    lines = comparison_lines(compare_runs(before, after))
    assert (
        lines[0]
        == "raw-coder against the baseline's raw-coder on humaneval (plus tests): +19 of 21"
    )
    assert "  regressed: HumanEval/50" in lines
    improved = [line for line in lines if line.startswith("    HumanEval/")]
    assert improved
    assert max(map(len, lines)) <= 80


def test_runs_without_a_common_dataset_have_nothing_to_compare():
    assert comparison_lines([]) == ["Nothing to compare: the runs share no dataset."]
