"""The prompt files: every value that a recipe fills in is used, and nothing is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_dualcode.pipelines import prompts
from pytest_dualcode.pipelines.prompts import render, template

FOLDER = Path(prompts.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


@pytest.mark.parametrize("name", NAMES)
def test_the_problem_comes_before_what_varies(name: str) -> None:
    """A server's prefix cache then serves the problem's part to every call about it."""
    found = re.findall(r"\$(\w+)", template(name).template)
    varying = [value for value in found if value not in ("spec", "entry_point")]
    if "spec" in found and varying:
        assert found.index("spec") < found.index(varying[0])


def test_values_are_taken_literally() -> None:
    assert "cost = '$spec ${x}'" in render("generate", spec="cost = '$spec ${x}'", entry_point="f")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="spec"):
        render("generate", entry_point="f")
