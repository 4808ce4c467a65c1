"""Plain tables for the terminal, and figures in the forms that all reports use."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_dualcode.analysis.cost import Cost

GAP = "  "


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Lay out a table within `width` columns: text left, figures (all but the first two) right.

    A table that is too wide gives its first column a line of its own; cells that are still too
    wide are cut with an ellipsis.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    if _total(widths) <= width:
        return [_line(cells, widths) for cells in (header, *rows)]
    return _stacked(header, rows, widths, width)


def _stacked(
    header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], width: int
) -> list[str]:
    inner = list(widths[1:])
    inner[0] = max(6, min(inner[0], width - 2 - (_total(inner) - inner[0])))
    lines = [header[0][:width], clip("  " + _line(header[1:], inner, first_figure=1), width)]
    previous = None
    for name, *cells in rows:
        if name != previous:
            lines.append(clip(name, width))
        previous = name
        lines.append(clip("  " + _line(cells, inner, first_figure=1), width))
    return lines


def _line(cells: Sequence[str], widths: Sequence[int], first_figure: int = 2) -> str:
    aligned = [
        cell.ljust(size) if place < first_figure else cell.rjust(size)
        for place, (cell, size) in enumerate(
            (clip(cell, size), size) for cell, size in zip(cells, widths, strict=True)
        )
    ]
    return GAP.join(aligned).rstrip()


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def clip(text: str, width: int) -> str:
    """`text`, or its beginning with an ellipsis where it is longer than `width`."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def compact(number: int) -> str:
    """A count in at most six characters: ``9,999``, ``812k``, ``1.23M``."""
    if number < 10_000:
        return f"{number:,}"
    if number < 999_500:
        return f"{number / 1000:.0f}k"
    return f"{number / 1_000_000:.2f}M"


def duration(seconds: float) -> str:
    """``0.4 s``, ``59 s``, ``12.5 min``, ``3.1 h``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def cost_table(costs: Sequence[Cost]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows; without the columns of GPU hours and money where these are not known."""
    columns = {
        "what": [cost.name for cost in costs],
        "tokens": [compact(cost.tokens) for cost in costs],
        "servers": [f"{cost.hours:.2f} h" for cost in costs],
        "GPU hours": [_known(cost.gpu_hours, 2) for cost in costs],
        "money": [_known(cost.money, 2) for cost in costs],
        "for a passing problem": [_known(cost.for_a_pass, 4) for cost in costs],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    return tuple(shown), list(zip(*shown.values(), strict=True))


def _known(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 error``, ``3 errors``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
