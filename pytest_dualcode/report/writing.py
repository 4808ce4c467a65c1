"""All reports of a run, made from what the run directory holds and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_dualcode.report.evalplus_export import EVALPLUS_DATASETS, export_evalplus
from pytest_dualcode.report.loading import Run, load_run
from pytest_dualcode.report.markdown import markdown_summary
from pytest_dualcode.store import write_atomically

SUMMARY_FILE = "summary.md"


@dataclass(frozen=True, slots=True)
class WrittenReports:
    """The run that was read, and the report that a reader should open first."""

    run: Run
    report: Path


def write_reports(
    run_dir: Path | str, task_ids: Mapping[str, Sequence[str]] | None = None
) -> WrittenReports:
    """Write `summary.md` and the EvalPlus files of a run; also of an unfinished one.

    `task_ids` (dataset to all its task ids) lets the EvalPlus files of a subset be padded.
    Raises `StoreError` if the directory holds no results or cannot be written.
    """
    run = load_run(run_dir)
    summary = run.directory / SUMMARY_FILE
    write_atomically(summary, markdown_summary(run.summary, run.comparisons(), run.settings))
    if any(record.dataset in EVALPLUS_DATASETS for record in run.records):
        export_evalplus(run.directory, run.records, task_ids, run.dataset_hashes)
    return WrittenReports(run, summary)
