"""The steps that several recipes share. Equal steps send equal requests, so they share calls."""

from __future__ import annotations

import re

from pytest_dualcode.extraction import import_inventory
from pytest_dualcode.pipelines.attempt import Attempt, fenced
from pytest_dualcode.pipelines.prompts import render
from pytest_dualcode.types import Call, Role, Spec

_VERDICT = re.compile(r"VERDICT\W*(correct|bugs)\b", re.IGNORECASE)


def generate_prompt(spec: Spec) -> str:
    """Return the prompt of raw generation, the same in every recipe and for both roles."""
    return render("generate", spec=spec.prompt.strip(), entry_point=spec.entry_point)


async def draft(spec: Spec, attempt: Attempt, role: Role = "coder") -> str:
    """Let `role` write the first program from the spec alone."""
    return await attempt.write("draft", role, generate_prompt(spec))


async def review(attempt: Attempt, prompt: str) -> str:
    """Let the planner review, thinking; return its findings if it found bugs, else ``""``.

    A review without a verdict (cut off, or endless) is no review: it is recorded as
    ``review_unparsed`` and the draft stays.
    """
    call = await attempt.ask("planner", prompt, thinking=True)
    verdict = parse_verdict(call)
    attempt.note("review", verdict or "review_unparsed", call=call, detail=call.finish_reason)
    return call.text.strip() if verdict == "bugs" else ""


def parse_verdict(call: Call) -> str | None:
    """Return ``correct`` or ``bugs`` from the last line of a review that has one.

    Only the last line that is not blank counts, since a review may quote the instruction.
    """
    word = word_in_last_line(call, _VERDICT)
    return word.lower() if word else None


def word_in_last_line(call: Call, pattern: re.Pattern[str]) -> str | None:
    """Return group 1 of `pattern` in the last line that is not blank, if the reply was finished."""
    lines = call.text.strip().splitlines()
    match = pattern.search(lines[-1]) if lines and not call.truncated else None
    return match[1] if match else None


async def fix(spec: Spec, attempt: Attempt, program: str, findings: str) -> str:
    """Let the coder correct `program` once, given the review and the import inventory."""
    request = render(
        "fix", review=findings, imports=describe_imports(program), entry_point=spec.entry_point
    )
    turns = (generate_prompt(spec), fenced(program), request)
    return await attempt.write("fix", "coder", *turns, instead=program)


def describe_imports(program: str) -> str:
    """Say which imports `program` has, since a fix that uses another name must import it."""
    imports = import_inventory(program)
    listed = "\n".join(imports) if imports else "(none)"
    return (
        f"The program has these imports:\n{listed}\n"
        "Any other name from a module must be imported in the program itself."
    )


async def review_and_fix(spec: Spec, attempt: Attempt, program: str) -> str:
    """Review `program` against the spec and fix it if the review found bugs."""
    if not program:
        return program
    prompt = render(
        "review", spec=spec.prompt.strip(), program=program.strip(), entry_point=spec.entry_point
    )
    findings = await review(attempt, prompt)
    return await fix(spec, attempt, program, findings) if findings else program
