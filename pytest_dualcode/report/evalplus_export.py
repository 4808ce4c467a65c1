"""A run in EvalPlus's own formats, one folder for each pipeline and dataset.

``evalplus/<pipeline>-<dataset>/samples.jsonl`` is what ``evalplus.evaluate --samples FILE``
judges anew; given the folder instead, EvalPlus prints pass@k from the ``eval_results.json``
beside it. EvalPlus refuses a file that lacks a problem of its dataset, so problems without a
program (not run, or an error) are padded with an empty one, which it counts as wrong.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_dualcode.analysis.paired import natural_key, passes
from pytest_dualcode.analysis.passk import mean_pass_at_k
from pytest_dualcode.analysis.summary import REPORTED_K, grouped
from pytest_dualcode.errors import StoreError
from pytest_dualcode.store import write_atomically
from pytest_dualcode.types import Record

FOLDER = "evalplus"
EVALPLUS_DATASETS = ("humaneval", "mbpp")


@dataclass(frozen=True, slots=True)
class Export:
    """One exported folder: `padded` problems were not run, `errors` samples are errors."""

    folder: Path
    pipeline: str
    dataset: str
    problems: int
    padded: int
    errors: int

    @property
    def samples(self) -> Path:
        """The file for ``evalplus.evaluate --samples``."""
        return self.folder / "samples.jsonl"

    def message(self) -> str:
        """Where it is and what EvalPlus will make of it."""
        text = f"{self.samples}: {self.problems} problems"
        if self.padded or self.errors:
            text += (
                f", {self.padded} not run and {self.errors} with errors among them; EvalPlus "
                "counts those as wrong, so its pass@1 is lower than the share of those that ran"
            )
        return text


def export_evalplus(
    directory: Path,
    records: Iterable[Record],
    task_ids: Mapping[str, Sequence[str]] | None = None,
    hashes: Mapping[str, str] | None = None,
    when: datetime | None = None,
) -> list[Export]:
    """Write the folders for all of EvalPlus's datasets among `records` below `directory`.

    `task_ids` lists every problem of a dataset, for padding; without it nothing is padded and
    EvalPlus accepts only complete runs. `hashes` are the datasets' MD5 sums as EvalPlus writes
    them. Raises `StoreError` if no record is of an EvalPlus dataset.
    """
    groups = {key: of for key, of in grouped(records).items() if key[1] in EVALPLUS_DATASETS}
    if not groups:
        raise StoreError(
            "The run has no problem of HumanEval+ or MBPP+, so there is nothing for EvalPlus.",
            "Export a run with --dataset=humaneval or --dataset=mbpp.",
        )
    stamp = (when or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M")
    found = []
    for (pipeline, dataset), group in groups.items():
        entries = _entries(group, (task_ids or {}).get(dataset, ()))
        results = {
            "date": stamp,
            "hash": (hashes or {}).get(dataset, ""),
            "eval": entries,
            "pass_at_k": _pass_at_k(entries),
        }
        folder = directory / FOLDER / f"{pipeline}-{dataset}"
        _write(folder, entries, results)
        ran = {record.task_id for record in group}
        errors = sum(record.outcome == "error" for record in group)
        found.append(
            Export(folder, pipeline, dataset, len(entries), len(entries) - len(ran), errors)
        )
    return found


def _entries(
    records: Sequence[Record], all_tasks: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """EvalPlus's ``eval``: task id to its judged samples, padded to `all_tasks`, in order."""
    entries: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.sample):
        entries[record.task_id].append(_entry(record))
    for task in all_tasks:
        entries[task] = entries.get(task) or [_entry_of(task, "", "fail", "fail")]
    return {task: entries[task] for task in sorted(entries, key=natural_key)}


def _entry(record: Record) -> dict[str, Any]:
    if record.outcome == "error":
        return _entry_of(record.task_id, "", "fail", "fail")
    entry = _entry_of(
        record.task_id, record.solution, record.base_status or "fail", record.plus_status or "fail"
    )
    if record.failing_input:
        suite = "plus_fail_tests" if passes(record, "base") else "base_fail_tests"
        entry[suite] = [record.failing_input]
    return entry


def _entry_of(task_id: str, solution: str, base: str, plus: str) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "solution": solution,
        "base_status": base,
        "plus_status": plus,
        "base_fail_tests": [],
        "plus_fail_tests": [],
    }


def _pass_at_k(entries: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    needed = {"base": ("base_status",), "plus": ("base_status", "plus_status")}
    found: dict[str, dict[str, float]] = {}
    for suite, statuses in needed.items():
        counts = [
            (len(samples), sum(all(s[name] == "pass" for name in statuses) for s in samples))
            for samples in entries.values()
        ]
        values = {f"pass@{k}": mean_pass_at_k(counts, k) for k in REPORTED_K}
        found[suite] = {name: value for name, value in values.items() if value is not None}
    return found


def _write(
    folder: Path, entries: Mapping[str, Sequence[Mapping[str, Any]]], results: Mapping[str, Any]
) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"Cannot create {folder}: {error.strerror}.", "Check that you may write there."
        ) from error
    lines = [
        json.dumps({"task_id": sample["task_id"], "solution": sample["solution"]})
        for samples in entries.values()
        for sample in samples
    ]
    write_atomically(folder / "samples.jsonl", "\n".join(lines) + "\n")
    write_atomically(folder / "eval_results.json", json.dumps(results))
