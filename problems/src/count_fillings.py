"""In how many ways clips fill a break."""

import random
from typing import Any

LEAN = (
    "Count the sequences of clip lengths (each may be used any number of times, but never twice in "
    "a row) that add up to exactly `total`."
)


def count_fillings(lengths: list[int], total: int) -> int:
    """Count the ways to fill a break of `total` seconds exactly with clips.

    There is one clip of each length in `lengths`, which are all different. A filling is a sequence
    of clips, each of which may be shown any number of times but never twice in a row. Fillings
    with the same clips in another order are different. A break of 0 seconds has one filling: none.

    >>> count_fillings([1, 2], 3)
    2
    >>> count_fillings([1, 2], 4)
    1
    >>> count_fillings([5], 10)
    0
    >>> count_fillings([5], 0)
    1
    """
    # ways[t][length]: fillings of t seconds that end with this clip.
    ways = [dict.fromkeys(lengths, 0) for _ in range(total + 1)]
    for time in range(1, total + 1):
        for length in lengths:
            if length == time:
                ways[time][length] = 1
            elif length < time:
                before = ways[time - length]
                ways[time][length] = sum(before.values()) - before[length]
    return sum(ways[total].values()) if total else 1


def contract(lengths: list[int], total: int) -> None:
    assert all(isinstance(length, int) and length >= 1 for length in lengths)
    assert len(set(lengths)) == len(lengths)
    assert isinstance(total, int)
    assert 0 <= total <= 400


BASE: list[list[Any]] = [
    [[1, 2], 3],
    [[1, 2], 4],
    [[5], 10],
    [[5], 0],
    [[1, 2, 3], 6],
]
EDGES: list[list[Any]] = [
    [[], 0],
    [[], 4],
    [[5], 5],
    [[5], 3],
    [[1], 2],
    [[7, 3], 10],
    [[7, 3], 20],
    [[3, 7], 17],
    [[1, 2, 3, 4, 5], 60],
    [[400], 400],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    lengths = rng.sample(range(1, 10), rng.randint(2, 5))
    return [lengths, rng.randint(1, min(8 + size, 120))]


def brute(lengths: list[int], total: int) -> int:
    from functools import cache

    @cache
    def count(left: int, last: int) -> int:
        if left == 0:
            return 1
        return sum(count(left - n, n) for n in lengths if n != last and n <= left)

    return count(total, 0)


MUTANTS = [
    (" - before[length]", ""),
    ("elif length < time", "elif length < time - 1"),
    ("if total else 1", "if total else 0"),
    ("sum(ways[total].values()) if", "max(ways[total].values(), default=0) if"),
]
