"""The numbers of a run: counts, labels, and no bare pass@1 while there are errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_records import make_record

from pytest_dualcode.analysis.intervals import wilson
from pytest_dualcode.analysis.summary import (
    DatasetCount,
    Rate,
    compare_runs,
    compare_within,
    grouped,
    rate,
    summarise,
)
from pytest_dualcode.types import Stage


def row_of(*records, **settings):
    (row,) = summarise(records, **settings).rows
    return row


def test_a_row_says_how_many_of_how_many_problems_ran():
    records = [make_record(n) for n in range(8)]
    row = row_of(*records, selection={"humaneval": DatasetCount(10, 164)})
    assert row.ran_of == "8 of 164"
    assert row.unfinished == 2
    assert row_of(*records).ran_of == "8 of 8"


def test_base_and_plus_are_counted_apart_and_plus_needs_both():
    row = row_of(
        make_record(1), make_record(2, "pass", "fail"), make_record(3, "fail", "pass"),
        make_record(4, "timeout", "timeout"),
    )  # fmt: skip
    assert (row.base_passes, row.plus_passes, row.timeouts) == (2, 1, 1)
    assert str(row.base) == "50.0 %"
    assert str(row.plus) == "25.0 %"


def test_with_errors_pass_at_1_is_a_range():
    records = [make_record(n) for n in range(82)]
    records += [make_record(n, plus="fail") for n in range(82, 161)]
    records += [make_record(n, base=None) for n in range(161, 164)]
    row = row_of(*records)
    assert str(row.plus) == "50.0 to 51.8 %, 3 errors"
    assert not row.plus.exact
    assert row.interval("plus") is None
    assert row.pass_at_k == {}


def test_the_widest_interval_takes_errors_along():
    records = [make_record(n) for n in range(5)] + [make_record(n, plus="fail") for n in (5, 6, 7)]
    alone = row_of(*records)
    assert alone.widest_interval("plus") == alone.interval("plus")
    row = row_of(*records, make_record(8, base=None), make_record(9, base=None))
    assert row.widest_interval("plus").low == pytest.approx(wilson(5, 10).low)
    assert row.widest_interval("plus").high == pytest.approx(wilson(7, 10).high)
    sampled = row_of(make_record(1), make_record(1, plus="fail", sample=1))
    assert sampled.widest_interval("plus").low == 0.5


def test_one_error_is_one_error():
    assert str(Rate(0.5, 0.6, 1)) == "50.0 to 60.0 %, 1 error"


@given(st.lists(st.sampled_from(["pass", "fail", "timeout", None]), min_size=1, max_size=30))
def test_the_range_of_a_rate_is_all_errors_wrong_to_all_errors_right(statuses):
    records = [make_record(n, status, status) for n, status in enumerate(statuses)]
    found = rate(records, "plus")
    assert found.low == pytest.approx(statuses.count("pass") / len(statuses))
    assert found.high - found.low == pytest.approx(statuses.count(None) / len(statuses))
    assert found.exact == (None not in statuses)


def test_samples_of_a_problem_share_its_weight():
    records = [make_record(1, sample=n) for n in range(3)]
    records += [make_record(1, plus="fail", sample=3)]
    records += [make_record(2, plus="fail", sample=n) for n in range(10)]
    row = row_of(*records)
    assert row.plus.low == pytest.approx((3 / 4 + 0) / 2)
    assert row.ran == 2
    assert row.interval("plus") is None
    assert row.pass_at_k == {1: pytest.approx(3 / 8)}


def test_pass_at_10_needs_10_samples_of_every_problem():
    records = [make_record(1, plus="pass" if n == 0 else "fail", sample=n) for n in range(20)]
    assert row_of(*records).pass_at_k == {1: pytest.approx(0.05), 10: pytest.approx(0.5)}


def test_costs_sum_over_items_and_shared_calls_are_counted_once_for_the_run():
    one = make_record(
        1, call_ids=("a",), llm_calls=1, prompt_tokens=10, completion_tokens=5, llm_seconds=2.0
    )
    two = make_record(
        1, pipeline="review-fix", call_ids=("a", "b"), llm_calls=2, prompt_tokens=30,
        completion_tokens=9, llm_seconds=3.0, finish_reasons=("length", "stop"),
    )  # fmt: skip
    summary = summarise([one, two])
    assert summary.distinct_calls == 2
    assert [row.llm_calls for row in summary.rows] == [1, 2]
    row = summary.rows[1]
    assert (row.prompt_tokens, row.completion_tokens, row.llm_seconds) == (30, 9, 3.0)
    assert (row.truncated_calls, row.truncated_items) == (1, 1)


def test_reviews_without_a_verdict_are_counted_among_reviews():
    outcomes = ("correct", "bugs", "review_unparsed")
    records = [
        make_record(n, stages=(Stage("draft", "ok"), Stage("review", outcome)))
        for n, outcome in enumerate(outcomes)
    ]
    row = row_of(*records)
    assert (row.reviews, row.reviews_unparsed) == (3, 1)


def test_choices_without_an_answer_are_counted():
    stages = (Stage("draft", "ok"), Stage("choice", "choice_unparsed"))
    assert row_of(make_record(stages=stages)).choices_unparsed == 1


def test_rows_come_in_the_papers_order_with_retry_after_its_pipeline():
    names = ["zeta", "review-fix+retry", "review-fix", "raw-coder", "plan-code", "raw-coder+retry"]
    rows = summarise([make_record(pipeline=name) for name in names]).rows
    assert [row.pipeline for row in rows] == [
        "raw-coder", "raw-coder+retry", "plan-code", "review-fix", "review-fix+retry", "zeta"
    ]  # fmt: skip


def test_the_order_of_the_command_line_wins():
    records = [make_record(pipeline=name) for name in ("raw-coder", "b", "a")]
    assert [key[0] for key in grouped(records, ["b", "a"])] == ["b", "a", "raw-coder"]


def test_isolation_levels_are_listed():
    records = [make_record(1), make_record(2, isolation="L1"), make_record(3, isolation="")]
    assert summarise(records).isolation == ("L1", "L3")


def test_within_a_run_raw_coder_is_the_one_to_beat():
    names = ["plan-code", "raw-coder", "review-fix"]
    records = [make_record(1, pipeline=name) for name in names]
    found = compare_within([*records, make_record(1, pipeline="plan-code", dataset="mbpp")])
    assert [(c.baseline, c.candidate) for c in found] == [
        ("raw-coder", "plan-code"),
        ("raw-coder", "review-fix"),
    ]


def test_without_raw_coder_the_first_pipeline_is_the_one_to_beat():
    records = [make_record(1, pipeline=name) for name in ("review-fix", "plan-code")]
    (found,) = compare_within(records)
    assert (found.baseline, found.candidate) == ("plan-code", "review-fix")


def test_runs_are_compared_by_pipeline_else_with_the_only_one_else_with_raw_coder():
    def run(*names):
        return [make_record(1, pipeline=name) for name in names]

    def partners(before, after):
        return [(c.baseline, c.candidate) for c in compare_runs(before, after)]

    assert partners(run("raw-coder", "a"), run("a")) == [("a", "a")]
    assert partners(run("b"), run("a")) == [("b", "a")]
    assert partners(run("raw-coder", "b"), run("a")) == [("raw-coder", "a")]
    assert partners(run("b", "c"), run("a")) == []
    assert compare_runs(run("a"), [make_record(1, dataset="mbpp", pipeline="a")]) == ()


def test_no_records_no_rows():
    assert summarise([]).rows == ()
    assert rate([], "plus") == Rate(0.0, 1.0)
