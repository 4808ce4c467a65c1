"""The label printed on a theatre seat."""

import random
from typing import Any

LEAN = "Return the seat label: rows 0-25 as a letter A-Z, then the seat number with two digits."


def seat_label(row: int, seat: int) -> str:
    """Return the label printed on a theatre seat.

    The row (0 to 25) becomes a capital letter, row 0 being A. The seat number (1 to 99) follows
    directly, always with two digits.

    >>> seat_label(0, 1)
    'A01'
    >>> seat_label(2, 7)
    'C07'
    >>> seat_label(25, 99)
    'Z99'
    """
    return f"{chr(ord('A') + row)}{seat:02d}"


def contract(row: int, seat: int) -> None:
    assert isinstance(row, int)
    assert 0 <= row <= 25
    assert isinstance(seat, int)
    assert 1 <= seat <= 99


BASE = [[0, 1], [2, 7], [25, 99], [11, 10]]
EDGES = [[0, 99], [25, 1], [12, 9], [13, 10]]


def generate(rng: random.Random, size: int) -> list[Any]:
    return [rng.randint(0, 25), rng.randint(1, min(99, 5 + size))]


def brute(row: int, seat: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[row] + str(seat // 10) + str(seat % 10)


MUTANTS = [(":02d", ""), ("ord('A') + row", "ord('A') + row - 1"), ("ord('A')", "ord('a')")]
