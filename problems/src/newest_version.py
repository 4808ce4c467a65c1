"""The newest of some version numbers."""

import random
from typing import Any

LEAN = (
    "Return the newest version: dotted numbers compared as numbers, missing ones being 0; a "
    "version with a suffix '-alphaN', '-betaN' or '-rcN' comes before the same without (alpha < "
    "beta < rc, then N as a number). Of equal ones return the first; '' for none."
)


def newest_version(versions: list[str]) -> str:
    """Return the newest of the given version numbers, as it was written.

    A version is a series of numbers separated by dots, such as ``1.10.2``, compared number by
    number; missing numbers count as 0, so ``2`` and ``2.0`` are equal. It may end in ``-alphaN``,
    ``-betaN`` or ``-rcN`` with a number N: such a pre-release is older than the version without
    the suffix, alpha being older than beta and beta older than rc; with the same word the higher N
    is newer. Of several equal versions the first in the list is returned, of none ``''``.

    >>> newest_version(["1.9", "1.10", "1.2.7"])
    '1.10'
    >>> newest_version(["2.0-rc1", "2.0", "2.0-beta9"])
    '2.0'
    >>> newest_version(["1.0-rc2", "1.0-rc10"])
    '1.0-rc10'
    >>> newest_version(["3", "3.0.0"])
    '3'
    """
    words = ["alpha", "beta", "rc"]

    def age(version: str) -> tuple[list[int], int, int]:
        release, _, suffix = version.partition("-")
        numbers = [int(number) for number in release.split(".")]
        while numbers and numbers[-1] == 0:
            numbers.pop()
        word = suffix.rstrip("0123456789")
        stage = words.index(word) if suffix else len(words)
        return numbers, stage, int(suffix[len(word) :] or 0)

    return max(versions, key=age, default="")


def contract(versions: list[str]) -> None:
    import re

    pattern = r"\d+(\.\d+)*(-(alpha|beta|rc)\d+)?"
    assert all(re.fullmatch(pattern, version, re.ASCII) for version in versions)


BASE: list[list[Any]] = [
    [["1.9", "1.10", "1.2.7"]],
    [["2.0-rc1", "2.0", "2.0-beta9"]],
    [["1.0-rc2", "1.0-rc10"]],
    [["3", "3.0.0"]],
    [["1.0-alpha3", "1.0-beta1", "0.9"]],
]
EDGES: list[list[Any]] = [
    [[]],
    [["0"]],
    [["0.0", "0"]],
    [["1.0.0-rc1", "1-rc1", "1.0-rc01"]],
    [["1.0", "1.0.1-alpha1"]],
    [["2.0-rc1", "1.99"]],
    [["1.0.0.1", "1.0"]],
    [["01.2", "1.2"]],
    [["0-alpha0", "0-alpha1", "0"]],
    [["10.0-rc9", "9.9.9", "10-rc10"]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    def version() -> str:
        numbers = [rng.choice([0, 1, 2, 9, 10]) for _ in range(rng.randint(1, 4))]
        numbers[0] = rng.choice([1, 2]) if size > 12 else numbers[0]
        suffix = rng.choice(["", "", "-alpha", "-beta", "-rc"])
        return ".".join(map(str, numbers)) + (suffix and f"{suffix}{rng.randint(0, 12)}")

    return [[version() for _ in range(1 + size // 3)]]


def brute(versions: list[str]) -> str:
    """Pairwise comparison, field by field."""

    def newer(a: str, b: str) -> bool:
        left, right = a.split("-"), b.split("-")
        for i in range(8):
            x, y = (int(([*v[0].split("."), *["0"] * 8])[i]) for v in (left, right))
            if x != y:
                return x > y
        if len(left) != len(right):
            return len(left) < len(right)
        if len(left) == 1 or left[1][0] != right[1][0]:
            return len(left) == 2 and left[1][0] > right[1][0]
        return int(left[1].lstrip("abehlprct")) > int(right[1].lstrip("abehlprct"))

    best = ""
    for version in versions:
        if not best or newer(version, best):
            best = version
    return best


MUTANTS = [
    ("numbers and numbers[-1] == 0", "False"),
    ("max(versions, key=age", "max(versions"),
    ("else len(words)", "else -1"),
    ("int(suffix[len(word) :] or 0)", "0"),
    ("max(versions,", "max(versions[::-1],"),
]
