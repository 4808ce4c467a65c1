"""`summary.md`: the run for people who read it in a pull request or a CI step summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_dualcode.analysis.cost import Cost
from pytest_dualcode.analysis.paired import Comparison, in_words
from pytest_dualcode.analysis.summary import Rate, Row, RunSummary
from pytest_dualcode.report.compare import (
    COMPARED,
    COMPARED_NOTE,
    comparison_rows,
    table_title,
)
from pytest_dualcode.report.tables import cost_table
from pytest_dualcode.report.wording import PRICED_NOTE, SPENT, notes, origin, spent_rows

_RESULTS = ("pipeline", "dataset", "problems", "base", "plus", "plus, 95 % interval", "errors")


def markdown_summary(
    summary: RunSummary,
    comparisons: Iterable[Comparison] = (),
    settings: Mapping[str, Any] | None = None,
    extra: Sequence[str] = (),
    priced: Sequence[Cost] = (),
) -> str:
    """The whole file.

    `extra` are further sections, each beginning with its own heading; `priced` what the run cost,
    if that is known.
    """
    parts = [
        "# pytest-dualcode: results",
        origin(settings or {}, summary),
        _results(summary),
        _bullets(notes(summary)),
        _comparisons(list(comparisons)),
        *extra,
        _costs(summary, priced),
        _settings(settings or {}),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def baseline_section(comparisons: Sequence[Comparison]) -> list[str]:
    """The comparisons with a baseline run as a section, with the problems that flipped."""
    if not comparisons:
        return []
    flipped = [
        f"{one.candidate} on {one.dataset} {kind}: {', '.join(tasks)}"
        for one in comparisons
        for kind, tasks in (("lost", one.regressions), ("won", one.improvements))
        if tasks
    ]
    text = _compared(comparisons, "Against the baseline")
    return [f"{text}\n\n{_bullets(flipped)}" if flipped else text]


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], words: int = 2) -> str:
    """A GitHub table; all but the first `words` columns are right-aligned."""
    rule = ["---" if place < words else "---:" for place in range(len(header))]
    return "\n".join(_cells(line) for line in (header, rule, *rows))


def _cells(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _results(summary: RunSummary) -> str:
    return (
        "pass@1: the share of problems that EvalPlus's base tests, and base and plus tests, "
        "accept.\n\n"
        + markdown_table(
            _RESULTS,
            [
                (
                    row.pipeline,
                    row.dataset,
                    row.ran_of,
                    _rate(row.base),
                    _rate(row.plus),
                    _interval(row),
                    str(row.errors),
                )
                for row in summary.rows
            ],
        )
    )


def _rate(rate: Rate) -> str:
    return f"{rate.percent()} %"


def _interval(row: Row) -> str:
    interval = row.interval("plus")
    return f"{interval.percent()} %" if interval else ""


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _comparisons(comparisons: Sequence[Comparison]) -> str:
    return _compared(comparisons, "Is the difference real?") if comparisons else ""


def _compared(comparisons: Sequence[Comparison], heading: str) -> str:
    """A table and sentences under `heading`."""
    table = markdown_table(COMPARED, comparison_rows(comparisons))
    words = _bullets(map(in_words, comparisons))
    title = table_title(comparisons)
    return f"## {heading}\n\n{title}:\n\n{table}\n\n{COMPARED_NOTE}\n\n{words}"


def _costs(summary: RunSummary, priced: Sequence[Cost]) -> str:
    table = markdown_table(SPENT, spent_rows(summary))
    text = f"## Cost\n\nTimes are summed over items, which run side by side.\n\n{table}"
    if not priced:
        return text
    return f"{text}\n\n{PRICED_NOTE}\n\n{markdown_table(*cost_table(priced), 1)}"


def _settings(settings: Mapping[str, Any]) -> str:
    """The settings as a list; nested ones by dotted name, so that nothing is left out."""
    if not settings:
        return ""
    lines = [f"- `{name}`: {value}" for name, value in flat(settings)]
    # Folded, since a server's settings are many; GitHub wants the empty lines.
    return "\n".join(["<details><summary>Settings</summary>", "", *lines, "", "</details>"])


def flat(settings: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Names (dotted) and values (text) of nested settings, without empty ones."""
    found = []
    for name, value in settings.items():
        if isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
            value = {str(number): part for number, part in enumerate(value)}
        if isinstance(value, Mapping):
            found += flat(value, f"{before}{name}.")
        elif value not in (None, "", [], ()):
            between = " " if name == "command" else ", "
            text = between.join(map(str, value)) if isinstance(value, list) else str(value)
            found.append((before + name, text.replace("\n", " ")))
    return found
