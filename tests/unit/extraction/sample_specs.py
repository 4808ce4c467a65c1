"""Specs and small helpers that the extraction tests share."""

from __future__ import annotations

import ast

from pytest_dualcode.extraction import extract_program
from pytest_dualcode.types import Extraction, Spec

PROMPT = '''from typing import List
import math


def twice(x: int) -> int:
    """Return 2 * x."""
    return 2 * x


def f(xs: List[int]) -> int:
    """ Sum of doubles.
    >>> f([1, 2])
    6
    """
'''
CODE_SPEC = Spec("Test/0", "test", "f", PROMPT)
TEXT_SPEC = Spec("Test/1", "test", "f", '"""\nSum of doubles.\nassert f([1, 2]) == 6\n"""\n')

GOOD = "def f(xs):\n    return sum(2 * x for x in xs)\n"
FENCED = f"```python\n{GOOD}```\n"


def extract(reply: str, spec: Spec = CODE_SPEC) -> Extraction:
    """Extract from `reply`, and check what holds for every reply."""
    found = extract_program(reply, spec)
    assert bool(found.program) == (found.failure is None)
    if found.program:
        again = extract_program(found.program, spec)
        assert again.program == found.program, "extraction of its own output changes it"
    return found


def tree(program: str) -> str:
    """A form in which equal syntax trees are equal."""
    return ast.dump(ast.parse(program))


def answer(program: str) -> object:
    """Run `program` as a judge does, alone, and return f([1, 2])."""
    namespace: dict[str, object] = {}
    exec(program, namespace)  # the tests' own programs
    function = namespace["f"]
    assert callable(function)
    return function([1, 2])
