"""Reasoning is set apart from the answer, and tags in programs are left alone."""

from __future__ import annotations

import pytest

from pytest_dualcode.extraction.thinking import split_thinking

SPLIT = {
    "no tags at all": ("no tags at all", ""),
    "<think>\na\n</think>\nb": ("\nb", ""),
    "<think>a</think> b\n": (" b\n", ""),
    "  <Thinking>a</Thinking>b": ("b", ""),
    "x\n<think>a</think>y\n<think>b</think>z": ("x\ny\nz", ""),
    "a\n</think>\nb": ("\nb", ""),
    "a</think>\nb</think>\nc": ("\nc", ""),
    "a\n<think>\nb": ("a\n", "\nb"),
    "<think>a <think> b</think>c": ("c", ""),
    's.replace("<think>", "")': ('s.replace("<think>", "")', ""),
    's.split("</think>")[1]': ('s.split("</think>")[1]', ""),
    "a < b\n": ("a < b\n", ""),
}


@pytest.mark.parametrize(("text", "parts"), SPLIT.items(), ids=SPLIT.keys())
def test_split(text, parts):
    thinking = split_thinking(text)
    assert (thinking.answer, thinking.unclosed) == parts
    assert bool(thinking.steps) == (parts != (text, ""))
