"""``adversarial``: both models generate; the visible examples and the planner decide."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from pytest_dualcode.pipelines.attempt import Attempt, describe_failures
from pytest_dualcode.pipelines.prompts import render
from pytest_dualcode.pipelines.registry import pipeline
from pytest_dualcode.pipelines.steps import generate_prompt, word_in_last_line
from pytest_dualcode.types import Call, ExampleResult, Spec

_CHOICE = re.compile(r"CHOICE\W*([AB])\b", re.IGNORECASE)


@pipeline("adversarial", paper=True)
async def adversarial(spec: Spec, attempt: Attempt) -> str:
    """Both generate at once. One passes the examples: take it; both: pick; none: a third."""
    prompt = generate_prompt(spec)
    first, second = await asyncio.gather(
        attempt.write("draft", "coder", prompt),
        attempt.write("draft-planner", "planner", prompt),
    )
    first_results = await attempt.examples("examples", first)
    second_results = await attempt.examples("examples-planner", second)
    first_passed = bool(first) and all(result.passed for result in first_results)
    second_passed = bool(second) and all(result.passed for result in second_results)
    if first_passed and second_passed:
        return await choose(spec, attempt, first, second)
    if first_passed or second_passed:
        attempt.note("choice", "chosen", detail="coder" if first_passed else "planner")
        return first if first_passed else second
    return await synthesise(spec, attempt, (first, second), (first_results, second_results))


async def choose(spec: Spec, attempt: Attempt, first: str, second: str) -> str:
    """Let the planner attack both programs and pick one; without an answer the coder's stays."""
    if first.strip() == second.strip():
        attempt.note("choice", "chosen", detail="equal programs")
        return first
    prompt = render("choose", spec=spec.prompt.strip(), first=first.strip(), second=second.strip())
    call = await attempt.ask("planner", prompt, thinking=True)
    choice = parse_choice(call)
    detail = {"A": "coder", "B": "planner"}.get(choice or "", call.finish_reason)
    attempt.note("choice", "chosen" if choice else "choice_unparsed", call=call, detail=detail)
    return second if choice == "B" else first


def parse_choice(call: Call) -> str | None:
    """Return ``A`` or ``B`` from the last line of a finished reply that has one."""
    word = word_in_last_line(call, _CHOICE)
    return word.upper() if word else None


async def synthesise(
    spec: Spec,
    attempt: Attempt,
    programs: tuple[str, str],
    results: tuple[tuple[ExampleResult, ...], tuple[ExampleResult, ...]],
) -> str:
    """Let the planner review both failed programs and the coder write a third."""
    first, second = (program.strip() or "# no program" for program in programs)
    errors = [describe_failures(result) or "No program was found." for result in results]
    text = spec.prompt.strip()
    review = await attempt.ask(
        "planner",
        render(
            "review_both",
            spec=text,
            first=first,
            first_errors=errors[0],
            second=second,
            second_errors=errors[1],
        ),
        thinking=True,
    )
    attempt.note("review", "truncated" if review.truncated else "ok", call=review)
    request = render(
        "synthesise",
        spec=text,
        first=first,
        second=second,
        findings=findings_on_both(review, errors),
        entry_point=spec.entry_point,
    )
    return await attempt.write("synthesis", "coder", request, instead=programs[0])


def findings_on_both(review: Call, errors: Sequence[str]) -> str:
    """Say what is wrong with both programs; a review that ran out is none, the errors remain."""
    text = review.text.strip()
    if text and not review.truncated:
        return f"A reviewer says of them:\n\n{text}"
    return f"The examples say of program A:\n\n{errors[0]}\n\nOf program B:\n\n{errors[1]}"
