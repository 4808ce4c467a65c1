"""Comparisons as text: the judgement in words or as a row, and the problems that flipped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from pytest_dualcode.analysis.paired import Comparison, in_one_word, in_words, p_text

COMPARED = (
    "pipeline", "dataset", "gain", "95 % interval, points", "won", "lost", "p", "verdict",
)  # fmt: skip
COMPARED_NOTE = (
    "Noise: the exact McNemar test cannot tell the difference from chance at 5 %. With many "
    "comparisons some come out by chance; see docs/statistics.md."
)


def comparison_lines(comparisons: Iterable[Comparison], width: int = 80) -> list[str]:
    """Each comparison as a paragraph with its flipped problems, an empty line between two."""
    lines: list[str] = []
    for comparison in comparisons:
        lines += [""] if lines else []
        lines += textwrap.wrap(in_words(comparison), width, break_on_hyphens=False)
        lines += _flipped("improved", comparison.improvements, width)
        lines += _flipped("regressed", comparison.regressions, width)
    return lines or ["Nothing to compare: the runs share no dataset."]


def comparison_rows(comparisons: Iterable[Comparison]) -> list[list[str]]:
    """One row for each comparison, under `COMPARED`."""
    return [
        [
            comparison.candidate,
            comparison.dataset,
            f"{comparison.gain:+d} of {comparison.problems}",
            interval_points(comparison),
            str(len(comparison.improvements)),
            str(len(comparison.regressions)),
            p_text(comparison.p_value),
            in_one_word(comparison),
        ]
        for comparison in comparisons
    ]


def table_title(comparisons: Sequence[Comparison]) -> str:
    """``Against raw-coder, plus tests``: what the rows are compared with."""
    names = ", ".join(dict.fromkeys(comparison.baseline for comparison in comparisons))
    return f"Against {names}, {comparisons[0].suite} tests"


def interval_points(comparison: Comparison) -> str:
    """The interval in percentage points: ``-8.7 to +3.8``."""
    interval = comparison.interval
    return f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f}"


def _flipped(kind: str, tasks: Sequence[str], width: int) -> list[str]:
    if not tasks:
        return []
    return textwrap.wrap(
        f"{kind}: {', '.join(tasks)}",
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
