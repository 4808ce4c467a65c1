"""The figures of "Review Beats Planning" (arXiv 2603.03406), to stand beside a run's own.

Qwen2.5-Coder-14B (AWQ) with Qwen3-32B (AWQ). The paper gives percentages; the counts are the only
whole numbers that round to them.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_dualcode.analysis.paired import SIGNIFICANCE, Suite, p_value_range

SIZES = {"humaneval": 164, "mbpp": 378}

PASSES: dict[tuple[str, str, Suite], int] = {
    ("raw-coder", "humaneval", "base"): 133,
    ("raw-coder", "humaneval", "plus"): 128,
    ("raw-planner", "humaneval", "base"): 146,
    ("raw-planner", "humaneval", "plus"): 138,
    ("plan-code", "humaneval", "base"): 132,
    ("plan-code", "humaneval", "plus"): 124,
    ("review-fix", "humaneval", "base"): 147,
    ("review-fix", "humaneval", "plus"): 144,
    ("review-fix+retry", "humaneval", "base"): 153,
    ("review-fix+retry", "humaneval", "plus"): 148,
    ("adversarial", "humaneval", "base"): 150,
    ("adversarial", "humaneval", "plus"): 142,
    ("gated-review", "humaneval", "plus"): 138,
    ("enriched-review", "humaneval", "plus"): 145,
    ("raw-coder", "mbpp", "plus"): 255,
    ("review-fix", "mbpp", "plus"): 264,
    ("gated-review", "mbpp", "plus"): 261,
    ("enriched-review", "mbpp", "plus"): 264,
}

REGRESSIONS, IMPROVEMENTS = 15, 14
"""The flips that the paper counts for plan-code; they fit its base counts (133 to 132) alone."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Two counts of the paper, and the least and largest p that any pairing of them gives."""

    baseline: str
    candidate: str
    dataset: str
    suite: Suite
    before: int
    after: int
    least_p: float
    largest_p: float

    @property
    def judgement(self) -> str:
        """``holds`` or ``cannot hold`` whatever flipped, or ``depends`` on what flipped."""
        if self.largest_p < SIGNIFICANCE:
            return "holds"
        return "cannot hold" if self.least_p >= SIGNIFICANCE else "depends"


def percent(pipeline: str, dataset: str, suite: Suite) -> float | None:
    """The paper's pass@1 in per cent, or None if it gives none."""
    found = PASSES.get((pipeline, dataset, suite))
    return None if found is None else 100 * found / SIZES[dataset]


def claims(baseline: str = "raw-coder") -> tuple[Claim, ...]:
    """Every pipeline of the paper's table against `baseline`."""
    return tuple(
        Claim(baseline, name, dataset, suite, before, after, *bounds)
        for (name, dataset, suite), after in PASSES.items()
        if name != baseline and (before := PASSES.get((baseline, dataset, suite))) is not None
        for bounds in [p_value_range(SIZES[dataset], before, after)]
    )
