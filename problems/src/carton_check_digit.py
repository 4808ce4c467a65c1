"""The check digit of a carton's barcode."""

import random
from typing import Any

LEAN = (
    "Return the check digit: weight the digits 3, 1, 3, 1, ... from the right; the digit that "
    "lifts the sum to a multiple of 10. Ignore spaces and dashes."
)


def carton_check_digit(code: str) -> int:
    """Return the check digit of a carton's barcode.

    Starting from the rightmost digit, the digits are weighted 3, 1, 3, 1 and so on. The check
    digit (0 to 9) is what must be added to the weighted sum to reach a multiple of 10. Spaces and
    dashes in the code are only for readability and are ignored.

    >>> carton_check_digit("1")
    7
    >>> carton_check_digit("12")
    3
    >>> carton_check_digit("400-638 133393")
    1
    >>> carton_check_digit("0000")
    0
    """
    digits = [int(char) for char in code if char not in " -"]
    total = sum(digit * (3 if i % 2 == 0 else 1) for i, digit in enumerate(reversed(digits)))
    return -total % 10


def contract(code: str) -> None:
    assert isinstance(code, str)
    assert all(char in "0123456789 -" for char in code)
    assert any(char.isdigit() for char in code)


BASE = [["1"], ["12"], ["400-638 133393"], ["0000"], ["9 7-8"]]
EDGES = [["5"], ["50"], ["-7-"], [" 0 0 1"], ["99999999999999999999"], ["10"], ["3 3 3 1"]]


def generate(rng: random.Random, size: int) -> list[Any]:
    digits = [rng.choice("0123456789") for _ in range(size)]
    return ["".join(digit + rng.choice(["", "", "", "-", " "]) for digit in digits)]


def brute(code: str) -> int:
    digits = code.replace(" ", "").replace("-", "")
    total = 3 * sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2]))
    return next(check for check in range(10) if (total + check) % 10 == 0)


MUTANTS = [
    ("reversed(digits)", "digits"),
    ("-total % 10", "10 - total % 10"),
    ("3 if i % 2 == 0 else 1", "1 if i % 2 == 0 else 3"),
]
