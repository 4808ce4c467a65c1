"""pass@k against its definition and against published values."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.analysis.passk import mean_pass_at_k, pass_at_k


@given(
    st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))
)
def test_it_is_the_share_of_draws_that_hold_a_right_sample(case):
    samples, correct, k = case
    draws = list(combinations(range(samples), k))
    holding = sum(any(sample < correct for sample in draw) for draw in draws)
    assert pass_at_k(samples, correct, k) == pytest.approx(holding / len(draws))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_with_one_draw_it_is_the_share_of_right_samples(case):
    samples, correct = case
    assert pass_at_k(samples, correct, 1) == pytest.approx(correct / samples)


def test_200_samples_do_not_overflow():
    assert 0.40 < pass_at_k(200, 1, 100) < 0.51
    assert pass_at_k(200, 1, 100) == pytest.approx(0.5)


def test_the_mean_is_over_problems_and_needs_enough_samples_of_each():
    assert mean_pass_at_k([(2, 1), (2, 2)], 1) == pytest.approx(0.75)
    assert mean_pass_at_k([(2, 1), (1, 1)], 2) is None
    assert mean_pass_at_k([], 1) is None


@pytest.mark.parametrize(("samples", "correct", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)])
def test_impossible_counts_are_refused(samples, correct, k):
    with pytest.raises(ValueError, match=r"cannot be right|needs at least"):
        pass_at_k(samples, correct, k)
