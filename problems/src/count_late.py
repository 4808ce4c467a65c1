"""How many arrivals were late, given a grace period."""

import random
from typing import Any

LEAN = "Count the arrivals (minutes) that are more than `grace` minutes after `due`."


def count_late(arrivals: list[int], due: int, grace: int) -> int:
    """Count the arrivals that were late.

    All times are minutes since midnight. An arrival is late when it is more than `grace` minutes
    after `due`; one that is exactly `grace` minutes after `due` is still on time. Early arrivals
    are never late. An empty list gives 0.

    >>> count_late([595, 600, 605, 606], 600, 5)
    1
    >>> count_late([601, 602], 600, 0)
    2
    >>> count_late([], 600, 5)
    0
    """
    return sum(1 for arrival in arrivals if arrival > due + grace)


def contract(arrivals: list[int], due: int, grace: int) -> None:
    assert all(isinstance(arrival, int) for arrival in arrivals)
    assert isinstance(due, int)
    assert isinstance(grace, int)
    assert grace >= 0


BASE = [[[595, 600, 605, 606], 600, 5], [[601, 602], 600, 0], [[], 600, 5], [[610, 590], 600, 10]]
EDGES = [[[600], 600, 0], [[0], 0, 0], [[610, 611, 610], 600, 10], [[590, 589], 600, 10]]


def generate(rng: random.Random, size: int) -> list[Any]:
    due, grace = rng.randint(400, 800), rng.randint(0, 15)
    return [[due + rng.randint(-20, 25) for _ in range(size)], due, grace]


def brute(arrivals: list[int], due: int, grace: int) -> int:
    late = 0
    for arrival in arrivals:
        late += max(arrival - due, 0) > grace
    return late


MUTANTS = [
    (">", ">="),
    ("due + grace", "due"),
    ("arrival > due + grace", "abs(arrival - due) > grace"),
]
