"""The reviewer as a detector: every review is sorted by what it said of which draft."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_records import make_record

from pytest_dualcode.analysis.detector import (
    Detection,
    Effect,
    choices,
    detection,
    effects,
    known_verdicts,
    share,
)
from pytest_dualcode.types import Stage, StageVerdict

RIGHT, WRONG = ("pass", "pass"), ("pass", "fail")


def reviewed(task, outcome, draft, fixed=None, final=RIGHT):
    """A review-fix record whose draft and fix have the given (base, plus) verdicts."""
    stages = [Stage("draft", "ok", program=f"draft {task}"), Stage("review", outcome)]
    verdicts = [StageVerdict(0, *draft)]
    if fixed is not None:
        stages.append(Stage("fix", "ok", program=f"fix {task}"))
        verdicts.append(StageVerdict(2, *fixed))
    return make_record(
        task,
        *(fixed or draft or final),
        pipeline="review-fix",
        stages=tuple(stages),
        stage_verdicts=tuple(verdicts),
        solution=f"fix {task}" if fixed else f"draft {task}",
    )


def test_each_review_is_a_hit_a_miss_a_false_alarm_or_an_all_clear():
    records = [
        reviewed(1, "bugs", WRONG, RIGHT),
        reviewed(2, "correct", WRONG),
        reviewed(3, "bugs", RIGHT, WRONG),
        reviewed(4, "correct", RIGHT),
        reviewed(5, "review_unparsed", WRONG),
        reviewed(6, "review_unparsed", RIGHT),
    ]
    found = detection(records, known_verdicts(records))
    assert found == Detection(1, 1, 1, 1, 1, 1, 0)
    assert found.reviews == 6
    assert found.sensitivity == (1, 3)
    assert found.false_alarm_rate == (1, 3)
    assert found.precision == (1, 2)


def test_fixes_mend_break_or_keep():
    records = [
        reviewed(1, "bugs", WRONG, RIGHT),
        reviewed(2, "bugs", RIGHT, WRONG),
        reviewed(3, "bugs", RIGHT, RIGHT),
        reviewed(4, "bugs", WRONG, WRONG),
        reviewed(5, "correct", WRONG),
    ]
    assert effects(records, known_verdicts(records)) == {"fix": Effect(1, 1, 1, 1, 0)}


def test_a_draft_shared_with_raw_coder_needs_no_verdict_of_its_own():
    raw = make_record(1, "pass", "fail", solution="draft\n")
    stages = (Stage("draft", "ok", program="draft"), Stage("review", "correct"))
    record = make_record(1, None, pipeline="review-fix", stages=stages)
    assert detection([record], known_verdicts([raw, record])).misses == 1


def test_a_draft_without_a_verdict_is_counted_as_unjudged():
    stages = (Stage("draft", "ok", program="draft"), Stage("review", "bugs"))
    record = make_record(1, stages=stages)
    assert detection([record], known_verdicts([record])).unjudged == 1


def test_the_same_program_on_another_problem_says_nothing():
    raw = make_record(2, solution="draft")
    stages = (Stage("draft", "ok", program="draft"), Stage("review", "bugs"))
    record = make_record(1, stages=stages)
    assert detection([record], known_verdicts([raw, record])).unjudged == 1


def test_retry_rounds_are_told_apart():
    stages = (
        Stage("draft", "ok", program="a"),
        Stage("examples-1", "examples_failed"),
        Stage("retry-1", "ok", program="b"),
        Stage("retry-2", "ok", program="c"),
    )
    verdicts = (StageVerdict(0, *WRONG), StageVerdict(2, *WRONG), StageVerdict(3, *RIGHT))
    record = make_record(1, stages=stages, stage_verdicts=verdicts, solution="c")
    assert effects([record], known_verdicts([record])) == {
        "retry-1": Effect(kept_wrong=1),
        "retry-2": Effect(mended=1),
    }


@pytest.mark.parametrize(("final", "expected"), [(RIGHT, (1, 1)), (WRONG, (0, 1))])
def test_a_choice_is_right_if_it_takes_the_program_that_passes(final, expected):
    stages = (
        Stage("draft", "ok", program="a"),
        Stage("draft-planner", "ok", program="b"),
        Stage("choice", "chosen"),
    )
    verdicts = (StageVerdict(0, *WRONG), StageVerdict(1, *RIGHT))
    solution = "b" if final == RIGHT else "a"
    record = make_record(1, *final, stages=stages, stage_verdicts=verdicts, solution=solution)
    assert choices([record], known_verdicts([record])) == expected


def test_a_choice_of_an_item_that_ended_with_an_error_is_not_counted():
    stages = (
        Stage("draft", "ok", program="a"),
        Stage("draft-planner", "ok", program="b"),
        Stage("choice", "chosen"),
    )
    drafts = [
        make_record(1, *WRONG, solution="a"),
        make_record(1, *RIGHT, solution="b", pipeline="raw-planner"),
    ]
    error = make_record(1, None, None, outcome="error", stages=stages, pipeline="adversarial")
    assert choices([error], known_verdicts([*drafts, error])) == (0, 0)


def test_a_choice_between_equals_is_no_choice():
    stages = (
        Stage("draft", "ok", program="a"),
        Stage("draft-planner", "ok", program="a"),
        Stage("choice", "chosen"),
    )
    record = make_record(1, stages=stages, stage_verdicts=(StageVerdict(0, *RIGHT),), solution="a")
    assert choices([record], known_verdicts([record])) == (0, 0)


@pytest.mark.parametrize(
    ("counts", "p"),
    [
        ((3, 1, 1, 3), 0.4857),  # Fisher's lady tasting tea
        ((8, 2, 1, 5), 0.0350),  # SciPy's own example
        ((5, 0, 0, 0), 1.0),
        ((0, 0, 0, 0), 1.0),
    ],
)
def test_fishers_test_tells_a_reviewer_from_one_that_guesses(counts, p):
    hits, misses, false_alarms, all_clears = counts
    assert Detection(hits, misses, false_alarms, all_clears).p_value == pytest.approx(p, abs=5e-4)


outcomes = st.sampled_from(["correct", "bugs", "review_unparsed"])
drafts = st.sampled_from([RIGHT, WRONG, ("fail", "fail")])


@given(st.lists(st.tuples(outcomes, drafts), max_size=20))
def test_no_review_is_lost(cases):
    records = [reviewed(n, outcome, draft) for n, (outcome, draft) in enumerate(cases)]
    found = detection(records, known_verdicts(records))
    assert found.reviews == len(cases)
    assert found.sensitivity[1] + found.false_alarm_rate[1] == len(cases)


def test_a_share_of_nothing_is_none():
    value, interval = share((0, 0))
    assert value is None
    assert (interval.low, interval.high) == (0, 1)
    assert share((1, 2))[0] == 0.5
