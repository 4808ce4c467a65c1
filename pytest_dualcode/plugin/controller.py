"""The controller: the one process of a session that owns servers, models and records.

Without xdist it is the only process. Workers get finished solutions from it and send verdicts
back; everything else (calls, stages, records, reports) never leaves it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import DualcodeError, InfrastructureError, StoreError
from pytest_dualcode.judge import expected_seconds
from pytest_dualcode.plugin.catalogue import Catalogue, has_solution
from pytest_dualcode.plugin.generation import Generation
from pytest_dualcode.plugin.handover import Parcel, parcel_of
from pytest_dualcode.plugin.provenance import check_same_judging, settings_of
from pytest_dualcode.plugin.records import (
    ProgramKey,
    judged,
    known_verdicts,
    program_key,
    unjudged,
    without_verdict,
)
from pytest_dualcode.plugin.runtime import Runtime
from pytest_dualcode.problems import DatasetInfo
from pytest_dualcode.store import RunStore
from pytest_dualcode.types import ItemKey, Record, Solution, Verdict

Result = Solution | InfrastructureError


class Controller:
    """Starts the run's work, hands solutions over, and turns reports into records.

    `datasets` describe the data, `arguments` are pytest's command line, both for ``run.json``.
    `without_solution` counts the items of a judged-again run that have none.
    `announce` is told the node ids whose solutions are there; xdist's scheduler listens.
    """

    def __init__(
        self,
        config: RunConfig,
        runtime: Runtime,
        datasets: Sequence[DatasetInfo],
        arguments: Sequence[str] = (),
    ) -> None:
        self.config = config
        self.runtime = runtime
        self.datasets = datasets
        self.arguments = tuple(arguments)
        self.generation = Generation(config, runtime)
        self.store: RunStore | None = None
        self.selected: tuple[ItemKey, ...] = ()
        self.records: dict[ItemKey, Record] = {}
        self.without_solution = 0
        self.announce: Callable[[Sequence[str]], None] = lambda _ids: None
        self._delivered: dict[ItemKey, tuple[Record, InfrastructureError | None]] = {}
        self._verdicts: dict[ProgramKey, Verdict] = {}
        self._node_ids: dict[ItemKey, str] = {}
        self._arrival = threading.Condition()
        self._broken: StoreError | None = None
        self._skipped: set[ItemKey] = set()

    @property
    def catalogue(self) -> Catalogue:
        """The items of the run."""
        return self.runtime.catalogue

    def check(self) -> None:
        """Raise what can be known to go wrong before anything starts.

        `UsageError` for names and files, `StoreError` for run directories (a new run's is made
        here), `JudgeError` where hostile code cannot be jailed.
        """
        _ = self.catalogue.keys
        config = self.config
        for directory in (config.resume, config.replay, config.rejudge, config.baseline):
            if directory is not None:
                RunStore.open(directory)
        _ = self.runtime.judge.isolation
        if config.resume is None:
            self.store = RunStore.create(config.run_dir)
        else:
            self.store = RunStore.open(config.resume)
            check_same_judging(self.store.settings(), config, self.datasets)

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
        if not ours or self.store is None:
            return
        earlier = self._stored(self.store, say) if self.config.resume is not None else ()
        self._verdicts = known_verdicts(earlier)
        if self.config.rejudge is not None:
            self._rejudge(self._stored(RunStore.open(self.config.rejudge), say))
        else:
            self.generation.start(self.selected, self.deliver, say)
        self.store.write_settings(settings_of(self, self.store.settings(), earlier))

    @staticmethod
    def _stored(run: RunStore, say: Callable[[str], None]) -> tuple[Record, ...]:
        """Return the records of a run that goes on or is judged again; say what is damaged."""
        found = run.read()
        if (damage := run.damage(found)) is not None:
            say(damage)
        return found.records

    def _rejudge(self, records: Sequence[Record]) -> None:
        """Hand over the solutions that another run stored."""
        stored = {record.key: record for record in records}
        self.without_solution = sum(
            not has_solution(record)
            for key, record in stored.items()
            if key.pipeline in self.catalogue.pipelines and key.task_id in self.catalogue.problems
        )
        for key in self.selected:
            self._hand_over(key, without_verdict(stored[key]), None)

    def deliver(self, key: ItemKey, result: Result) -> None:
        """Take an item's result from the engine (its thread) and hand it on.

        An error is recorded with the calls that were made before it.
        """
        error = result if isinstance(result, InfrastructureError) else None
        solution = result if isinstance(result, Solution) else self.generation.unfinished(key)
        self._hand_over(key, unjudged(key, self.catalogue.dataset(key), solution), error)

    def check_engine(self) -> None:
        """See that the engine still works; if not, what it owes becomes errors.

        Otherwise a bug in it would leave the session waiting for ever.
        """
        broken = self.generation.failure()
        if broken is not None:
            for key in self.selected:
                if key not in self._delivered:
                    self.deliver(key, broken)

    def _hand_over(self, key: ItemKey, record: Record, error: InfrastructureError | None) -> None:
        with self._arrival:
            self._delivered[key] = record, error
            self._arrival.notify_all()
        self.announce([self._node_ids[key]])

    def parcel(self, key: ItemKey) -> Parcel:
        """Pack the solution of a delivered item, with its verdict if the run knows it by now."""
        record, error = self._delivered[key]
        known = self._verdicts.get(program_key(key.task_id, record.solution))
        return parcel_of(record, error, known)

    def wait(self, key: ItemKey, tick: Callable[[], None], seconds: float = 1.0) -> Parcel:
        """Block until `key` is delivered, calling `tick` now and then (no xdist).

        Raises `InfrastructureError` for an item that nobody works on.
        """
        if key not in self._node_ids:
            raise InfrastructureError(
                f"Nobody solves {key.task_id} by {key.pipeline}: pytest selected another item.",
                "Please report this with the id of the problem.",
            )
        while True:
            with self._arrival:
                if self._arrival.wait_for(lambda: key in self._delivered, seconds):
                    return self.parcel(key)
            tick()

    @property
    def solved(self) -> int:
        """How many selected items have a result."""
        return len(self._delivered)

    def take_report(self, report: pytest.TestReport) -> Record | None:
        """Make and store the record of an item when its deciding report arrives.

        A failed set-up is infrastructure; so is a report of a crashed worker. A skipped item
        has none. Returns the item's record, if it has one already.
        """
        key = self.catalogue.by_node_id.get(report.nodeid)
        if key is None or key not in self._node_ids:
            return None
        if report.skipped:
            self._skipped.add(key)
        elif key not in self.records and (report.when == "call" or report.failed):
            self._record(key, report)
        return self.records.get(key)

    def _record(self, key: ItemKey, report: pytest.TestReport) -> None:
        blank = unjudged(key, self.catalogue.dataset(key), Solution(""))
        delivered, _error = self._delivered.get(key, (blank, None))
        record = judged(delivered, report)
        self._verdicts |= known_verdicts([record])
        self.records[key] = record
        if self.store is not None and self._broken is None:
            try:
                self.store.append(record)
            except StoreError as error:
                self._broken = error

    def is_open(self, node_id: str) -> bool:
        """Whether this is an item of the run without a record."""
        key = self.catalogue.by_node_id.get(node_id)
        return key in self._node_ids and key not in self.records

    def missing(self) -> list[str]:
        """Return the node ids that were selected and have no record."""
        done = self.records.keys() | self._skipped
        return [self._node_ids[key] for key in self.selected if key not in done]

    def end_generation(self) -> list[DualcodeError]:
        """End the engine and the servers, and add what the servers did to ``run.json``.

        Returns what went wrong.
        """
        errors = self.generation.stop()
        if self.generation.aftermath and self.store is not None:
            try:
                settings = self.store.settings()
                models = {**settings.get("models", {}), **self.generation.aftermath}
                self.store.write_settings({**settings, "models": models})
            except StoreError as error:
                errors.append(error)
        return errors

    @property
    def broken(self) -> StoreError | None:
        """What kept results from being stored, if anything did."""
        return self._broken

    def stop(self) -> None:
        """End the engine and the servers; what is finished stays stored."""
        self.generation.stop()
