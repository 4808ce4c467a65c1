"""Gain with the rich and the lean spec of the same problem."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.analysis.twins import TwinGain, twin_gain, twins_in_words

MENDED, BROKEN, SAME = (False, True), (True, False), (True, True)


def test_only_pairs_with_both_changes_count():
    changes = {"r1": MENDED, "l1": SAME, "r2": BROKEN, "l2": BROKEN, "r3": MENDED}
    twins = [("r1", "l1"), ("r2", "l2"), ("r3", "l3")]
    assert twin_gain(changes, twins) == TwinGain(2, 0, -1, 1, 0)


def test_six_pairs_all_one_way_can_be_told_from_noise():
    changes = {f"r{n}": MENDED for n in range(6)} | {f"l{n}": SAME for n in range(6)}
    found = twin_gain(changes, [(f"r{n}", f"l{n}") for n in range(6)])
    assert found.p_value == 2 / 2**6
    assert twins_in_words(found, "review-fix against raw-coder on") == (
        "review-fix against raw-coder on 6 problems that have a rich and a lean spec: +6 problems "
        "with the rich specs, +0 with the lean ones; 6 gained more with the rich spec, 0 with the "
        "lean one (sign test, p = 0.031): the specs matter."
    )


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans())))
def test_exchanging_rich_and_lean_exchanges_the_counts(cases):
    changes = {f"r{n}": case[:2] for n, case in enumerate(cases)}
    changes |= {f"l{n}": case[2:] for n, case in enumerate(cases)}
    twins = [(f"r{n}", f"l{n}") for n in range(len(cases))]
    one, other = twin_gain(changes, twins), twin_gain(changes, [(b, a) for a, b in twins])
    assert (one.gain_rich, one.more_rich) == (other.gain_lean, other.more_lean)
    assert one.p_value == other.p_value
