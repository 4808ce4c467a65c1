"""Visible examples: every form that specs use, and the benchmarks' own."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.judge import Judge
from pytest_dualcode.problems import load_problems
from pytest_dualcode.problems.examples import visible_examples
from pytest_dualcode.types import Spec

# Specs that contradict their own reference solution: the examples it does not pass.
CONTRADICTIONS = {
    "HumanEval/47": 1,  # the median of six numbers
    "HumanEval/116": 3,  # sorts by value where the text says by the number of ones
    "HumanEval/130": 3,  # elements of the sequence, where the function returns the sequence
    "HumanEval/148": 1,  # a string in brackets, where the function returns a tuple
}
WITHOUT = {"HumanEval/38", "HumanEval/41", "HumanEval/50", "HumanEval/83", "HumanEval/160"}


def spec(docstring: str, parameters: str = "x, y=0") -> Spec:
    """A HumanEval-like spec of ``f`` with a helper that has an example of its own."""
    prompt = (
        'def g(x):\n    """\n    >>> g(1)\n    100\n    """\n    return 100 * x\n\n\n'
        f'def f({parameters}):\n    """ Do it.\n{docstring}\n    """\n'
    )
    return Spec("Test/0", "test", "f", prompt)


def found(docstring: str, parameters: str = "x, y=0") -> list[tuple[str, str | None]]:
    """Return (call, expected) of each example in `docstring`."""
    return [(e.call, e.expected) for e in visible_examples(spec(docstring, parameters))]


ONE = [("f(1)", "2")]
FORMS = {
    "    >>> f(1)\n    2": ONE,
    "    >>> f(1) # by hand\n    2\n\n    That is all.": ONE,
    "    >>> f(1) == 2": ONE,
    "    >>> f(1) => 2": ONE,
    "    >>> f([1]) [2]": [("f([1])", "[2]")],
    "    >>> f(1)\n    >>> f(2)\n    3": [("f(1)", "None"), ("f(2)", "3")],
    "    >>> f([1,\n    ...    2])\n    [1,\n     2]": [("f([1, 2])", "[1,\n2]")],
    "    >>> print(f(1))\n    two words": [("str(f(1))", "'two words'")],
    "    >>> round(f(1), 2) # pi\n    3.14": [("round(f(1), 2)", "3.14")],
    "    >>> g(1)\n    100\n    >>> f(g(1))\n    2": [],
    "    f(1) == 2": ONE,
    "    * f(1) -> 2": ONE,
    "    f(1) => 2 (since 1 + 1)": ONE,
    "    f(1) ==> 2": ONE,
    "    f(1)==>2": ONE,
    "    f(1) ➞ 2": ONE,
    "    f(1) = 2": ONE,
    "    f(1) # => 2": ONE,
    "    f(1)   # returns 2": ONE,
    "    f(1) returns 2 # because": ONE,
    "    f(1) should return 2.": ONE,
    "    For example f(1) should\n    return 2 and f(2) should return -3.": [
        ("f(1)", "2"),
        ("f(2)", "-3"),
    ],
    "    f(1) == 1 + 1 = 2": [("f(1)", "1 + 1")],
    "    f(1) => true": [("f(1)", "True")],
    "    f([\n      [1],\n      [2]\n    ], 1) == [(0, 0)]": [("f([[1], [2]], 1)", "[(0, 0)]")],
    "    f(a) => True\n    f(abc) => False": [("f('a')", "True"), ("f('abc')", "False")],
    '    f("a\\nb") == "a"': [("f('a\\nb')", '"a\\nb"'.replace("\\nb", ""))],
    "    for f(1) == 2": ONE,
    "    assert f(1) == 2": ONE,
    "    assert f(1)": [("bool(f(1))", "True")],
    "    assert not f(1)": [("not f(1)", "True")],
    "    assert f(1) => 2": ONE,
    "    assert 2 == f(1)": ONE,
    "    assert math.isclose(f(1), 2, rel_tol=0.1)": [
        ("bool(__import__('math').isclose(f(1), 2, rel_tol=0.1))", "True")
    ],
    "    assert set(f(1)) == set([2])": [("set(f(1))", "set([2])")],
    "    For x = [1, 2], y = 'a', the result should be 3": [("f([1, 2], 'a')", "3")],
    "    Example 1:\n        Input: x = 1, y = 2\n        Output: 3": [("f(1, 2)", "3")],
    "    Input: 1, 2\n    Output: (1, 2)\n    Explanation: 3": [("f(1, 2)", "(1, 2)")],
    "    Input:\n      a : [[0,\n 1]]\n      b : 1\n    Output: 6": [("f([[0, 1]], 1)", "6")],
    "    x = 1, y = 2\n      -> think\n    return 3": [("f(1, 2)", "3")],
    # No examples: a recurrence, prose, a value that is not written out, another function.
    "    f(n) = f(n - 1) + f(n - 2)": [],
    "    f(3) = f(2) + f(1)": [],
    "    f(1) returns 2 elements": [],
    "    f(1) == something": [],
    "    f(x) == 3": [],
    "    f(...) == 3": [],
    "    The value of g(1) == 100": [],
    "    2 * f(1) == 4": [],
    "    half(1) == 3 and third(1) == 4": [],
}


@pytest.mark.parametrize(("docstring", "expected"), FORMS.items(), ids=FORMS.keys())
def test_each_form(docstring, expected):
    assert found(docstring) == expected


@pytest.mark.parametrize(
    "docstring",
    [
        "    >>> f(-1)\n    Traceback (most recent call last):\n        ...\n    ValueError: no",
        "    f(-1) raises ValueError",
        "    f(-1) should raise a ValueError.",
        "    f(-1) -> raises ValueError",
    ],
)
def test_exceptions(docstring):
    (example,) = visible_examples(spec(docstring))
    assert (example.call, example.expected, example.raises) == ("f(-1)", None, "ValueError")


def test_a_misspelt_name_is_the_entry_point_if_nothing_else_can_be_meant():
    (example,) = visible_examples(spec("    assert do_f(1) => 2"))
    assert (example.call, example.source) == ("f(1)", "do_f(1) => 2")


def test_the_source_is_the_examples_own_text():
    (example,) = visible_examples(spec("    Text.\n    >>> f(1)\n    2\n"))
    assert example.source == ">>> f(1)\n2"


def test_each_example_once_in_the_order_of_the_text():
    text = "    f(2) == 3\n    >>> f(1)\n    2\n    f(3) => 4\n    f(2) -> 3"
    assert found(text) == [("f(2)", "3"), ("f(1)", "2"), ("f(3)", "4")]


def test_the_assertion_of_a_text_spec():
    prompt = '"""\nWrite it.\nassert f((1, 2),(3,)) == set((4, 5))\n"""\n'
    (example,) = visible_examples(Spec("Test/1", "test", "f", prompt))
    assert (example.call, example.expected) == ("f((1, 2), (3,))", "set((4, 5))")


FRAGMENTS = (
    ">>> |f(|)|1|, |==|=>| = |\n|    |assert |Input: |Output: |x = |For |should return |'|\"|["
)
pieces = st.lists(st.sampled_from(FRAGMENTS.split("|")), max_size=12).map("".join)


@given(st.one_of(st.text(), pieces))
def test_arbitrary_specs_never_raise(text):
    for prompt in (text, spec(text).prompt):
        for example in visible_examples(Spec("Test/2", "test", "f", prompt)):
            assert "f" in example.call
            assert (example.expected is None) != (example.raises is None)


@pytest.mark.benchmarks
@pytest.mark.usefixtures("benchmarks")
def test_how_many_examples_the_benchmarks_have():
    counts: dict[str, Counter[int]] = {"humaneval": Counter(), "mbpp": Counter()}
    without = set()
    for problem in load_problems(["humaneval", "mbpp"]):
        number = len(visible_examples(problem.spec))
        counts[problem.dataset][number] += 1
        if not number:
            without.add(problem.task_id)
    assert without == WITHOUT
    assert counts["mbpp"] == {1: 378}
    assert counts["humaneval"] == {0: 5, 1: 26, 2: 52, 3: 34, 4: 21, 5: 13, 6: 10, 7: 2, 8: 1}


@pytest.mark.benchmarks
@pytest.mark.usefixtures("benchmarks")
def test_reference_solutions_pass_their_examples():
    failed: Counter[str] = Counter()
    with Judge(allow_unsafe=True) as judge:
        for problem in load_problems(["humaneval", "mbpp"]):
            examples = visible_examples(problem.spec)
            results = judge.run_examples(problem.spec, problem.reference, examples)
            failed[problem.task_id] += sum(not result.passed for result in results)
    assert +failed == CONTRADICTIONS


def test_reference_solutions_of_the_shipped_sets_pass_their_examples():
    with Judge(allow_unsafe=True) as judge:
        for problem in load_problems(["own"]):
            examples = visible_examples(problem.spec)
            assert examples, problem.task_id
            results = judge.run_examples(problem.spec, problem.reference, examples)
            assert [r.detail for r in results if not r.passed] == [], problem.task_id
