"""What every process that judges has: the settings, the items, the hand-over and the judge."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import InfrastructureError
from pytest_dualcode.plugin.catalogue import Catalogue, build_catalogue
from pytest_dualcode.plugin.handover import Handover, Parcel
from pytest_dualcode.types import ItemKey, Problem, Verdict

if TYPE_CHECKING:
    from pytest_dualcode.judge import Judge

VERDICT = pytest.StashKey[Verdict]()
RUNTIME = pytest.StashKey["Runtime"]()


class Runtime:
    """The plugin's state in one process. `wait` blocks until an item's solution is ready."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.handover = Handover(config.run_dir / ".handover")
        self.wait: Callable[[ItemKey], None] = lambda _key: None

    @cached_property
    def catalogue(self) -> Catalogue:
        """The items of the run."""
        return build_catalogue(self.config)

    @cached_property
    def judge(self) -> Judge:
        """The judge of this process; its zygote starts with the first job."""
        from pytest_dualcode.judge import Judge

        return Judge(allow_unsafe=self.config.allow_unsafe_judge, mode=self.config.judge)

    def take(self, key: ItemKey) -> Parcel:
        """Return the item's solution. Raises `InfrastructureError` if there can be none."""
        self.wait(key)
        parcel = self.handover.get(key)
        if parcel.error:
            raise InfrastructureError(*parcel.error)
        return parcel

    def verdict(self, item: pytest.Item, problem: Problem, parcel: Parcel) -> Verdict:
        """Judge the solution, unless this very program was judged before."""
        verdict = parcel.verdict or self.judge.judge(problem, parcel.program)
        item.stash[VERDICT] = verdict
        return verdict

    def close(self) -> None:
        """End the judge's processes."""
        if "judge" in self.__dict__:
            self.judge.close()


def runtime_of(config: pytest.Config) -> Runtime:
    """Return the runtime that `pytest_configure` made."""
    return config.stash[RUNTIME]


def attach_verdict(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put the verdict on the report, as text: only built-in types cross xdist's wire."""
    verdict = item.stash.get(VERDICT, None)
    if verdict is not None and report.when == "call":
        report.dualcode = json.dumps(asdict(verdict), allow_nan=False)  # type: ignore[attr-defined]
