"""Comparisons as text: the judgement in words, then the problems that flipped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from pytest_dualcode.analysis.paired import Comparison, in_words


def comparison_lines(comparisons: Iterable[Comparison], width: int = 80) -> list[str]:
    """Each comparison as a paragraph with its flipped problems, an empty line between two."""
    lines: list[str] = []
    for comparison in comparisons:
        lines += [""] if lines else []
        lines += textwrap.wrap(in_words(comparison), width, break_on_hyphens=False)
        lines += _flipped("improved", comparison.improvements, width)
        lines += _flipped("regressed", comparison.regressions, width)
    return lines or ["Nothing to compare: the runs share no dataset."]


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
