"""Whether one pipeline is really better than another on the same problems.

Both pipelines tried the same problems, so only the problems that flipped carry information: an
unpaired test would throw most of the evidence away. Exact McNemar test (binomial on the flips,
McNemar 1947), interval by Newcombe (`intervals.paired_difference`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_dualcode.analysis.intervals import Interval, paired_difference
from pytest_dualcode.types import Record

Suite = Literal["base", "plus"]
SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate against baseline on the problems that both solved or failed.

    ``regressions`` and ``improvements`` are the task ids that flipped, sorted. ``errors`` counts
    problems of both runs that are left out since one of the two is an error; ``unmatched``
    counts problems that only one of the two ran.
    """

    baseline: str
    candidate: str
    dataset: str
    suite: Suite
    both: int
    neither: int
    regressions: tuple[str, ...]
    improvements: tuple[str, ...]
    errors: int = 0
    unmatched: int = 0

    @property
    def problems(self) -> int:
        """How many problems the comparison rests on."""
        return self.both + self.neither + self.flips

    @property
    def flips(self) -> int:
        """Problems whose result differs."""
        return len(self.regressions) + len(self.improvements)

    @property
    def gain(self) -> int:
        """Problems gained less problems lost."""
        return len(self.improvements) - len(self.regressions)

    @property
    def points(self) -> float:
        """Difference of pass@1 in percentage points."""
        return 100 * self.gain / self.problems if self.problems else 0.0

    @property
    def interval(self) -> Interval:
        """95 % interval of the difference, as shares."""
        return paired_difference(
            self.both, len(self.regressions), len(self.improvements), self.neither
        )

    @property
    def p_value(self) -> float:
        """Exact two-sided McNemar p."""
        return mcnemar(len(self.regressions), len(self.improvements))

    @property
    def significant(self) -> bool:
        """Whether the difference can be told from noise at 5 %."""
        return self.p_value < SIGNIFICANCE


def mcnemar(regressions: int, improvements: int) -> float:
    """Exact two-sided McNemar p: how likely so uneven a split of the flips is by chance."""
    flips = regressions + improvements
    if flips == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(improvements, flips, 0.5).pvalue)


def needed_gain(flips: int, alpha: float = SIGNIFICANCE) -> int | None:
    """Smallest net difference among so many flips with p below `alpha`; None if none has."""
    for gain in range(flips % 2, flips + 1, 2):
        losses = (flips - gain) // 2
        if mcnemar(losses, flips - losses) < alpha:
            return gain
    return None


def fewest_flips(alpha: float = SIGNIFICANCE) -> int:
    """How many flips, all one way, are needed for p below `alpha` (6 at 5 %)."""
    flips = 1
    while mcnemar(0, flips) >= alpha:
        flips += 1
    return flips


def compare(
    baseline: Iterable[Record], candidate: Iterable[Record], suite: Suite = "plus"
) -> Comparison:
    """Pair two sets of records, each of one pipeline and one dataset, by task id.

    Of several samples of a problem the first one counts, since samples of one problem are not
    independent of one another. Raises `ValueError` if either side has no records.
    """
    before, after = first_samples(baseline), first_samples(candidate)
    if not before or not after:
        raise ValueError("nothing to compare: one side has no records")
    judged = judged_pairs(before, after, suite)
    one, other = next(iter(before.values())), next(iter(after.values()))
    return Comparison(
        baseline=one.pipeline,
        candidate=other.pipeline,
        dataset=other.dataset,
        suite=suite,
        both=_count(judged, (True, True)),
        neither=_count(judged, (False, False)),
        regressions=tuple(task for task, pair in judged.items() if pair == (True, False)),
        improvements=tuple(task for task, pair in judged.items() if pair == (False, True)),
        errors=len(before.keys() & after.keys()) - len(judged),
        unmatched=len(before.keys() ^ after.keys()),
    )


def judged_pairs(
    before: Mapping[str, Record], after: Mapping[str, Record], suite: Suite = "plus"
) -> dict[str, tuple[bool, bool]]:
    """Whether each problem of both sides passes before and after; errors are left out."""
    return {
        task: (was, now)
        for task in sorted(before.keys() & after.keys(), key=natural_key)
        if (was := passes(before[task], suite)) is not None
        and (now := passes(after[task], suite)) is not None
    }


