"""Replies without a program: nothing is guessed, and the record says why."""

from __future__ import annotations

import pytest
from sample_specs import extract

REASONS = {
    "": "the reply is empty",
    " \n": "the reply is empty",
    "<think>let me see</think>\n": "the reply is only <think> text",
    "I cannot do that.": "no definition of f and no body that returns",
    "def g(xs):\n    return 1\n": "no definition of f, only of g",
    "class Solution:\n    def f(self, xs):\n        return 1\n": "f is defined only inside a class "
    "or another function",
    "Take `def f(xs): return 1`.": "the definition of f is not at the start of a line",
    "def outer():\n    def f(xs):\n        return 1\n    return f\n": "f is defined only inside a "
    "class or another function",
    "```cpp\nint f(vector<int> xs) { return 1; }\n```": "no definition of f: the code is in cpp",
    "def f(xs):\n    pass\n": "the body of f is empty",
    'def f(xs):\n    """Doc."""\n    raise NotImplementedError\n': "the body of f is empty",
    "def f(xs):\n    x = await xs\n": "f does not compile",
    "```python\ndef f(xs):\n    if not xs": "the definition of f does not parse: expected ':'",
    "def f(xs):\n    return (1\n": "the definition of f does not parse: '(' was never closed",
}


@pytest.mark.parametrize(("reply", "reason"), REASONS.items(), ids=REASONS.values())
def test_the_failure_says_why(reply, reason):
    found = extract(reply)
    assert found.program == ""
    assert found.failure == reason


@pytest.mark.parametrize(
    "reply",
    [
        "Sure\n    return xs\n",
        "for x in xs:\n    return x\n\nwhile you wait:\n    return\n" + "def g():\n    return 1\n",
        "class A:\n    def g(self):\n        return 1\n",
        "```python\nprint(f([1, 2]))\n```",
        "x = f([1])\n",
    ],
)
def test_no_program_is_made_of_parts_of_something_else(reply):
    found = extract(reply)
    if found.program:  # the indented line alone is a body; the words around it are not
        assert "Sure\n" not in found.program
        assert "put the body under the spec's signature" in found.steps
        assert reply.startswith("Sure")
