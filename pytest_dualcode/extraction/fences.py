"""Markdown fences: where in a reply the code lies.

Models close fences late or never, nest them, and put them into docstrings, so this reads more
kindly than CommonMark (https://spec.commonmark.org/0.31.2/#fenced-code-blocks): an opening
fence with a language inside a block ends that block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_dualcode.extraction.characters import STRING_OR_COMMENT

_FENCE = re.compile(r"^(?P<indent>[ \t>]*)(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)$")
_OPEN_AFTER_PROSE = re.compile(r"^[^`\n]*[^`\s][^`\n]*(?P<mark>`{3,})(?P<info>[\w+#]*)[ \t]*$")
_CLOSE_AFTER_CODE = re.compile(r"^(?P<code>[^`\n]*[^`\s][ \t]*)(?P<mark>`{3,})[ \t]*$")
_ONE_LINE = re.compile(r"^[ \t]*`{3,}(?P<info>[\w+#]*)[ \t]+(?P<code>[^`\n]+)`{3,}[ \t]*$")
_CODE_IN_INFO = re.compile(r"^(?P<lang>\S+)[ \t]+(?P<code>(?:def|class|import|from|async|@)\b.*)$")
_TRIPLE = re.compile(f"(?P<skip>{STRING_OR_COMMENT})", re.DOTALL)

_PYTHON = frozenset(
    ["", "python", "py", "python3", "python2", "py3", "ipython", "ipython3", "pycon", "pyi"]
)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a reply: `text` between two fences, or outside all of them."""

    text: str
    language: str = ""
    fenced: bool = True
    closed: bool = True
    note: str = ""

    @property
    def is_python(self) -> bool:
        """Whether the fence claims Python, or nothing at all."""
        return self.fenced and self.language in _PYTHON

    @property
    def step(self) -> str:
        """How `Extraction.steps` names this block."""
        if self.note:
            return self.note
        if not self.fenced:
            return "took text outside fences"
        name = f"fenced block ({self.language})" if self.language else "fenced block"
        return f"took a {name}" if self.closed else f"took an unclosed {name}"


class _Reader:
    """Reads a reply line by line into blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.lines: list[str] = []
        self.mark = ""  # the open fence; empty outside
        self.indent = 0
        self.language = ""

    def end(self, closed: bool = True) -> None:
        text = "\n".join(self.lines)
        if text.strip():
            self.blocks.append(Block(text, self.language, bool(self.mark), closed))
        self.lines, self.mark, self.language, self.indent = [], "", "", 0

    def open(self, mark: str, info: str, indent: int) -> None:
        self.end(closed=not self.mark)
        code = _CODE_IN_INFO.match(info.strip())
        self.language = _language(code["lang"] if code else info)
        self.mark, self.indent = mark, indent
        if code:
            self.lines.append(code["code"])

    def line(self, line: str) -> None:
        if "```" not in line and "~~~" not in line:
            self.lines.append(_strip_margin(line, self.indent))
        elif fence := _FENCE.match(line):
            self.fence_line(line, fence)
        elif self.mark and (closing := _CLOSE_AFTER_CODE.match(line)):
            self.lines.append(_strip_margin(closing["code"], self.indent))
            self.end()
        elif not self.mark and (single := _ONE_LINE.match(line)):
            self.open("```", single["info"], 0)
            self.lines.append(single["code"])
            self.end()
        elif not self.mark and (opening := _OPEN_AFTER_PROSE.match(line)):
            self.open(opening["mark"], opening["info"], 0)
        else:
            self.lines.append(_strip_margin(line, self.indent))

    def fence_line(self, line: str, fence: re.Match[str]) -> None:
        mark, info = fence["mark"], fence["info"].strip()
        same = self.mark[:1] == mark[:1] and len(mark) >= len(self.mark)
        if self.mark and not same:
            self.lines.append(_strip_margin(line, self.indent))
        elif self.mark and not info:
            self.end()
        else:
            self.open(mark, info, len(fence["indent"]))


def _strip_margin(line: str, width: int) -> str:
    while width and line[:1] in (" ", "\t"):
        line, width = line[1:], width - 1
    return line


def _language(info: str) -> str:
    words = re.findall(r"[\w+#]+", info.lower())
    return words[0] if words else ""


def split_fences(text: str, *, trust_strings: bool) -> list[Block]:
    """Split `text` at its fences, in order; blank stretches are left out.

    With `trust_strings`, a fence line inside a triple-quoted string is part of the string
    (docstrings may hold Markdown). A stray ``\"\"\"`` in prose would then hide real fences, so
    callers fall back to splitting without.
    """
    if "```" not in text and "~~~" not in text:
        return [Block(text, fenced=False)] if text.strip() else []
    hidden = _lines_inside_strings(text) if trust_strings else frozenset()
    reader = _Reader()
    for number, line in enumerate(text.split("\n")):
        if number in hidden and reader.mark:
            reader.lines.append(_strip_margin(line, reader.indent))
        else:
            reader.line(line)
    reader.end(closed=not reader.mark)
    return reader.blocks


def _lines_inside_strings(text: str) -> frozenset[int]:
    """Numbers of the lines that begin inside a closed triple-quoted string."""
    inside: set[int] = set()
    number, counted = 0, 0
    for match in _TRIPLE.finditer(text):
        literal = match["skip"]
        if len(literal) < 6 or literal[:3] not in ('"""', "'''") or literal[-3:] != literal[:3]:
            continue
        number += text.count("\n", counted, match.start())
        last = number + literal.count("\n")
        inside.update(range(number + 1, last + 1))
        number, counted = last, match.end()
    return frozenset(inside)
