"""Flips: problems whose repeated verdicts disagree."""

from __future__ import annotations

from dataclasses import replace

from sample_records import make_record

from pytest_dualcode.analysis.flips import count_flips


def test_a_problem_with_both_outcomes_flips() -> None:
    steady = [replace(make_record(0, "pass", "pass"), sample=n) for n in range(3)]
    flipping = [
        replace(make_record(1, "pass", status), sample=n)
        for n, status in enumerate(("pass", "fail", "pass"))
    ]
    (found,) = count_flips([*steady, *flipping])
    assert found.flipped == ("HumanEval/1",)
    assert (found.problems, found.repeats) == (2, 3)
    assert "1 of 2 verdicts flip in 3 greedy runs: HumanEval/1" in found.in_words()


def test_errors_and_single_runs_cannot_flip() -> None:
    once = make_record(0, "pass", "pass")
    broken = replace(once, sample=1, outcome="error", base_status=None, plus_status=None)
    assert count_flips([once, broken]) == ()
