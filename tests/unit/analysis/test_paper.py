"""The paper's own table through the comparison, as docs/statistics.md says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_dualcode.analysis.paired import mcnemar, p_text, p_value_range
from pytest_dualcode.analysis.paper import (
    IMPROVEMENTS,
    PASSES,
    REGRESSIONS,
    SIZES,
    claims,
    percent,
)

PAGE = Path(__file__).parents[3] / "docs" / "statistics.md"

PUBLISHED = {
    "raw-coder": (81.1, 78.0, 67.5),
    "raw-planner": (89.0, 84.1, None),
    "plan-code": (80.5, 75.6, None),
    "review-fix": (89.6, 87.8, 69.8),
    "review-fix+retry": (93.3, 90.2, None),
    "adversarial": (91.5, 86.6, None),
    "gated-review": (None, 84.1, 69.0),
    "enriched-review": (None, 88.4, 69.8),
}


@pytest.mark.parametrize("pipeline", PUBLISHED)
def test_the_counts_round_to_the_published_percentages(pipeline):
    found = (
        percent(pipeline, "humaneval", "base"),
        percent(pipeline, "humaneval", "plus"),
        percent(pipeline, "mbpp", "plus"),
    )
    assert (
        tuple(value if value is None else round(value, 1) for value in found)
        == (PUBLISHED[pipeline])
    )


@pytest.fixture(scope="module")
def judgements():
    return {(claim.candidate, claim.dataset, claim.suite): claim.judgement for claim in claims()}


def test_review_beats_raw_coding_on_humaneval_plus_whatever_flipped(judgements):
    for pipeline in ("review-fix", "review-fix+retry", "enriched-review"):
        assert judgements[pipeline, "humaneval", "plus"] == "holds"


def test_planning_hurts_cannot_hold(judgements):
    assert judgements["plan-code", "humaneval", "base"] == "cannot hold"
    assert judgements["plan-code", "humaneval", "plus"] == "cannot hold"


def test_mbpp_depends_on_flips_that_the_paper_does_not_give(judgements):
    for pipeline in ("review-fix", "gated-review", "enriched-review"):
        assert judgements[pipeline, "mbpp", "plus"] == "depends"
    assert mcnemar(4, 13) < 0.05 <= mcnemar(5, 14)


def test_variants_of_review_cannot_be_told_apart():
    assert p_value_range(164, 144, 148)[0] > 0.05
    assert p_value_range(164, 144, 142)[0] > 0.05


def test_the_papers_flips_fit_the_base_tests_and_not_the_plus_tests():
    def change(suite):
        return PASSES["plan-code", "humaneval", suite] - PASSES["raw-coder", "humaneval", suite]

    assert change("base") == IMPROVEMENTS - REGRESSIONS
    assert change("plus") != IMPROVEMENTS - REGRESSIONS
    assert round(100 * change("plus") / SIZES["humaneval"], 1) == -2.4
    assert mcnemar(REGRESSIONS, IMPROVEMENTS) == 1.0


def test_the_page_holds_the_computed_table():
    text = PAGE.read_text()
    for claim in claims():
        assert (
            f"| {claim.candidate} | {claim.dataset} | {claim.suite} | {claim.before} "
            f"| {claim.after} | {claim.after - claim.before:+d} of {SIZES[claim.dataset]} "
            f"| {p_text(claim.least_p)} | {p_text(claim.largest_p)} | {claim.judgement} |"
        ) in text
