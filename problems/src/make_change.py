"""Change from a drawer with few coins."""

import random
from typing import Any

LEAN = (
    "Fewest coins that pay exactly `amount` from a drawer of [value, count] pairs (all values "
    "different), or -1 if that is impossible."
)


def make_change(amount: int, drawer: list[list[int]]) -> int:
    """Return the fewest coins from the drawer that add up to exactly `amount`.

    The drawer lists ``[value, count]``: how many coins of each value it holds; the values differ
    and come in any order. Each coin can be used once. If the amount cannot be paid exactly, the
    result is -1. An amount of 0 needs 0 coins.

    >>> make_change(60, [[50, 1], [20, 3], [5, 2]])
    3
    >>> make_change(60, [[50, 1], [20, 2], [10, 1]])
    2
    >>> make_change(7, [[5, 1], [1, 1]])
    -1
    """
    fewest = {0: 0}
    for value, count in drawer:
        updated = dict(fewest)
        for paid, coins in fewest.items():
            for used in range(1, count + 1):
                total = paid + used * value
                if total > amount:
                    break
                updated[total] = min(coins + used, updated.get(total, coins + used))
        fewest = updated
    return fewest.get(amount, -1)


def contract(amount: int, drawer: list[list[int]]) -> None:
    assert isinstance(amount, int)
    assert amount >= 0
    assert all(len(pair) == 2 and pair[0] >= 1 and pair[1] >= 0 for pair in drawer)
    assert len({value for value, count in drawer}) == len(drawer)


BASE: list[list[Any]] = [
    [60, [[50, 1], [20, 3], [5, 2]]],
    [60, [[50, 1], [20, 2], [10, 1]]],
    [7, [[5, 1], [1, 1]]],
    [0, [[5, 1]]],
]
EDGES: list[list[Any]] = [
    [0, []],
    [5, []],
    [5, [[5, 0]]],
    [10, [[5, 1]]],
    [10, [[5, 2]]],
    [12, [[9, 1], [4, 3], [1, 3]]],
    [6, [[4, 1], [1, 1], [3, 2]]],
    [15, [[10, 1], [7, 2], [1, 9]]],
    [3, [[1, 2], [2, 2]]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    values = rng.sample([1, 2, 3, 5, 7, 10, 12, 20, 25, 50], rng.randint(1, 6))
    drawer = [[value, rng.randint(0, 4)] for value in values]
    picked = sum(value * rng.randint(0, count) for value, count in drawer)
    return [picked + rng.choice([0, 0, 0, 1, size]), drawer]


def brute(amount: int, drawer: list[list[int]]) -> int:
    """All ways, coin by coin from the largest, without remembering anything."""
    import itertools

    best = -1
    for counts in itertools.product(*(range(count + 1) for _, count in drawer)):
        paid = sum(n * value for n, (value, _) in zip(counts, drawer, strict=True))
        if paid == amount and (best < 0 or sum(counts) < best):
            best = sum(counts)
    return best


MUTANTS = [
    ("range(1, count + 1)", "range(1, amount + 1)"),
    ("range(1, count + 1)", "range(1, count)"),
    ("min(coins + used, updated.get(total, coins + used))", "coins + used"),
    (
        "updated = dict(fewest)",
        "updated = {}",
    ),
    ("fewest.get(amount, -1)", "fewest.get(amount, 0)"),
]
