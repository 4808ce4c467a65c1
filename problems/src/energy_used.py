"""Energy from a power meter's samples."""

import random
from typing import Any

LEAN = (
    "Integrate the power samples [seconds, watts] by the trapezoid rule to watt-hours; pairs of "
    "neighbouring samples more than `max_gap` seconds apart count nothing."
)
ATOL = 1e-6


def energy_used(samples: list[list[float]], max_gap: float) -> float:
    """Return the energy in watt-hours that a power meter's samples add up to.

    Each sample is ``[seconds, watts]``, in order of time. Between two neighbouring samples the
    power is taken to change linearly (the trapezoid rule). Where two neighbours are more than
    `max_gap` seconds apart the meter was off, and the time between them counts nothing; exactly
    `max_gap` still counts. Fewer than two samples give 0.0.

    >>> energy_used([[0, 100], [3600, 100]], 7200)
    100.0
    >>> energy_used([[0, 0], [1800, 200], [3600, 0]], 1800)
    100.0
    >>> energy_used([[0, 100], [3600, 100]], 600)
    0.0
    """
    from itertools import pairwise

    joules = 0.0
    for (start, first), (end, second) in pairwise(samples):
        if end - start <= max_gap:
            joules += (end - start) * (first + second) / 2
    return joules / 3600


def contract(samples: list[list[float]], max_gap: float) -> None:
    assert all(len(sample) == 2 for sample in samples)
    assert [sample[0] for sample in samples] == sorted(sample[0] for sample in samples)
    assert max_gap >= 0


BASE: list[list[Any]] = [
    [[[0, 100], [3600, 100]], 7200],
    [[[0, 0], [1800, 200], [3600, 0]], 1800],
    [[[0, 100], [3600, 100]], 600],
    [[[0, 50], [60, 70], [1000, 70], [1060, 90]], 300],
]
EDGES: list[list[Any]] = [
    [[], 60],
    [[[5, 900]], 60],
    [[[0, 3600], [0, 0], [1, 3600]], 1],
    [[[0, 10], [60, 10], [121, 10]], 60],
    [[[0, -50], [100, -50]], 100],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    samples, now = [], 0
    for _ in range(size):
        samples.append([now, round(rng.uniform(0, 2000), 1)])
        now += rng.choice([10, 30, 60, 60, 90, 400])
    return [samples, rng.choice([30, 60, 90, 500])]


def brute(samples: list[list[float]], max_gap: float) -> float:
    total = 0.0
    for i in range(1, len(samples)):
        seconds = samples[i][0] - samples[i - 1][0]
        low, high = sorted([samples[i][1], samples[i - 1][1]])
        if not seconds > max_gap:
            total += seconds / 3600 * low + seconds / 3600 * (high - low) * 0.5
    return total


MUTANTS = [
    ("<= max_gap", "< max_gap"),
    ("(first + second) / 2", "first"),
    ("(first + second) / 2", "second"),
    ("if end - start <= max_gap", "if True"),
    ("/ 3600", "/ 1000"),
]
