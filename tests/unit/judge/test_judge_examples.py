"""Visible examples run in the same jail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_dualcode.judge import Judge
from pytest_dualcode.judge.examples import prompt_imports
from pytest_dualcode.types import Example, Spec

SPEC = Spec("own/1", "own", "f", "from typing import List\nimport math\n\ndef f(x): ...\n")
RIGHT = Example("f(2)", "f(2)", "4")
RAISES = Example("f('')", "f(None)", raises="TypeError")
USES_IMPORT = Example("f(pi)", "f(math.floor(2.5))", "4")


def details(judge: Judge, program: str, *examples: Example) -> list[tuple[bool, str]]:
    return [(r.passed, r.detail) for r in judge.run_examples(SPEC, program, examples)]


def test_examples_pass(judge: Judge) -> None:
    program = "def f(x): return x + 2 if x < 3 else 2 * x"
    assert details(judge, program, RIGHT, RAISES, USES_IMPORT) == [(True, "")] * 3


def test_no_examples_need_no_jail(judge: Judge) -> None:
    assert judge.run_examples(SPEC, "", ()) == ()


@pytest.mark.parametrize(
    ("program", "example", "detail"),
    [
        ("def f(x): return 5", RIGHT, "returned 5, expected 4"),
        ("\ndef f(x):\n    raise OSError(1)", RIGHT, "raised OSError: 1 (line 3)"),
        ("def f(x): return 4", RAISES, "returned 4, expected TypeError"),
        ("def f(x): raise OSError", RAISES, "raised OSError, expected TypeError"),
        ("def f(x:", RIGHT, "SyntaxError: '(' was never closed (line 1)"),
        ("raise SystemExit(0)", RIGHT, "SystemExit: 0 (line 1)"),
        ("def f(x): return g(x)", RIGHT, "raised NameError: name 'g' is not defined (line 1)"),
        ("import os\ndef f(x): os._exit(2)", RIGHT, "the process exited with status 2"),
    ],
)  # fmt: skip
def test_details_say_what_went_wrong(
    judge: Judge, program: str, example: Example, detail: str
) -> None:
    assert details(judge, program, example) == [(False, detail)]


def test_the_rest_is_run_after_a_wrong_one(judge: Judge) -> None:
    wrong = Example("f(3)", "f(3)", "0")
    assert [p for p, _ in details(judge, "def f(x): return 2 * x", wrong, RIGHT)] == [False, True]


def test_the_rest_is_not_run_after_the_end_of_the_process(judge: Judge) -> None:
    first, second = details(judge, "import os\ndef f(x): os._exit(2)", RIGHT, RIGHT)
    assert first == (False, "the process exited with status 2")
    assert second == (False, "not run: the process exited with status 2")


def test_imports_of_the_prompt_are_the_examples_only(judge: Judge) -> None:
    (result,) = details(judge, "def f(x): return math.floor(x)", USES_IMPORT)
    assert result == (False, "raised NameError: name 'math' is not defined (line 1)")


def test_floats_need_not_be_exact(judge: Judge) -> None:
    example = Example("f(1)", "f(0.1)", "0.3")
    assert details(judge, "def f(x): return x + 0.2", example) == [(True, "")]


@pytest.mark.parametrize(
    ("value", "expected", "passed"),
    [
        ("[0.1 + 0.2, 1.0]", "[0.3, 1.0]", True),
        ("(0.1 + 0.2,)", "(0.3,)", True),
        ("(0.1 + 0.2,)", "[0.3]", False),
        ("[0.1 + 0.2]", "[0.3, 1.0]", False),
        ("[0.31]", "[0.3]", False),
        ("[True]", "[2]", False),
        ("1e9 + 1", "1e9", True),
        ("['0.3']", "[0.3]", False),
    ],
)
def test_values_are_compared_as_the_oracle_does(
    judge: Judge, value: str, expected: str, passed: bool
) -> None:
    (found,) = details(judge, f"def f(x): return {value}", Example("f(1)", "f(1)", expected))
    assert found[0] is passed


def test_names_of_the_program_do_not_disturb_the_comparison(judge: Judge) -> None:
    program = "list = len = type = dict = repr = 7\ndef f(x): return 4.0 + 1e-9"
    assert details(judge, program, Example("f(1)", "f(1)", "4.0")) == [(True, "")]


FORGE = """
import sys
frame = sys._getframe()
while "channel" not in frame.f_locals:
    frame = frame.f_back
send = frame.f_locals["channel"].send
def f(x):
    {code}
    return 4
"""


@pytest.mark.parametrize(
    "code",
    [
        "for _ in range(9): send(b'P')",  # loaded, again and again
        "send(b'D', bytes(40))",
        "send(b'V', b'[' + (10 ** 6).to_bytes(4, 'little') + b'{0' * 10 ** 6)",
    ],
)
def test_what_no_program_sends_ends_the_run(judge: Judge, code: str) -> None:
    found = details(judge, FORGE.format(code=code), RIGHT)
    assert found == [(False, "sent what no program sends")]


def test_many_threads_may_run_examples(judge: Judge) -> None:
    with ThreadPoolExecutor(8) as threads:
        program = "def f(x): return 2 * x"
        results = list(threads.map(lambda _: details(judge, program, RIGHT), range(24)))
    assert results == [[(True, "")]] * 24


def test_imports_are_found_in_code_and_in_prose() -> None:
    assert prompt_imports(SPEC.prompt) == "from typing import List\nimport math"
    assert prompt_imports('"""Write a function."""') == ""
    assert prompt_imports("Write it.\nimport math\n") == "import math"
