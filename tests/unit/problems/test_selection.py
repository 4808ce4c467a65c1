"""``--limit``: fixed, nested, in proportion and in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_dualcode.problems import load_problems, select
from pytest_dualcode.types import Problem


def problems(dataset: str, count: int) -> list[Problem]:
    def load() -> object:
        raise AssertionError("selecting must not load a problem")

    ids = (f"{dataset}/{number}" for number in range(count))
    return [Problem(task_id, dataset, "f", "hash", load) for task_id in ids]  # type: ignore[arg-type]


SIZES = st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=4)


@settings(deadline=None)  # A busy machine is not a failure.
@given(sizes=SIZES, limit=st.integers(min_value=1, max_value=170))
def test_a_limit_keeps_that_many_in_order_and_grows_by_one(sizes, limit) -> None:
    every = [p for i, size in enumerate(sizes) for p in problems(f"set{i}", size)]
    chosen, more = select(every, limit), select(every, limit + 1)
    assert len(chosen) == min(limit, len(every))
    assert {p.task_id for p in chosen} <= {p.task_id for p in more}
    assert list(chosen) == [p for p in every if p in chosen]


@settings(deadline=None)  # A busy machine is not a failure.
@given(sizes=SIZES, limit=st.integers(min_value=1, max_value=170))
def test_every_dataset_gets_its_share(sizes, limit) -> None:
    every = [p for i, size in enumerate(sizes) for p in problems(f"set{i}", size)]
    chosen = select(every, limit)
    for i, size in enumerate(sizes):
        share = len(chosen) * size / len(every)
        assert abs(sum(p.dataset == f"set{i}" for p in chosen) - share) <= len(sizes)


def test_no_limit_keeps_all() -> None:
    every = problems("set", 5)
    assert select(every, None) == tuple(every)


def test_the_choice_is_pinned() -> None:
    """The same on every machine and Python version, for ever: runs are compared by it."""
    chosen = select(problems("HumanEval", 164) + problems("Mbpp", 378), 8)
    assert [p.task_id for p in chosen] == PINNED


PINNED = [
    "HumanEval/51",
    "HumanEval/55",
    "Mbpp/178",
    "Mbpp/245",
    "Mbpp/286",
    "Mbpp/327",
    "Mbpp/342",
    "Mbpp/374",
]


def test_a_problem_and_its_lean_twin_are_chosen_together() -> None:
    rich = select(load_problems(["own"]), 8)
    lean = select(load_problems(["own-lean"]), 8)
    assert [p.entry_point for p in rich] == [p.entry_point for p in lean]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_choice_does_not_depend_on_the_given_order(limit: int) -> None:
    every = problems("set", 20)
    first = {p.task_id for p in select(every, limit)}
    assert first == {p.task_id for p in select(every[::-1], limit)}
