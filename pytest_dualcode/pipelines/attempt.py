"""One item's way through a pipeline: what a recipe may do, and the trace that it leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pytest_dualcode.extraction import extract_program
from pytest_dualcode.models.base import Models
from pytest_dualcode.pipelines.prompts import render
from pytest_dualcode.types import (
    Call,
    ExampleResult,
    Message,
    Role,
    Solution,
    Spec,
    Stage,
)

RunExamples = Callable[[Spec, str], Awaitable[tuple[ExampleResult, ...]]]
"""Runs a program on the visible examples of a spec, in the judge's jail."""


@dataclass(slots=True)
class Attempt:
    """What a recipe works with: two roles to ask, extraction, the visible examples.

    A recipe sees the spec and this, never a problem, so it cannot leak a hidden test. Everything
    that it does lands in `calls` and `stages`, which records and reports are made of.
    `priority` orders waiting calls (lowest first); `sample` keeps samples of a problem apart;
    `retries` is the number of rounds of ``+retry``.
    """

    spec: Spec
    models: Models
    run_examples: RunExamples
    priority: int = 0
    sample: int = 0
    retries: int = 3
    calls: list[Call] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)

    async def ask(self, role: Role, *turns: str, thinking: bool = False) -> Call:
        """Ask `role` and return its reply.

        `turns` alternate between user and assistant and begin and end with the user. Raises
        `InfrastructureError` when no reply can be had.
        """
        call = await self.models.complete(
            role, chat(*turns), thinking=thinking, sample=self.sample, priority=self.priority
        )
        self.calls.append(call)
        return call

    async def write(self, stage: str, role: Role, *turns: str, instead: str = "") -> str:
        """Ask `role` for a program, record it as `stage`, and return it.

        A reply without a usable program leaves `instead` in place: the program before this
        stage, or nothing for a first draft. Thinking is off, as for all raw generation.
        """
        call = await self.ask(role, *turns)
        found = extract_program(call.text, self.spec)
        outcome = "ok" if found.program else "truncated" if call.truncated else "no_program"
        self.note(
            stage,
            outcome,
            call=call,
            program=found.program or None,
            steps=found.steps,
            detail=found.failure or "",
        )
        return found.program or instead

    async def examples(self, stage: str, program: str) -> tuple[ExampleResult, ...]:
        """Run `program` on the visible examples and record the result as `stage`."""
        results = await self.run_examples(self.spec, program)
        failed = [result for result in results if not result.passed]
        self.note(
            stage,
            "examples_failed" if failed else "examples_passed",
            detail=describe_failures(results),
        )
        return results

    def note(
        self,
        name: str,
        outcome: str,
        *,
        call: Call | None = None,
        program: str | None = None,
        steps: tuple[str, ...] = (),
        detail: str = "",
    ) -> None:
        """Record one stage."""
        call_id = call.id if call else None
        self.stages.append(Stage(name, outcome, call_id, program, steps, detail))

    def solution(self, program: str) -> Solution:
        """Close the attempt with the program that goes to the judge."""
        return Solution(program, tuple(self.stages), tuple(self.calls))


def chat(*turns: str) -> tuple[Message, ...]:
    """Return a conversation: the system prompt, then `turns` of user and assistant by turns."""
    messages = [Message("system", render("system"))]
    for number, turn in enumerate(turns):
        messages.append(Message("assistant" if number % 2 else "user", turn))
    return tuple(messages)


def fenced(program: str) -> str:
    """Return `program` as the reply that a model would give it in."""
    return f"```python\n{program.strip()}\n```"


def describe_failures(results: tuple[ExampleResult, ...]) -> str:
    """Return the failed examples as a text for a model: each with what happened instead."""
    failed = [result for result in results if not result.passed]
    return "\n".join(f"{result.example.source}\n{result.detail}".rstrip() for result in failed)
