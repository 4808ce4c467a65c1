"""A long text cut to a width, with dots in the middle."""

import random
from typing import Any

LEAN = (
    "Shorten the text to exactly `width` characters by replacing its middle with '...', keeping "
    "one more character on the left when uneven. Text that fits is unchanged; a width up to 3 "
    "gives only dots."
)


def trim_middle(text: str, width: int) -> str:
    """Shorten a text to `width` characters by replacing its middle with three dots.

    A text that is not longer than `width` is returned unchanged. Otherwise the result has exactly
    `width` characters: the beginning of the text, ``...`` and the end of the text. When the
    characters that are kept cannot be divided evenly, the left part gets one more. If `width` is 3
    or less there is no room for text, and the result is `width` dots.

    >>> trim_middle("report-final.pdf", 10)
    'repo...pdf'
    >>> trim_middle("short", 10)
    'short'
    >>> trim_middle("abcdef", 4)
    'a...'
    >>> trim_middle("abcdef", 2)
    '..'
    """
    if len(text) <= width:
        return text
    if width <= 3:
        return "." * width
    kept = width - 3
    right = kept // 2
    return text[: kept - right] + "..." + text[len(text) - right :]


def contract(text: str, width: int) -> None:
    assert isinstance(text, str)
    assert isinstance(width, int)
    assert width >= 0


BASE = [["report-final.pdf", 10], ["short", 10], ["abcdef", 4], ["abcdef", 2], ["abcdef", 5]]
EDGES = [
    ["", 0],
    ["a", 0],
    ["abc", 3],
    ["abcd", 3],
    ["abcd", 4],
    ["abcdefgh", 7],
    ["abcdefgh", 8],
    ["ab", 1],
    ["/usr/share/doc/readme.txt", 24],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    text = "".join(rng.choice("abcdefghij/_.") for _ in range(size))
    return [text, rng.randint(max(0, size // 2 - 4), size + 1)]


def brute(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    left, right = "", ""
    while len(left) + len(right) + 3 < width:
        if len(left) > len(right):
            right = text[-1 - len(right)] + right
        else:
            left += text[len(left)]
    return (left + "..." + right)[:width] if width > 3 else "..."[:width]


MUTANTS = [
    ("len(text) <= width", "len(text) < width"),
    ("right = kept // 2", "right = (kept + 1) // 2"),
    ("text[len(text) - right :]", "text[-right:]"),
    ('"." * width', '"..."'),
]
