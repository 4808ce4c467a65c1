"""What a pipeline gains, against how rich the spec is: the paper's figure 3, problem by problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_dualcode.analysis.intervals import Interval, paired_difference

EDGES = (0.25, 0.5, 0.75)
"""Bins of the score, whose least is 0 and largest 1; specs up to 0.5 are lean."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Problems whose score lies above `low` and up to `high`, and what became of them."""

    low: float
    high: float
    both: int = 0
    regressions: int = 0
    improvements: int = 0
    neither: int = 0

    @property
    def problems(self) -> int:
        """How many problems the bin holds."""
        return self.both + self.regressions + self.improvements + self.neither

    @property
    def points(self) -> float:
        """Gain in percentage points; 0 for an empty bin."""
        gain = self.improvements - self.regressions
        return 100 * gain / self.problems if self.problems else 0.0

    @property
    def interval(self) -> Interval:
        """95 % interval of the gain, as shares."""
        return paired_difference(self.both, self.regressions, self.improvements, self.neither)


@dataclass(frozen=True, slots=True)
class Trend:
    """Spearman's rank correlation of score and change (+1, 0, -1), and its p; over `problems`.

    ``rho`` is None where it is not defined: fewer than three problems, or nothing varies.
    """

    rho: float | None
    p_value: float | None
    problems: int


def gain_by_richness(
    changes: Mapping[str, tuple[bool, bool]], scores: Mapping[str, float]
) -> tuple[Bin, ...]:
    """Sort the problems that have a score into the bins of `EDGES`."""
    bounds = list(zip((0.0, *EDGES), (*EDGES, 1.0), strict=True))
    return tuple(
        _bin(
            low,
            high,
            [pair for task, pair in changes.items() if _inside(scores.get(task), low, high)],
        )
        for low, high in bounds
    )


def trend(changes: Mapping[str, tuple[bool, bool]], scores: Mapping[str, float]) -> Trend:
    """Whether richer specs gain more. No cause: rich specs differ in other ways too."""
    tasks = sorted(task for task in changes if task in scores)
    xs = [scores[task] for task in tasks]
    ys = [int(changes[task][1]) - int(changes[task][0]) for task in tasks]
    if len(tasks) < 3 or len(set(xs)) < 2 or len(set(ys)) < 2:
        return Trend(None, None, len(tasks))
    from scipy.stats import spearmanr

    found = spearmanr(xs, ys)
    return Trend(float(found.statistic), float(found.pvalue), len(tasks))


def trend_in_words(found: Trend, title: str) -> str:
    """One sentence about what `title` names; without a defined correlation it says why."""
    if found.rho is None or found.p_value is None:
        return f"{title}: no trend with richness can be computed ({found.problems} problems)."
    verdict = "a trend" if found.p_value < 0.05 else "no trend that can be told from noise"
    return (
        f"{title}: {verdict} of the gain with the spec's richness (Spearman {found.rho:+.2f}, "
        f"p = {found.p_value:.2g}, {found.problems} problems)."
    )


def _inside(score: float | None, low: float, high: float) -> bool:
    return score is not None and (low < score <= high or score == low == 0.0)


def _bin(low: float, high: float, pairs: Sequence[tuple[bool, bool]]) -> Bin:
    return Bin(
        low,
        high,
        both=pairs.count((True, True)),
        regressions=pairs.count((True, False)),
        improvements=pairs.count((False, True)),
        neither=pairs.count((False, False)),
    )
