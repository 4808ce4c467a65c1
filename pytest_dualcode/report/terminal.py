"""The summary at the end of a session: 80 columns, readable without colour."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from pytest_dualcode.analysis.paired import Comparison, in_words
from pytest_dualcode.analysis.summary import Row, RunSummary
from pytest_dualcode.report.compare import comparison_rows, table_title
from pytest_dualcode.report.tables import compact, duration, text_table
from pytest_dualcode.report.wording import notes

RATE_HEADER = ("pipeline", "dataset", "problems", "base %", "plus %", "errors")
MOST_IN_WORDS = 3
COST_HEADER = ("pipeline", "dataset", "calls", "prompt", "completion", "models", "judge")


def summary_lines(
    summary: RunSummary,
    width: int = 80,
    *,
    comparisons: Iterable[Comparison] = (),
    against_baseline: Iterable[Comparison] = (),
    report: Path | str | None = None,
) -> list[str]:
    """The summary as lines of at most `width` columns.

    `comparisons` are within the run, `against_baseline` with another run. `report` is the file
    that the last line names; it is never cut, so that it can be copied.
    """
    if not summary.rows:
        return ["No problem has a result yet."]
    lines = ["pass@1"]
    lines += text_table(RATE_HEADER, [_rates(row) for row in summary.rows], width)
    lines += ["", "cost: calls, tokens, and seconds summed over items"]
    lines += text_table(COST_HEADER, [_costs(row) for row in summary.rows], width)
    lines += _paragraphs(notes(summary), width)
    lines += _comparisons(list(comparisons), width)
    compared = _comparisons(list(against_baseline), width)
    lines += ["", "with the baseline run:", *compared[1:]] if compared else []
    if report is not None:
        lines += ["", f"Report: {report}"]
    return lines


def _rates(row: Row) -> tuple[str, ...]:
    return (
        row.pipeline,
        row.dataset,
        row.ran_of,
        row.base.percent(),
        row.plus.percent(),
        str(row.errors),
    )


def _costs(row: Row) -> tuple[str, ...]:
    return (
        row.pipeline,
        row.dataset,
        compact(row.llm_calls),
        compact(row.prompt_tokens),
        compact(row.completion_tokens),
        duration(row.llm_seconds),
        duration(row.judge_seconds),
    )


def _comparisons(comparisons: Sequence[Comparison], width: int) -> list[str]:
    """Sentences for a few comparisons, a table for many."""
    if len(comparisons) <= MOST_IN_WORDS:
        return _paragraphs(map(in_words, comparisons), width)
    header = ("pipeline", "dataset", "gain", "95 % points", "won", "lost", "p", "verdict")
    # The words of the other reports do not fit 80 columns: "+22 of 163" becomes "+22/163".
    rows = [
        [*row[:2], row[2].replace(" of ", "/"), row[3].replace(" to ", ".."), *row[4:]]
        for row in comparison_rows(comparisons)
    ]
    return ["", table_title(comparisons), *text_table(header, rows, width)]


def _paragraphs(sentences: Iterable[str], width: int) -> list[str]:
    """The sentences, each wrapped behind a dash, after an empty line; nothing for none."""
    lines = []
    for sentence in sentences:
        lines += textwrap.wrap(
            sentence, width, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False
        )
    return ["", *lines] if lines else []
