"""From a result, a verdict and a report to one line of ``results.jsonl``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest

from pytest_dualcode.errors import printable
from pytest_dualcode.plugin.handover import verdict_from
from pytest_dualcode.types import ItemKey, Record, Solution, StageVerdict, SuiteResult, Verdict

ProgramKey = tuple[str, str]


def program_key(task_id: str, program: str) -> ProgramKey:
    """Return what a verdict depends on: the problem and the program."""
    return task_id, hashlib.sha256(program.encode("utf-8", "surrogatepass")).hexdigest()


def unjudged(key: ItemKey, dataset: str, solution: Solution) -> Record:
    """Return the record of a solution before its verdict; its outcome is ``error`` until then."""
    calls = solution.calls
    return Record(
        task_id=key.task_id,
        dataset=dataset,
        pipeline=key.pipeline,
        sample=key.sample,
        outcome="error",
        base_status=None,
        plus_status=None,
        reason="",
        solution=solution.program,
        call_ids=tuple(call.id for call in calls),
        finish_reasons=tuple(call.finish_reason for call in calls),
        stages=solution.stages,
        llm_calls=len(calls),
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
        llm_seconds=round(sum(call.seconds for call in calls), 3),
    )


def without_verdict(record: Record) -> Record:
    """Return a stored record as it was before it was judged."""
    return replace(
        record,
        outcome="error",
        base_status=None,
        plus_status=None,
        reason="",
        failing_input="",
        judge_seconds=0.0,
        isolation="",
        stage_verdicts=(),
        examples_passed=(),
    )


def judged(record: Record, report: pytest.TestReport) -> Record:
    """Return `record` with what `report` brings.

    Without a verdict it stays ``error``, whatever broke: never a wrong answer.
    """
    text = getattr(report, "dualcode", None)
    if text is None:
        broken = printable(report.longreprtext.strip()) or "The item ended without a verdict."
        return replace(record, outcome="error", reason=broken)
    row = json.loads(text)
    verdict = verdict_from(row["verdict"])
    explains = verdict.base if verdict.base.status != "pass" else verdict.plus
    return replace(
        record,
        outcome="passed" if verdict.passed else "failed",
        base_status=verdict.base.status,
        plus_status=verdict.plus.status,
        reason=explains.reason,
        failing_input=explains.failing_input,
        judge_seconds=round(verdict.seconds, 4),
        isolation=verdict.isolation,
        stage_verdicts=tuple(StageVerdict(*entry) for entry in row["stages"]),
        examples_passed=tuple(row["examples"]),
    )


def report_text(verdict: Verdict, stages: Iterable[StageVerdict], examples: Sequence[bool]) -> str:
    """Return what a worker attaches to its report: ASCII JSON, since little else may cross."""
    rows: list[list[Any]] = [[s.stage, s.base_status, s.plus_status] for s in stages]
    row = {"verdict": asdict(verdict), "stages": rows, "examples": list(examples)}
    return json.dumps(row, allow_nan=False)


def known_verdicts(records: Iterable[Record]) -> dict[ProgramKey, Verdict]:
    """Return the verdicts of a run that goes on, so that nothing is judged twice."""
    return {
        program_key(record.task_id, record.solution): stored_verdict(record)
        for record in records
        if record.outcome != "error"
    }


def stored_verdict(record: Record) -> Verdict:
    """Return the verdict that `record` was made of; counts of tests are not stored."""
    base, plus = record.base_status or "fail", record.plus_status or "fail"
    explained = SuiteResult("fail", record.reason, failing_input=record.failing_input)
    bad_base = base != "pass"
    return Verdict(
        replace(explained, status=base) if bad_base else SuiteResult(base),
        SuiteResult(plus) if bad_base else replace(explained, status=plus),
        record.isolation,
        record.judge_seconds,
    )
