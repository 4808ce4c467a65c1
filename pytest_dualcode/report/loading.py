"""A stored run, read once, with all that reports are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_dualcode.analysis.cost import Cost, Rates, costs
from pytest_dualcode.analysis.paired import Comparison, Suite
from pytest_dualcode.analysis.summary import (
    DatasetCount,
    RunSummary,
    compare_runs,
    compare_within,
    summarise,
)
from pytest_dualcode.errors import StoreError
from pytest_dualcode.store import CALLS_FILE, RunStore
from pytest_dualcode.types import Record


@dataclass(frozen=True)
class Run:
    """One run directory in memory. `damage` says which lines were lost, if any were."""

    directory: Path
    settings: Mapping[str, Any]
    records: tuple[Record, ...]
    damage: str | None = None

    @cached_property
    def summary(self) -> RunSummary:
        """The run in numbers, in the order of the pipelines in its settings."""
        return summarise(self.records, dataset_counts(self.settings), pipeline_order(self.settings))

    @property
    def dataset_hashes(self) -> dict[str, str]:
        """The datasets' hashes in the settings, by name."""
        datasets = self.settings.get("datasets")
        entries = datasets.items() if isinstance(datasets, Mapping) else ()
        return {
            name: str(entry["hash"])
            for name, entry in entries
            if isinstance(entry, Mapping) and "hash" in entry
        }

    def comparisons(self, suite: Suite = "plus") -> tuple[Comparison, ...]:
        """Each pipeline against the run's raw-coder (or its first pipeline)."""
        return compare_within(self.records, suite, pipeline_order(self.settings))

    def priced(self) -> list[Cost]:
        """What the run cost, if its servers' price or GPUs are known; else nothing."""
        rates = Rates.of(self.settings)
        if rates == Rates():
            return []
        return costs(self.summary, self.calls(), rates)

    def calls(self) -> dict[str, dict[str, Any]]:
        """Every stored call by id (read anew: it can be large)."""
        return read_calls(self.directory)


def load_run(run_dir: Path | str) -> Run:
    """Read a run directory. Raises `StoreError` if there is none or it holds no result."""
    store = RunStore.open(run_dir)
    stored = store.read()
    if not stored.records:
        raise StoreError(
            f"{store.directory} holds no results yet.",
            f"Finish the run first: pytest --resume={store.directory}.",
        )
    return Run(store.directory, store.settings(), stored.records, store.damage(stored))


def compare_loaded(baseline: Run, candidate: Run, suite: Suite = "plus") -> tuple[Comparison, ...]:
    """Each pipeline of `candidate` against its partner in `baseline`."""
    return compare_runs(baseline.records, candidate.records, suite)


def dataset_counts(settings: Mapping[str, Any]) -> dict[str, DatasetCount]:
    """``selected`` and ``size`` of each of the settings' ``datasets`` that has both."""
    datasets = settings.get("datasets")
    if not isinstance(datasets, Mapping):
        return {}
    return {
        name: DatasetCount(int(entry["selected"]), int(entry["size"]))
        for name, entry in datasets.items()
        if isinstance(entry, Mapping)
        and isinstance(entry.get("selected"), int)
        and isinstance(entry.get("size"), int)
    }


def pipeline_order(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """``run.json``'s ``pipelines``, in the order of the command line."""
    names = settings.get("pipelines")
    return tuple(map(str, names)) if isinstance(names, list) else ()


def read_calls(directory: Path) -> dict[str, dict[str, Any]]:
    """The calls of a run by id, as plain JSON; lines that are not calls are left out."""
    path = directory / CALLS_FILE
    if not path.exists():
        return {}
    found = {}
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = _call(line)
            if call is not None:
                found[str(call["id"])] = call
    return found


def _call(line: str) -> dict[str, Any] | None:
    try:
        call = json.loads(line)
    except ValueError:
        return None
    return call if isinstance(call, dict) and "id" in call else None
