"""Numbers for the headings of a document."""

import random
from typing import Any

LEAN = (
    "Replace the leading '#'s (level) and space of each Markdown heading by hierarchical numbers: "
    "'# A', '## B' become '1 A', '1.1 B'; skipped levels count as 0; levels below restart. Leave "
    "all other lines, also '#' without a space or more than 6, alone."
)


def number_headings(lines: list[str]) -> list[str]:
    """Number the headings of a document, the way ``1``, ``1.1``, ``1.2``, ``2`` run.

    A heading is a line that begins with 1 to 6 ``#`` characters, its level, and then a space. The
    marks and that one space are replaced by the heading's number and a space. The number counts the
    headings of its level since the last heading of a higher level (fewer marks), with the numbers
    of the levels above before it, separated by dots. A level that was skipped counts as 0. All
    other lines stay as they are.

    >>> number_headings(["# One", "text", "## Sub", "# Two", "## Sub"])
    ['1 One', 'text', '1.1 Sub', '2 Two', '2.1 Sub']
    >>> number_headings(["## Early", "### Deep", "# First"])
    ['0.1 Early', '0.1.1 Deep', '1 First']
    >>> number_headings(["#tag", "# A", "### B"])
    ['#tag', '1 A', '1.0.1 B']
    """
    counts = [0] * 6
    numbered = []
    for line in lines:
        marks, space, title = line.partition(" ")
        level = len(marks)
        if not space or marks != "#" * level or not 1 <= level <= 6:
            numbered.append(line)
            continue
        counts[level - 1] += 1
        counts[level:] = [0] * (6 - level)
        numbered.append(".".join(map(str, counts[:level])) + " " + title)
    return numbered


def contract(lines: list[str]) -> None:
    assert all(isinstance(line, str) and "\n" not in line for line in lines)


BASE: list[list[Any]] = [
    [["# One", "text", "## Sub", "# Two", "## Sub"]],
    [["## Early", "### Deep", "# First"]],
    [["#tag", "# A", "### B"]],
    [["# A", "## B", "## C", "### D", "## E", "### F"]],
]
EDGES: list[list[Any]] = [
    [[]],
    [["", " # A", "#"]],
    [["# "]],
    [["# A", " x", "# B", "  ## C", "## D"]],
    [["#  two spaces"]],
    [["####### seven", "###### six"]],
    [["# A", "### B", "## C", "### D"]],
    [["text # not", "# yes # no"]],
    [["# A"] * 12],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    deepest = rng.randint(1, 6)
    lines = []
    for i in range(size):
        mark = "#" * rng.randint(1, deepest)
        lines.append(rng.choice([f"{mark} T{i}", f"{mark} T{i}", f"line {i}", f"{mark}x {i}"]))
    return [lines]


def brute(lines: list[str]) -> list[str]:
    import re

    def level(line: str) -> int:
        match = re.match("(#{1,6}) ", line)
        return len(match[1]) if match else 0

    def count(end: int, depth: int) -> int:
        """Headings of `depth` up to line `end`, since the last heading above it."""
        total = 0
        for line in lines[: end + 1]:
            if 0 < level(line) < depth:
                total = 0
            total += level(line) == depth
        return total

    result = []
    for i, line in enumerate(lines):
        numbers = [str(count(i, depth)) for depth in range(1, level(line) + 1)]
        result.append(".".join(numbers) + line.lstrip("#") if numbers else line)
    return result


MUTANTS = [
    ("counts[level:] = [0] * (6 - level)", "pass"),
    ("1 <= level <= 6", "1 <= level"),
    ("not space or ", ""),
    (
        "counts[:level])",
        "counts[:level] if True in [c > 0 for c in counts] and counts[0] else [1])",
    ),
    ('" " + title', '" " + title.strip()'),
]
