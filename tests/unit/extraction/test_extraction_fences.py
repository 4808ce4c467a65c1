"""Where fences begin and end, and in which language."""

from __future__ import annotations

import pytest

from pytest_dualcode.extraction.fences import split_fences

# (reply, [(text, language, fenced, closed), ...])
BLOCKS = {
    "none": ("a\nb", [("a\nb", "", False, True)]),
    "one": (
        "a\n```py\nb\n```\nc",
        [("a", "", False, True), ("b", "py", True, True), ("c", "", False, True)],
    ),
    "unclosed": ("```c++ hl=1\nb", [("b", "c++", True, False)]),
    "attributes": ("```{.python .x}\nb\n```", [("b", "python", True, True)]),
    "inner fence is shorter": ("````md\n```\nb\n```\n````", [("```\nb\n```", "md", True, True)]),
    "other mark inside": ("~~~\n```\nb\n~~~", [("```\nb", "", True, True)]),
    "opened inside": (
        "```\na\n```python\nb\n```",
        [("a", "", True, False), ("b", "python", True, True)],
    ),
    "margin": ("  ```\n    a\n  b\n c\n  ```", [("  a\nb\nc", "", True, True)]),
    "one line": ("```python x = 1```", [("x = 1", "python", True, True)]),
    "code in the info": ("```python def f(): pass\n```", [("def f(): pass", "python", True, True)]),
    "closed after code": ("```\na```\nb", [("a", "", True, True), ("b", "", False, True)]),
    "inline code is no fence": ("use ```a``` here", [("use ```a``` here", "", False, True)]),
}


@pytest.mark.parametrize(("reply", "blocks"), BLOCKS.values(), ids=BLOCKS.keys())
def test_blocks(reply, blocks):
    found = split_fences(reply, trust_strings=False)
    assert [(b.text, b.language, b.fenced, b.closed) for b in found] == blocks


def test_a_fence_in_a_closed_string_is_text_only_if_strings_are_trusted():
    reply = '```\na = """\n```\n"""\n```'
    assert [b.text for b in split_fences(reply, trust_strings=True)] == ['a = """\n```\n"""']
    assert len(split_fences(reply, trust_strings=False)) == 2


def test_steps_name_the_block():
    steps = [b.step for b in split_fences("a\n```py\nb\n```\n```\nc", trust_strings=False)]
    assert steps == [
        "took text outside fences",
        "took a fenced block (py)",
        "took an unclosed fenced block",
    ]
