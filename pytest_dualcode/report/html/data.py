"""The data that the page embeds: a small index for the list, and one block for each problem.

The page parses a problem's block when it is opened, so the size of all stories together costs
nothing at the start. Texts that several pipelines share (calls, programs) stand once in a block.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_dualcode.analysis.detector import Known
from pytest_dualcode.analysis.paired import first_samples, passes
from pytest_dualcode.analysis.summary import references
from pytest_dualcode.analysis.taxonomy import Causes
from pytest_dualcode.report.loading import Run
from pytest_dualcode.report.mechanism import records_by_task
from pytest_dualcode.report.story import changes, examples_text, is_draft, verdict_text
from pytest_dualcode.types import Record, Stage

LONGEST_TEXT = 60_000
"""Characters of one reply or program that are shown; the rest stands in the run directory."""

Json = dict[str, Any]


def page_index(run: Run, causes: Causes) -> Json:
    """What the list of problems shows and filters by."""
    rows = run.summary.rows
    pipelines = list(dict.fromkeys(row.pipeline for row in rows))
    by_task = records_by_task(run.records)
    compared = references((row.pipeline, row.dataset) for row in rows)
    return {
        "pipelines": pipelines,
        "datasets": list(dict.fromkeys(row.dataset for row in rows)),
        "kinds": sorted({cause.kind for cause in causes.values()}),
        "problems": [
            _entry(task, records, pipelines, compared[records[0].dataset], causes)
            for task, records in by_task.items()
        ],
    }


def problem_block(
    records: Sequence[Record],
    calls: Mapping[str, Mapping[str, Any]],
    causes: Causes,
    known: Known,
    spec: str | None,
) -> Json:
    """One problem's stories, one for each record, over a shared table of calls."""
    used = {stage.call_id for record in records for stage in record.stages if stage.call_id}
    return {
        "spec": spec and spec.strip("\n"),
        "calls": {name: _call(calls[name]) for name in sorted(used) if name in calls},
        "stories": [_story(record, causes, known) for record in records],
    }


def embedded(data: object) -> str:
    """JSON that is safe inside a script element, whatever text a model wrote."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _entry(
    task: str,
    records: Sequence[Record],
    pipelines: Sequence[str],
    reference: str,
    causes: Causes,
) -> Json:
    by_pipeline: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_pipeline[record.pipeline].append(record)
    before = _passes(by_pipeline.get(reference))
    return {
        "id": task,
        "dataset": records[0].dataset,
        "cells": [_cell(by_pipeline.get(name), before, causes) for name in pipelines],
    }


def _cell(
    records: Sequence[Record] | None,
    before: bool | None,
    causes: Causes,
) -> Json | None:
    """Outcome, cause and flip of one pipeline on one problem; with samples, how many passed."""
    if not records:
        return None
    (first,) = first_samples(records).values()
    cell: Json = {"outcome": first.outcome}
    cause = causes.get((first.pipeline, first.task_id, first.sample))
    if cause:
        cell["kind"] = cause.kind
    if len(records) > 1:
        passed = sum(record.outcome == "passed" for record in records)
        cell["samples"] = f"{passed}/{len(records)}"
    after = _passes(records)
    if before is not None and after is not None and before != after:
        cell["flip"] = "improved" if after else "regressed"
    return cell


def _passes(records: Sequence[Record] | None) -> bool | None:
    if not records:
        return None
    (first,) = first_samples(records).values()
    return passes(first, "plus")


def _call(call: Mapping[str, Any]) -> Json:
    request = call.get("request") or {}
    return {
        "role": request.get("role", ""),
        "model": request.get("model", ""),
        "prompt_tokens": call.get("prompt_tokens", 0),
        "completion_tokens": call.get("completion_tokens", 0),
        "seconds": round(float(call.get("seconds", 0.0)), 2),
        "finish": call.get("finish_reason", ""),
        "attempts": call.get("attempts", 1),
        "text": _shown(str(call.get("text", ""))),
        "reasoning": _shown(str(call.get("reasoning", ""))),
    }


def _story(record: Record, causes: Causes, known: Known) -> Json:
    cause = causes.get((record.pipeline, record.task_id, record.sample))
    program = ""
    stages = []
    for stage in record.stages:
        stages.append(
            _stage(stage, program, known.get((record.task_id, (stage.program or "").strip())))
        )
        program = stage.program or program
    story: Json = {
        "pipeline": record.pipeline,
        "sample": record.sample,
        "outcome": record.outcome,
        "verdict": verdict_text(record),
        "stages": stages,
    }
    if record.failing_input:
        story["input"] = record.failing_input
    if record.examples_passed:
        story["examples"] = examples_text(record)
    if cause:
        story["kind"], story["evidence"] = cause.kind, cause.evidence
    if record.solution.strip() != program.strip():
        story["solution"] = _shown(record.solution)
    return story


def _stage(stage: Stage, before: str, passed: bool | None) -> Json:
    found: Json = {"name": stage.name, "outcome": stage.outcome}
    if stage.call_id:
        found["call"] = stage.call_id
    if stage.steps:
        found["steps"] = list(stage.steps)
    if stage.detail:
        found["detail"] = _shown(stage.detail)
    if stage.program:
        found["judged"] = {True: "passes", False: "fails", None: ""}[passed]
        if before and not is_draft(stage):
            found["diff"] = changes(_shown(before), _shown(stage.program))
        else:
            found["program"] = _shown(stage.program)
    return found


def _shown(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return text[:LONGEST_TEXT] + f"\n... ({len(text):,} characters)"
