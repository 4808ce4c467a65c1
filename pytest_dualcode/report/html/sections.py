"""The static sections of the page, above the list of problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from pytest_dualcode.analysis import paper
from pytest_dualcode.analysis.cost import Cost
from pytest_dualcode.analysis.detector import Known
from pytest_dualcode.analysis.paired import Comparison, Suite, in_words
from pytest_dualcode.analysis.summary import Row, RunSummary
from pytest_dualcode.report import mechanism
from pytest_dualcode.report.compare import (
    COMPARED,
    COMPARED_NOTE,
    comparison_rows,
    table_title,
)
from pytest_dualcode.report.context import Context
from pytest_dualcode.report.html.figures import Bar, Flips, flip_bars, scatter, share_bars
from pytest_dualcode.report.markdown import flat
from pytest_dualcode.report.tables import cost_table
from pytest_dualcode.report.wording import PRICED_NOTE, SPENT, notes, spent_rows
from pytest_dualcode.types import Record

_RESULTS = (
    "pipeline", "dataset", "plus", "95 % interval", "base", "problems", "errors",
    "paper plus", "paper base",
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
    words = f"<details><summary>In words</summary>{bullets(map(in_words, comparisons))}</details>"
    return (
        f"<p>{escape(table_title(comparisons))}:</p>"
        + table(COMPARED, comparison_rows(comparisons))
        + f'<p class="soft">{escape(COMPARED_NOTE)}</p>'
        + words
        + flip_bars("Problems lost (▼, left) and won (▲, right)", rows)
    )


def costs(summary: RunSummary, priced: Sequence[Cost]) -> str:
    """What each row spent; times are sums over items, which run side by side."""
    spent = table(SPENT, spent_rows(summary))
    if not priced:
        return spent
    return f'{spent}<p class="soft">{escape(PRICED_NOTE)}</p>{table(*cost_table(priced))}'


def shares(summary: RunSummary) -> str:
    """The figure of pass@1 on plus, with intervals and the paper's values."""
    bars = [_bar(row) for row in summary.rows]
    return share_bars(
        "pass@1 on plus with its 95 % interval, widened by errors (◇ the paper's value)", bars
    )


def microscope(records: Sequence[Record], known: Known, scores: Mapping[str, float]) -> str:
    """The reviewer as a detector, and what fixes and retries did."""
    detected = mechanism.detection_rows(records, known, scores)
    changed = mechanism.effect_rows(records, known)
    parts = []
    if detected:
        parts += [
            table(mechanism.DETECTION, detected),
            f"<p>{escape(mechanism.DETECTION_NOTE)}</p>",
            bullets(mechanism.detection_words(records, known)),
        ]
    if changed:
        parts += [
            table(mechanism.EFFECT, changed, words=3),
            f"<p>{escape(mechanism.EFFECT_NOTE)}</p>",
        ]
    return "".join(parts) or "<p>No pipeline of this run reviews or changes a draft.</p>"


def failures(records: Sequence[Record], comparisons: Sequence[Comparison]) -> str:
    """Kinds of failures and of regressions, beside the paper's figure."""
    header, rows = mechanism.failure_table(records, comparisons)
    if not rows:
        return "<p>Nothing failed.</p>"
    return table(header, rows) + f"<p>{escape(mechanism.FAILURE_NOTE)}</p>"


def richness(records: Sequence[Record], comparisons: Sequence[Comparison], context: Context) -> str:
    """Gain against richness: for each pipeline and dataset a trend, bins and a scatter."""
    scores = context.richness
    parts = [
        f"<details><summary>{escape(words)}</summary>"
        + table(mechanism.RICHNESS, rows, words=1)
        + scatter(
            "Each problem by the richness of its spec",
            [(scores[t], int(b) - int(a)) for t, (a, b) in changes.items() if t in scores],
        )
        + "</details>"
        for words, rows, changes in mechanism.richness_parts(records, comparisons, scores)
    ]
    return bullets(mechanism.twin_words(records, comparisons, context.twins)) + "".join(parts)


def settings(values: Mapping[str, Any]) -> str:
    """The settings, folded."""
    rows = [[name, value] for name, value in flat(values)]
    if not rows:
        return ""
    return f"<details><summary>Settings</summary>{table(('setting', 'value'), rows)}</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], words: int = 2) -> str:
    """A table whose first `words` columns are words, the others figures; long cells may wrap."""
    head = _cells("th", header, words)
    body = "".join(f"<tr>{_cells('td', row, words)}</tr>" for row in rows)
    rows_in = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{rows_in}</table></div>'


def bullets(sentences: Iterable[str]) -> str:
    """The sentences as a list; nothing for none."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _cells(tag: str, texts: Sequence[str], words: int) -> str:
    return "".join(_cell(tag, text, place < words) for place, text in enumerate(texts))


def _cell(tag: str, text: str, is_word: bool) -> str:
    kind = "text" if len(text) > 60 else "word" if is_word else ""
    attribute = f' class="{kind}"' if kind else ""
    return f"<{tag}{attribute}>{escape(text)}</{tag}>"


def _result(row: Row) -> list[str]:
    interval = row.interval("plus")
    return [
        row.pipeline,
        row.dataset,
        f"{row.plus.percent()} %",
        interval.percent() if interval else "",
        f"{row.base.percent()} %",
        row.ran_of,
        str(row.errors),
        _paper(row, "plus"),
        _paper(row, "base"),
    ]


def _paper(row: Row, suite: Suite) -> str:
    found = paper.percent(row.pipeline, row.dataset, suite)
    return f"{found:.1f} %" if found is not None else ""


def _bar(row: Row) -> Bar:
    interval = row.widest_interval("plus")
    found = paper.percent(row.pipeline, row.dataset, "plus")
    return Bar(
        f"{row.pipeline}, {row.dataset}",
        row.plus.low,
        interval.low,
        interval.high,
        f"{row.plus.percent()} %",
        found / 100 if found is not None else None,
    )
