"""The area of a field from its corners."""

import random
from typing import Any

LEAN = (
    "Return the area of the simple polygon with these corners [x, y], in either direction; "
    "fewer than three corners have no area."
)
ATOL = 1e-6


def field_area(corners: list[list[float]]) -> float:
    """Return the area of a field whose border runs straight from corner to corner.

    Each corner is ``[x, y]``, in order round the field, in either direction; the border closes
    from the last corner to the first and does not cross itself. The field need not be convex.
    Fewer than three corners enclose nothing: 0.0.

    >>> field_area([[0, 0], [4, 0], [4, 3], [0, 3]])
    12.0
    >>> field_area([[0, 0], [0, 2], [2, 0]])
    2.0
    >>> field_area([[1, 1], [2, 2]])
    0.0
    """
    twice = 0.0
    for i, (x, y) in enumerate(corners):
        next_x, next_y = corners[(i + 1) % len(corners)]
        twice += x * next_y - next_x * y
    return abs(twice) / 2


def contract(corners: list[list[float]]) -> None:
    assert all(len(corner) == 2 for corner in corners)
    assert all(isinstance(value, (int, float)) for corner in corners for value in corner)


BASE: list[list[Any]] = [
    [[[0, 0], [4, 0], [4, 3], [0, 3]]],
    [[[0, 0], [0, 2], [2, 0]]],
    [[[1, 1], [2, 2]]],
    [[[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]]],
]
EDGES: list[list[Any]] = [
    [[]],
    [[[3, 4]]],
    [[[0, 0], [1, 1], [2, 2]]],
    [[[-1.5, -1.5], [1.5, -1.5], [1.5, 1.5], [-1.5, 1.5]]],
    [[[0, 0], [0, 1], [1, 1], [1, 0]]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    """A skyline: random heights along the x axis, so the border never crosses itself."""
    heights = [round(rng.uniform(0.5, 20), 2) for _ in range(size + 1)]
    left = rng.randint(-30, 30)
    corners: list[list[float]] = [[left + i, height] for i, height in enumerate(heights)]
    corners += [[left + size, 0], [left, 0]]
    return [corners if rng.random() < 0.5 else corners[::-1]]


def brute(corners: list[list[float]]) -> float:
    """Fan of triangles round the first corner, with signs."""
    from itertools import pairwise

    total = 0.0
    for (bx, by), (cx, cy) in pairwise(corners[1:]):
        ax, ay = corners[0]
        total += ((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2
    return abs(total)


MUTANTS = [
    ("abs(twice)", "twice"),
    ("/ 2", "/ 1"),
    ("(i + 1) % len(corners)", "min(i + 1, len(corners) - 1)"),
]
