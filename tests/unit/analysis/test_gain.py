"""Gain against the richness of specs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.analysis.gain import (
    Trend,
    gain_by_richness,
    trend,
    trend_in_words,
)

WON, LOST, SAME = (False, True), (True, False), (True, True)


def test_problems_fall_into_bins_with_lean_specs_up_to_a_half():
    changes = {"a": WON, "b": LOST, "c": SAME, "d": (False, False), "e": WON}
    scores = {"a": 0.0, "b": 0.5, "c": 0.51, "d": 1.0}
    bins = gain_by_richness(changes, scores)
    assert [part.problems for part in bins] == [1, 1, 1, 1]
    assert [part.points for part in bins] == [100, -100, 0, 0]
    assert [(part.low, part.high) for part in bins] == [
        (0, 0.25),
        (0.25, 0.5),
        (0.5, 0.75),
        (0.75, 1),
    ]


@given(
    st.dictionaries(st.text(max_size=3), st.tuples(st.floats(0, 1), st.booleans(), st.booleans()))
)
def test_every_problem_with_a_score_is_in_one_bin(cases):
    changes = {task: (before, after) for task, (_, before, after) in cases.items()}
    scores = {task: score for task, (score, _, _) in cases.items()}
    assert sum(part.problems for part in gain_by_richness(changes, scores)) == len(cases)


def test_an_empty_bin_gains_nothing():
    assert gain_by_richness({}, {})[0].points == 0


def test_the_trend_is_spearmans():
    # Ranks 1..4 of the score, changes -1, 0, 0, +1 with ranks 1, 2.5, 2.5, 4.
    changes = {"a": LOST, "b": SAME, "c": SAME, "d": WON}
    found = trend(changes, {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4})
    assert found.rho == pytest.approx(0.9487, abs=1e-4)
    assert found.problems == 4


@pytest.mark.parametrize(
    ("changes", "scores"),
    [
        ({"a": WON, "b": LOST}, {"a": 0.1, "b": 0.2}),
        ({"a": SAME, "b": SAME, "c": SAME}, {"a": 0.1, "b": 0.2, "c": 0.3}),
        ({"a": WON, "b": SAME, "c": LOST}, {"a": 0.1, "b": 0.1, "c": 0.1}),
    ],
)
def test_without_variation_there_is_no_trend(changes, scores):
    found = trend(changes, scores)
    assert found.rho is None
    assert "no trend with richness can be computed" in trend_in_words(found, "x")


def test_a_trend_is_told_from_noise():
    assert "x: a trend of the gain" in trend_in_words(Trend(0.4, 0.001, 164), "x")
    assert "no trend that can be told from noise" in trend_in_words(Trend(0.1, 0.3, 164), "x")
