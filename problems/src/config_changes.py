"""What changed between two configurations."""

import random
from typing import Any

LEAN = (
    "List the changes from `old` to `new`, sorted by key: '+key=value' for added, '-key' for "
    "removed, '~key: old -> new' for changed."
)


def config_changes(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """List the differences between two configurations, one line per key, sorted by key.

    A key that only `new` has gives ``+key=value``, one that only `old` has gives ``-key``, and one
    with two different values gives ``~key: old -> new``. Keys with equal values are left out.

    >>> config_changes({"host": "a", "port": "80"}, {"port": "81", "user": "me"})
    ['-host', '~port: 80 -> 81', '+user=me']
    >>> config_changes({"x": "1"}, {"x": "1"})
    []
    """
    lines = []
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            lines.append(f"+{key}={new[key]}")
        elif key not in new:
            lines.append(f"-{key}")
        elif old[key] != new[key]:
            lines.append(f"~{key}: {old[key]} -> {new[key]}")
    return lines


def contract(old: dict[str, str], new: dict[str, str]) -> None:
    assert all(isinstance(text, str) for text in [*old, *new, *old.values(), *new.values()])


BASE: list[list[Any]] = [
    [{"host": "a", "port": "80"}, {"port": "81", "user": "me"}],
    [{"x": "1"}, {"x": "1"}],
    [{}, {"b": "2", "a": "1"}],
]
EDGES: list[list[Any]] = [
    [{}, {}],
    [{"a": ""}, {}],
    [{}, {"a": ""}],
    [{"a": ""}, {"a": " "}],
    [{"b": "1", "a": "1"}, {"a": "2", "b": "2"}],
    [{"B": "1"}, {"a": "1"}],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    keys = [f"{rng.choice(['db', 'log', 'web'])}.{rng.randint(1, size)}" for _ in range(size)]
    old = {key: rng.choice(["on", "off", "", "7"]) for key in keys if rng.random() < 0.7}
    return [old, {key: rng.choice(["on", "off", "", "7"]) for key in keys if rng.random() < 0.7}]


def brute(old: dict[str, str], new: dict[str, str]) -> list[str]:
    changes = [(key, f"+{key}={value}") for key, value in new.items() if key not in old]
    changes += [(key, f"-{key}") for key in old if key not in new]
    both = [key for key in old if key in new and old[key] != new[key]]
    changes += [(key, f"~{key}: {old[key]} -> {new[key]}") for key in both]
    return [line for _, line in sorted(changes)]


MUTANTS = [
    ("sorted(old.keys() | new.keys())", "[*old, *(key for key in new if key not in old)]"),
    ("key not in old", "not old.get(key)"),
    ("elif old[key] != new[key]", "else"),
    ("return lines", "return sorted(lines)"),
]
