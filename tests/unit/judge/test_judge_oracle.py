"""The comparison, held against EvalPlus's own rules written out."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.judge import protocol
from pytest_dualcode.judge.child import codec
from pytest_dualcode.judge.oracle import Oracle

NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.booleans(),
    st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-9, 1.0 + 5e-7, 1.1, float("inf"), float("nan")]),
    st.sampled_from([10**8, 10**8 + 1]),
)
VALUES = st.recursive(
    NUMBERS | st.none() | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


def wire(value: Any) -> Any:
    """What the trusted side sees of a child's value."""
    return protocol.decode(b"".join(codec.encode(value, True)))


def accepts(out: Any, expected: Any, atol: float = 0, **task: Any) -> bool:
    check = Oracle(task.get("dataset", "own"), task.get("entry_point", "f"), atol)
    return check.accepts(wire(out), expected, task.get("arguments", []), codec.is_floats(expected))


def evalplus_accepts(outs: list[Any], expected: list[Any], atol: float) -> list[bool]:
    """EvalPlus's rules for a whole suite, tolerance and all, without special tasks."""
    verdicts = []
    for out, exp in zip(outs, expected, strict=True):
        exact = out == exp
        if atol == 0 and codec.is_floats(exp):
            atol = 1e-6
        right = exact
        if not exact and atol != 0:
            same_size = not isinstance(exp, (list, tuple)) or (
                type(out) is type(exp) and len(out) == len(exp)
            )
            right = type(out) is type(exp) and same_size and _close(out, exp, atol)
        verdicts.append(bool(right))
    return verdicts


def _close(out: Any, exp: Any, atol: float) -> bool:
    try:
        with np.errstate(all="ignore"):
            return bool(np.allclose(out, exp, rtol=1e-07, atol=atol))
    except (TypeError, ValueError):
        return False


@given(st.lists(st.tuples(VALUES, VALUES), max_size=5), st.sampled_from([0, 1e-6, 0.01]))
def test_every_suite_is_compared_as_evalplus_compares_it(
    pairs: list[tuple[Any, Any]], atol: float
) -> None:
    pairs = [*pairs, *((exp, exp) for _, exp in pairs)]
    outs, expected = [p[0] for p in pairs], [p[1] for p in pairs]
    expected = [wire(value) for value in expected]  # other objects than the outputs: NaN differs
    check = Oracle("own", "f", atol)
    got = [
        check.accepts(wire(out), exp, [], codec.is_floats(exp))
        for out, exp in zip(outs, expected, strict=True)
    ]
    assert got == evalplus_accepts([wire(out) for out in outs], expected, atol)


def test_the_tolerance_stays_once_a_float_was_expected() -> None:
    check = Oracle("own", "f", 0)
    assert not check.accepts(10**9, 10**9 + 1, [], False)
    check.saw(floats=True)
    assert check.accepts(10**9, 10**9 + 1, [], False)


@pytest.mark.parametrize(
    ("out", "expected", "right"),
    [
        (1, 1.0, True),
        (True, 1, True),
        (1.0000001, 1.0, True),
        (1.1, 1.0, False),
        ([1.0, 2], [1.0, 2.0], True),
        ((1.0,), [1.0], False),
        ([1.0], [1.0, 2.0], False),
        (np.float64(1.0000001), 1.0, False),  # allclose only between equal types
        (np.float64(1), 1.0, True),
        (np.array([1.0, 2.0]), [1.0, 2.0], False),
        ("a", "a", True),
        (None, 0, False),
        (float("nan"), float("nan"), False),
        (float("inf"), float("inf"), True),
        ({"a": 1}, {"a": 1.0}, True),
        ({2, 1}, {1, 2}, True),
    ],
)
def test_ordinary_values(out: Any, expected: Any, right: bool) -> None:
    assert accepts(out, expected) is right


@pytest.mark.parametrize(
    ("entry_point", "out", "expected", "arguments", "right"),
    [
        ("similar_elements", [4, 5, 5], (5, 4), [], True),
        ("similar_elements", {5, 4}, (5, 4), [], True),
        ("similar_elements", [4], (5, 4), [], False),
        ("similar_elements", [4, 5, 6], (5, 4), [], False),
        ("similar_elements", [[4], [5]], (5, 4), [], False),
        ("similar_elements", 4, (5, 4), [], False),
        ("similar_elements", {5: 0, 4: 1}, (5, 4), [], True),
        ("check_str", True, object(), [], True),
        ("check_str", "a match", object(), [], True),
        ("check_str", False, object(), [], False),
        ("check_str", None, None, [], True),
        ("check_str", False, None, [], True),
        ("check_str", "a match", None, [], False),
        ("are_equivalent", None, True, [1, 2], True),
        ("sum_div", 0, 7, [8], True),
        ("sum_div", 1, 7, [8], False),
        ("surface_Area", 33, 99, [3, 4], False),
        ("surface_Area", 35, 99, [3, 4], True),
        ("surface_Area", None, 99, [3, 4], False),
        ("digit_distance_nums", 1, 99, [1, 2], True),
        ("digit_distance_nums", 7, 99, [123, 256], True),
        ("digit_distance_nums", 8, 99, [123, 256], False),
    ],
)
def test_special_tasks_of_mbpp(
    entry_point: str, out: Any, expected: Any, arguments: list[Any], right: bool
) -> None:
    check = Oracle("mbpp", entry_point, 0)
    assert check.accepts(wire(out), expected, arguments, False) is right
    plain = Oracle("own", entry_point, 0)  # another data set's function of the same name
    assert plain.accepts(wire(out), expected, arguments, False) is bool(wire(out) == expected)


@pytest.mark.parametrize(
    "out",
    [
        ["a" * 100_000] + [""] * 3999,  # numpy gives each string the room of the longest: 1.6 GB
        [["a" * 100_000]] + [[""]] * 3999,
        [[1.0]] * 4000,  # a column against a row: every number with every other
    ],
)
def test_comparing_takes_little_memory(out: Any) -> None:
    wired = wire(out)
    tracemalloc.start()
    assert not Oracle("own", "f", 1e-6).accepts(wired, [1.0] * 3999 + [2.0], [], True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**7


@pytest.mark.parametrize(
    ("out", "right"), [(-0.5, True), (-0.50001, True), (0.0, False), (None, False), ("x", False)]
)
def test_any_root_will_do(out: Any, right: bool) -> None:
    check = Oracle("humaneval", "find_zero", 1e-4)
    assert check.accepts(wire(out), 99, [[1, 2]], True) is right
    assert not check.bytes_decide
