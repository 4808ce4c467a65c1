"""How far a typed word is from the one that was meant."""

import random
from typing import Any

LEAN = (
    "Return the cheapest cost of turning `typed` into `meant`: insert or delete a letter 2, "
    "replace one 3, exchange two neighbouring letters 1; no letter may be edited again after an "
    "exchange."
)


def typo_cost(typed: str, meant: str) -> int:
    """Return the cheapest cost of turning the typed word into the one that was meant.

    Inserting or deleting a letter costs 2, replacing one by another costs 3, and exchanging two
    neighbouring letters costs 1. The exchanged letters must then both be right: nothing may be
    inserted between them, and neither may be edited in any other way. Capital and small letters
    differ.

    >>> typo_cost("teh", "the")
    1
    >>> typo_cost("cat", "cart")
    2
    >>> typo_cost("cat", "cot")
    3
    >>> typo_cost("", "abc")
    6
    """
    costs = [[2 * (i + j) for j in range(len(meant) + 1)] for i in range(len(typed) + 1)]
    for i in range(1, len(typed) + 1):
        for j in range(1, len(meant) + 1):
            same = typed[i - 1] == meant[j - 1]
            options = [
                costs[i - 1][j] + 2,
                costs[i][j - 1] + 2,
                costs[i - 1][j - 1] + (0 if same else 3),
            ]
            if i > 1 and j > 1 and typed[i - 2 : i] == meant[j - 1] + meant[j - 2]:
                options.append(costs[i - 2][j - 2] + 1)
            costs[i][j] = min(options)
    return costs[-1][-1]


def contract(typed: str, meant: str) -> None:
    assert isinstance(typed, str)
    assert isinstance(meant, str)


BASE: list[list[Any]] = [
    ["teh", "the"],
    ["cat", "cart"],
    ["cat", "cot"],
    ["", "abc"],
    ["recieve", "receive"],
]
EDGES: list[list[Any]] = [
    ["", ""],
    ["a", ""],
    ["a", "A"],
    ["ab", "ba"],
    ["ca", "abc"],
    ["abcd", "badc"],
    ["abc", "cba"],
    ["aab", "aba"],
    ["abab", "baba"],
    ["aaaa", "aa"],
    ["xabc", "abcx"],
    ["abc", "bca"],
    ["same", "same"],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    letters = rng.choice(["ab", "abc", "abcdefgh"])
    word = [rng.choice(letters) for _ in range(min(size, 60))]
    typed = list(word)
    for _ in range(1 + size // 6):
        at = rng.randint(0, len(typed))
        kind = rng.choice(["insert", "delete", "exchange", "exchange"])
        if kind == "insert":
            typed.insert(at, rng.choice(letters))
        elif kind == "delete":
            del typed[at : at + 1]
        else:
            typed[at : at + 2] = typed[at : at + 2][::-1]
    return ["".join(typed), "".join(word)]


def brute(typed: str, meant: str) -> int:
    """Recursion from the left over the suffixes."""
    from functools import cache

    @cache
    def cost(i: int, j: int) -> int:
        if i == len(typed) or j == len(meant):
            return 2 * (len(typed) - i + len(meant) - j)
        options = [2 + cost(i + 1, j), 2 + cost(i, j + 1)]
        options.append(3 * (typed[i] != meant[j]) + cost(i + 1, j + 1))
        if len(typed) > i + 1 and meant[j : j + 2] == typed[i + 1] + typed[i]:
            options.append(1 + cost(i + 2, j + 2))
        return min(options)

    return cost(0, 0)


MUTANTS = [
    ("else 3", "else 2"),
    ("options.append(costs[i - 2][j - 2] + 1)", "options.append(costs[i - 2][j - 2] + 2)"),
    ("if i > 1 and j > 1 and", "if False and"),
    ("[2 * (i + j) for", "[i + j for"),
    ("typed[i - 2 : i] == meant[j - 1] + meant[j - 2]", "typed[i - 1] == meant[j - 2]"),
]
