"""Every finished call, kept once: ``calls.jsonl`` and the models that answer from it first.

A call is found by its request's key, a hash over role, model, messages and sampling, so a changed
prompt or model invalidates what depends on it and nothing else. The file is append-only: one JSON
line for each call, written by one process. The index holds a file and an offset for each key, not
the texts, so memory does not grow with the length of the replies. Each line ends with a digest of
all that stands before it: a reply that was changed or corrupted since is no model's answer.

What a kill can do: a line is one ``write``, so killing the process loses at most a line that was
not written yet, and leaves at most one half line, which the next opening skips and counts. Only a
crash of the machine can lose finished lines, those of the last `SYNC_INTERVAL` seconds.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pytest_dualcode.errors import ReplayMiss, StoreError
from pytest_dualcode.models.base import Backend, Traffic
from pytest_dualcode.models.limits import clock_stopped
from pytest_dualcode.types import Call, Message, Request, Role, Sampling

SYNC_INTERVAL = 5.0
"""Seconds between two flushes to the disk itself."""


class CallStore:
    """Calls by key: one file to append to, and any number of earlier runs' files to read.

    `path` is this run's ``calls.jsonl`` (``None``: nothing is kept); `earlier` are searched after
    it. Raises `StoreError` if a file cannot be used.
    """

    def __init__(self, path: Path | None = None, *, earlier: Sequence[Path] = ()) -> None:
        self._files: list[_CallFile] = []
        self._index: dict[int, int] = {}
        self._own = _CallFile.to_append(path) if path is not None else None
        if self._own is not None:
            self._files.append(self._own)
        self._files += [_CallFile.to_read(file) for file in earlier]
        for number, file in enumerate(self._files):
            for key, offset in file.scan():
                self._index.setdefault(key, _place(number, offset))

    def __len__(self) -> int:
        return len(self._index)

    @property
    def damaged(self) -> Mapping[Path, int]:
        """How many lines of each file were skipped because they are no complete call."""
        return {file.path: file.damaged for file in self._files if file.damaged}

    def get(self, request: Request) -> Call | None:
        """Return the stored call of `request`. Raises `StoreError` if it can no longer be read."""
        place = self._index.get(_short(request.key))
        if place is None:
            return None
        number, offset = place >> OFFSET_BITS, place & OFFSET_MASK
        call = self._files[number].read(offset)
        if number != 0 or self._own is None:
            self._adopt(call)
        return call

    def add(self, call: Call) -> None:
        """Append `call`, unless this run's file has it. Raises `StoreError` (disk full)."""
        if self._own is None:
            return
        key = _short(call.id)
        if self._index.get(key, -1) >> OFFSET_BITS != 0:
            self._index[key] = _place(0, self._own.append(call))

    def close(self) -> None:
        """Flush and close all files."""
        for file in self._files:
            file.close()

    def _adopt(self, call: Call) -> None:
        """Copy an earlier run's call, so that this run's directory is complete by itself."""
        if self._own is not None:
            self.add(call)


OFFSET_BITS = 48
OFFSET_MASK = (1 << OFFSET_BITS) - 1


def _place(number: int, offset: int) -> int:
    """Pack a file's number and an offset into one integer: half the memory of a tuple."""
    return number << OFFSET_BITS | offset


def _short(key: str) -> int:
    """Return 128 bits of a key: as good as all of it to tell a run's calls apart, and smaller."""
    return int(key[:32], 16)


