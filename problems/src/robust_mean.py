"""A mean that outliers cannot move."""

import random
from typing import Any

LEAN = (
    "Return the mean of the values whose distance to the median is at most `factor` times the "
    "median of these distances; 0.0 for no values. The median of an even count is the mean of the "
    "middle two."
)
ATOL = 1e-6


def robust_mean(values: list[float], factor: float) -> float:
    """Return the mean of the values that are not outliers.

    Let m be the median of the values, and s the median of the distances ``abs(value - m)``. A
    value is kept when its distance to m is at most ``factor * s``; the result is the mean of the
    kept ones. The median of an even number of values is the mean of the middle two. No values
    give 0.0. `factor` is at least 1, so some value is always kept.

    >>> robust_mean([1.0, 2.0, 3.0, 4.0, 100.0], 2.0)
    2.5
    >>> robust_mean([5.0, 5.0, 5.0, 9.0], 3.0)
    5.0
    >>> robust_mean([], 3.0)
    0.0
    """
    from statistics import median

    if not values:
        return 0.0
    middle = median(values)
    spread = median(abs(value - middle) for value in values)
    kept = [value for value in values if abs(value - middle) <= factor * spread]
    return sum(kept) / len(kept)


def contract(values: list[float], factor: float) -> None:
    assert all(isinstance(value, (int, float)) for value in values)
    # Binary fractions: whether a value is kept must not depend on rounding.
    assert all(value * 4 == int(value * 4) for value in values)
    assert factor in (1.0, 1.5, 2.0, 3.0)


BASE: list[list[Any]] = [
    [[1.0, 2.0, 3.0, 4.0, 100.0], 2.0],
    [[5.0, 5.0, 5.0, 9.0], 3.0],
    [[], 3.0],
    [[-4.0, 0.0, 1.0, 2.0, 3.0, 20.0], 1.5],
]
EDGES: list[list[Any]] = [
    [[7.25], 1.0],
    [[1.0, 2.0], 1.0],
    [[1.0, 1.0, 9.0, 9.0], 1.0],
    [[3.0, 1.0, 2.0], 1.0],
    [[0.0, 0.0, 0.0, 0.0, 50.0, -50.0], 2.0],
    [[-1.0, -2.0, -3.0, -100.0], 3.0],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    values = [rng.randint(-80, 80) / 4 for _ in range(size)]
    values += [rng.randint(-4000, 4000) / 4 for _ in range(size // 5)]
    rng.shuffle(values)
    return [values, rng.choice([1.0, 1.5, 2.0, 3.0])]


def brute(values: list[float], factor: float) -> float:
    def middle(numbers: list[float]) -> float:
        ordered = sorted(numbers)
        while len(ordered) > 2:
            ordered = ordered[1:-1]
        return sum(ordered) / len(ordered)

    if not values:
        return 0.0
    centre = middle(values)
    limit = factor * middle([abs(value - centre) for value in values])
    total, count = 0.0, 0
    for value in values:
        if centre - limit <= value <= centre + limit:
            total, count = total + value, count + 1
    return total / count


MUTANTS = [
    ("<= factor", "< factor + 1e-9 and abs(value - middle) < factor"),
    ("middle = median(values)", "middle = sum(values) / len(values)"),
    ("middle = median(values)", "middle = sorted(values)[len(values) // 2]"),
    ("sum(kept) / len(kept)", "median(kept)"),
]
