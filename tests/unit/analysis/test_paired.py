"""Paired comparison: counts, exact test, and the words for a reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_records import make_record

from pytest_dualcode.analysis.paired import (
    compare,
    fewest_flips,
    first_samples,
    in_words,
    judged_pairs,
    mcnemar,
    natural_key,
    needed_gain,
    p_text,
    p_value_range,
    passes,
)


def runs(lost: int, gained: int, both: int, neither: int):
    """Two sets of records with the given numbers of problems of each kind."""
    kinds = [("pass", "fail")] * lost + [("fail", "pass")] * gained
    kinds += [("pass", "pass")] * both + [("fail", "fail")] * neither
    before = [make_record(n, plus=one) for n, (one, _) in enumerate(kinds)]
    after = [make_record(n, plus=two, pipeline="plan-code") for n, (_, two) in enumerate(kinds)]
    return before, after


@pytest.mark.parametrize(
    ("regressions", "improvements", "p"),
    [
        (7, 1, 0.0703),  # Fagerland et al. 2014, exact conditional test: 0.070
        (15, 14, 1.0),
        (0, 6, 0.03125),
        (0, 5, 0.0625),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_is_exact(regressions, improvements, p):
    assert mcnemar(regressions, improvements) == pytest.approx(p, abs=5e-5)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_does_not_care_which_side_is_which(regressions, improvements):
    p = mcnemar(regressions, improvements)
    assert 0 <= p <= 1 + 1e-12
    assert p == pytest.approx(mcnemar(improvements, regressions))


@given(st.integers(0, 60))
def test_the_needed_gain_is_the_smallest_that_can_be_told_from_noise(flips):
    gain = needed_gain(flips)
    if gain is None:
        assert mcnemar(0, flips) >= 0.05
        return
    losses = (flips - gain) // 2
    assert mcnemar(losses, flips - losses) < 0.05
    assert gain < 2 or mcnemar(losses + 1, flips - losses - 1) >= 0.05


def test_six_flips_one_way_are_the_fewest():
    assert fewest_flips() == 6
    assert needed_gain(5) is None
    assert needed_gain(6) == 6


def test_a_comparison_lists_what_flipped_in_natural_order():
    before = [make_record(n, plus="pass") for n in (10, 2)] + [make_record(3, plus="fail")]
    after = [make_record(n, plus="fail", pipeline="x") for n in (10, 2)]
    after += [make_record(3, plus="pass", pipeline="x")]
    found = compare(before, after)
    assert found.regressions == ("HumanEval/2", "HumanEval/10")
    assert found.improvements == ("HumanEval/3",)
    assert (found.baseline, found.candidate, found.dataset) == ("raw-coder", "x", "humaneval")
    assert (found.problems, found.flips, found.gain) == (3, 3, -1)
    assert found.points == pytest.approx(-100 / 3)


@given(*[st.integers(0, 12)] * 4)
def test_the_counts_add_up(lost, gained, both, neither):
    if lost + gained + both + neither == 0:
        return
    found = compare(*runs(lost, gained, both, neither))
    assert len(found.regressions) == lost
    assert len(found.improvements) == gained
    assert (found.both, found.neither) == (both, neither)
    assert found.interval.low - 1e-9 <= found.points / 100 <= found.interval.high + 1e-9


def test_errors_and_problems_of_one_side_are_not_compared_and_this_is_said():
    before = [make_record(1), make_record(2, base=None), make_record(3)]
    after = [make_record(n, pipeline="x") for n in (1, 2, 4)]
    found = compare(before, after)
    assert (found.problems, found.errors, found.unmatched) == (1, 1, 2)
    assert (
        "Problems not compared: 1 left out for an error in one of the two, "
        "2 that only one of the two ran."
    ) in in_words(found)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_several_samples_the_first_counts(order):
    before = [make_record(1, plus="fail" if n else "pass", sample=n) for n in order]
    after = [make_record(1, plus="pass", pipeline="x")]
    assert compare(before, after).both == 1


def test_judged_pairs_leave_errors_and_strangers_out():
    before = first_samples([make_record(1), make_record(2, base=None), make_record(3)])
    after = first_samples([make_record(1, plus="fail"), make_record(2), make_record(4)])
    assert judged_pairs(before, after) == {"HumanEval/1": (True, False)}


def test_base_tests_can_be_compared_alone():
    before, after = [make_record(1, "fail", "fail")], [make_record(1, "pass", "fail")]
    assert len(compare(before, after, "base").improvements) == 1
    assert compare(before, after, "plus").flips == 0


def test_nothing_to_compare_is_refused():
    with pytest.raises(ValueError, match="nothing to compare"):
        compare([], [make_record()])


def test_plus_needs_base_too_and_an_error_is_neither():
    assert passes(make_record(base="fail", plus="pass"), "plus") is False
    assert passes(make_record(base="pass", plus="fail"), "base") is True
    assert passes(make_record(base="pass", plus="timeout"), "plus") is False
    assert passes(make_record(base=None), "plus") is None


def test_noise_is_called_noise_and_what_would_be_needed_is_said():
    words = in_words(compare(*runs(15, 11, 113, 25)))
    assert words == (
        "plan-code against raw-coder on humaneval (plus tests): -4 of 164 problems "
        "(-2.4 points, 95 % interval -8.7 to +3.8), 11 improved, 15 regressed, p = 0.56: "
        "cannot be told from noise; with 26 flips a net difference of 12 would be needed."
    )


def test_a_real_difference_is_called_one():
    words = in_words(compare(*runs(2, 18, 126, 18)))
    assert "+16 of 164 problems" in words
    assert "p < 0.001: better than chance explains (5 % level)." in words
    assert "worse than chance explains" in in_words(compare(*runs(18, 2, 126, 18)))


def test_few_or_no_flips_are_said_plainly():
    assert "at least 6 flips, all one way, would be needed" in in_words(compare(*runs(0, 3, 5, 5)))
    assert "no problem flipped, so nothing tells the two apart" in in_words(
        compare(*runs(0, 0, 5, 5))
    )


@pytest.mark.parametrize(("p", "text"), [(0.5601, "0.56"), (0.0312, "0.031"), (1e-5, "<0.001")])
def test_p_values_read_well(p, text):
    assert p_text(p) == text


def test_counts_alone_bound_the_p_value():
    low, high = p_value_range(164, 128, 124)
    assert low == pytest.approx(mcnemar(4, 0))
    assert high > 0.7
    assert p_value_range(164, 128, 128)[1] == 1.0
    with pytest.raises(ValueError, match="are not counts"):
        p_value_range(10, 11, 3)


def test_task_ids_sort_by_number():
    names = ["Mbpp/11", "HumanEval/10", "HumanEval/9", "own/b", "own/a"]
    assert sorted(names, key=natural_key) == [
        "HumanEval/9",
        "HumanEval/10",
        "Mbpp/11",
        "own/a",
        "own/b",
    ]
