"""The static sections of the page, above the list of problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from pytest_dualcode.analysis import paper
from pytest_dualcode.analysis.detector import Known
from pytest_dualcode.analysis.paired import Comparison, Suite, in_words
from pytest_dualcode.analysis.summary import Row, RunSummary, grouped
from pytest_dualcode.report import mechanism
from pytest_dualcode.report.html.figures import Bar, Flips, flip_bars, scatter, share_bars
from pytest_dualcode.report.markdown import flat
from pytest_dualcode.report.tables import duration
from pytest_dualcode.report.wording import notes
from pytest_dualcode.types import Record

_RESULTS = (
    "pipeline", "dataset", "problems", "base", "plus", "plus, 95 % interval", "errors",
    "paper base", "paper plus", "calls", "tokens in", "tokens out", "model time",
)  # fmt: skip


def results(summary: RunSummary) -> str:
    """The headline table with the paper's numbers, and what a reader must know of it."""
    rows = [_result(row) for row in summary.rows]
    return (
        table(_RESULTS, rows)
        + '<p class="soft">The paper measured Qwen2.5-Coder-14B with Qwen3-32B, both AWQ; its '
        "numbers stand here for orientation.</p>" + bullets(notes(summary))
    )


def differences(comparisons: Sequence[Comparison]) -> str:
    """Each comparison in words, and the flips as a figure."""
    if not comparisons:
        return "<p>One pipeline: nothing to compare.</p>"
    rows = [
        Flips(f"{c.candidate}, {c.dataset}", len(c.regressions), len(c.improvements))
        for c in comparisons
    ]
    return bullets(map(in_words, comparisons)) + flip_bars(
        f"Problems lost (▼, left) and won (▲, right) against {comparisons[0].baseline}", rows
    )


def shares(summary: RunSummary) -> str:
    """The figure of pass@1 on plus, with intervals and the paper's values."""
    bars = [_bar(row) for row in summary.rows]
    return share_bars("pass@1 on plus with its 95 % interval (◇ the paper's value)", bars)


def microscope(records: Sequence[Record], known: Known) -> str:
    """The reviewer as a detector, and what fixes and retries did."""
    detected = mechanism.detection_rows(records, known)
    changed = mechanism.effect_rows(records, known)
    parts = []
    if detected:
        parts += [
            table(mechanism.DETECTION, detected),
            f"<p>{escape(mechanism.DETECTION_NOTE)}</p>",
        ]
    if changed:
        parts += [table(mechanism.EFFECT, changed), f"<p>{escape(mechanism.EFFECT_NOTE)}</p>"]
    return "".join(parts) or "<p>No pipeline of this run reviews or changes a draft.</p>"


def failures(records: Sequence[Record]) -> str:
    """Kinds of failures and of regressions, beside the paper's figure."""
    rows = mechanism.failure_rows(records)
    if not rows:
        return "<p>Nothing failed.</p>"
    return table(mechanism.FAILURE, rows) + f"<p>{escape(mechanism.FAILURE_NOTE)}</p>"


def richness(
    records: Sequence[Record], comparisons: Sequence[Comparison], scores: Mapping[str, float]
) -> str:
    """Gain against richness: bins and a scatter for each comparison."""
    if not scores or not comparisons:
        return ""
    groups = grouped(records)
    parts = []
    for comparison in comparisons:
        changes = mechanism.changes_of(comparison, groups)
        words, rows = mechanism.richness_rows(comparison, changes, scores)
        points = [(scores[t], int(b) - int(a)) for t, (a, b) in changes.items() if t in scores]
        title = f"{comparison.candidate} on {comparison.dataset}: each problem by richness"
        parts.append(
            f"<p>{escape(words)}</p>" + table(mechanism.RICHNESS, rows) + scatter(title, points)
        )
    return "".join(parts)


def settings(values: Mapping[str, Any]) -> str:
    """The settings, folded."""
    rows = [[name, value] for name, value in flat(values)]
    if not rows:
        return ""
    return f"<details><summary>Settings</summary>{table(('setting', 'value'), rows)}</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first two columns are words; long second cells may wrap."""
    head = "".join(_cell("th", text, place) for place, text in enumerate(header))
    body = "".join(
        "<tr>" + "".join(_cell("td", text, place) for place, text in enumerate(row)) + "</tr>"
        for row in rows
    )
    rows_in = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{rows_in}</table></div>'


def bullets(sentences: Iterable[str]) -> str:
    """The sentences as a list; nothing for none."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _cell(tag: str, text: str, place: int) -> str:
    kind = "text" if len(text) > 60 else "word" if place < 2 else ""
    attribute = f' class="{kind}"' if kind else ""
    return f"<{tag}{attribute}>{escape(text)}</{tag}>"


def _result(row: Row) -> list[str]:
    interval = row.interval("plus")
    return [
        row.pipeline,
        row.dataset,
        row.ran_of,
        f"{row.base.percent()} %",
        f"{row.plus.percent()} %",
        f"{interval.percent()} %" if interval else "",
        str(row.errors),
        _paper(row, "base"),
        _paper(row, "plus"),
        f"{row.llm_calls:,}",
        f"{row.prompt_tokens:,}",
        f"{row.completion_tokens:,}",
        duration(row.llm_seconds),
    ]


def _paper(row: Row, suite: Suite) -> str:
    found = paper.percent(row.pipeline, row.dataset, suite)
    return f"{found:.1f} %" if found is not None else ""


def _bar(row: Row) -> Bar:
    interval = row.interval("plus")
    low, high = (interval.low, interval.high) if interval else (row.plus.low, row.plus.high)
    found = paper.percent(row.pipeline, row.dataset, "plus")
    return Bar(
        f"{row.pipeline}, {row.dataset}",
        row.plus.low,
        low,
        high,
        f"{row.plus.percent()} %",
        found / 100 if found is not None else None,
    )
