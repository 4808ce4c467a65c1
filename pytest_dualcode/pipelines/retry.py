"""``X+retry``: any recipe, then rounds of running the visible examples and mending what fails."""

from __future__ import annotations

from pytest_dualcode.pipelines.attempt import Attempt, describe_failures, fenced
from pytest_dualcode.pipelines.prompts import render
from pytest_dualcode.pipelines.registry import Recipe
from pytest_dualcode.pipelines.steps import generate_prompt
from pytest_dualcode.types import Spec


def with_retry(recipe: Recipe) -> Recipe:
    """Return `recipe` followed by up to ``attempt.retries`` rounds of visible-example feedback."""

    async def solve(spec: Spec, attempt: Attempt) -> str:
        program = await recipe(spec, attempt)
        for number in range(1, attempt.retries + 1):
            changed = await one_round(spec, attempt, program, number)
            if changed is None:
                break
            program = changed
        return program

    return solve


async def one_round(spec: Spec, attempt: Attempt, program: str, number: int) -> str | None:
    """Run `program`; return what the coder makes of the errors, or ``None`` to end the rounds.

    The rounds end when the examples pass, and when the coder returns the program unchanged:
    under greedy decoding every further round would be the same call again.
    """
    if not program:
        return await attempt.write(f"retry-{number}", "coder", *missing_program(spec)) or None
    results = await attempt.examples(f"examples-{number}", program)
    errors = describe_failures(results)
    if not errors:
        return None
    request = render("retry", errors=errors, entry_point=spec.entry_point)
    turns = (generate_prompt(spec), fenced(program), request)
    changed = await attempt.write(f"retry-{number}", "coder", *turns, instead=program)
    return None if changed.strip() == program.strip() else changed


def missing_program(spec: Spec) -> tuple[str, str, str]:
    """Return the conversation that asks again after a reply that held no program."""
    request = render(
        "retry", errors="The reply held no complete program.", entry_point=spec.entry_point
    )
    return generate_prompt(spec), "(a reply without a program)", request
