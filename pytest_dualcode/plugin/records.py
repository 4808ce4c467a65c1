"""From a result, a verdict and a report to one line of ``results.jsonl``."""

from __future__ import annotations

import hashlib

import pytest

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import InfrastructureError, printable
from pytest_dualcode.store import RunStore
from pytest_dualcode.types import (
    ItemKey,
    Outcome,
    Record,
    Solution,
    SuiteResult,
    Verdict,
)


def program_key(key: ItemKey, program: str) -> tuple[str, str]:
    """Return what a verdict depends on: the problem and the program."""
    return key.task_id, hashlib.sha256(program.encode("utf-8", "surrogatepass")).hexdigest()


def make_record(
    key: ItemKey,
    dataset: str,
    result: Solution | InfrastructureError | None,
    verdict: Verdict | None,
    report: pytest.TestReport,
) -> Record:
    """Put a record together. Without a verdict the outcome is ``error``: never a wrong answer."""
    solution = result if isinstance(result, Solution) else Solution("")
    outcome: Outcome = "error" if verdict is None else "passed" if verdict.passed else "failed"
    return Record(
        task_id=key.task_id,
        dataset=dataset,
        pipeline=key.pipeline,
        sample=key.sample,
        outcome=outcome,
        base_status=verdict.base.status if verdict else None,
        plus_status=verdict.plus.status if verdict else None,
        reason=reason_of(verdict) if verdict else error_text(report),
        solution=solution.program,
        call_ids=tuple(call.id for call in solution.calls),
        stages=solution.stages,
        llm_calls=len(solution.calls),
        prompt_tokens=sum(call.prompt_tokens for call in solution.calls),
        completion_tokens=sum(call.completion_tokens for call in solution.calls),
        llm_seconds=round(sum(call.seconds for call in solution.calls), 3),
        judge_seconds=round(verdict.seconds, 4) if verdict else 0.0,
        isolation=verdict.isolation if verdict else "",
        truncated_calls=sum(call.truncated for call in solution.calls),
        failing_input=first_bad(verdict).failing_input if verdict else "",
    )


def first_bad(verdict: Verdict) -> SuiteResult:
    """Return the suite that explains the verdict: base if it did not pass, else plus."""
    return verdict.base if verdict.base.status != "pass" else verdict.plus


def reason_of(verdict: Verdict) -> str:
    """Return why the solution did not pass, or ``""``."""
    suite = first_bad(verdict)
    return "" if suite.status == "pass" else suite.reason


def error_text(report: pytest.TestReport) -> str:
    """Return the report's text: what broke instead of a verdict."""
    return printable(report.longreprtext.strip()) or "The item ended without a verdict."


def known_verdicts(store: RunStore, config: RunConfig) -> dict[tuple[str, str], Verdict]:
    """Return the verdicts that a resumed run has stored, so that nothing is judged twice.

    Details of the verdict that a record does not keep (counts of tests) are left at zero.
    """
    if config.resume is None:
        return {}
    return {
        program_key(record.key, record.solution): stored_verdict(record)
        for record in store.records()
        if record.outcome != "error"
    }


def stored_verdict(record: Record) -> Verdict:
    """Return the verdict that `record` was made of."""
    base, plus = record.base_status or "fail", record.plus_status or "fail"
    base_bad = base != "pass"
    detail = (record.reason, record.failing_input)
    return Verdict(
        SuiteResult(base, detail[0] if base_bad else "", failing_input=detail[1] * base_bad),
        SuiteResult(plus, "" if base_bad else detail[0], failing_input=detail[1] * (not base_bad)),
        record.isolation,
        record.judge_seconds,
    )
