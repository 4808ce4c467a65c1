"""The controller: the one process of a session that owns servers, models and records.

Without xdist it is the only process. Workers get finished solutions from it and send verdicts
back; everything else (calls, stages, records, reports) never leaves it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import InfrastructureError, StoreError
from pytest_dualcode.judge import expected_seconds
from pytest_dualcode.plugin.catalogue import Catalogue
from pytest_dualcode.plugin.generation import Generation
from pytest_dualcode.plugin.handover import parcel_of
from pytest_dualcode.plugin.provenance import settings_of
from pytest_dualcode.plugin.records import (
    ProgramKey,
    judged,
    known_verdicts,
    program_key,
    unjudged,
)
from pytest_dualcode.plugin.runtime import Runtime
from pytest_dualcode.problems import DatasetInfo
from pytest_dualcode.store import RunStore
from pytest_dualcode.types import ItemKey, Record, Solution, Verdict

Result = Solution | InfrastructureError


class Controller:
    """Starts the run's work, hands solutions over, and turns reports into records.

    `announce` is told the node ids whose solutions are there; xdist's scheduler listens.
    """

    def __init__(
        self, config: RunConfig, runtime: Runtime, datasets: Sequence[DatasetInfo]
    ) -> None:
        self.config = config
        self.runtime = runtime
        self.datasets = datasets
        self.generation = Generation(config, runtime)
        self.store: RunStore | None = None
        self.selected: tuple[ItemKey, ...] = ()
        self.records: dict[ItemKey, Record] = {}
        self.announce: Callable[[Sequence[str]], None] = lambda _ids: None
        self._unjudged: dict[ItemKey, Record] = {}
        self._verdicts: dict[ProgramKey, Verdict] = {}
        self._node_ids: dict[ItemKey, str] = {}
        self._delivered: set[ItemKey] = set()
        self._arrival = threading.Condition()
        self._broken: StoreError | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The items of the run."""
        return self.runtime.catalogue

    def check(self) -> None:
        """Raise what can be known to go wrong before anything starts.

        `UsageError` for names and files, `StoreError` for run directories, `JudgeError` where
        hostile code cannot be jailed.
        """
        _ = self.catalogue.keys
        config = self.config
        for directory in (config.resume, config.replay, config.rejudge, config.baseline):
            if directory is not None:
                RunStore.open(directory)
        _ = self.runtime.judge.isolation

    def weight(self, node_id: str) -> float:
        """Return about how many seconds an item takes to judge, for the scheduler."""
        key = self.catalogue.by_node_id.get(node_id)
        return expected_seconds(self.catalogue.problems[key.task_id]) if key else 0.0

    def begin(self, node_ids: Sequence[str], say: Callable[[str], None]) -> None:
        """Start solving the selected items. Blocks until the servers are ready.

        Node ids that are not ours (a user's own tests) are announced at once. Raises
        `ServerError`, `JudgeError` and `StoreError`.
        """
        ours = {i: key for i in node_ids if (key := self.catalogue.by_node_id.get(i))}
        self.announce([node_id for node_id in node_ids if node_id not in ours])
        self.selected = tuple(ours.values())
        self._node_ids = {key: node_id for node_id, key in ours.items()}
        if not ours:
            return
        resumed = self.config.resume is not None
        self.store = (RunStore.open if resumed else RunStore.create)(self.config.run_dir)
        self._verdicts = known_verdicts(self.store.records()) if resumed else {}
        self.store.write_settings(settings_of(self, provenance={}))
        if self.config.rejudge is not None:
            self._rejudge(self.config.rejudge)
            return
        self.generation.start(self.selected, self.deliver, say)
        self.store.write_settings(settings_of(self, self.generation.provenance()))

    def _rejudge(self, run_dir: Path) -> None:
        """Hand over the solutions that another run stored."""
        stored = {record.key: record for record in RunStore.open(run_dir).records()}
        for key in self.selected:
            error = None if key in stored and stored[key].solution else not_stored(key, run_dir)
            blank = unjudged(key, self.catalogue.dataset(key), Solution(""))
            self._hand_over(key, stored.get(key, blank), error)

    def deliver(self, key: ItemKey, result: Result) -> None:
        """Take an item's result from the engine (its thread) and hand it on."""
        record = unjudged(key, self.catalogue.dataset(key), result)
        self._hand_over(key, record, result if isinstance(result, InfrastructureError) else None)

    def _hand_over(self, key: ItemKey, record: Record, error: InfrastructureError | None) -> None:
        known = self._verdicts.get(program_key(key.task_id, record.solution))
        try:
            self.runtime.handover.put(key, parcel_of(record, error, known))
        except StoreError as error:
            self._broken = error
        with self._arrival:
            self._unjudged[key] = record
            self._delivered.add(key)
            self._arrival.notify_all()
        self.announce([self._node_ids[key]])

    def wait(self, key: ItemKey, tick: Callable[[], None], seconds: float = 1.0) -> None:
        """Block until `key` is delivered, calling `tick` now and then (no xdist)."""
        while True:
            with self._arrival:
                if self._arrival.wait_for(lambda: key in self._delivered, seconds):
                    return
            tick()

    @property
    def solved(self) -> int:
        """How many selected items have a result."""
        return len(self._delivered)

    def take_report(self, report: pytest.TestReport) -> Record | None:
        """Make and store the record of an item when its deciding report arrives.

        A failed set-up is infrastructure; so is a report of a crashed worker. Returns the
        item's record, if it has one already.
        """
        key = self.catalogue.by_node_id.get(report.nodeid)
        if key is None or key not in self._node_ids:
            return None
        if key not in self.records and (report.when != "setup" or report.failed):
            self._record(key, report)
        return self.records.get(key)

    def _record(self, key: ItemKey, report: pytest.TestReport) -> None:
        blank = unjudged(key, self.catalogue.dataset(key), Solution(""))
        record = judged(self._unjudged.pop(key, blank), report)
        self._verdicts |= known_verdicts([record])
        self.records[key] = record
        if self.store is not None and self._broken is None:
            try:
                self.store.append(record)
            except StoreError as error:
                self._broken = error

    def missing(self) -> list[str]:
        """Return the node ids that were selected and have no record."""
        return [self._node_ids[key] for key in self.selected if key not in self.records]

    @property
    def broken(self) -> StoreError | None:
        """What kept results from being stored, if anything did."""
        return self._broken

    def stop(self) -> None:
        """End the engine and the servers; what is finished stays stored."""
        self.generation.stop()
        self.runtime.handover.clear()


def not_stored(key: ItemKey, run_dir: Path) -> InfrastructureError:
    """Return the error of an item whose solution is not in the run to judge again."""
    return InfrastructureError(
        f"{run_dir} has no solution of {key.task_id} by {key.pipeline}.",
        f"Finish that run first, with --resume={run_dir}, or select fewer problems.",
    )