def first_samples(records: Iterable[Record]) -> dict[str, Record]:
    """The record of each problem's first sample, by task id."""
    first: dict[str, Record] = {}
    for record in records:
        known = first.get(record.task_id)
        if known is None or record.sample < known.sample:
            first[record.task_id] = record
    return first


def passes(record: Record, suite: Suite) -> bool | None:
    """Whether the record passes; None for an error. *plus* needs base and plus both to pass."""
    if record.outcome == "error":
        return None
    if suite == "base":
        return record.base_status == "pass"
    return record.base_status == "pass" and record.plus_status == "pass"


def natural_key(task_id: str) -> tuple[str, int, str]:
    """Sorts `HumanEval/2` before `HumanEval/10`."""
    name, _, number = task_id.rpartition("/")
    return (name, int(number), "") if number.isdigit() else (name, -1, number)


def p_value_range(problems: int, before: int, after: int) -> tuple[float, float]:
    """Least and largest McNemar p that two counts of passes allow, whatever flipped.

    For published tables that give no flips: if even the largest is below 5 %, the claim holds
    whatever the pairing; if even the least is not, it cannot hold.
    """
    if not (0 <= before <= problems and 0 <= after <= problems):
        raise ValueError(f"{before} and {after} of {problems} are not counts")
    found = [
        mcnemar(lost, after - before + lost)
        for lost in range(before + 1)
        if 0 <= after - before + lost <= problems - before
    ]
    return min(found), max(found)


def in_words(comparison: Comparison) -> str:
    """The comparison in one or two sentences that a reader can act on."""
    low, high = 100 * comparison.interval.low, 100 * comparison.interval.high
    head = (
        f"{comparison.candidate} against {_other_side(comparison)} on {comparison.dataset} "
        f"({comparison.suite} tests): {comparison.gain:+d} of {comparison.problems} problems "
        f"({comparison.points:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}), "
        f"{len(comparison.improvements)} improved, {len(comparison.regressions)} regressed, "
        f"{p_phrase(comparison.p_value)}: {judgement(comparison)}."
    )
    return head + _left_out(comparison)


def judgement(comparison: Comparison) -> str:
    """What the test says, and what would be needed if it says nothing."""
    if comparison.significant:
        better = "better" if comparison.gain > 0 else "worse"
        return f"{better} than chance explains (5 % level)"
    if comparison.flips == 0:
        return "no problem flipped, so nothing tells the two apart"
    needed = needed_gain(comparison.flips)
    if needed is None:
        return (
            f"cannot be told from noise; at least {fewest_flips()} flips, all one way, "
            "would be needed"
        )
    return (
        f"cannot be told from noise; with {comparison.flips} flips a net difference of {needed} "
        "would be needed"
    )


def in_one_word(comparison: Comparison) -> str:
    """``better``, ``worse`` or ``noise``."""
    if not comparison.significant:
        return "noise"
    return "better" if comparison.gain > 0 else "worse"


def p_text(p_value: float) -> str:
    """`0.34`, `0.003`, or `<0.001`."""
    if p_value < 0.001:
        return "<0.001"
    return f"{p_value:.3f}" if p_value < 0.1 else f"{p_value:.2f}"


def p_phrase(p_value: float) -> str:
    """``p = 0.34`` or ``p < 0.001``."""
    text = p_text(p_value)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"


def _other_side(comparison: Comparison) -> str:
    """The baseline's name; two runs of the same pipeline need telling apart."""
    same = comparison.baseline == comparison.candidate
    return f"the baseline's {comparison.baseline}" if same else comparison.baseline


def _left_out(comparison: Comparison) -> str:
    parts = []
    if comparison.errors:
        parts.append(f"{comparison.errors} left out for an error in one of the two")
    if comparison.unmatched:
        parts.append(f"{comparison.unmatched} that only one of the two ran")
    return f" Problems not compared: {', '.join(parts)}." if parts else ""


def _count(pairs: Mapping[str, tuple[bool, bool]], kind: tuple[bool, bool]) -> int:
    return sum(pair == kind for pair in pairs.values())
