"""Sensor readings forced into a range."""

import random
from typing import Any

LEAN = "Clamp every reading to the range between the two bounds, which may come in either order."


def clamp_readings(readings: list[float], bound: float, other: float) -> list[float]:
    """Return the readings, each forced into the range between the two bounds.

    The bounds are inclusive and may be given in either order. A reading outside the range becomes
    the nearer bound; the others, and the order of the list, stay as they are. The given list is
    not changed.

    >>> clamp_readings([-1.5, 0.5, 3.0], 0.0, 1.0)
    [0.0, 0.5, 1.0]
    >>> clamp_readings([-1.5, 0.5, 3.0], 1.0, 0.0)
    [0.0, 0.5, 1.0]
    >>> clamp_readings([], 0.0, 1.0)
    []
    """
    low, high = min(bound, other), max(bound, other)
    return [min(max(reading, low), high) for reading in readings]


def contract(readings: list[float], bound: float, other: float) -> None:
    assert all(isinstance(reading, (int, float)) for reading in readings)
    assert isinstance(bound, (int, float))
    assert isinstance(other, (int, float))


BASE = [
    [[-1.5, 0.5, 3.0], 0.0, 1.0],
    [[-1.5, 0.5, 3.0], 1.0, 0.0],
    [[], 0.0, 1.0],
    [[2.0, 2.0], 2.0, 2.0],
]
EDGES = [[[5.0, -5.0], 0.0, 0.0], [[1.0, 2.0], -2.0, -1.0], [[0.25], 7.5, 0.5], [[9.0], 7.5, 0.5]]


def generate(rng: random.Random, size: int) -> list[Any]:
    readings = [round(rng.uniform(-10, 10), 2) for _ in range(size)]
    return [readings, round(rng.uniform(-8, 8), 1), round(rng.uniform(-8, 8), 1)]


def brute(readings: list[float], bound: float, other: float) -> list[float]:
    return [sorted([bound, reading, other])[1] for reading in readings]


MUTANTS = [
    ("low, high = min(bound, other), max(bound, other)", "low, high = bound, other"),
    ("min(max(reading, low), high)", "max(reading, low)"),
    ("for reading in readings", "for reading in sorted(readings)"),
]
