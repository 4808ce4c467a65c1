"""The run directory: `run.json` for the settings, `results.jsonl` for one record per item.

Records are appended as items finish, each as one write of one line, so that a run that is
killed at any moment loses at most the line it was writing. Readers skip such a line and say so.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, get_args

from pytest_dualcode.errors import StoreError
from pytest_dualcode.types import ItemKey, Outcome, Record, Stage, StageVerdict, Status

SETTINGS_FILE = "run.json"
RECORDS_FILE = "results.jsonl"
CALLS_FILE = "calls.jsonl"

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class StoredRecords:
    """What a `results.jsonl` holds: the last record of each item, and the lines that are lost.

    ``damaged`` are line numbers, from 1.
    """

    records: tuple[Record, ...]
    damaged: tuple[int, ...] = ()


def holds_run(directory: Path) -> bool:
    """Whether there is anything in `directory` that a run can go on with.

    A run that was killed while it began may have calls and no settings yet.
    """
    return any((directory / name).exists() for name in (SETTINGS_FILE, RECORDS_FILE, CALLS_FILE))


class RunStore:
    """One run directory. Use `create` for a new run and `open` for an existing one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._out: IO[bytes] | None = None
        self._torn = False

    @classmethod
    def create(cls, run_dir: Path | str) -> RunStore:
        """Make `run_dir` (and its parents) and return its store.

        Raises `StoreError` if the directory already holds a run or cannot be made.
        """
        directory = Path(run_dir)
        if (directory / RECORDS_FILE).exists() or (directory / SETTINGS_FILE).exists():
            raise StoreError(
                f"{directory} already holds a run.",
                f"Continue it with --resume={directory}, or give another --run-dir.",
            )
        with _explained(directory, "create"):
            directory.mkdir(parents=True, exist_ok=True)
        return cls(directory)

    @classmethod
    def open(cls, run_dir: Path | str) -> RunStore:
        """Return the store of an existing run; raises `StoreError` if there is none."""
        directory = Path(run_dir)
        if not directory.is_dir():
            raise StoreError(
                f"There is no run directory {directory}.",
                "Give the directory that an earlier run named in its last line "
                "(by default reports/<date-time>-<pipelines>).",
            )
        if not holds_run(directory):
            raise StoreError(
                f"{directory} is not a run directory: it has neither {SETTINGS_FILE} "
                f"nor {RECORDS_FILE} nor {CALLS_FILE}.",
                "Give the directory of one run, not the folder of all runs or another folder.",
            )
        return cls(directory)

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Replace `run.json`: readers see the old text or the new one, never half of it."""
        text = json.dumps(settings, indent=2, ensure_ascii=True, allow_nan=False, default=str)
        write_atomically(self.directory / SETTINGS_FILE, text + "\n")

    def settings(self) -> dict[str, Any]:
        """The content of `run.json`; empty if the run has none."""
        path = self.directory / SETTINGS_FILE
        if not path.exists():
            return {}
        with _explained(path, "read"):
            return _parsed_settings(path, path.read_text(encoding="utf-8", errors="replace"))

    def append(self, record: Record) -> None:
        """Store `record` now. Raises `StoreError` if the disk is full or cannot be written."""
        line = (record_to_json(record) + "\n").encode("ascii")
        path = self.directory / RECORDS_FILE
        with _explained(path, "write"):
            out = self._output(path)
            start = b"\n" if self._torn else b""
            self._torn = True
            _write_all(out, start + line)
            self._torn = False

    def read(self) -> StoredRecords:
        """All records, the last of each item winning, and the numbers of damaged lines."""
        path = self.directory / RECORDS_FILE
        if not path.exists():
            return StoredRecords(())
        with _explained(path, "read"):
            return _parsed_records(path.read_bytes())

    def records(self) -> tuple[Record, ...]:
        """The last record of each item, in the order in which the items first finished."""
        return self.read().records

    def damage(self, stored: StoredRecords | None = None) -> str | None:
        """One sentence on the damaged lines, with the remedy; None if there are none.

        `stored` is what `read` returned, if that was called before.
        """
        damaged = (stored or self.read()).damaged
        if not damaged:
            return None
        numbers = ", ".join(map(str, damaged[:5])) + (", ..." if len(damaged) > 5 else "")
        return (
            f"{len(damaged)} damaged line(s) in {self.directory / RECORDS_FILE} were skipped "
            f"(line {numbers}); --resume={self.directory} makes their items again."
        )

    def close(self) -> None:
        """Close the file of records; a later `append` opens it again."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def __enter__(self) -> RunStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _output(self, path: Path) -> IO[bytes]:
        """The file to append to; a half-written last line is ended before the next record."""
        if self._out is None:
            self._torn = _ends_inside_a_line(path)
            self._out = path.open("ab", buffering=0)
        return self._out


