"""The score that tells rich specs from lean ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_dualcode.problems import load_problems
from pytest_dualcode.problems.richness import Richness, is_lean, richness
from pytest_dualcode.types import Spec


def spec(prompt: str) -> Spec:
    return Spec("Mine/0", "mine", "f", prompt)


BARE = 'def f(x, y):\n    """Add."""\n'
TYPED = 'def f(x: int, y) -> int:\n    """Add."""\n'
EXAMPLES = """def f(x, y):
    '''Add.

    >>> f(1, 2)
    "three in words"

    f("one word", "or two") => "and more"
    '''
"""
CASES = 'def f(x, y):\n    """Add. If one is empty or negative, give none."""\n'


def test_the_weights_add_up_to_one() -> None:
    assert Richness(1, 1, 1, 1).total == pytest.approx(1)
    assert Richness(0, 0, 0, 0).total == 0


def test_each_part_counts_what_it_is_named_after() -> None:
    bare = richness(spec(BARE))
    assert bare == Richness(0, 0, 0, 1 / 40)
    assert richness(spec(TYPED)).types == pytest.approx(2 / 3)
    assert richness(spec(EXAMPLES)).examples == 1
    assert richness(spec(CASES)).edge_cases == 1
    assert richness(spec(CASES)).length == 9 / 40


def test_examples_are_not_prose() -> None:
    assert richness(spec(EXAMPLES)).length == richness(spec(BARE)).length


def test_two_examples_and_anything_else_are_rich_and_no_example_is_lean() -> None:
    assert not is_lean(spec(EXAMPLES))
    full = "If it is empty or negative, return none; otherwise go on as follows. " + "word " * 40
    typed_and_full = f'def f(x: int, y: int) -> int:\n    """{full}"""\n'
    assert richness(spec(typed_and_full)) == Richness(0, 1, 1, 1)
    assert is_lean(spec(typed_and_full))


def test_text_without_a_signature_has_no_types() -> None:
    assert richness(spec('"""\nWrite a function.\nassert f(1) == 2\n"""\n')).types == 0


@settings(deadline=None)  # A busy machine is not a failure.
@given(st.text(max_size=300))
def test_any_prompt_has_a_score(prompt: str) -> None:
    assert 0 <= richness(spec(prompt)).total <= 1


def test_every_rich_spec_is_above_its_lean_twin() -> None:
    pairs = zip(load_problems(["own"]), load_problems(["own-lean"]), strict=True)
    for rich, lean in pairs:
        assert richness(rich.spec).total > richness(lean.spec).total
        assert not is_lean(rich.spec)
        assert is_lean(lean.spec)


@pytest.mark.benchmarks
@pytest.mark.usefixtures("benchmarks")
def test_humaneval_is_rich_and_mbpp_is_lean() -> None:
    lean = {
        name: sum(is_lean(problem.spec) for problem in load_problems([name]))
        for name in ("humaneval", "mbpp")
    }
    assert lean["humaneval"] <= 0.1 * 164
    assert lean["mbpp"] >= 0.9 * 378
