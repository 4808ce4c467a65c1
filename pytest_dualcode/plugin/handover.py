"""Finished solutions on their way from the controller to the worker that judges them.

One small file an item, in a folder of the run directory. xdist has no channel of its own for
this, and a file needs none: the scheduler names an item to a worker only after its file is
complete, so nobody waits and nobody reads half of one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_dualcode.errors import InfrastructureError, StoreError
from pytest_dualcode.types import ItemKey, Record, SuiteResult, Verdict


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


class Handover:
    """The folder of parcels."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: ItemKey) -> Path:
        name = f"{key.pipeline}\n{key.task_id}\n{key.sample}"
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"

    def put(self, key: ItemKey, parcel: Parcel) -> None:
        """Store `parcel`, complete or not at all. Raises `StoreError` when that fails."""
        path = self._path(key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            half = path.with_suffix(".part")
            half.write_text(json.dumps(asdict(parcel)), "ascii")
            half.replace(path)
        except OSError as error:
            raise StoreError(
                f"A solution could not be written to {self._folder}: {error}.",
                "Free space there or choose another place with --run-dir, then use --resume.",
            ) from None

    def get(self, key: ItemKey) -> Parcel:
        """Return the parcel of `key`. Raises `InfrastructureError` when there is none."""
        try:
            row = json.loads(self._path(key).read_text("ascii"))
        except (OSError, ValueError) as error:
            raise InfrastructureError(
                f"The solution of {key.task_id} did not reach the worker: {error}.",
                "Workers must see the run directory of the controller (--run-dir).",
            ) from None
        return parcel_from(row)

    def clear(self) -> None:
        """Remove the folder and what is in it."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                path.unlink()
            self._folder.rmdir()


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