class _CallFile:
    """One ``calls.jsonl``, open for as long as the store is."""

    def __init__(self, path: Path, fd: int, writable: bool) -> None:
        self.path = path
        self.damaged = 0
        self._fd = fd
        self._writable = writable
        self._end = os.fstat(fd).st_size
        self._flusher = _Flusher(path, fd)

    @classmethod
    def to_append(cls, path: Path) -> _CallFile:
        """Open `path` as the only writer, cutting nothing off."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _cannot("open", path, error) from error
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise StoreError(
                f"Another run is writing to {path}.",
                "Wait for it to end, or give this run its own --run-dir.",
            ) from error
        return cls(path, fd, writable=True)

    @classmethod
    def to_read(cls, path: Path) -> _CallFile:
        """Open an earlier run's file."""
        try:
            return cls(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC), writable=False)
        except OSError as error:
            raise StoreError(
                f"Cannot read {path}: {error.strerror or error}.",
                "Name the directory of an earlier run, one that holds a calls.jsonl.",
            ) from error

    def scan(self) -> Iterator[tuple[int, int]]:
        """Yield (short key, offset) of every whole call; count the lines that are not one."""
        offset = 0
        # No second descriptor: closing one would give up the lock on the file (POSIX).
        with os.fdopen(self._fd, "rb", closefd=False) as lines:
            for line in lines:
                call = _parse(line)
                if call is not None:
                    yield _short(call.id), offset
                elif line.strip():
                    self.damaged += 1
                offset += len(line)
        if offset and not line.endswith(b"\n") and self._writable:
            self._write(b"\n")  # so that the next call does not continue a half-written line

    def read(self, offset: int) -> Call:
        """Return the call at `offset`."""
        line = b""
        while not line.endswith(b"\n"):
            piece = os.pread(self._fd, max(4096, len(line)), offset + len(line))
            if not piece:
                break
            head, newline, _ = piece.partition(b"\n")
            line += head + newline
        call = _parse(line)
        if call is None:
            raise StoreError(
                f"{self.path} changed while it was in use (at byte {offset}).",
                "Run again with --resume, and let one run at a time use a run directory.",
            )
        return call

    def append(self, call: Call) -> int:
        """Append one line and return its offset."""
        offset = self._end
        self._write(_line(call))
        self._flusher.written()
        return offset

    def close(self) -> None:
        try:
            if self._writable:
                self._flusher.finish()
        finally:
            os.close(self._fd)

    def _write(self, line: bytes) -> None:
        try:
            written = 0
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError as error:
            os.ftruncate(self._fd, self._end)  # a full disk leaves half a line behind
            raise _cannot("write to", self.path, error) from error
        self._end += len(line)


class _Flusher:
    """Flushes a file to its disk now and then, in a thread: a busy disk takes seconds for it."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._last = time.monotonic()
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def written(self) -> None:
        """Begin to flush if it is time. Raises `StoreError` if the last flush failed."""
        self._check()
        if time.monotonic() - self._last < SYNC_INTERVAL or self._busy():
            return
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._flush, name="dualcode-flush", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Flush what was written so far. Raises `StoreError`."""
        if self._thread is not None:
            self._thread.join()
        self._flush()
        self._check()

    def _busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _flush(self) -> None:
        try:
            os.fsync(self._fd)
        except OSError as error:
            self._error = error

    def _check(self) -> None:
        if self._error is not None:
            raise _cannot("write to", self._path, self._error) from self._error


def _cannot(what: str, path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"Cannot {what} {path}: {error.strerror or error}.",
        "Free some space or choose another --run-dir; --resume keeps every finished call.",
    )


def _line(call: Call) -> bytes:
    content = json.dumps({"id": call.id, **asdict(call)}).encode("ascii")[:-1]
    return content + _seal(content) + b"\n"


def _seal(content: bytes) -> bytes:
    """Return the end of the line that begins with `content`: its digest and the closing brace.

    64 bits, as only accidents and careless edits are to be found.
    """
    return b', "digest": "%s"}' % hashlib.sha256(content).hexdigest()[:16].encode()


SEAL_LENGTH = len(_seal(b""))

REPLY_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "reasoning": (str,),
    "finish_reason": (str,),
    "prompt_tokens": (int,),
    "completion_tokens": (int,),
    "started": (int, float),
    "seconds": (int, float),
    "attempts": (int,),
    "cached_tokens": (int, type(None)),
}
"""What JSON gives for the fields of a `Call` other than its request, which its key vouches for."""


def _parse(line: bytes) -> Call | None:
    """Read one line; ``None`` if it is damaged: its key or its digest does not fit its content."""
    line = line.removesuffix(b"\n")
    if not line.endswith(_seal(line[:-SEAL_LENGTH])):
        return None
    try:
        fields = json.loads(line)
        key = fields.pop("id")
        asked = fields.pop("request")
        asked["messages"] = tuple(Message(**message) for message in asked["messages"])
        asked["sampling"] = Sampling(**asked["sampling"])
        reply = {name: fields[name] for name in REPLY_TYPES}
        call = Call(Request(**asked), **reply)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    well_typed = all(type(reply[name]) in types for name, types in REPLY_TYPES.items())
    return call if well_typed and call.id == key else None


