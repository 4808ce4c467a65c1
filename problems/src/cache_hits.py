"""How well a small cache works."""

import random
from typing import Any

LEAN = (
    "Count the requests that a cache of `capacity` entries can answer when the least recently "
    "requested entry makes room for a new one."
)


def cache_hits(requests: list[str], capacity: int) -> int:
    """Count the requests that a cache answers itself.

    The cache starts empty and holds at most `capacity` names. A request for a name that it holds
    is a hit. Any other name is then put into the cache; if it is full, the name whose last request
    (hit or not) lies furthest back is thrown out first. With a capacity of 0 nothing is ever held.

    >>> cache_hits(["a", "b", "a", "c", "b"], 2)
    1
    >>> cache_hits(["a", "b", "a", "c", "b"], 3)
    2
    >>> cache_hits(["a", "a"], 0)
    0
    """
    hits = 0
    held: list[str] = []
    for name in requests:
        if name in held:
            hits += 1
            held.remove(name)
        held.append(name)
        if len(held) > capacity:
            held.pop(0)
    return hits


def contract(requests: list[str], capacity: int) -> None:
    assert all(isinstance(name, str) for name in requests)
    assert isinstance(capacity, int)
    assert capacity >= 0


BASE: list[list[Any]] = [
    [["a", "b", "a", "c", "b"], 2],
    [["a", "b", "a", "c", "b"], 3],
    [["a", "a"], 0],
    [["a", "b", "c", "a", "b", "c"], 2],
]
EDGES: list[list[Any]] = [
    [[], 3],
    [[], 0],
    [["a", "a", "a"], 1],
    [["a", "b", "a"], 1],
    [["a", "b", "a", "c", "a", "b"], 2],
    [["", "x", ""], 2],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    names = "abcdefgh"[: rng.randint(2, 8)]
    return [[rng.choice(names) for _ in range(size + 2)], rng.randint(0, len(names))]


def brute(requests: list[str], capacity: int) -> int:
    """A hit is a name with fewer than `capacity` others requested since its last request."""
    hits = 0
    for i, name in enumerate(requests):
        earlier = [j for j in range(i) if requests[j] == name]
        if earlier and len(set(requests[earlier[-1] + 1 : i])) < capacity:
            hits += 1
    return hits


MUTANTS = [
    (
        "            held.remove(name)\n        held.append(name)",
        "            continue\n        held.append(name)",
    ),
    ("held.pop(0)", "held.pop()"),
    ("> capacity", ">= capacity"),
]
