"""The paper's figures, redrawn from a run as SVG: shapes and labels tell as much as colours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

LABEL, PLOT, ROW, FIGURES = 190, 420, 26, 150
"""Widths (label, plot, figures beside it) and the height of a row, in SVG units."""


SCORE_CELLS, STACK = 60, 32
"""In how many cells a scatter stacks its points, and how high the highest stack is."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: a share (0 to 1) with the ends of its interval, and the paper's share."""

    label: str
    value: float
    low: float
    high: float
    text: str
    paper: float | None = None


@dataclass(frozen=True, slots=True)
class Flips:
    """One row of regressions (left) and improvements (right)."""

    label: str
    regressions: int
    improvements: int


def share_bars(title: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars with whiskers; a diamond marks the paper's value."""
    rows = [_share_bar(bar, 8 + ROW * place) for place, bar in enumerate(bars)]
    axis = [_tick(LABEL + PLOT * share, f"{100 * share:.0f} %", len(bars)) for share in _quarters()]
    return _svg(title, len(bars), [*axis, *rows])


def flip_bars(title: str, rows: Sequence[Flips]) -> str:
    """Diverging bars around a middle line, with their counts."""
    most = max([1, *(max(row.regressions, row.improvements) for row in rows)])
    middle = LABEL + PLOT / 2
    line = f'<line class="axis" x1="{middle}" x2="{middle}" y1="4" y2="{8 + ROW * len(rows)}"/>'
    drawn = [_flip_bar(row, 8 + ROW * n, middle, PLOT / 2 / most) for n, row in enumerate(rows)]
    return _svg(title, len(rows), [line, *drawn], axis=False)


def scatter(title: str, points: Iterable[tuple[float, int]]) -> str:
    """Problems by richness (across) and change: improved above, regressed below the line.

    Points of nearly equal score are stacked, as close as the highest stack of all needs.
    """
    stacks: dict[tuple[int, int], list[float]] = defaultdict(list)
    for score, change in points:
        stacks[round(score * SCORE_CELLS), change].append(score)
    step = min(3.2, STACK / max([1, *map(len, stacks.values())]))
    dots = [
        _dot(
            LABEL + PLOT * score,
            90 - 40 * change - place * (step if change >= 0 else -step),
            change,
        )
        for (_, change), scores in stacks.items()
        for place, score in enumerate(scores)
    ]
    marks = [
        _text(LABEL - 8, y + 4, words, "end")
        for y, words in ((50, "improved"), (90, "unchanged"), (130, "regressed"))
    ]
    axis = [_text(LABEL + PLOT * x, 190, f"{x:.2f}", "middle") for x in _quarters()]
    line = f'<line class="axis" x1="{LABEL}" x2="{LABEL + PLOT}" y1="176" y2="176"/>'
    return _wrapped(title, 200, [*marks, *axis, line, *dots])


def _share_bar(bar: Bar, y: float) -> str:
    x0, x1 = LABEL + PLOT * bar.low, LABEL + PLOT * bar.high
    middle = y + ROW / 2 - 3
    parts = [
        _text(LABEL - 8, middle + 4, bar.label, "end"),
        f'<rect class="bar" x="{LABEL}" y="{y}" width="{PLOT * bar.value:.1f}" height="18"/>',
        f'<path class="whisker" d="M{x0:.1f} {middle}H{x1:.1f}M{x0:.1f} {middle - 4}v8'
        f'M{x1:.1f} {middle - 4}v8"/>',
        _text(LABEL + PLOT + 12, middle + 4, bar.text, "start"),
    ]
    if bar.paper is not None:
        x = LABEL + PLOT * bar.paper
        parts.append(f'<path class="paper" d="M{x:.1f} {middle - 6}l5 6l-5 6l-5 -6z"/>')
    return "".join(parts)


def _flip_bar(row: Flips, y: float, middle: float, unit: float) -> str:
    lost, won = row.regressions * unit, row.improvements * unit
    text = y + ROW / 2 + 1
    return (
        _text(LABEL - 8, text, row.label, "end")
        + f'<rect class="lost" x="{middle - lost:.1f}" y="{y}" width="{lost:.1f}" height="18"/>'
        + f'<rect class="won" x="{middle:.1f}" y="{y}" width="{won:.1f}" height="18"/>'
        + _text(LABEL + PLOT + 12, text, f"▼ {row.regressions}  ▲ {row.improvements}", "start")
    )


def _dot(x: float, y: float, change: int) -> str:
    """A triangle up or down for a change, a small ring for none."""
    if change == 0:
        return f'<circle class="same" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
    kind, tip = ("won", -5) if change > 0 else ("lost", 5)
    return f'<path class="{kind}" d="M{x - 4:.1f} {y:.1f}h8l-4 {tip}z"/>'


def _tick(x: float, label: str, rows: int) -> str:
    bottom = 8 + ROW * rows
    return f'<line class="grid" x1="{x}" x2="{x}" y1="4" y2="{bottom}"/>' + _text(
        x, bottom + 14, label, "middle"
    )


def _quarters() -> tuple[float, ...]:
    return (0.0, 0.25, 0.5, 0.75, 1.0)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, rows: int, parts: Iterable[str], axis: bool = True) -> str:
    return _wrapped(title, 12 + ROW * rows + (18 if axis else 0), parts)


def _wrapped(title: str, height: float, parts: Iterable[str]) -> str:
    width = LABEL + PLOT + FIGURES
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><div class="wide">'
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}">'
        + "".join(parts)
        + "</svg></div></figure>"
    )
