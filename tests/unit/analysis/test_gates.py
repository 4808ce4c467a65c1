"""Gates: what is not known does not pass."""

from __future__ import annotations

from sample_records import make_record

from pytest_dualcode.analysis.gates import gate
from pytest_dualcode.analysis.summary import DatasetCount, compare_runs, summarise


def run(passed: int, failed: int = 0, errors: int = 0, **fields):
    statuses = ["pass"] * passed + ["fail"] * failed + [None] * errors
    return [make_record(n, s and "pass", s, **fields) for n, s in enumerate(statuses)]


def test_without_limits_all_is_well():
    assert gate(summarise(run(1, 9))) == gate(summarise(run(9, 1)))
    assert gate(summarise(run(1, 9))).passed


def test_the_limit_is_reached_by_being_equal():
    assert gate(summarise(run(17, 3)), min_pass_at_1=0.85).passed
    result = gate(summarise(run(16, 4)), min_pass_at_1=0.85)
    assert not result.passed
    assert result.lines == (
        "gate --min-pass-at-1=0.85: raw-coder on humaneval has 80.0 %: does not hold.",
    )


def test_errors_that_could_decide_do_not_pass_and_are_named_as_the_reason():
    result = gate(summarise(run(16, 2, 2)), min_pass_at_1=0.85)
    assert not result.passed
    (line,) = result.lines
    assert "has 80.0 to 90.0 %, 2 errors: cannot be decided" in line
    assert "--resume" in line


def test_errors_that_cannot_change_the_answer_do_not_matter():
    assert gate(summarise(run(18, 0, 2)), min_pass_at_1=0.85).passed
    assert "does not hold." in gate(summarise(run(2, 17, 1)), min_pass_at_1=0.85).lines[0]


def test_an_unfinished_run_does_not_pass():
    summary = summarise(run(10), {"humaneval": DatasetCount(20, 164)})
    result = gate(summary, min_pass_at_1=0.5)
    assert not result.passed
    assert "only 10 of 20 problems ran" in result.lines[0]


def test_every_pipeline_and_dataset_must_hold():
    records = run(9, 1) + run(5, 5, pipeline="plan-code") + run(9, 1, dataset="mbpp")
    result = gate(summarise(records), min_pass_at_1=0.85)
    assert not result.passed
    assert [line.endswith(": holds.") for line in result.lines] == [True, True, False]


def test_regressions_are_summed_over_datasets():
    before = run(3) + run(3, dataset="mbpp")
    after = run(2, 1) + run(2, 1, dataset="mbpp")
    comparisons = compare_runs(before, after)
    assert gate(summarise(after), comparisons, max_regressions=2).passed
    result = gate(summarise(after), comparisons, max_regressions=1)
    assert not result.passed
    assert result.lines == (
        "gate --max-regressions=1: raw-coder against raw-coder has 2: does not hold.",
    )


def test_an_error_could_be_a_regression():
    comparisons = compare_runs(run(3), run(2, 0, 1))
    result = gate(summarise(run(2, 0, 1)), comparisons, max_regressions=0)
    assert not result.passed
    assert "has 0, and 1 problem with errors: cannot be decided" in result.lines[0]


def test_a_problem_that_did_not_run_could_be_a_regression():
    """As after --maxfail, or a run that was interrupted."""
    summary = summarise(run(2, 0, 1), {"humaneval": DatasetCount(4, 164)})
    comparisons = compare_runs(run(4), run(2, 0, 1))
    assert gate(summary, comparisons, max_regressions=2).passed
    result = gate(summary, comparisons, max_regressions=1)
    assert not result.passed
    assert "1 problem with errors and 1 problem that did not run: cannot" in result.lines[0]


def test_a_limit_with_nothing_to_apply_to_does_not_hold():
    assert not gate(summarise([]), min_pass_at_1=0.1).passed
    assert not gate(summarise(run(1)), max_regressions=5).passed


def test_a_selected_dataset_without_any_result_does_not_pass():
    """It has no row, so that no row shows what is missing."""
    selection = {"humaneval": DatasetCount(10, 164), "mbpp": DatasetCount(20, 378)}
    summary = summarise(run(10), selection)
    result = gate(summary, compare_runs(run(10), run(10)), 0.5, max_regressions=0)
    assert not result.passed
    least, absent, most = result.lines
    assert least.endswith(": holds.")
    assert "raw-coder on mbpp: only 0 of 20 problems ran: cannot be decided" in absent
    assert "has 0, and 20 problems that did not run: cannot be decided" in most
    assert gate(summary, compare_runs(run(10), run(10)), max_regressions=20).passed


def test_a_dataset_of_which_nothing_was_selected_is_not_missing():
    """As with -k."""
    summary = summarise(run(1), {"humaneval": DatasetCount(1, 164), "mbpp": DatasetCount(0, 378)})
    assert not summary.absent
    assert gate(summary, min_pass_at_1=0.5).passed


def test_items_without_a_result_do_not_pass_where_every_row_holds():
    """As samples of a problem that has one: its row is complete."""
    result = gate(summarise(run(1)), min_pass_at_1=0.5, missing=2)
    assert not result.passed
    assert result.lines[-1].startswith("gate: 2 selected items have no result: cannot be decided")
    assert len(gate(summarise(run(0, 1)), min_pass_at_1=0.5, missing=2).lines) == 1
    assert gate(summarise(run(1)), missing=2).passed
