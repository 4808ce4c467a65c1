"""Reasoning that a chat template left in the reply: ``<think>`` text and its stray tags."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAMES = r"(?:think|thinking|thought|reasoning)"
# An opening tag counts at the start of a line and a lone closing tag at the end of one:
# elsewhere it may be part of a string in a program.
_OPEN = re.compile(rf"^[ \t]*<{_NAMES}>", re.MULTILINE | re.IGNORECASE)
_CLOSE = re.compile(rf"</{_NAMES}>", re.IGNORECASE)
_LONE_CLOSE = re.compile(rf"</{_NAMES}>[ \t]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Thinking:
    """A reply split in its `answer` and, where a tag was never closed, the `unclosed` text."""

    answer: str
    unclosed: str = ""
    steps: tuple[str, ...] = ()


def split_thinking(text: str) -> Thinking:
    """Separate the answer from reasoning between tags.

    Text before a lone closing tag is reasoning too: templates often put the opening tag into
    the prompt. Text after an opening tag that is never closed is ambiguous (cut-off reasoning,
    or a stray tag before an answer) and is returned apart.
    """
    if "<" not in text or not (_CLOSE.search(text) or _OPEN.search(text)):
        return Thinking(text)
    steps: list[str] = []
    answer, position = [], 0
    while opening := _OPEN.search(text, position):
        answer.append(text[position : opening.start()])
        closing = _CLOSE.search(text, opening.end())
        if closing is None:
            return _unclosed("".join(answer), text[opening.end() :], steps)
        steps = ["removed <think> text"]
        position = closing.end()
    answer.append(text[position:])
    return _after_lone_tag("".join(answer), steps)


def _unclosed(before: str, after: str, steps: list[str]) -> Thinking:
    head = _after_lone_tag(before, steps)
    return Thinking(head.answer, after, (*head.steps, "set apart unclosed <think> text"))


def _after_lone_tag(text: str, steps: list[str]) -> Thinking:
    tags = list(_LONE_CLOSE.finditer(text))
    if not tags:
        return Thinking(text, "", tuple(steps))
    return Thinking(text[tags[-1].end() :], "", (*steps, "removed text before a stray </think>"))
