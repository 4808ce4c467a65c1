"""A table as lines of text."""

import random
from typing import Any

LEAN = (
    "Format the rows as lines: cells padded to their column's width, aligned by the letter of "
    "`align` for that column ('r' right, otherwise or where letters are missing left), joined by "
    "' | ', without trailing spaces. Short rows get empty cells."
)


def format_table(rows: list[list[str]], align: str) -> list[str]:
    """Format a table as lines of text, one for each row.

    Every column is as wide as its longest cell. The letter of `align` at a column's position says
    how its cells are aligned: ``r`` to the right, ``l`` to the left; columns beyond the end of
    `align` are aligned to the left. Rows that are shorter than the longest one are filled up with
    empty cells. Cells are joined by ``' | '``, and spaces at the end of a line are removed.

    >>> format_table([["name", "size"], ["a.txt", "7"]], "lr")
    ['name  | size', 'a.txt |    7']
    >>> format_table([["x"], ["yy", "z"]], "r")
    [' x |', 'yy | z']
    >>> format_table([], "l")
    []
    """
    count = max((len(row) for row in rows), default=0)
    filled = [row + [""] * (count - len(row)) for row in rows]
    widths = [max(len(row[i]) for row in filled) for i in range(count)]
    lines = []
    for row in filled:
        cells = []
        for i, cell in enumerate(row):
            right = align[i : i + 1] == "r"
            cells.append(cell.rjust(widths[i]) if right else cell.ljust(widths[i]))
        lines.append(" | ".join(cells).rstrip(" "))
    return lines


def contract(rows: list[list[str]], align: str) -> None:
    assert all(isinstance(cell, str) and cell == cell.strip() for row in rows for cell in row)
    assert all(letter in "lr" for letter in align)


BASE: list[list[Any]] = [
    [[["name", "size"], ["a.txt", "7"]], "lr"],
    [[["x"], ["yy", "z"]], "r"],
    [[], "l"],
    [[["a", "bb", "c"], ["dd", "e", "ff"]], "rl"],
]
EDGES: list[list[Any]] = [
    [[[]], ""],
    [[[], ["a"]], "r"],
    [[[""], ["abc"]], ""],
    [[["", "x"], ["", "yyy"]], "lr"],
    [[["a"], ["b", "c", "d"]], "lllllr"],
    [[["one", ""], ["two", ""]], "ll"],
    [[["1", "22", "333"], ["333", "1", "22"]], "rrr"],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    def cell() -> str:
        return "".join(rng.choice("abcxyz") for _ in range(rng.randint(0, 6)))

    columns = rng.randint(1, 5)
    rows = [[cell() for _ in range(rng.randint(0, columns))] for _ in range(1 + size // 4)]
    return [rows, "".join(rng.choice("lr") for _ in range(rng.randint(0, 5)))]


def brute(rows: list[list[str]], align: str) -> list[str]:
    lines = [""] * len(rows)
    for i in range(max(map(len, rows), default=0)):
        column = [row[i] if i < len(row) else "" for row in rows]
        width = len(max(column, key=len))
        side = ">" if i < len(align) and align[i] == "r" else "<"
        for n, text in enumerate(column):
            lines[n] += (" | " if i else "") + f"{text:{side}{width}}"
    return [line.rstrip() for line in lines]


MUTANTS = [
    ('.rstrip(" ")', ""),
    ('row + [""] * (count - len(row))', "row"),
    ('align[i : i + 1] == "r"', 'align[:1] == "r"'),
    ("cell.ljust(widths[i])", "cell"),
]
