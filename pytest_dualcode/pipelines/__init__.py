"""Recipes from a spec to a program. Register your own with `pipeline`; see docs/pipelines.md."""

from __future__ import annotations

from pytest_dualcode.pipelines.attempt import Attempt, describe_failures, fenced
from pytest_dualcode.pipelines.prompts import render
from pytest_dualcode.pipelines.registry import (
    expand_names,
    find_recipe,
    paper_names,
    pipeline,
    pipeline_names,
)
from pytest_dualcode.pipelines.steps import draft, fix, generate_prompt, review, review_and_fix

__all__ = [
    "Attempt",
    "describe_failures",
    "draft",
    "expand_names",
    "fenced",
    "find_recipe",
    "fix",
    "generate_prompt",
    "paper_names",
    "pipeline",
    "pipeline_names",
    "render",
    "review",
    "review_and_fix",
]
