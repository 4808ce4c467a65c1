"""Intervals for a share of problems, and for the difference of two shares of the same problems.

SciPy is imported when it is first needed: it takes longer than collecting all problems.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval; both ends are shares (0 to 1) or differences of shares (-1 to 1)."""

    low: float
    high: float

    def percent(self) -> str:
        """Both ends in per cent, one decimal: ``"45.3 to 60.5"``."""
        return f"{100 * self.low:.1f} to {100 * self.high:.1f}"


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval for `successes` of `trials` (Wilson 1927; SciPy's implementation).

    Without trials nothing is known: 0 to 1. Raises `ValueError` for impossible counts.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is not a count")
    if trials == 0:
        return Interval(0.0, 1.0)
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return Interval(float(found.low), float(found.high))


def paired_difference(
    both: int, only_first: int, only_second: int, neither: int, confidence: float = CONFIDENCE
) -> Interval:
    """Interval for (share of second) - (share of first) where both were tried on the same cases.

    Newcombe 1998 (Statistics in Medicine 17:2635), method 10, "square and add" of two Wilson
    intervals with the correlation of the pairs; recommended for paired shares by Fagerland,
    Lydersen and Laake 2014 (Statistics in Medicine 33:2850). Arguments are counts of cases.
    """
    trials = both + only_first + only_second + neither
    if trials == 0:
        return Interval(-1.0, 1.0)
    first, second = both + only_first, both + only_second
    p1, p2 = first / trials, second / trials
    i1, i2 = wilson(first, trials, confidence), wilson(second, trials, confidence)
    phi = _correlation(both, only_first, only_second, neither)
    difference = p2 - p1
    below = _reach(p2 - i2.low, i1.high - p1, phi)
    above = _reach(i2.high - p2, p1 - i1.low, phi)
    return Interval(difference - below, difference + above)


def _reach(a: float, b: float, phi: float) -> float:
    """Length of the difference of two deviations `a` and `b` with correlation `phi`."""
    return sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Newcombe's phi: the correlation of the pairs, shrunk a little where it is positive."""
    margins = (
        (both + only_first)
        * (only_second + neither)
        * (both + only_second)
        * (only_first + neither)
    )
    if margins == 0:
        return 0.0
    determinant = float(both * neither - only_first * only_second)
    trials = both + only_first + only_second + neither
    if determinant > 0:
        determinant = max(determinant - trials / 2, 0.0)
    return determinant / sqrt(margins)
