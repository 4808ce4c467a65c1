"""Short names for many hosts, expanded."""

import random
from typing import Any

LEAN = (
    "Expand cluster host patterns: 'n[1-3,7]' gives n1, n2, n3, n7. Numbers are padded with "
    "zeros to the width in which they, or the first of their range, are written; later brackets "
    "vary fastest; a range that runs downwards is empty."
)


def expand_hosts(pattern: str) -> list[str]:
    """Return the host names that a cluster's short form stands for.

    A pattern is text with any number of brackets. Each bracket holds numbers and ranges, separated
    by commas, and stands for each of these numbers in turn; a range ``a-b`` includes both ends and
    is empty if b is less than a. Numbers are padded with zeros to the width in which the number,
    or the first number of its range, is written. With several brackets, every combination occurs:
    the last bracket varies fastest. Duplicates are kept. Without a bracket the pattern stands for
    itself.

    >>> expand_hosts("node[1-3,7].eu")
    ['node1.eu', 'node2.eu', 'node3.eu', 'node7.eu']
    >>> expand_hosts("r[1-2]n[08-10]")
    ['r1n08', 'r1n09', 'r1n10', 'r2n08', 'r2n09', 'r2n10']
    >>> expand_hosts("login")
    ['login']
    >>> expand_hosts("x[5-4]")
    []
    """
    head, bracket, rest = pattern.partition("[")
    if not bracket:
        return [pattern]
    inside, _, tail = rest.partition("]")
    numbers = []
    for part in inside.split(","):
        first, dash, last = part.partition("-")
        stop = int(last) if dash else int(first)
        numbers += [str(n).zfill(len(first)) for n in range(int(first), stop + 1)]
    endings = expand_hosts(tail)
    return [head + number + ending for number in numbers for ending in endings]


def contract(pattern: str) -> None:
    import re

    bracket = r"\[\d+(-\d+)?(,\d+(-\d+)?)*\]"
    assert re.fullmatch(rf"([^\[\]]|{bracket})*", pattern, re.ASCII)


BASE: list[list[Any]] = [
    ["node[1-3,7].eu"],
    ["r[1-2]n[08-10]"],
    ["login"],
    ["x[5-4]"],
    ["a[01]"],
]
EDGES: list[list[Any]] = [
    [""],
    ["[0]"],
    ["[3]"],
    ["[1-2][1-2][1-2]"],
    ["a[9-11]"],
    ["a[09-11]"],
    ["a[098-101]"],
    ["a[1,1]"],
    ["a[2,1]b"],
    ["a-b,c[1]-d,e"],
    ["x[5-4,6]"],
    ["a[1-2]b[3-2]"],
    ["a[000]"],
    ["a[1-03]"],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    def part() -> str:
        first = rng.randint(0, 10 + size)
        text = str(first).zfill(rng.choice([1, 1, 2, 3]))
        return text if rng.random() < 0.5 else f"{text}-{first + rng.randint(-1, 4 + size // 12)}"

    def bracket() -> str:
        return "[" + ",".join(part() for _ in range(rng.randint(1, 3))) + "]"

    pattern = "".join(
        rng.choice(["n", "rack", "-", ""]) + bracket() for _ in range(rng.randint(1, 2))
    )
    return [(pattern + rng.choice(["", ".local"])).replace("--", "-")]


def brute(pattern: str) -> list[str]:
    import itertools
    import re

    def numbers(inside: str) -> list[str]:
        found = []
        for part in inside.split(","):
            ends = part.split("-")
            width = len(ends[0])
            for n in range(int(ends[0]), int(ends[-1]) + 1):
                found.append(f"{n:0{width}d}")
        return found

    pieces = re.split(r"(\[[^\]]*\])", pattern)
    choices = [numbers(p[1:-1]) if p.startswith("[") else [p] for p in pieces]
    return ["".join(combination) for combination in itertools.product(*choices)]


MUTANTS = [
    (".zfill(len(first))", ""),
    ("stop + 1", "stop"),
    (
        "for number in numbers for ending in endings",
        "for ending in endings for number in numbers",
    ),
    ("int(last) if dash else int(first)", "max(int(last or first), int(first))"),
    ("zfill(len(first))", "zfill(len(last or first))"),
]
