"""The most that a hall can earn in a day."""

import random
from typing import Any

LEAN = (
    "Choose bookings [start, end, price] for one hall, with at least `cleaning` minutes between "
    "the end of one and the start of the next, for the highest total price; return that total."
)


def best_bookings(requests: list[list[int]], cleaning: int) -> int:
    """Return the highest total price of bookings that one hall can accept.

    Each request is ``[start, end, price]`` with times in minutes. Two accepted bookings must not
    overlap, and after one ends the hall is cleaned for `cleaning` minutes before the next may
    start (starting exactly then is allowed). After the last one no cleaning is needed. Requests
    come in any order. Accepting nothing earns 0.

    >>> best_bookings([[0, 60, 50], [60, 120, 40], [30, 90, 80]], 0)
    90
    >>> best_bookings([[0, 60, 50], [60, 120, 40], [30, 90, 80]], 15)
    80
    >>> best_bookings([], 15)
    0
    """
    ordered = sorted(requests, key=lambda request: request[1])
    best = [0]
    for i, (start, _, price) in enumerate(ordered):
        before = i
        while before and ordered[before - 1][1] + cleaning > start:
            before -= 1
        best.append(max(best[i], best[before] + price))
    return best[-1]


def contract(requests: list[list[int]], cleaning: int) -> None:
    assert all(len(request) == 3 for request in requests)
    assert all(start < end and price >= 0 for start, end, price in requests)
    assert isinstance(cleaning, int)
    assert cleaning >= 0


BASE: list[list[Any]] = [
    [[[0, 60, 50], [60, 120, 40], [30, 90, 80]], 0],
    [[[0, 60, 50], [60, 120, 40], [30, 90, 80]], 15],
    [[], 15],
    [[[0, 10, 5], [20, 30, 5], [5, 25, 9]], 10],
]
EDGES: list[list[Any]] = [
    [[[5, 6, 0]], 0],
    [[[0, 100, 10], [0, 10, 4], [20, 30, 4], [40, 50, 4]], 5],
    [[[0, 10, 3], [0, 10, 7]], 0],
    [[[20, 30, 1], [0, 10, 1]], 10],
    [[[20, 30, 1], [0, 10, 1]], 11],
    [[[0, 5, 9], [1, 2, 8], [3, 4, 8]], 1],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    requests = []
    for _ in range(size):
        start = rng.randint(0, 6 * size)
        requests.append([start, start + rng.randint(1, 20), rng.randint(0, 60)])
    return [requests, rng.choice([0, 0, 1, 5, 10])]


def brute(requests: list[list[int]], cleaning: int) -> int:
    """Earnings from each minute on, backwards through the day."""
    last = max((end for _, end, _ in requests), default=0) + cleaning
    earn = [0] * (last + 2)
    for minute in range(last, -1, -1):
        options = [p + earn[end + cleaning] for s, end, p in requests if s == minute]
        earn[minute] = max([earn[minute + 1], *options])
    return earn[0]


MUTANTS = [
    ("+ cleaning > start", "+ cleaning >= start"),
    ("+ cleaning > start", "> start"),
    ("max(best[i], best[before] + price)", "best[before] + price"),
    ("key=lambda request: request[1]", "key=lambda request: request[0]"),
    ("key=lambda request: request[1]", "key=lambda request: -request[2]"),
]
