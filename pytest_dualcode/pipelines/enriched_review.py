"""``enriched-review``: the planner first makes the spec richer, then reviews against that."""

from __future__ import annotations

from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.pipelines.prompts import render
from pytest_dualcode.pipelines.registry import pipeline
from pytest_dualcode.pipelines.steps import draft, fix, review, review_and_fix
from pytest_dualcode.types import Spec


@pipeline("enriched-review", paper=True)
async def enriched_review(spec: Spec, attempt: Attempt) -> str:
    """The coder generates; the planner enriches the spec and reviews; the coder fixes."""
    program = await draft(spec, attempt)
    if not program:
        return program
    text = spec.prompt.strip()
    notes = await attempt.ask("planner", render("enrich", spec=text), thinking=True)
    attempt.note("enrich", "truncated" if notes.truncated else "ok", call=notes)
    if not notes.text.strip():  # all of it was thought: the review is that of review-fix
        return await review_and_fix(spec, attempt, program)
    prompt = render(
        "review_enriched",
        spec=text,
        notes=notes.text.strip(),
        program=program.strip(),
        entry_point=spec.entry_point,
    )
    findings = await review(attempt, prompt)
    return await fix(spec, attempt, program, findings) if findings else program
