"""Free time in a calendar."""

import random
from typing import Any

LEAN = (
    "Return the free intervals [start, end] of at least `minutes` between `opens` and `closes`, in "
    "order, given busy intervals in any order that may overlap or stick out."
)


def free_slots(busy: list[list[int]], opens: int, closes: int, minutes: int) -> list[list[int]]:
    """Return the free time slots of a day that are long enough.

    All times are minutes since midnight; an interval is ``[start, end]``. The busy intervals may
    come in any order, overlap, touch, and begin before `opens` or end after `closes`. The result
    lists the longest possible intervals between `opens` and `closes` that no busy interval
    touches inside, if they are at least `minutes` long, in order of time.

    >>> free_slots([[600, 660], [540, 570]], 540, 720, 30)
    [[570, 600], [660, 720]]
    >>> free_slots([[500, 610], [600, 650]], 540, 720, 90)
    []
    >>> free_slots([], 540, 600, 60)
    [[540, 600]]
    """
    slots = []
    free_from = opens
    for start, end in sorted([*busy, [closes, closes]]):
        until = min(start, closes)
        if until - free_from >= minutes:
            slots.append([free_from, until])
        free_from = max(free_from, end)
    return slots


def contract(busy: list[list[int]], opens: int, closes: int, minutes: int) -> None:
    assert all(len(pair) == 2 and pair[0] < pair[1] for pair in busy)
    assert 0 <= opens < closes <= 1440
    assert minutes >= 1


BASE: list[list[Any]] = [
    [[[600, 660], [540, 570]], 540, 720, 30],
    [[[500, 610], [600, 650]], 540, 720, 90],
    [[], 540, 600, 60],
    [[[560, 700], [570, 580]], 540, 720, 20],
]
EDGES: list[list[Any]] = [
    [[], 540, 600, 61],
    [[[0, 1440]], 540, 600, 1],
    [[[100, 200]], 540, 600, 10],
    [[[700, 800]], 540, 600, 10],
    [[[540, 600]], 540, 600, 1],
    [[[550, 560], [560, 570]], 540, 600, 10],
    [[[590, 700], [650, 660]], 540, 600, 5],
    [[[541, 599]], 540, 600, 1],
    [[[600, 610]], 540, 600, 60],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    opens, closes = rng.randint(400, 560), rng.randint(600, 1100)
    busy = []
    for _ in range(size // 3):
        start = rng.randint(380, 1100)
        busy.append([start, start + rng.randint(1, 90)])
    return [busy, opens, closes, rng.randint(1, 60)]


def brute(busy: list[list[int]], opens: int, closes: int, minutes: int) -> list[list[int]]:
    """Colour each minute, then collect the runs of free ones."""
    free = [not any(a <= minute < b for a, b in busy) for minute in range(opens, closes)]
    slots, start = [], None
    for minute, is_free in enumerate([*free, False], start=opens):
        if is_free and start is None:
            start = minute
        if not is_free and start is not None:
            if minute - start >= minutes:
                slots.append([start, minute])
            start = None
    return slots


MUTANTS = [
    ("until - free_from >= minutes", "until - free_from > minutes"),
    ("max(free_from, end)", "end"),
    ("sorted([*busy, [closes, closes]])", "[*busy, [closes, closes]]"),
    ("min(start, closes)", "start"),
    ("sorted([*busy, [closes, closes]])", "sorted(busy)"),
]
