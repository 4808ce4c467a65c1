"""``review-fix``: the coder generates, the planner reviews, the coder fixes. 2 or 3 calls."""

from __future__ import annotations

from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.pipelines.registry import pipeline
from pytest_dualcode.pipelines.steps import draft, review_and_fix
from pytest_dualcode.types import Spec


@pipeline("review-fix", paper=True)
async def review_fix(spec: Spec, attempt: Attempt) -> str:
    """Exactly raw-coder's draft; the planner reviews it; bugs are fixed once."""
    return await review_and_fix(spec, attempt, await draft(spec, attempt))
