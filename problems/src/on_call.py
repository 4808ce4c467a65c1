"""Who is on call in a given week."""

import random
from typing import Any

LEAN = (
    "Return who is on call in `week` of a repeating roster (week 0: its first name); absent people "
    "are replaced by the next one in the roster. Return '' if nobody is left."
)


def on_call(roster: list[str], week: int, absent: list[str]) -> str:
    """Return the name of the person who is on call in the given week.

    The roster repeats: week 0 belongs to its first name, week 1 to the second, and after the last
    name it starts again. If the person is absent, the next one in the roster who is not absent
    takes over, going round past the end if needed. If the roster is empty or everybody is absent,
    the result is the empty string.

    >>> on_call(["Ada", "Ben", "Cy"], 4, [])
    'Ben'
    >>> on_call(["Ada", "Ben", "Cy"], 2, ["Cy"])
    'Ada'
    >>> on_call(["Ada"], 3, ["Ada"])
    ''
    """
    for step in range(len(roster)):
        name = roster[(week + step) % len(roster)]
        if name not in absent:
            return name
    return ""


def contract(roster: list[str], week: int, absent: list[str]) -> None:
    assert all(isinstance(name, str) for name in [*roster, *absent])
    assert len(set(roster)) == len(roster)
    assert isinstance(week, int)
    assert week >= 0


BASE = [
    [["Ada", "Ben", "Cy"], 4, []],
    [["Ada", "Ben", "Cy"], 2, ["Cy"]],
    [["Ada"], 3, ["Ada"]],
    [["Ada", "Ben", "Cy"], 1, ["Ben", "Cy"]],
]
EDGES = [
    [[], 0, []],
    [[], 7, ["Ada"]],
    [["Ada", "Ben"], 0, ["Ben"]],
    [["Ada", "Ben", "Cy"], 5, ["Cy", "Ada", "Ben"]],
    [["Ada", "Ben", "Cy"], 3, ["Dee"]],
    [["Ada", "Ben", "Cy", "Dee"], 3, ["Dee", "Ada"]],
]
NAMES = ["Ada", "Ben", "Cy", "Dee", "Eli", "Fay", "Gus", "Hal", "Ida", "Jo", "Kim", "Leo"]


def generate(rng: random.Random, size: int) -> list[Any]:
    roster = rng.sample(NAMES, rng.randint(1, min(size, len(NAMES))))
    return [roster, rng.randint(0, 3 * size), rng.sample(NAMES, rng.randint(0, 9))]


def brute(roster: list[str], week: int, absent: list[str]) -> str:
    start = week % max(len(roster), 1)
    queue = roster[start:] + roster[:start]
    return next(iter([name for name in queue if name not in absent]), "")


MUTANTS = [
    ("range(len(roster))", "range(len(roster) - 1)"),
    ("week + step", "week + step + 1"),
    ("(week + step) % len(roster)", "min(week % len(roster) + step, len(roster) - 1)"),
]
