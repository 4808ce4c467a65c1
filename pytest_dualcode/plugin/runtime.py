"""What every process that judges has: the items, a source of solutions, and the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_dualcode.config import JudgeName
from pytest_dualcode.errors import InfrastructureError
from pytest_dualcode.plugin.catalogue import Catalogue
from pytest_dualcode.plugin.handover import Parcel
from pytest_dualcode.plugin.keys import JUDGED, RUNTIME
from pytest_dualcode.plugin.records import report_text
from pytest_dualcode.types import ItemKey, Problem, StageVerdict, Verdict

if TYPE_CHECKING:
    from pytest_dualcode.judge import Judge


class Runtime:
    """The plugin's state in one process.

    `build` makes the catalogue when it is first needed. `receive` returns an item's solution; it
    may block until there is one.
    """

    receive: Callable[[ItemKey], Parcel]

    def __init__(
        self, build: Callable[[], Catalogue], judge: JudgeName, allow_unsafe: bool
    ) -> None:
        self._build = build
        self._mode = judge
        self._allow_unsafe = allow_unsafe

    @cached_property
    def catalogue(self) -> Catalogue:
        """The items of the run."""
        return self._build()

    @cached_property
    def judge(self) -> Judge:
        """The judge of this process; its zygote starts with the first job."""
        from pytest_dualcode.judge import Judge

        return Judge(allow_unsafe=self._allow_unsafe, mode=self._mode)

    def take(self, key: ItemKey) -> Parcel:
        """Return the item's solution. Raises `InfrastructureError` if there can be none."""
        parcel = self.receive(key)
        if parcel.error:
            raise InfrastructureError(*parcel.error)
        return parcel

    def verdict(self, item: pytest.Item, problem: Problem, parcel: Parcel) -> Verdict:
        """Judge the solution, unless this very program was judged before."""
        verdict = parcel.verdict or self.judge.judge(problem, parcel.program)
        stages = tuple(self._stage_verdicts(problem, parcel))
        item.stash[JUDGED] = verdict, stages, self._examples(problem, parcel.program, verdict)
        return verdict

    def _stage_verdicts(self, problem: Problem, parcel: Parcel) -> Iterator[StageVerdict]:
        """Judge the programs on the way. A judge that breaks here costs a report, no outcome."""
        for number, program in parcel.stages:
            try:
                verdict = self.judge.judge(problem, program)
            except InfrastructureError:
                return
            yield StageVerdict(number, verdict.base.status, verdict.plus.status)

    def _examples(self, problem: Problem, program: str, verdict: Verdict) -> tuple[bool, ...]:
        """Say which visible examples a wrong program passes: reports ask whether it ignored one.

        One that ran into a limit would do so again, for nothing: that is why it failed.
        """
        from pytest_dualcode.problems.examples import visible_examples

        decisive = verdict.base if verdict.base.status != "pass" else verdict.plus
        if decisive.status != "fail" or not program.strip():
            return ()
        try:
            results = self.judge.run_examples(problem.spec, program, visible_examples(problem.spec))
        except InfrastructureError:
            return ()
        return tuple(result.passed for result in results)

    def close(self) -> None:
        """End the judge's processes."""
        if "judge" in self.__dict__:
            self.judge.close()


def runtime_of(config: pytest.Config) -> Runtime:
    """Return the runtime that `pytest_configure` made."""
    return config.stash[RUNTIME]


def attach_verdict(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put the verdict on the report, as text: only built-in types cross xdist's wire."""
    found = item.stash.get(JUDGED, None)
    if found is not None and report.when == "call":
        report.dualcode = report_text(*found)  # type: ignore[attr-defined]
