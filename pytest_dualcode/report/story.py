"""One problem's whole story in plain text: what each stage made, and what the judge said."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_dualcode.errors import printable
from pytest_dualcode.report.tables import duration
from pytest_dualcode.types import Record, Stage

Calls = Mapping[str, Mapping[str, Any]]


def story_lines(records: Iterable[Record], calls: Calls) -> list[str]:
    """All records (of one problem, by different pipelines), each from draft to verdict."""
    lines: list[str] = []
    for record in records:
        lines += ["", ""] if lines else []
        lines += _story(record, calls)
    return lines


def verdict_text(record: Record) -> str:
    """``failed: base pass, plus fail: <reason>``; for an error its message."""
    if record.outcome == "error":
        return f"error (not a wrong answer): {printable(record.reason)}"
    text = f"{record.outcome}: base {record.base_status}, plus {record.plus_status}"
    return f"{text}: {printable(record.reason)}" if record.reason else text


def examples_text(record: Record) -> str:
    """``visible examples, run afterwards: 1 of 3 pass, not 2, 3``; empty where none was run."""
    passed = record.examples_passed
    if not passed:
        return ""
    failed = ", ".join(str(n) for n, right in enumerate(passed, start=1) if not right)
    text = f"visible examples, run afterwards: {sum(passed)} of {len(passed)} pass"
    return f"{text}, not {failed}" if failed else text


def call_text(call: Mapping[str, Any]) -> str:
    """What one call cost: role, model, tokens, time, and how it ended."""
    request = call.get("request") or {}
    return (
        f"{request.get('role', '?')} {request.get('model', '?')}: "
        f"{call.get('prompt_tokens', 0):,} + {call.get('completion_tokens', 0):,} tokens, "
        f"{duration(float(call.get('seconds', 0.0)))}, "
        f"finish reason {call.get('finish_reason', '?')}"
    )


def is_draft(stage: Stage) -> bool:
    """Whether the stage's program is a new one (adversarial has two), not a change of another."""
    return stage.name.startswith("draft")


def changes(before: str, after: str) -> list[str]:
    """A unified diff of two programs, without file names; empty if they are equal."""
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return list(diff)[2:]


def _story(record: Record, calls: Calls) -> list[str]:
    sample = f", sample {record.sample}" if record.sample else ""
    title = f"{record.task_id} ({record.dataset}) with {record.pipeline}{sample}"
    lines = [title, "=" * len(title), verdict_text(record)]
    if record.failing_input:
        lines.append(f"first failing input: {printable(record.failing_input, 500)}")
    if record.examples_passed:
        lines.append(examples_text(record))
    program = ""
    for number, stage in enumerate(record.stages, start=1):
        lines += ["", *_stage(number, stage, calls, program)]
        program = stage.program or program
    return [*lines, "", "solution", "--------", printable(record.solution, 20_000)]


def _stage(number: int, stage: Stage, calls: Calls, before: str) -> list[str]:
    lines = [f"{number}. {stage.name}: {stage.outcome}"]
    call = calls.get(stage.call_id or "")
    if call is not None:
        lines.append(f"   {call_text(call)}")
    if stage.steps:
        lines.append(f"   extraction: {', '.join(stage.steps)}")
    if stage.detail and stage.detail != (call or {}).get("finish_reason"):
        lines += [f"   {line}" for line in printable(stage.detail).splitlines()]
    if call is not None and not stage.program:
        lines += [f"   > {line}" for line in printable(str(call.get("text", ""))).splitlines()]
    return lines + _program(stage, before)


def _program(stage: Stage, before: str) -> list[str]:
    """The program of a stage: whole if it is the first one, else what changed."""
    if not stage.program:
        return []
    program = printable(stage.program, 20_000)
    if not before or is_draft(stage):
        return [f"   | {line}" for line in program.splitlines()]
    diff = changes(printable(before, 20_000), program)
    return [f"   | {line}" for line in diff] or ["   (the program did not change)"]
