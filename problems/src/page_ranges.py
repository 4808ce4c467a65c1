"""Page numbers as a print dialog shows them."""

import random
from typing import Any

LEAN = (
    "Return the distinct pages, sorted, as text like '1-3,5,7-8': runs of consecutive pages joined."
)


def page_ranges(pages: list[int]) -> str:
    """Return page numbers the way a print dialog shows them.

    The pages are sorted and repeated ones count once. Consecutive pages are joined to a range
    ``first-last`` (two neighbours are a range already); ranges and single pages are separated by
    commas without spaces. No pages give the empty string.

    >>> page_ranges([5, 1, 2, 3, 7, 8])
    '1-3,5,7-8'
    >>> page_ranges([4, 4])
    '4'
    >>> page_ranges([])
    ''
    """
    runs: list[list[int]] = []
    for page in sorted(set(pages)):
        if runs and page == runs[-1][1] + 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def contract(pages: list[int]) -> None:
    assert all(isinstance(page, int) and page >= 1 for page in pages)


BASE: list[list[Any]] = [[[5, 1, 2, 3, 7, 8]], [[4, 4]], [[]], [[10, 9]]]
EDGES: list[list[Any]] = [[[1]], [[1, 3, 5]], [[2, 1, 2, 1]], [[9, 10, 11, 99, 100]], [[3, 1, 2]]]


def generate(rng: random.Random, size: int) -> list[Any]:
    return [[rng.randint(1, 2 * size) for _ in range(size)]]


def brute(pages: list[int]) -> str:
    held = set(pages)
    parts = []
    for page in range(max(held, default=0) + 1):
        if page in held and page - 1 not in held:
            last = page
            while last + 1 in held:
                last += 1
            parts.append(str(page) if last == page else str(page) + "-" + str(last))
    return ",".join(parts)


MUTANTS = [
    ("sorted(set(pages))", "sorted(pages)"),
    ("sorted(set(pages))", "dict.fromkeys(pages)"),
    ("a == b", "b - a < 2"),
]
