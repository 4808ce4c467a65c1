"""What reports take from the benchmarks, where these are at hand: specs, richness, all ids.

A stored run does not hold benchmark text. Reports are written without it as well; with it they
show specs, relate gains to richness, and pad EvalPlus files of a subset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_dualcode.errors import DualcodeError
from pytest_dualcode.problems.catalog import load_problems
from pytest_dualcode.problems.richness import richness
from pytest_dualcode.types import Problem


@dataclass(frozen=True, slots=True)
class Context:
    """By dataset: every task id. By task id: the prompt, and the richness of the spec (0 to 1).

    `missing` says, for each dataset that is not at hand, why and what to do.
    """

    task_ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    richness: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def find_context(tasks: Mapping[str, set[str]], hashes: Mapping[str, str]) -> Context:
    """Look up the given tasks of each dataset; nothing is downloaded.

    A dataset whose hash differs from the run's is another version: it counts as missing.
    """
    task_ids, prompts, scores, missing = {}, {}, {}, {}
    for dataset, wanted in tasks.items():
        try:
            problems = load_problems([dataset])
        except DualcodeError as error:
            missing[dataset] = str(error)
            continue
        if _other_version(problems, hashes.get(dataset)):
            missing[dataset] = f"The {dataset} at hand is not the version of the run."
            continue
        task_ids[dataset] = tuple(problem.task_id for problem in problems)
        for spec in (problem.spec for problem in problems if problem.task_id in wanted):
            prompts[spec.task_id] = spec.prompt
            scores[spec.task_id] = richness(spec).total
    return Context(task_ids, prompts, scores, missing)


def _other_version(problems: tuple[Problem, ...], expected: str | None) -> bool:
    return bool(problems) and expected is not None and problems[0].dataset_hash != expected
