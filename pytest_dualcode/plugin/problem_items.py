"""What pytest collects for ``--pipeline``: one `test_problem` for each problem and pipeline.

The fixtures live here, beside the test, so that no ``conftest.py`` can shadow them by accident.
Whatever breaks before the verdict is known breaks in a fixture, and pytest reports that as an
*error*; only a wrong solution makes the test itself *fail*.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from pytest_dualcode.errors import DualcodeError
from pytest_dualcode.plugin.handover import Parcel
from pytest_dualcode.plugin.runtime import Runtime, runtime_of
from pytest_dualcode.types import ItemKey, Problem, Verdict

T = TypeVar("T")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `test_problem` its items, in the catalogue's fixed order."""
    catalogue = runtime_of(metafunc.config).catalogue
    metafunc.parametrize("key", catalogue.keys, ids=catalogue.ids)


@pytest.fixture
def runtime(request: pytest.FixtureRequest) -> Runtime:
    """The plugin's state in this process."""
    return runtime_of(request.config)


@pytest.fixture
def problem(runtime: Runtime, key: ItemKey) -> Problem:
    """The benchmark problem of this item."""
    return runtime.catalogue.problems[key.task_id]


@pytest.fixture
def solution(runtime: Runtime, key: ItemKey) -> Parcel:
    """The program that the pipeline made for the problem; waits for it without xdist."""
    return or_error(lambda: runtime.take(key))


@pytest.fixture
def verdict(
    request: pytest.FixtureRequest, runtime: Runtime, problem: Problem, solution: Parcel
) -> Verdict:
    """The judge's verdict on the solution."""
    return or_error(lambda: runtime.verdict(request.node, problem, solution))


def or_error(step: Callable[[], T]) -> T:
    """Return what `step` does; what breaks in it fails the fixture, with its message alone."""
    try:
        return step()
    except DualcodeError as error:
        message = str(error)
    pytest.fail(message, pytrace=False)


def test_problem(verdict: Verdict) -> None:
    """Pass when EvalPlus's base and plus tests pass."""
    if not verdict.passed:
        pytest.fail(describe(verdict), pytrace=False)


def describe(verdict: Verdict) -> str:
    """Return the two statuses, with the reason of each that is not a pass."""
    lines = []
    for name, suite in (("base", verdict.base), ("plus", verdict.plus)):
        reason = f": {suite.reason}" if suite.reason else ""
        lines.append(f"{name}: {suite.status}{reason}")
        if suite.failing_input:
            lines.append(f"  input: {suite.failing_input}")
    return "\n".join(lines)
