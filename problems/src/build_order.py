"""In which order to build packages."""

import random
from typing import Any

LEAN = (
    "Return all packages (keys and their dependencies) with dependencies first, always taking the "
    "alphabetically first package that is ready; [] if there is a cycle."
)


def build_order(needs: dict[str, list[str]]) -> list[str]:
    """Return the order in which packages are built.

    `needs` maps a package to the packages that must be built before it. Packages that only occur
    as a need of others are built too and need nothing. Packages are built one at a time: of all
    that are not built yet and whose needs are all built, the alphabetically first comes next. If
    some packages can never be built because they need each other (or themselves), the result is
    the empty list.

    >>> build_order({"app": ["lib", "ui"], "ui": ["lib"]})
    ['lib', 'ui', 'app']
    >>> build_order({"b": [], "a": ["c"]})
    ['b', 'c', 'a']
    >>> build_order({"a": ["b"], "b": ["a"], "c": []})
    []
    """
    open_needs = {need: set() for needed in needs.values() for need in needed}
    open_needs.update({name: set(needed) for name, needed in needs.items()})
    order: list[str] = []
    while open_needs:
        ready = [name for name, needed in open_needs.items() if needed.issubset(order)]
        if not ready:
            return []
        order.append(min(ready))
        del open_needs[order[-1]]
    return order


def contract(needs: dict[str, list[str]]) -> None:
    assert all(isinstance(name, str) for name in needs)
    assert all(isinstance(need, str) for needed in needs.values() for need in needed)


BASE: list[list[Any]] = [
    [{"app": ["lib", "ui"], "ui": ["lib"]}],
    [{"b": [], "a": ["c"]}],
    [{"a": ["b"], "b": ["a"], "c": []}],
    [{"z": [], "y": ["z"], "x": ["y", "z"]}],
]
EDGES: list[list[Any]] = [
    [{}],
    [{"a": []}],
    [{"a": ["a"]}],
    [{"a": ["b", "b"]}],
    [{"a": ["d"], "b": [], "c": ["b"], "d": []}],
    [{"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}],
    [{"a": ["b"], "c": ["d"], "d": ["c"]}],
    [{"m": ["z"], "n": ["a"], "o": []}],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    count = min(2 + size // 2, 40)
    names = [f"{rng.choice('abcdef')}{i}" for i in range(count)]
    needs = {}
    for i, name in enumerate(names[1:], start=1):
        if rng.random() < 0.8:
            needs[name] = rng.sample(names[:i], rng.randint(0, min(i, 3)))
    if rng.random() < 0.15 and needs:
        needs[names[0]] = [rng.choice(names)]
    keys = sorted(needs)
    rng.shuffle(keys)
    return [{name: needs[name] for name in keys}]


def brute(needs: dict[str, list[str]]) -> list[str]:
    """A heap of ready packages and counters of what each still waits for."""
    import heapq

    names = {*needs, *(need for needed in needs.values() for need in needed)}
    waits = {name: len(set(needs.get(name, []))) for name in names}
    ready = [name for name in names if waits[name] == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        order.append(heapq.heappop(ready))
        for name in names:
            if order[-1] in needs.get(name, []):
                waits[name] -= 1
                if waits[name] == 0:
                    heapq.heappush(ready, name)
    return order if len(order) == len(names) else []


MUTANTS = [
    ("min(ready)", "max(ready)"),
    ("min(ready)", "ready[0]"),
    ("return []", "return order"),
    ("{need: set() for needed in needs.values() for need in needed}", "{}"),
]
