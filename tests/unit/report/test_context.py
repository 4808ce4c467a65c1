"""What reports take from the benchmarks at hand; the set that ships with the package is always."""

from __future__ import annotations

import pytest

from pytest_dualcode.problems.catalog import load_problems
from pytest_dualcode.report.context import find_context


@pytest.fixture(scope="module")
def problems():
    return load_problems(["own"])


def test_specs_and_richness_of_the_wanted_tasks_and_all_ids(problems):
    wanted = problems[0]
    context = find_context({"own": {wanted.task_id}}, {"own": wanted.dataset_hash})
    assert context.prompts == {wanted.task_id: wanted.spec.prompt}
    assert 0 <= context.richness[wanted.task_id] <= 1
    assert context.task_ids["own"] == tuple(problem.task_id for problem in problems)
    assert context.missing == {}


def test_a_run_without_a_hash_takes_what_is_there(problems):
    assert find_context({"own": {problems[0].task_id}}, {}).prompts


def test_another_version_of_a_dataset_is_missing_rather_than_wrong(problems):
    context = find_context({"own": {problems[0].task_id}}, {"own": "another"})
    assert context.prompts == {}
    assert context.missing == {"own": "The own at hand is not the version of the run."}


def test_a_dataset_that_is_nowhere_is_missing_with_the_reason():
    context = find_context({"nowhere.jsonl": {"x/1"}}, {})
    assert context.task_ids == {}
    assert "nowhere.jsonl" in context.missing["nowhere.jsonl"]


def test_twins_are_the_same_problem_with_a_rich_and_a_lean_spec():
    tasks = {"own": {"Own/0", "Own/1"}, "own-lean": {"OwnLean/0", "OwnLean/2"}}
    assert find_context(tasks, {}).twins == (("Own/0", "OwnLean/0"),)
