"""Checks that a local problem set is well formed, before any model is asked.

The released benchmarks are known by their hash; a file of one's own is checked in full, since a
missing field would otherwise surface as a failed item after minutes of model time.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Sequence
from typing import Any

from pytest_dualcode.errors import DatasetError
from pytest_dualcode.problems.datafile import DataFile, Line

REMEDY = "docs/problems.md describes the schema of a problem set."

TEXT_FIELDS = ("task_id", "entry_point", "prompt", "canonical_solution")
INPUT_FIELDS = ("base_input", "plus_input")


def check_data_file(file: DataFile) -> None:
    """Raise `DatasetError`, naming file and line, at the first line that is not a problem."""
    if not file.lines:
        raise DatasetError(f"{file.path} holds no problem.", REMEDY)
    seen: dict[str, int] = {}
    for line in file.lines:
        task = line.parse()
        check_fields(line, task)
        first = seen.setdefault(task["task_id"], line.number)
        if first != line.number:
            raise line.error(
                f"the task_id {task['task_id']!r} is taken by line {first}.",
                "Give every problem an id of its own.",
            )
        check_reference(line, task)


def check_fields(line: Line, task: dict[str, Any]) -> None:
    """Check that the fields of EvalPlus's schema are there and have the right types."""
    for name in TEXT_FIELDS:
        if not isinstance(task.get(name), str):
            raise line.error(f"{name!r} is missing or not a string.", REMEDY)
    for name in INPUT_FIELDS:
        if not _is_list_of_lists(task.get(name)):
            raise line.error(
                f"{name!r} is missing or not a list of argument lists.",
                "Each input is the JSON list of a call's positional arguments.",
            )
    if not task["base_input"]:
        raise line.error("'base_input' is empty.", "Give at least one base input.")
    if not _is_tolerance(task.get("atol")):
        raise line.error(
            "'atol' is missing or not a number of at least 0.",
            "Use 0 for exact results, or the absolute tolerance for floats.",
        )
    if not task["entry_point"].isidentifier():
        raise line.error(f"the entry_point {task['entry_point']!r} is not a name.", REMEDY)


def check_reference(line: Line, task: dict[str, Any]) -> None:
    """Check that ``prompt + canonical_solution`` is Python and defines the entry point."""
    program = task["prompt"] + task["canonical_solution"]
    try:
        tree = _compiled(program)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise line.error(
            f"prompt + canonical_solution is not Python: {error}.",
            "A prompt that ends in a docstring needs an indented body; a prompt that is text "
            "must be a string literal.",
        ) from error
    if task["entry_point"] not in _bound_names(tree.body):
        raise line.error(
            f"prompt + canonical_solution does not define {task['entry_point']!r}.",
            "Name the function to call in 'entry_point'.",
        )


def _compiled(program: str) -> ast.Module:
    """Return the syntax tree of a program that compiles as a whole (no stray ``return``)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Such as an unknown escape in a docstring: not wrong.
        tree = ast.parse(program)
        compile(tree, "<reference>", "exec", dont_inherit=True)
    return tree


def _is_list_of_lists(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, list) for item in value)


def _is_tolerance(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0


def _bound_names(body: Sequence[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(t.id for t in targets if isinstance(t, ast.Name))
    return names
