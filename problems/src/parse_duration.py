"""Durations such as 1h30m, as seconds."""

import random
from typing import Any

LEAN = (
    "Convert a duration like '1h30m5s' (units in the order d, h, m, s, each at most once, at least "
    "one) to seconds. Return -1 for any other text."
)


def parse_duration(text: str) -> int:
    """Return the number of seconds in a duration such as ``1d2h30m5s``.

    A duration is one or more parts, each a whole number without sign followed by a unit: ``d``
    (days), ``h`` (hours), ``m`` (minutes) or ``s`` (seconds). Units come in that order and each
    at most once; any of them may be missing. Numbers may be larger than usual (``90m``) and have
    leading zeros. Everything else is invalid and gives -1: the empty text, spaces, capital
    letters, a number without a unit, a unit without a number, units in the wrong order.

    >>> parse_duration("1h30m")
    5400
    >>> parse_duration("90m")
    5400
    >>> parse_duration("5s1h")
    -1
    >>> parse_duration("12")
    -1
    """
    import re

    match = re.fullmatch(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?", text)
    if match is None or not text:
        return -1
    sizes = (86400, 3600, 60, 1)
    return sum(int(part or 0) * size for part, size in zip(match.groups(), sizes, strict=True))


def contract(text: str) -> None:
    assert isinstance(text, str)


BASE = [["1h30m"], ["90m"], ["5s1h"], ["12"], ["2d"], [""]]
EDGES = [
    ["s"],
    ["0s"],
    ["100h30m"],
    ["007m"],
    ["1h 30m"],
    ["1H"],
    ["1h1h"],
    ["-5s"],
    ["1d2h3m4s"],
    ["1d4s"],
    ["1.5h"],
    ["1hm"],
    ["5m3"],
    [" 5m"],
    ["5m\n"],
    ["86400s"],
    ["1w"],
    ["3m2h"],
    ["+1m"],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    units = [unit for unit in "dhms" if rng.random() < 0.6] or ["m"]
    if rng.random() < 0.2:
        rng.shuffle(units)
    text = "".join(f"{rng.randint(0, 10 + size)}{unit}" for unit in units)
    return [text if rng.random() < 0.85 else text[: rng.randint(0, len(text))]]


def brute(text: str) -> int:
    total, number, left = 0, "", "dhms"
    for char in text:
        if char in "0123456789":
            number += char
        elif number and char in left:
            total += int(number) * {"d": 86400, "h": 3600, "m": 60, "s": 1}[char]
            number, left = "", left[left.index(char) + 1 :]
        else:
            return -1
    return -1 if number or left == "dhms" else total


MUTANTS = [
    ("re.fullmatch", "re.match"),
    (" or not text", ""),
    ("86400, 3600", "3600, 86400"),
    ("[0-9]+)h", "[0-9]{1,2})h"),
    ("return -1", "return 0"),
]
