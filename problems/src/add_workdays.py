"""Dates counted in working days."""

import random
from typing import Any

LEAN = (
    "Return the date (YYYY-MM-DD) `days` working days after `start`, before it if negative; "
    "working days are Monday to Friday except `holidays`. For 0, the start itself or the next "
    "working day."
)


def add_workdays(start: str, days: int, holidays: list[str]) -> str:
    """Return the date that lies a number of working days after (or before) a date.

    Dates are written ``YYYY-MM-DD``. Working days are Monday to Friday, except the holidays. The
    start itself is not counted, whether it is a working day or not: 1 gives the first working day
    after it, -1 the last one before it. With 0 the result is the start if it is a working day, and
    the next working day after it otherwise.

    >>> add_workdays("2024-03-01", 1, [])
    '2024-03-04'
    >>> add_workdays("2024-03-04", -1, ["2024-03-01"])
    '2024-02-29'
    >>> add_workdays("2024-03-02", 0, [])
    '2024-03-04'
    """
    from datetime import date, timedelta

    def works(day: date) -> bool:
        return day.weekday() < 5 and day.isoformat() not in holidays

    day = date.fromisoformat(start)
    if days == 0 and works(day):
        return start
    step = timedelta(days=-1 if days < 0 else 1)
    left = max(abs(days), 1)
    while left:
        day += step
        left -= works(day)
    return day.isoformat()


def contract(start: str, days: int, holidays: list[str]) -> None:
    import re

    pattern = "(19|20)[0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
    assert all(re.fullmatch(pattern, day) for day in [start, *holidays])
    assert isinstance(days, int)
    assert -2000 <= days <= 2000


BASE: list[list[Any]] = [
    ["2024-03-01", 1, []],
    ["2024-03-04", -1, ["2024-03-01"]],
    ["2024-03-02", 0, []],
    ["2023-12-22", 3, ["2023-12-25", "2023-12-26"]],
]
EDGES: list[list[Any]] = [
    ["2024-02-28", 1, []],
    ["2023-02-28", 1, []],
    ["2024-03-01", 0, []],
    ["2024-03-01", 0, ["2024-03-01"]],
    ["2024-03-03", 0, ["2024-03-04"]],
    ["2024-03-02", -1, []],
    ["2024-03-02", 1, []],
    ["2024-01-01", -1, ["2023-12-30"]],
    ["2024-03-08", 5, []],
    ["2024-03-08", -5, []],
    ["2000-02-28", 2, []],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    from datetime import date, timedelta

    first = date(2019, 12, 1) + timedelta(days=rng.randint(0, 1500))
    near = [first + timedelta(days=rng.randint(-size, size)) for _ in range(size // 4)]
    holidays = [day.isoformat() for day in near]
    return [first.isoformat(), rng.randint(-size, 2 * size), holidays]


def brute(start: str, days: int, holidays: list[str]) -> str:
    """Look the date up in the list of all working days around it."""
    from datetime import date, timedelta

    first = date.fromisoformat(start)
    span = [first + timedelta(days=n) for n in range(-2 * abs(days) - 400, 2 * abs(days) + 400)]
    work = [day for day in span if day.isoweekday() < 6 and str(day) not in holidays]
    if days < 0:
        return str([day for day in work if day < first][days])
    if days == 0:
        return str(next(day for day in work if day >= first))
    return str([day for day in work if day > first][days - 1])


MUTANTS = [
    ("day.weekday() < 5", "day.weekday() < 6"),
    (" and day.isoformat() not in holidays", ""),
    ("if days == 0 and works(day)", "if days == 0"),
    ("-1 if days < 0 else 1", "1"),
    ("if days == 0 and works(day)", "if False"),
]
