"""All reports of a run, made from what the run directory holds.

Where the benchmarks are at hand, specs and richness are added (`context`); nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_dualcode.analysis.paired import Comparison
from pytest_dualcode.report.context import Context, find_context
from pytest_dualcode.report.evalplus_export import EVALPLUS_DATASETS, export_evalplus
from pytest_dualcode.report.html.page import html_report
from pytest_dualcode.report.loading import Run, compare_loaded, load_run
from pytest_dualcode.report.markdown import baseline_section, markdown_summary
from pytest_dualcode.report.mechanism import markdown_sections
from pytest_dualcode.store import write_atomically

SUMMARY_FILE = "summary.md"
HTML_FILE = "report.html"


@dataclass(frozen=True, slots=True)
class WrittenReports:
    """The run that was read, and the report that a reader should open first.

    `against_baseline` compares the run with the baseline that was given.
    """

    run: Run
    report: Path
    against_baseline: tuple[Comparison, ...] = ()


def write_reports(
    run_dir: Path | str,
    task_ids: Mapping[str, Sequence[str]] | None = None,
    baseline: Path | str | None = None,
) -> WrittenReports:
    """Write `summary.md`, `report.html` and the EvalPlus files of a run, finished or not.

    `task_ids` are all task ids of each dataset, for padding; without it the benchmarks at hand
    give them. `baseline` is the directory of a run to compare with. Raises `StoreError` if a
    directory holds no results or cannot be written.
    """
    run = load_run(run_dir)
    compared = compare_loaded(load_run(baseline), run) if baseline is not None else ()
    context = run_context(run)
    write_atomically(run.directory / SUMMARY_FILE, summary_text(run, context, compared))
    report = run.directory / HTML_FILE
    write_atomically(report, html_report(run, context, compared))
    if any(record.dataset in EVALPLUS_DATASETS for record in run.records):
        export_evalplus(
            run.directory, run.records, task_ids or context.task_ids, run.dataset_hashes
        )
    return WrittenReports(run, report, compared)


def summary_text(run: Run, context: Context, compared: Sequence[Comparison] = ()) -> str:
    """The content of `summary.md`; `compared` are the comparisons with a baseline."""
    extra = baseline_section(compared)
    extra += markdown_sections(run.records, run.comparisons(), context)
    return markdown_summary(run.summary, run.comparisons(), run.settings, extra, run.priced())


def run_context(run: Run) -> Context:
    """What the benchmarks at hand add to the reports of `run`."""
    tasks: dict[str, set[str]] = {}
    for record in run.records:
        tasks.setdefault(record.dataset, set()).add(record.task_id)
    return find_context(tasks, run.dataset_hashes)
