"""``plan-code``: the planner analyses, the coder implements. What the paper argues against."""

from __future__ import annotations

from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.pipelines.prompts import render
from pytest_dualcode.pipelines.registry import pipeline
from pytest_dualcode.pipelines.steps import draft
from pytest_dualcode.types import Spec


@pipeline("plan-code", paper=True)
async def plan_code(spec: Spec, attempt: Attempt) -> str:
    """The planner analyses (thinking on); the coder implements with that analysis."""
    text = spec.prompt.strip()
    analysis = await attempt.ask("planner", render("analyse", spec=text), thinking=True)
    attempt.note("analysis", "truncated" if analysis.truncated else "ok", call=analysis)
    plan = analysis.text.strip()
    if not plan:  # all of it was thought: the coder is on its own, as in raw-coder
        return await draft(spec, attempt)
    request = render("implement", spec=text, analysis=plan, entry_point=spec.entry_point)
    return await attempt.write("draft", "coder", request)
