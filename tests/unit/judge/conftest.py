"""Small problems for the tests of the judge, and one judge for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from pytest_dualcode.judge import Judge
from pytest_dualcode.judge.sandbox import Limits
from pytest_dualcode.types import HiddenTests, Problem, Spec

MakeProblem = Callable[..., Problem]

# A busy machine is no reason to fail: these tests assert nothing about time.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def make_problem() -> MakeProblem:
    """Build a problem from a reference solution that defines ``f`` (or `entry_point`)."""

    def make(
        reference: str,
        base: list[list[Any]],
        plus: list[list[Any]] | None = None,
        *,
        atol: float = 0,
        task_id: str = "own/1",
        dataset: str = "own",
        entry_point: str = "f",
    ) -> Problem:
        spec = Spec(task_id, dataset, entry_point, f"def {entry_point}(x): ...")
        tests = HiddenTests(base, plus or [], atol)
        key = f"{dataset}-{abs(hash((reference, repr(base), repr(plus), atol)))}"
        return Problem(task_id, dataset, entry_point, key, lambda: (spec, reference, tests))

    return make


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A judge with short limits; tests share it, as a session's items do."""
    limits = Limits(input=0.5, load=0.5, idle=0.5)
    cache = tmp_path_factory.mktemp("ground-truth")
    with Judge(cache_dir=cache, allow_unsafe=True, limits=limits) as made:
        yield made
