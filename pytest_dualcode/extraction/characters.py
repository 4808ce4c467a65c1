"""Characters that break Python source but carry no meaning of their own.

Inside string literals and comments every character may be meant, so the repairs below touch
only the text around them. They are tried only where the reply as it stands holds no program.
"""

from __future__ import annotations

import re

# One alternative for each lexical thing that can hide a quote, a bracket or a line's end.
# Unclosed strings run to the end of the line (of the text, for triple quotes), which makes
# every match succeed and so keeps scanning linear.
STRING_OR_COMMENT = (
    r'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+(?:"""|\\?\Z)'
    r"|'''[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+(?:'''|\\?\Z)"
    r'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+(?:"|(?=\n)|\\?\Z)'
    r"|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+(?:'|(?=\n)|\\?\Z)"
    r"|#[^\n]*+"
)

_PROTECTED = re.compile(f"({STRING_OR_COMMENT})", re.DOTALL)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_MODEL_TOKEN = re.compile(r"<[|｜][^\n|｜<>]{1,40}[|｜]>")

_ZERO_WIDTH = dict.fromkeys(
    [0x00AD, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF]
)
_SPACES = dict.fromkeys([0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_TYPOGRAPHIC = {
    **dict.fromkeys(map(ord, "“”„‟"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛"), "'"),
    ord("−"): "-",
    ord("、"): ",",
    ord("。"): ".",
}
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CONTROL = dict.fromkeys([*range(0x00, 0x09), 0x0B, *range(0x0E, 0x20), 0x7F])

_REPAIRS: tuple[tuple[str, dict[int, str] | dict[int, None]], ...] = (
    ("removed zero-width characters", _ZERO_WIDTH),
    ("replaced unusual spaces", _SPACES),
    ("replaced full-width characters", _FULL_WIDTH),
    ("replaced typographic quotes", _TYPOGRAPHIC),
    ("removed control characters", _CONTROL),
)


def unify_newlines(text: str) -> str:
    """Return `text` with ``\\n`` for ``\\r\\n`` and ``\\r``, as Python's own reader does."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def repair_characters(text: str) -> tuple[str, tuple[str, ...]]:
    """Return `text` without characters that no Python program can hold, and what was done."""
    steps: list[str] = []
    if "\x1b" in text:
        text = _note(steps, "removed ANSI codes", text, _ANSI.sub("", text))
    text = text.lstrip("\ufeff")
    if not text.isascii() or "<|" in text or _has_control(text):
        text = _repair_outside_strings(text, steps)
    return text, tuple(steps)


def _has_control(text: str) -> bool:
    return _CONTROL_CHARACTER.search(text) is not None


def _repair_outside_strings(text: str, steps: list[str]) -> str:
    pieces = _PROTECTED.split(text)
    # split() with one group: odd pieces are the strings and comments, to be left alone.
    return "".join(p if i % 2 else _repair_piece(p, steps) for i, p in enumerate(pieces))


def _repair_piece(piece: str, steps: list[str]) -> str:
    if piece.isascii() and "<|" not in piece and not _has_control(piece):
        return piece
    piece = _note(steps, "removed model tokens", piece, _MODEL_TOKEN.sub("", piece))
    for step, table in _REPAIRS:
        piece = _note(steps, step, piece, piece.translate(table))
    return piece


def _note(steps: list[str], step: str, before: str, after: str) -> str:
    if before != after and step not in steps:
        steps.append(step)
    return after
