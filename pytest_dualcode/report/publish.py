"""A run without the benchmark's text: settings, verdicts and summary, to commit or to send.

Programs repeat their specs, and reasons and failing inputs tell hidden tests, so both go; what
remains is still a run directory that `compare` and ``--baseline`` take.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_dualcode.report.context import Context
from pytest_dualcode.report.loading import Run
from pytest_dualcode.report.mechanism import all_causes
from pytest_dualcode.report.writing import SUMMARY_FILE, run_context, summary_text
from pytest_dualcode.store import RunStore, write_atomically
from pytest_dualcode.types import Record, Stage

_FOLDERS = re.compile(r"(?<![\w:/.])(?:~|\.{1,2})?/(?:[\w.+@~-]+/)+")


def publish(run: Run, directory: Path | str, context: Context | None = None) -> RunStore:
    """Write `run.json`, `results.jsonl` and `summary.md` of `run` to a new `directory`.

    `summary.md` is of the whole run, since the reviewer can be judged only beside programs.
    Raises `StoreError` if `directory` already holds a run or cannot be written.
    """
    causes = all_causes(run.records)
    settings = without_folders(dict(run.settings))
    with RunStore.create(directory) as store:
        store.write_settings(settings)
        for record in run.records:
            cause = causes.get((record.pipeline, record.task_id, record.sample))
            store.append(without_text(record, cause.kind if cause else ""))
    shown = Run(run.directory, settings, run.records, run.damage)
    text = summary_text(shown, run_context(run) if context is None else context)
    write_atomically(store.directory / SUMMARY_FILE, text)
    return store


def without_text(record: Record, kind: str) -> Record:
    """`record` with verdicts, stages and costs only; the reason becomes the kind of the failure."""
    reason = "error" if record.outcome == "error" else kind
    stages = tuple(Stage(stage.name, stage.outcome, stage.call_id) for stage in record.stages)
    return replace(record, solution="", failing_input="", reason=reason, stages=stages)


def without_folders(value: Any) -> Any:
    """`value` with every path in its texts cut to the last name: folders are private."""
    if isinstance(value, str):
        return _FOLDERS.sub("", value)
    if isinstance(value, Mapping):
        return {name: without_folders(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [without_folders(entry) for entry in value]
    return value
