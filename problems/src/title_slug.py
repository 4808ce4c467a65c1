"""The part of a web address that stands for a title."""

import random
from typing import Any

LEAN = (
    "Lowercase the title, turn each run of characters other than a-z and 0-9 into one dash (none "
    "at the ends), and drop whole words from the end until at most `limit` characters are left; a "
    "first word that is too long is cut."
)


def title_slug(title: str, limit: int) -> str:
    """Return the part of a web address that stands for a title, with at most `limit` characters.

    The title is lowercased; each run of characters other than ``a`` to ``z`` and ``0`` to ``9``
    becomes one dash, and no dash stands at the beginning or the end. If the result is longer than
    `limit`, whole words are dropped from its end until it fits. If even the first word is too
    long, it is cut to `limit` characters. A title without any letter or digit gives ``''``.

    >>> title_slug("Hello, World!", 20)
    'hello-world'
    >>> title_slug("Hello, World!", 10)
    'hello'
    >>> title_slug("Unbelievable news", 5)
    'unbel'
    >>> title_slug("?!", 5)
    ''
    """
    import re

    words = re.findall("[a-z0-9]+", title.lower())
    while len(words) > 1 and len("-".join(words)) > limit:
        words.pop()
    return "-".join(words)[:limit]


def contract(title: str, limit: int) -> None:
    assert isinstance(title, str)
    assert title.isascii()
    assert isinstance(limit, int)
    assert limit >= 1


BASE = [["Hello, World!", 20], ["Hello, World!", 10], ["Unbelievable news", 5], ["?!", 5]]
EDGES = [
    ["", 3],
    ["a b c", 5],
    ["a b c", 4],
    ["a b c", 3],
    ["--a--", 9],
    ["C++ & Python 3.11", 12],
    ["it's   2 late", 13],
    ["x_y", 3],
    ["Hello World", 6],
    ["hello", 5],
    ["ABC", 2],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    title = "".join(rng.choice("abcdeXYZ019   --!?_.") for _ in range(size))
    return [title, rng.randint(1, size + 2)]


def brute(title: str, limit: int) -> str:
    words = "".join(c if c.isalnum() else " " for c in title.lower()).split()
    slug = ""
    for i, word in enumerate(words):
        longer = slug + "-" + word if i else word[:limit]
        if len(longer) > limit:
            break
        slug = longer
    return slug


MUTANTS = [
    ("> limit", ">= limit"),
    ("title.lower()", "title"),
    ("len(words) > 1 and ", "False and "),
    ("[a-z0-9]+", "[a-z0-9_]+"),
    ('"-".join(words)[:limit]', '"-".join(words)'),
]
