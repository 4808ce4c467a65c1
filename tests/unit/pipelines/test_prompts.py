"""The prompt files: every value that a recipe fills in is used, and nothing is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_dualcode.pipelines import prompts
from pytest_dualcode.pipelines.prompts import render, template

FOLDER = Path(prompts.__file__).parent
CODER = ["generate", "implement", "synthesise"]
PLANNER = ["analyse", "choose", "enrich", "review", "review_both", "review_enriched"]
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


@pytest.mark.parametrize("name", NAMES)
def test_the_problem_comes_before_what_varies(name: str) -> None:
    """A server's prefix cache then serves the problem's part to every call about it."""
    found = re.findall(r"\$(\w+)", template(name).template)
    varying = [value for value in found if value not in ("spec", "entry_point")]
    if "spec" in found and varying:
        assert found.index("spec") < found.index(varying[0])


@pytest.mark.parametrize("role", [CODER, PLANNER], ids=["coder", "planner"])
def test_the_prompts_of_a_role_begin_alike(role: list[str]) -> None:
    beginnings = {template(name).template.partition("$spec")[0] for name in role}
    assert len(beginnings) == 1


def test_every_prompt_with_a_spec_belongs_to_a_role() -> None:
    with_spec = {name for name in NAMES if "$spec" in template(name).template}
    assert with_spec == {*CODER, *PLANNER}


def test_values_are_taken_literally() -> None:
    assert "cost = '$spec ${x}'" in render("generate", spec="cost = '$spec ${x}'", entry_point="f")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="spec"):
        render("generate", entry_point="f")
