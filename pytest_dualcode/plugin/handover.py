"""What the controller tells a worker: the job, once, and each solution before its item.

All of it travels over xdist's own connection, so a worker may be on any machine. It travels as
ASCII JSON, since execnet sends few types, and no lone surrogate.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pytest_dualcode.config import JudgeName
from pytest_dualcode.errors import InfrastructureError
from pytest_dualcode.types import ItemKey, Record, SuiteResult, Verdict

if TYPE_CHECKING:
    from execnet import Channel


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker of a run has to know.

    `version` (of this package) and `python` (major and minor) must be those of the worker.
    `datasets` are names and paths as given to ``--dataset``; `hashes` maps the name of each to
    the MD5 of its content. `keys` are the items, in the order in which they are collected.
    """

    version: str
    python: str
    datasets: tuple[str, ...]
    hashes: dict[str, str]
    keys: tuple[ItemKey, ...]
    judge: JudgeName
    allow_unsafe: bool

    def to_text(self) -> str:
        """Return the job as `job_from` reads it."""
        return json.dumps(asdict(self))


def job_from(text: str) -> Job:
    """Return the job that `Job.to_text` made `text` of."""
    row = json.loads(text)
    row["datasets"] = tuple(row["datasets"])
    row["keys"] = tuple(ItemKey(**key) for key in row["keys"])
    return Job(**row)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What the worker needs of a solution.

    `error` is set instead of a program when infrastructure broke: (what, remedy). `verdict` is
    set when this very program was judged before. `stages` are the other programs on the way,
    with their index in the record's stages: they are judged too, for reports on what a review or
    a fix was worth; no pipeline ever learns of it.
    """

    program: str = ""
    error: tuple[str, str] | None = None
    verdict: Verdict | None = None
    stages: tuple[tuple[int, str], ...] = ()


def parcel_of(record: Record, error: InfrastructureError | None, known: Verdict | None) -> Parcel:
    """Pack the solution of `record`, or the `error` that came instead of one."""
    if error is not None:
        return Parcel(error=(error.what, error.remedy))
    others = tuple(
        (number, stage.program)
        for number, stage in enumerate(record.stages)
        if stage.program and stage.program != record.solution
    )
    return Parcel(record.solution, verdict=known, stages=others)


def addressed(key: ItemKey, parcel: Parcel) -> str:
    """Return `parcel` as `Inbox` reads it."""
    return json.dumps({"key": asdict(key), "parcel": asdict(parcel)})


class Inbox:
    """The worker's end of the way.

    A parcel is sent right before its item over the same connection, and a worker runs its items
    in the order in which they were sent. So the parcel is there when the item starts, and those
    before it belong to items that have run or were skipped. One is kept, for an item that
    another plugin runs again.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._key: ItemKey | None = None
        self._parcel = Parcel()

    def get(self, key: ItemKey) -> Parcel:
        """Return the parcel of `key`. Raises `InfrastructureError` when there is none."""
        while self._key != key:
            try:
                row = json.loads(self._channel.receive(timeout=0))
            except (OSError, EOFError) as error:  # execnet's own time-out is an OSError
                raise InfrastructureError(
                    f"The solution of {key.task_id} did not reach the worker.",
                    "Run it again with --resume; please report it if that does not help.",
                ) from error
            self._key, self._parcel = ItemKey(**row["key"]), parcel_from(row["parcel"])
        return self._parcel


def parcel_from(row: dict[str, Any]) -> Parcel:
    """Return the parcel that `asdict` made `row` of."""
    row["verdict"] = verdict_from(row["verdict"]) if row["verdict"] else None
    row["error"] = tuple(row["error"]) if row["error"] else None
    row["stages"] = tuple((number, program) for number, program in row["stages"])
    return Parcel(**row)


def verdict_from(row: dict[str, Any]) -> Verdict:
    """Return the verdict that `asdict` made `row` of."""
    base, plus = SuiteResult(**row["base"]), SuiteResult(**row["plus"])
    return Verdict(base, plus, row["isolation"], row["seconds"])
