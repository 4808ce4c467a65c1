"""What reports take from the benchmarks, where these are at hand: specs, richness, all ids.

A stored run does not hold benchmark text. Reports are written without it as well; with it they
show specs, relate gains to richness, and pad EvalPlus files of a subset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from pytest_dualcode.errors import DualcodeError
from pytest_dualcode.problems.catalog import load_problems
from pytest_dualcode.problems.richness import richness
from pytest_dualcode.types import Problem


@dataclass(frozen=True, slots=True)
class Context:
    """By dataset: every task id. By task id: the prompt, and the richness of the spec (0 to 1).

    `twins` are (richer, leaner) task ids of problems that differ in their spec and nothing else.
    `missing` says, for each dataset that is not at hand, why and what to do.
    """

    task_ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    richness: Mapping[str, float] = field(default_factory=dict)
    twins: tuple[tuple[str, str], ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)


def find_context(tasks: Mapping[str, set[str]], hashes: Mapping[str, str]) -> Context:
    """Look up the given tasks of each dataset; nothing is downloaded.

    A dataset whose hash differs from the run's is another version: it counts as missing.
    """
    task_ids, prompts, scores, missing = {}, {}, {}, {}
    found: list[Problem] = []
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
        chosen = [problem for problem in problems if problem.task_id in wanted]
        for spec in (problem.spec for problem in chosen):
            prompts[spec.task_id] = spec.prompt
            scores[spec.task_id] = richness(spec).total
        found += chosen
    return Context(task_ids, prompts, scores, tuple(_twins(found, scores)), missing)


def _twins(problems: Iterable[Problem], scores: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Twins are of different datasets, with the same entry point and the same hidden tests."""
    same_name: dict[str, list[Problem]] = {}
    for problem in problems:
        same_name.setdefault(problem.entry_point, []).append(problem)
    for group in same_name.values():
        for one, other in combinations(group, 2):
            if one.dataset != other.dataset and one.tests == other.tests:
                lean, rich = sorted((one.task_id, other.task_id), key=scores.__getitem__)
                if scores[lean] < scores[rich]:
                    yield rich, lean


def _other_version(problems: tuple[Problem, ...], expected: str | None) -> bool:
    return bool(problems) and expected is not None and problems[0].dataset_hash != expected
