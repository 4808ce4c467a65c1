"""A rate limiter."""

import random
from typing import Any

LEAN = (
    "For each request time (seconds, ascending) say whether it is admitted: at most `limit` "
    "admitted requests in any `window` seconds, i.e. only those less than `window` ago count; "
    "rejected ones do not."
)


def admit_requests(times: list[int], limit: int, window: int) -> list[bool]:
    """Say of each request whether a rate limiter admits it.

    The times are in seconds, in ascending order (several may be equal). A request at time t is
    admitted when fewer than `limit` earlier requests were admitted at times later than
    ``t - window``. An admitted request exactly `window` seconds ago no longer counts, and rejected
    requests never count.

    >>> admit_requests([0, 1, 2, 10], 2, 10)
    [True, True, False, True]
    >>> admit_requests([5, 5, 5], 1, 60)
    [True, False, False]
    >>> admit_requests([], 3, 60)
    []
    """
    admitted: list[int] = []
    decisions = []
    for time in times:
        recent = [earlier for earlier in admitted if earlier > time - window]
        decisions.append(len(recent) < limit)
        if decisions[-1]:
            admitted.append(time)
    return decisions


def contract(times: list[int], limit: int, window: int) -> None:
    assert all(isinstance(time, int) and time >= 0 for time in times)
    assert times == sorted(times)
    assert limit >= 0
    assert window >= 1


BASE: list[list[Any]] = [
    [[0, 1, 2, 10], 2, 10],
    [[5, 5, 5], 1, 60],
    [[], 3, 60],
    [[0, 4, 8, 12, 16], 2, 9],
]
EDGES: list[list[Any]] = [
    [[1, 2], 0, 5],
    [[0, 10, 20], 1, 10],
    [[0, 9, 10], 1, 10],
    [[0, 3, 6, 9, 10, 11], 2, 10],
    [[7], 1, 1],
    [[0, 0, 1, 1, 2, 2], 1, 1],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    times = sorted(rng.randint(0, 3 * size) for _ in range(size))
    return [times, rng.randint(1, 4), rng.randint(1, 12)]


def brute(times: list[int], limit: int, window: int) -> list[bool]:
    used: dict[int, int] = {}
    decisions = []
    for time in times:
        count = sum(used.get(second, 0) for second in range(time - window + 1, time + 1))
        decisions.append(count < limit)
        used[time] = used.get(time, 0) + (count < limit)
    return decisions


MUTANTS = [
    ("earlier > time - window", "earlier >= time - window"),
    ("        if decisions[-1]:\n            admitted", "        if True:\n            admitted"),
    ("< limit", "<= limit"),
    ("len(recent) < limit", "time // window != (recent or [-window])[-1] // window"),
]
