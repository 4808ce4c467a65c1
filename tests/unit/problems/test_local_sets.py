"""A problem set of one's own is checked before anything runs; errors name file and line."""

from __future__ import annotations

import pytest
from problem_tasks import task

from pytest_dualcode.errors import DatasetError
from pytest_dualcode.problems.datafile import read_data_file
from pytest_dualcode.problems.local import check_data_file

BAD_TASKS = [
    ({"task_id": None}, "'task_id' is missing or not a string"),
    ({"task_id": 7}, "'task_id' is missing or not a string"),
    ({"prompt": None}, "'prompt' is missing"),
    ({"canonical_solution": None}, "'canonical_solution' is missing"),
    ({"entry_point": ["double"]}, "'entry_point' is missing or not a string"),
    ({"entry_point": "dou ble"}, "'dou ble' is not a name"),
    ({"entry_point": "triple"}, "does not define 'triple'"),
    ({"base_input": None}, "'base_input' is missing or not a list of argument lists"),
    ({"base_input": [1, 2]}, "'base_input' is missing or not a list of argument lists"),
    ({"base_input": []}, "'base_input' is empty"),
    ({"plus_input": {"x": 1}}, "'plus_input' is missing or not a list of argument lists"),
    ({"atol": None}, "'atol' is missing or not a number"),
    ({"atol": True}, "'atol' is missing or not a number"),
    ({"atol": -1}, "'atol' is missing or not a number"),
    ({"atol": float("inf")}, "'atol' is missing or not a number"),
    ({"canonical_solution": "return 2 * x\n"}, "is not Python"),
    ({"prompt": "Return twice x.\n"}, "is not Python"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_TASKS)
def test_a_bad_problem_is_named_with_its_line(problem_set, changes, message) -> None:
    path = problem_set(task(), task(**{"task_id": "Mine/1"} | changes))
    with pytest.raises(DatasetError) as error:
        check_data_file(read_data_file(path))
    assert error.value.what.startswith(f"{path}, line 2: ")
    assert message in error.value.what
    assert error.value.remedy


def test_a_repeated_id_names_both_lines(problem_set) -> None:
    path = problem_set(task("Mine/1"), "", task("Mine/1"))
    with pytest.raises(DatasetError, match=r"line 3: the task_id 'Mine/1' is taken by line 1"):
        check_data_file(read_data_file(path))


def test_broken_json_is_named(problem_set) -> None:
    path = problem_set(task(), '{"task_id": ')
    with pytest.raises(DatasetError, match="line 2: not JSON"):
        check_data_file(read_data_file(path))


def test_an_empty_file_holds_no_problem(problem_set) -> None:
    with pytest.raises(DatasetError, match="holds no problem"):
        check_data_file(read_data_file(problem_set("")))


def test_both_forms_of_prompt_are_well_formed(problem_set) -> None:
    text = task(
        "Mine/1",
        prompt='"""\nWrite a function to double a number.\nassert double(2) == 4\n"""\n',
        canonical_solution="\ndef double(x):\n    return 2 * x\n",
    )
    assigned = task("Mine/2", prompt="", canonical_solution="double = lambda x: 2 * x\n")
    check_data_file(read_data_file(problem_set(task(), text, assigned)))
