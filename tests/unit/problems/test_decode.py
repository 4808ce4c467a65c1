"""MBPP's inputs come back with the types that EvalPlus gives them."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from pytest_dualcode.problems.catalog import load_problems
from pytest_dualcode.problems.decode import CONVERSIONS, TASKS, decode_inputs


def typed(value: Any) -> Any:
    """Return a form that is equal only for values equal in every type."""
    name = type(value).__name__
    if isinstance(value, list | tuple):
        return name, [typed(item) for item in value]
    if isinstance(value, dict):
        return name, [(key, typed(item)) for key, item in value.items()]
    return name, repr(sorted(value, key=repr)) if isinstance(value, set) else repr(value)


@pytest.mark.benchmarks
@pytest.mark.usefixtures("benchmarks")
def test_all_inputs_equal_evalplus_s() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Its imports warn about things that are not ours.
        from evalplus.data.mbpp import mbpp_deserialize_inputs

    for problem in load_problems(["mbpp"]):
        raw = json.loads(problem.load.args[0].text)  # type: ignore[attr-defined]
        for field, found in (
            ("base_input", problem.tests.base_inputs),
            ("plus_input", problem.tests.plus_inputs),
        ):
            expected = mbpp_deserialize_inputs(problem.task_id, raw[field])
            assert typed(found) == typed(expected), problem.task_id


@pytest.mark.parametrize(
    ("task_id", "args", "expected"),
    [
        ("Mbpp/2", [[1], [2]], [(1,), (2,)]),
        ("Mbpp/63", [[[1, 2], [3]]], [[(1, 2), (3,)]]),
        ("Mbpp/259", [[[1], [2]], [[3]]], [((1,), (2,)), ((3,),)]),
        ("Mbpp/307", [[1, []], 0, 50], [(1, []), 0, 50]),
        ("Mbpp/75", [[[6], [7]], 6], [[(6,), (7,)], 6]),
        ("Mbpp/106", [[5], [9]], [[5], (9,)]),
        ("Mbpp/115", [[[1, 2, 1], [], 3]], [[{1, 2}, {}, {}]]),
        ("Mbpp/278", [[1, [2]]], [(1, (2,))]),
        ("Mbpp/722", [{"a": [1, 2]}, 3, 4], [{"a": (1, 2)}, 3, 4]),
        ("Mbpp/252", ["1j"], [1j]),
        ("Mbpp/124", ["0", "1j"], (0.0, 1j)),
        ("Mbpp/580", [[1, [2]]], ((1, (2,)),)),
    ],
)
def test_each_conversion(task_id: str, args: Any, expected: Any) -> None:
    assert typed(decode_inputs(task_id, [args])) == typed([expected])


def test_other_ids_keep_their_inputs() -> None:
    inputs = [[[1], {"a": []}]]
    for task_id in ("Mbpp/3", "HumanEval/2", "Mine/2", "Mbpp/02"):
        assert decode_inputs(task_id, inputs) is inputs


def test_no_task_has_two_conversions() -> None:
    assert len(CONVERSIONS) == sum(len(tasks.split()) for tasks in TASKS.values())
