"""``--limit N``: a fixed subset that looks random and is the same everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from pytest_dualcode.types import Problem


def select(problems: Sequence[Problem], limit: int | None) -> tuple[Problem, ...]:
    """Return `limit` of the `problems`, in their own order; all of them if there are no more.

    The choice depends on the task ids alone (SHA-256), so it is the same for every Python
    version and machine. A smaller limit gives a subset of a larger one, and several datasets are
    represented in proportion to their sizes. Twins (``Own/3``, ``OwnLean/3``) rank alike.
    """
    if limit is None or limit >= len(problems):
        return tuple(problems)
    rank = _ranks(problems)
    chosen = {p.task_id for p in sorted(problems, key=lambda p: rank[p.task_id])[:limit]}
    return tuple(p for p in problems if p.task_id in chosen)


def _ranks(problems: Iterable[Problem]) -> dict[str, tuple[float, str]]:
    """Map each task id to its place within its dataset, as a share of the dataset's size."""
    by_dataset: dict[str, list[str]] = {}
    for problem in problems:
        by_dataset.setdefault(problem.dataset, []).append(problem.task_id)
    return {
        task_id: ((place + 0.5) / len(ids), dataset)
        for dataset, ids in by_dataset.items()
        for place, task_id in enumerate(sorted(ids, key=_digest))
    }


def _digest(task_id: str) -> str:
    # The part after the slash, so that the rich and the lean twin of a problem go together; the
    # whole id breaks ties.
    return hashlib.sha256(task_id.rpartition("/")[2].encode()).hexdigest() + task_id
