"""``raw-coder`` and ``raw-planner``: one model, one call. The baselines."""

from __future__ import annotations

from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.pipelines.registry import pipeline
from pytest_dualcode.pipelines.steps import draft
from pytest_dualcode.types import Spec


@pipeline("raw-coder", roles=("coder",), paper=True)
async def raw_coder(spec: Spec, attempt: Attempt) -> str:
    """The coder generates."""
    return await draft(spec, attempt)


@pipeline("raw-planner", roles=("planner",), paper=True)
async def raw_planner(spec: Spec, attempt: Attempt) -> str:
    """The planner generates, thinking off."""
    return await draft(spec, attempt, role="planner")