@dataclass
class _Flight:
    """A call under way and how many wait for it."""

    key: str
    task: asyncio.Task[Call]
    waiters: int = 0


class StoredModels:
    """Models that answer from a `CallStore` first and store what they had to ask.

    Equal calls in flight are one call. With `replay` nothing is asked: a call that is not stored
    raises `ReplayMiss`. Errors are never stored. Once the store cannot be written to, no further
    call is made and those that wait or are in flight end: their replies would be lost.
    """

    def __init__(self, backend: Backend, store: CallStore, *, replay: bool = False) -> None:
        self._backend = backend
        self._store = store
        self._replay = replay
        self._flights: dict[str, _Flight] = {}
        self._stored: dict[Role, int] = {"coder": 0, "planner": 0}
        self._broken: StoreError | None = None

    def supports_thinking(self, role: Role) -> bool:
        """Whether `role` has a reasoning mode that can be switched."""
        return self._backend.supports_thinking(role)

    async def complete(
        self,
        role: Role,
        messages: Sequence[Message],
        *,
        thinking: bool = False,
        max_tokens: int | None = None,
        sample: int = 0,
        priority: int = 0,
    ) -> Call:
        """Return the stored reply, or ask for one and store it.

        Raises `CallError`, `ReplayMiss`, or `StoreError` when the reply cannot be stored.
        """
        request = self._backend.request(
            role, messages, thinking=thinking, max_tokens=max_tokens, sample=sample
        )
        stored = self._store.get(request)
        if stored is not None:
            self._stored[role] += 1
            return stored
        if self._replay:
            raise _replay_miss(request)
        return await self._shared(request, priority)

    def traffic(self) -> Mapping[Role, Traffic]:
        """Return the counts by role, stored calls included."""
        return {
            role: replace(traffic, stored=self._stored[role])
            for role, traffic in self._backend.traffic().items()
        }

    async def aclose(self) -> None:
        """End the calls in flight and close the connections. The store stays open."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._backend.aclose()

    async def _shared(self, request: Request, priority: int) -> Call:
        """Ask once however many ask the same, and only for as long as anybody waits for it."""
        flight = self._flights.get(request.key)
        if flight is not None:
            self._stored[request.role] += 1
            with clock_stopped():  # somebody else's turn is being waited for
                return await self._landed(flight)
        flight = _Flight(request.key, asyncio.create_task(self._ask(request, priority)))
        self._flights[flight.key] = flight
        flight.task.add_done_callback(lambda _: self._forget(flight))
        return await self._landed(flight)

    async def _landed(self, flight: _Flight) -> Call:
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if self._broken is not None and flight.task.cancelled():
                raise self._broken from None
            if flight.waiters == 1:
                self._forget(flight)  # at once: nobody may join a call that is being cancelled
                flight.task.cancel()
            raise
        finally:
            flight.waiters -= 1

    def _forget(self, flight: _Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]

    async def _ask(self, request: Request, priority: int) -> Call:
        if self._broken is not None:
            raise self._broken
        call = await self._backend.call(request, priority)
        try:
            self._store.add(call)
        except StoreError as error:
            self._end_traffic(error)
            raise
        return call

    def _end_traffic(self, error: StoreError) -> None:
        """Ask nothing more, wherever a call stands: in a queue, at a server, or in a pause."""
        self._broken = error
        for flight in self._flights.values():
            if flight.task is not asyncio.current_task():
                flight.task.cancel()


def _replay_miss(request: Request) -> ReplayMiss:
    first = request.messages[-1].content.strip().partition("\n")[0][:80] if request.messages else ""
    return ReplayMiss(
        f"The replayed run holds no such call to the {request.role} ({request.model}), "
        f"whose last message begins {first!r}.",
        "A prompt, a model or a sampling setting has changed since. Use --resume with a server "
        "to make the missing calls.",
    )
