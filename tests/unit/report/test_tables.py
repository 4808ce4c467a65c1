"""Figures in the forms of all reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.report.tables import clip, compact, counted, duration


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9_999, "9,999"), (10_000, "10k"), (999_499, "999k"), (1_234_567, "1.23M")],
)
def test_counts_are_compact(number, text):
    assert compact(number) == text


@given(st.integers(0, 99_000_000))
def test_counts_fit_six_characters(number):
    assert len(compact(number)) <= 6


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (59, "59 s"), (599, "599 s"), (750, "12.5 min"), (11_000, "3.1 h")],
)
def test_durations_have_the_unit_that_fits(seconds, text):
    assert duration(seconds) == text


def test_counted_words_and_clipping():
    assert counted(1, "reply", "replies") == "1 reply"
    assert counted(1200, "reply", "replies") == "1,200 replies"
    assert clip("abcdef", 4) == "abc…"
    assert clip("abc", 3) == "abc"
