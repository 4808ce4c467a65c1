"""``gated-review``: as review-fix, but a lean spec gives a reviewer nothing to check against."""

from __future__ import annotations

from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.pipelines.registry import pipeline
from pytest_dualcode.pipelines.steps import draft, review_and_fix
from pytest_dualcode.problems.richness import is_lean
from pytest_dualcode.types import Spec


@pipeline("gated-review", paper=True)
async def gated_review(spec: Spec, attempt: Attempt) -> str:
    """As review-fix, but a lean spec skips the review."""
    program = await draft(spec, attempt)
    if is_lean(spec):
        attempt.note("review", "skipped", detail="lean spec")
        return program
    return await review_and_fix(spec, attempt, program)
