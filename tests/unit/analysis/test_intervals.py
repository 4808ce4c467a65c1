"""Intervals against the examples of the papers that they come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.analysis.intervals import Interval, paired_difference, wilson

counts = st.integers(0, 200)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3 (score interval).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_newcombes_published_intervals(successes, trials, low, high):
    found = wilson(successes, trials)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Fagerland, Lydersen and Laake 2014, Statistics in Medicine 33:2850: airway
        # hyper-responsiveness before and after transplantation (Bentur 2009).
        ((1, 7, 1, 12), -0.507, -0.026),
        # Newcombe 1998, Statistics in Medicine 17:2635, method 10.
        ((36, 2, 12, 0), 0.057, 0.340),
        ((36, 0, 14, 0), 0.153, 0.417),
        ((0, 30, 0, 0), -1.0, -0.839),
    ],
)
def test_the_paired_interval_gives_published_intervals(cells, low, high):
    found = paired_difference(*cells)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-4), pytest.approx(high, abs=6e-4))


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_between_0_and_1(case):
    found = wilson(*case)
    assert -1e-12 <= found.low <= case[0] / case[1] + 1e-12
    assert case[0] / case[1] - 1e-12 <= found.high <= 1 + 1e-12


@given(counts, counts, counts, counts)
def test_the_paired_interval_holds_the_difference_and_turns_with_the_sides(both, one, two, none):
    if both + one + two + none == 0:
        return
    found = paired_difference(both, one, two, none)
    turned = paired_difference(both, two, one, none)
    difference = (two - one) / (both + one + two + none)
    assert -1 - 1e-9 <= found.low <= difference + 1e-9
    assert difference - 1e-9 <= found.high <= 1 + 1e-9
    assert (turned.low, turned.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


def test_pairing_makes_the_interval_narrower_than_no_pairing():
    paired = paired_difference(both=120, only_first=4, only_second=8, neither=32)
    unpaired = paired_difference(both=96, only_first=28, only_second=32, neither=8)
    assert paired.high - paired.low < 0.6 * (unpaired.high - unpaired.low)


def test_without_cases_nothing_is_known():
    assert wilson(0, 0) == Interval(0, 1)
    assert paired_difference(0, 0, 0, 0) == Interval(-1, 1)


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="5 of 4 is not a count"):
        wilson(5, 4)


def test_an_interval_reads_in_per_cent():
    assert Interval(0.4527, 0.605).percent() == "45.3 to 60.5"
