"""When a machine is busiest."""

import random
from typing import Any

LEAN = (
    "Given jobs [start, end, load] running from start up to but not including end, return "
    "[time, load] of the highest total load, at the earliest time it is reached; [0, 0] for none."
)


def peak_load(jobs: list[list[int]]) -> list[int]:
    """Return when the total load of all jobs is highest, and how high it is.

    Each job is ``[start, end, load]`` and runs from `start` up to, but not including, `end`; a job
    whose end is not after its start never runs. The result is ``[time, total]`` with the highest
    total and the earliest time at which it is reached. If no job ever runs, it is ``[0, 0]``.

    >>> peak_load([[0, 10, 3], [5, 15, 4], [10, 20, 2]])
    [5, 7]
    >>> peak_load([[0, 5, 1], [5, 9, 1]])
    [0, 1]
    >>> peak_load([])
    [0, 0]
    """
    changes: dict[int, int] = {}
    for start, end, load in jobs:
        if start < end:
            changes[start] = changes.get(start, 0) + load
            changes[end] = changes.get(end, 0) - load
    best, total = [0, 0], 0
    for time in sorted(changes):
        total += changes[time]
        if total > best[1]:
            best = [time, total]
    return best


def contract(jobs: list[list[int]]) -> None:
    assert all(len(job) == 3 for job in jobs)
    assert all(isinstance(value, int) for job in jobs for value in job)
    assert all(job[2] >= 1 for job in jobs)


BASE: list[list[Any]] = [
    [[[0, 10, 3], [5, 15, 4], [10, 20, 2]]],
    [[[0, 5, 1], [5, 9, 1]]],
    [[]],
    [[[8, 9, 5], [1, 4, 2], [3, 6, 3]]],
]
EDGES: list[list[Any]] = [
    [[[3, 3, 9]]],
    [[[7, 2, 9]]],
    [[[7, 2, 9], [1, 2, 1]]],
    [[[-5, -1, 2]]],
    [[[4, 6, 1], [4, 6, 1], [2, 4, 2]]],
    [[[0, 100, 1], [20, 30, 1], [29, 31, 1], [30, 40, 5]]],
    [[[10, 20, 5], [0, 10, 5]]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    jobs = []
    for _ in range(size):
        start = rng.randint(0, 4 * size)
        jobs.append([start, start + rng.randint(-1, 12), rng.randint(1, 9)])
    return [jobs]


def brute(jobs: list[list[int]]) -> list[int]:
    """The peak is reached at the start of some job."""
    best = [0, 0]
    for time in sorted(job[0] for job in jobs):
        total = sum(load for start, end, load in jobs if start <= time < end)
        if total > best[1]:
            best = [time, total]
    return best


MUTANTS = [
    ("total > best[1]", "total >= best[1]"),
    ("if start < end", "if True"),
    ("changes.get(end, 0) - load", "-load"),
    (
        "changes[end] = changes.get(end, 0) - load",
        "changes[end + 1] = changes.get(end + 1, 0) - load",
    ),
]
