"""Expected outputs: computed once by the reference solution, kept in the user's cache.

One file for each problem, so that only the selected problems are computed, and whichever
process needs one first makes it for all. A file is written under another name and renamed, its
first line is a JSON header with the SHA-256 of the rest, and a damaged one is made again. The
folder is keyed by data set, Python version and machine, because outputs differ between them
(HumanEval/4, HumanEval/32 and Mbpp/796 between Python versions).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pytest_dualcode.config import cache_dir
from pytest_dualcode.errors import JudgeError
from pytest_dualcode.judge import protocol
from pytest_dualcode.types import Problem

FORMAT = 1
KEPT = 1 << 18
"""Bytes up to which an expected output is kept in memory."""
ENTRY = struct.Struct("<QBQ")
EQUALS_ITSELF, FLOATS, DIGEST_ONLY = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes that stay in a ground-truth file until they are compared."""

    path: Path
    at: int
    size: int

    def read(self) -> bytes:
        """Return the bytes. Raises `JudgeError` if the file has gone meanwhile."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.at)
                return file.read(self.size)
        except OSError as error:
            raise JudgeError(
                f"An expected output cannot be read: {error}.",
                "Leave the cache folder alone while a run goes on; --resume judges again.",
            ) from error


@dataclass(frozen=True, slots=True)
class Expected:
    """One expected output, in the tagged bytes of `child.codec`.

    ``equal_bytes_suffice``: the value equals itself when read back (NaN does not). ``floats``:
    EvalPlus compares within a tolerance. Where ``digest_only`` is set, ``data`` is SHA-256 and
    length (8 bytes) of a value too long to keep. ``seconds`` is the reference's CPU time.
    Long ones are read from the file each time: HumanEval/15 has 147 MB of them.
    """

    stored: bytes | Stretch
    seconds: float
    equal_bytes_suffice: bool
    floats: bool
    digest_only: bool

    @property
    def data(self) -> bytes:
        """The bytes themselves."""
        return self.stored.read() if isinstance(self.stored, Stretch) else self.stored

    @property
    def size(self) -> int:
        """Bytes of `data`."""
        return self.stored.size if isinstance(self.stored, Stretch) else len(self.stored)

    @property
    def length(self) -> int:
        """Bytes of the whole value, also where only its digest is kept."""
        return int.from_bytes(self.data[-8:], "little") if self.digest_only else self.size

    @property
    def digest(self) -> bytes:
        """SHA-256 and length, as a child sends them for a long value."""
        data = self.data
        if self.digest_only:
            return data
        return hashlib.sha256(data).digest() + len(data).to_bytes(8, "little")

    def value(self) -> Any:
        """Return the expected value itself."""
        return protocol.trusted(protocol.decode(self.data))


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The expected outputs of both suites of one problem."""

    base: tuple[Expected, ...]
    plus: tuple[Expected, ...]

    @property
    def seconds(self) -> float:
        """CPU seconds that the reference took for all inputs."""
        return sum(e.seconds for e in self.base) + sum(e.seconds for e in self.plus)


Compute = Callable[[Problem], GroundTruth]


class GroundTruthCache:
    """The files below one folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = (folder or cache_dir()) / "ground-truth"

    def path(self, problem: Problem) -> Path:
        """Return where the problem's file is, or will be."""
        python = f"{sys.implementation.name}{sys.version_info[0]}.{sys.version_info[1]}"
        key = f"{problem.dataset_hash[:40]}-{python}-{platform.machine()}-v{FORMAT}"
        return self._folder / safe_name(key) / f"{safe_name(problem.task_id)}.gt"

    def get(self, problem: Problem, compute: Compute) -> GroundTruth:
        """Return the stored outputs, computing them first where they are missing or damaged.

        Raises:
            JudgeError: the folder cannot be written, or the reference solution fails.
        """
        path = self.path(problem)
        found = read(path)
        if found is not None:
            return found
        with _locked(path):
            found = read(path)  # another process may have made it while we waited
            if found is None:
                computed = compute(problem)
                _write(path, problem, computed)
                found = read(path) or computed  # the file's long entries take no memory
        return found

    def seconds(self, problem: Problem) -> float:
        """Return the reference's CPU seconds from the file's header; 0.0 if there is none."""
        try:
            with self.path(problem).open("rb") as file:
                return float(json.loads(file.readline(4096))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0


def safe_name(text: str) -> str:
    """Return `text` as a file name; different texts give different names."""
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in text)
    if plain == text and not plain.startswith("."):
        return plain
    return f"{plain[:80].lstrip('.')}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock for one problem; the kernel drops it if this process dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise JudgeError(
            f"The ground-truth cache cannot be written: {error}.",
            "Set DUALCODE_CACHE_DIR to a folder that can, with about 300 MB of free space.",
        ) from error


def _write(path: Path, problem: Problem, truth: GroundTruth) -> None:
    body = hashlib.sha256()
    for part in _parts(truth):
        body.update(part)
    header = {
        "format": FORMAT,
        "task_id": problem.task_id,
        "seconds": truth.seconds,
        "sha256": body.hexdigest(),
    }
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps(header).encode() + b"\n")
            file.writelines(_parts(truth))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _parts(truth: GroundTruth) -> Iterator[bytes]:
    for suite in (truth.base, truth.plus):
        yield struct.pack("<Q", len(suite))
        for entry in suite:
            flags = entry.equal_bytes_suffice * EQUALS_ITSELF + entry.floats * FLOATS
            flags += entry.digest_only * DIGEST_ONLY
            yield ENTRY.pack(round(entry.seconds * 1e9), flags, entry.size)
            yield entry.data


def read(path: Path) -> GroundTruth | None:
    """Return a file's outputs, or None if it is missing, damaged or of another format."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline(4096))
            if header["format"] != FORMAT:
                return None
            body = _Body(path, file)
            truth = GroundTruth(body.suite(), body.suite())
            return truth if body.rest_has_sum(header["sha256"]) else None
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return None


class _Body:
    """Reads what follows the header, and sums it up on the way."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._sum = hashlib.sha256()

    def suite(self) -> tuple[Expected, ...]:
        """Read one suite's entries."""
        (count,) = struct.unpack("<Q", self._take(8))
        return tuple(self._entry() for _ in range(count))

    def rest_has_sum(self, sha256: str) -> bool:
        """Read to the end, and say whether all of it has this sum."""
        self._skip(self._size - self._file.tell())
        return self._sum.hexdigest() == sha256

    def _entry(self) -> Expected:
        nanoseconds, flags, size = ENTRY.unpack(self._take(ENTRY.size))
        if size <= KEPT:
            return entry_of(nanoseconds, flags, self._take(size))
        at = self._file.tell()
        self._skip(size)
        return entry_of(nanoseconds, flags, Stretch(self._path, at, size))

    def _take(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise ValueError("the file is cut off")
        self._sum.update(data)
        return data

    def _skip(self, size: int) -> None:
        if size > self._size:
            raise ValueError("the file is cut off")
        for start in range(0, size, KEPT):
            self._take(min(KEPT, size - start))


def entry_of(nanoseconds: int, flags: int, stored: bytes | Stretch) -> Expected:
    """Build an entry from the numbers that a reference run sends."""
    return Expected(
        stored=stored,
        seconds=nanoseconds / 1e9,
        equal_bytes_suffice=bool(flags & EQUALS_ITSELF),
        floats=bool(flags & FLOATS),
        digest_only=bool(flags & DIGEST_ONLY),
    )