def record_to_json(record: Record) -> str:
    """One line of ASCII JSON, without the line end."""
    try:
        return json.dumps(asdict(record), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(
            f"The record of {record.task_id} ({record.pipeline}) cannot be stored: {error}.",
            "A custom pipeline must fill it with plain text and finite numbers.",
        ) from error


def record_from_json(line: str) -> Record:
    """The record that `record_to_json` wrote. Unknown fields are ignored.

    Raises `StoreError` if the line is not such a record.
    """
    try:
        return _record(json.loads(line))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"Not a record: {line[:80]!r} ({error}).",
            "Remove the line; --resume makes its item again.",
        ) from error


def write_atomically(path: Path, text: str) -> None:
    """Write `text` (UTF-8) beside `path` and move it there."""
    with _explained(path, "write"):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as out:
                out.write(text)
            # mkstemp makes private files; reports are for others to read as well.
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _record(data: Mapping[str, Any]) -> Record:
    known = {field.name for field in fields(Record)}
    values = {name: value for name, value in data.items() if name in known}
    values["call_ids"] = tuple(map(str, values.get("call_ids", ())))
    values["finish_reasons"] = tuple(map(str, values.get("finish_reasons", ())))
    values["stages"] = tuple(map(_stage, values.get("stages", ())))
    values["stage_verdicts"] = tuple(map(_stage_verdict, values.get("stage_verdicts", ())))
    values["examples_passed"] = _booleans(values.get("examples_passed", ()))
    _check(values)
    return Record(**values)


def _booleans(values: Sequence[object]) -> tuple[bool, ...]:
    found = tuple(value for value in values if isinstance(value, bool))
    if len(found) != len(values):
        raise TypeError("what should be true or false is neither")
    return found


def _check(values: Mapping[str, Any]) -> None:
    """Raise unless the fields that reports compute with have their types."""
    for name in ("task_id", "dataset", "pipeline", "reason", "solution"):
        if not isinstance(values[name], str):
            raise TypeError(f"{name} is not text")
    for name in ("sample", "llm_calls", "prompt_tokens", "completion_tokens"):
        if not isinstance(values.get(name, 0), int):
            raise TypeError(f"{name} is not a whole number")
    for name in ("llm_seconds", "judge_seconds"):
        if not isinstance(values.get(name, 0.0), int | float):
            raise TypeError(f"{name} is not a number")
    if values["outcome"] not in get_args(Outcome):
        raise ValueError(f"unknown outcome {values['outcome']!r}")
    for name in ("base_status", "plus_status"):
        if values[name] not in (*get_args(Status), None):
            raise ValueError(f"unknown {name} {values[name]!r}")


def _stage(data: Mapping[str, Any]) -> Stage:
    known = {field.name for field in fields(Stage)}
    values = {name: value for name, value in data.items() if name in known}
    return Stage(**{**values, "steps": tuple(values.get("steps", ()))})


def _stage_verdict(data: Mapping[str, Any]) -> StageVerdict:
    return StageVerdict(int(data["stage"]), data["base_status"], data["plus_status"])


def _parsed_records(content: bytes) -> StoredRecords:
    found: dict[ItemKey, Record] = {}
    damaged = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            record = record_from_json(line.decode("ascii", "replace"))
        except StoreError:
            damaged.append(number)
        else:
            found[record.key] = record
    return StoredRecords(tuple(found.values()), tuple(damaged))


def _parsed_settings(path: Path, text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except ValueError as error:
        raise _damaged_settings(path, str(error)) from error
    if not isinstance(settings, dict):
        raise _damaged_settings(path, "not a JSON object")
    return settings


def _damaged_settings(path: Path, why: str) -> StoreError:
    return StoreError(
        f"{path} is damaged: {why}.",
        f"Restore it from a backup; or remove it, and reports will do with {RECORDS_FILE} alone.",
    )


def _ends_inside_a_line(path: Path) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _write_all(out: IO[bytes], data: bytes) -> None:
    """Write all of `data`; an unbuffered file may take only a part of it at a time."""
    while data:
        data = data[out.write(data) :]


@contextmanager
def _explained(path: Path, doing: str) -> Iterator[None]:
    """Turn an `OSError` into a `StoreError` that names the remedy."""
    try:
        yield
    except OSError as error:
        remedy = (
            f"Free some space, then continue the run with --resume={path.parent}; "
            "what is stored so far is kept."
            if error.errno in _FULL_DISK
            else "Check that the path is right and that you may write there, or give "
            "another --run-dir."
        )
        what = "the disk is full" if error.errno in _FULL_DISK else error.strerror or str(error)
        raise StoreError(f"Cannot {doing} {path}: {what}.", remedy) from error
