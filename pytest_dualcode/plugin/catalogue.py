"""Which items a run has: problems times pipelines (times samples), in a fixed order.

The controller chooses them; a worker lays out the same items over its own copy of the problems.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import UsageError
from pytest_dualcode.pipelines.given import Samples, read_samples
from pytest_dualcode.pipelines.registry import expand_names
from pytest_dualcode.problems import load_problems, select
from pytest_dualcode.store import RunStore
from pytest_dualcode.types import ItemKey, Problem, Record

NODE_PATH = "dualcode"
"""What stands before ``::`` in the node ids, and selects all problems as an argument."""

TEST_NAME = "test_problem"


@dataclass(frozen=True)
class Catalogue:
    """The items of a run.

    `every` holds the whole datasets, `problems` what ``--limit`` leaves of them, by task id.
    `keys` and `ids` run in parallel.
    """

    pipelines: tuple[str, ...]
    every: tuple[Problem, ...]
    problems: dict[str, Problem]
    keys: tuple[ItemKey, ...]
    ids: tuple[str, ...]
    samples: Samples | None = None
    by_node_id: dict[str, ItemKey] = field(default_factory=dict, repr=False)

    @property
    def sizes(self) -> dict[str, int]:
        """How many problems each whole dataset has, in the order of the settings."""
        return dict(Counter(problem.dataset for problem in self.every))

    def dataset(self, key: ItemKey) -> str:
        """The dataset of the item's problem."""
        return self.problems[key.task_id].dataset


def build_catalogue(config: RunConfig) -> Catalogue:
    """Load the problems and choose the items. Raises `UsageError` and `DatasetError`."""
    pipelines = expand_names(config.pipelines)
    every = load_problems(config.datasets)
    problems = {problem.task_id: problem for problem in select(every, config.limit)}
    known = {problem.task_id: problem for problem in every}
    samples = read_samples(config.samples, known) if config.samples else None
    if config.rejudge is not None:
        keys = stored_keys(config.rejudge, pipelines, problems)
        if not keys:
            raise UsageError(
                f"{config.rejudge} has no solutions to judge of {', '.join(pipelines)}.",
                f"If its items ended with errors, make them with --resume={config.rejudge}.",
            )
    else:
        keys = tuple(item_keys(pipelines, problems, samples, config.copies))
    return lay_out(keys, problems, pipelines, every, samples)


def lay_out(
    keys: tuple[ItemKey, ...],
    problems: dict[str, Problem],
    pipelines: tuple[str, ...],
    every: tuple[Problem, ...],
    samples: Samples | None = None,
) -> Catalogue:
    """Return the catalogue of `keys`, whose order and ids are those of the session's items."""
    several = {(key.pipeline, key.task_id) for key in keys if key.sample}
    ids = tuple(
        item_id(key, problems[key.task_id], (key.pipeline, key.task_id) in several) for key in keys
    )
    by_node_id = {node_id(item): key for item, key in zip(ids, keys, strict=True)}
    return Catalogue(pipelines, every, problems, keys, ids, samples, by_node_id)


def node_id(item: str) -> str:
    """Return the node id that pytest gives to `item`: it escapes what is not ASCII."""
    escaped = item.encode("unicode_escape").decode("ascii")
    return f"{NODE_PATH}::{TEST_NAME}[{escaped}]"


def item_keys(
    pipelines: tuple[str, ...],
    problems: dict[str, Problem],
    samples: Samples | None,
    copies: int,
) -> Iterator[ItemKey]:
    """Yield the items: pipeline by pipeline, each in the order of the problems."""
    for pipeline in pipelines:
        for task_id in problems:
            count = sample_count(pipeline, task_id, samples, copies)
            yield from (ItemKey(pipeline, task_id, number) for number in range(count))


def stored_keys(
    run_dir: Path, pipelines: tuple[str, ...], problems: dict[str, Problem]
) -> tuple[ItemKey, ...]:
    """Return the items of which a run has a solution to judge again, in the fixed order."""
    place = {task_id: number for number, task_id in enumerate(problems)}
    found = [
        record.key
        for record in RunStore.open(run_dir).records()
        if has_solution(record) and record.task_id in place and record.pipeline in pipelines
    ]
    return tuple(
        sorted(found, key=lambda key: (pipelines.index(key.pipeline), place[key.task_id], key))
    )


def has_solution(record: Record) -> bool:
    """Whether there is something to judge; also where the judge itself broke."""
    return record.outcome != "error" or bool(record.solution)


def sample_count(pipeline: str, task_id: str, samples: Samples | None, copies: int) -> int:
    """Return how many items a problem has; what no model writes needs no copies."""
    if pipeline == "samples":
        return len(samples.by_task.get(task_id, ())) if samples else 0
    return 1 if pipeline == "canonical" else copies


def item_id(key: ItemKey, problem: Problem, several: bool) -> str:
    """Return the part of the node id in brackets; samples are numbered where there are several."""
    name = f"{key.pipeline}-{key.task_id}-{problem.entry_point}"
    return f"{name}-s{key.sample}" if several else name
