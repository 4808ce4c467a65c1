"""The problem sets of this repository: right, sharp, and built from what is in src/."""

from __future__ import annotations

import copy
import doctest
import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROBLEMS = Path(__file__).parents[3] / "problems"


def load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("own_build", PROBLEMS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Dataclasses look their module up by name.
    spec.loader.exec_module(module)
    return module


BUILD = load_build()
SOURCES = {name: BUILD.load_source(name) for name in BUILD.ORDER}
INPUTS = {
    name: [*source.module.BASE, *BUILD.plus_inputs(source)] for name, source in SOURCES.items()
}

every_problem = pytest.mark.parametrize("name", BUILD.ORDER)


def program(source: Any, body: str) -> Any:
    """Return the problem's function with `body`, run as the judge runs it."""
    namespace: dict[str, Any] = {}
    exec(
        compile(source.rich_prompt + body, f"<{source.name}>", "exec", dont_inherit=True), namespace
    )
    return namespace[source.name]


def same(expected: Any, found: Any, atol: float) -> bool:
    if isinstance(expected, float) and isinstance(found, int | float):
        return math.isclose(expected, found, rel_tol=1e-7, abs_tol=atol)
    return type(expected) is type(found) and expected == found


def outcomes(function: Any, inputs: list[Any]) -> list[Any]:
    return [function(*copy.deepcopy(args)) for args in inputs]


@every_problem
def test_a_module_holds_what_the_schema_needs(name: str) -> None:
    source = SOURCES[name]
    assert 3 <= len(source.module.BASE) <= 8
    assert len(BUILD.plus_inputs(source)) >= 50
    assert 2 <= source.docstring.count(">>>") <= 4
    assert len(source.lean_prompt) < len(source.rich_prompt)


@every_problem
def test_every_input_is_json_and_meets_the_contract(name: str) -> None:
    source = SOURCES[name]
    texts = [json.dumps(args, allow_nan=False) for args in INPUTS[name]]
    assert len(set(texts)) == len(texts)
    for args in INPUTS[name]:
        source.module.contract(*args)


@every_problem
def test_the_reference_agrees_with_an_independent_implementation(name: str) -> None:
    source = SOURCES[name]
    reference = program(source, source.body)
    for args in INPUTS[name]:
        expected = source.module.brute(*copy.deepcopy(args))
        found = reference(*copy.deepcopy(args))
        assert same(expected, found, source.atol), args


@every_problem
def test_the_reference_leaves_its_arguments_alone(name: str) -> None:
    source = SOURCES[name]
    given = copy.deepcopy(INPUTS[name])
    for args in given:
        program(source, source.body)(*args)
    assert given == INPUTS[name]


@every_problem
def test_the_examples_in_the_specs_are_right(name: str) -> None:
    module = SOURCES[name].module
    example = doctest.DocTestFinder().find(getattr(module, name), name, module=module)
    result = [doctest.DocTestRunner().run(test) for test in example]
    assert sum(r.attempted for r in result) >= 2
    assert sum(r.failed for r in result) == 0


MUTANTS = [
    pytest.param(name, old, new, id=f"{name}-{number}")
    for name in BUILD.ORDER
    for number, (old, new) in enumerate(SOURCES[name].module.MUTANTS)
]


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_the_inputs_reject_a_typical_wrong_solution(name: str, old: str, new: str) -> None:
    source = SOURCES[name]
    assert source.body.count(old) >= 1, f"{old!r} does not occur in the reference"
    mutant = program(source, source.body.replace(old, new, 1))
    expected = outcomes(program(source, source.body), INPUTS[name])
    try:
        found = outcomes(mutant, INPUTS[name])
    except Exception:
        return
    assert not all(same(e, f, source.atol) for e, f in zip(expected, found, strict=True))


def test_contract_and_reference_run_together_as_evalplus_runs_them() -> None:
    for line in (PROBLEMS / "own.jsonl").read_text(encoding="utf-8").splitlines():
        task = json.loads(line)
        namespace: dict[str, Any] = {}
        code = task["prompt"] + task["contract"] + task["canonical_solution"]
        exec(compile(code, task["task_id"], "exec", dont_inherit=True), namespace)
        outcomes(namespace[task["entry_point"]], task["base_input"] + task["plus_input"])


def test_every_module_is_in_the_set() -> None:
    assert sorted(path.stem for path in (PROBLEMS / "src").glob("*.py")) == sorted(BUILD.ORDER)


def test_the_built_files_are_up_to_date_and_small() -> None:
    for name, text in BUILD.build().items():
        path = PROBLEMS / name
        assert path.read_text(encoding="utf-8") == text, "run: python problems/build.py"
        assert path.stat().st_size < 1 << 20


def test_the_lean_set_has_the_same_tests_and_references() -> None:
    rich, lean = (
        [json.loads(line) for line in (PROBLEMS / name).read_text().splitlines()]
        for name in ("own.jsonl", "own-lean.jsonl")
    )
    for one, other in zip(rich, lean, strict=True):
        assert other["task_id"] == one["task_id"].replace("Own/", "OwnLean/")
        assert other["prompt"] != one["prompt"]
        for field in one.keys() - {"task_id", "prompt"}:
            assert one[field] == other[field]
