"""Run one program on its inputs and send what it returns, frame by frame.

A frame is a tag (one byte), a length (four bytes, little-endian) and that many bytes:

``H``  the child is alive (its sender's process id is what the kernel says it is)
``P``  the program was executed and the entry point found
``E``  it was not: the exception in words
``V``  the next input's return value, in `codec`'s bytes
``D``  the same for a long value: SHA-256 and length; the other side answers ``n`` (next) or
       ``s`` (send it)
``X``  the next input raised: the exception in words

A reference run (``timed``) puts the CPU nanoseconds (8 bytes) and two flags (1 byte) before
each value: 1, the value equals itself when read back; 2, EvalPlus compares it as floats; 4,
the value is long, and SHA-256 and length stand for it.
"""

from __future__ import annotations

import contextlib
import copy
import io
import marshal
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from . import codec

INLINE = 256 << 10
"""Longer values are sent as a digest first (bytes)."""

KEPT = 32 << 20
"""Of a reference's longer values only the digest is sent and kept (bytes)."""

Encoder = Callable[[Any], Iterator[bytes]]

_write_fd = os.write
_read_fd = os.read


class Silence(io.StringIO):
    """Takes what a program prints and keeps nothing; refuses to be read, as EvalPlus's does."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"string argument expected, got {type(text).__name__!r}")
        return len(text)

    def read(self, *_: Any) -> str:
        raise OSError("there is no standard input")

    readline: Any = read
    readlines: Any = read

    def readable(self) -> bool:
        return False


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Give the program fresh standard streams, whatever it did to the ones before."""
    stream = Silence()
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = sys.stdout = sys.stderr = stream
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


class Channel:
    """The child's end of the socket to the trusted side."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def send(self, tag: bytes, body: bytes = b"") -> None:
        """Send one frame; blocks while the other side is behind."""
        self.send_raw(tag + len(body).to_bytes(4, "little") + body)

    def send_raw(self, data: bytes) -> None:
        """Send bytes that are already framed."""
        sent = _write_fd(self.fd, data)
        while sent < len(data):
            data = data[sent:]
            sent = _write_fd(self.fd, data)

    def receive(self, size: int) -> bytes:
        """Read exactly `size` bytes; end the process if the other side has gone."""
        parts: list[bytes] = []
        while size:
            part = _read_fd(self.fd, min(size, 1 << 20))
            if not part:
                os._exit(3)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def receive_job(channel: Channel) -> dict[str, Any]:
    """Say hello and read the job: what the trusted side wrote, so marshal is safe here."""
    channel.send(b"H")
    size = int.from_bytes(channel.receive(8), "little")
    job: dict[str, Any] = marshal.loads(channel.receive(size))
    return job


def run(job: dict[str, Any], channel: Channel) -> None:
    """Execute the program, then call its entry point once for each input."""
    namespace: dict[str, Any] = {}
    try:
        with silenced():
            # Not exec() of the text: it would inherit this module's __future__ imports.
            exec(compile(job["program"], "<string>", "exec", dont_inherit=True), namespace)
            function = namespace[job["entry_point"]]
    except BaseException as error:
        channel.send(b"E", describe(error))
        return
    channel.send(b"P")
    step = _timed_step if job["timed"] else _step
    encode = encoder(job["program"], job["as_set"])
    for arguments in job["inputs"]:
        step(function, arguments, channel, encode)


def encoder(program: str, as_set: bool) -> Encoder:
    """Choose how the program's values are written."""
    if as_set:
        return lambda value: iter((codec.iterated(value),))
    careful = codec.needs_care(program)
    return lambda value: codec.encode(value, careful)


def _step(function: Any, arguments: list[Any], channel: Channel, encode: Encoder) -> None:
    try:
        with silenced():
            value = function(*arguments)
        send_value(value, channel, encode)
    except BaseException as error:
        channel.send(b"X", describe(error))


def _timed_step(function: Any, arguments: list[Any], channel: Channel, encode: Encoder) -> None:
    arguments = copy.deepcopy(arguments)
    began = time.process_time_ns()
    try:
        with silenced():
            value = function(*arguments)
    except BaseException as error:
        channel.send(b"X", describe(error))
        return
    spent = time.process_time_ns() - began
    rest = encode(value)
    pieces: list[bytes] = []
    length = 0
    for piece in rest:
        pieces.append(piece)
        length += len(piece)
        if length > KEPT:
            break
    floats = 2 if codec.is_floats(value) else 0
    if length > KEPT:
        digest, length = codec.digest(pieces, rest)
        head = spent.to_bytes(8, "little") + bytes([floats | 5])
        channel.send(b"V", head + digest + length.to_bytes(8, "little"))
        return
    data = b"".join(pieces)
    flags = equals_itself(value, data) | floats
    channel.send(b"V", spent.to_bytes(8, "little") + bytes([flags]) + data)


def equals_itself(value: Any, data: bytes) -> int:
    """Return 1 if equal bytes mean an equal value: false for NaN and for tags of our own."""
    try:
        return int(bool(marshal.loads(data) == value))
    except (ValueError, EOFError, TypeError):
        return 0


def send_value(value: Any, channel: Channel, encode: Encoder) -> None:
    """Send a value whole if it is short, and a digest of it first if it is long."""
    rest = encode(value)
    pieces: list[bytes] = []
    length = 0
    for piece in rest:
        pieces.append(piece)
        length += len(piece)
        if length > INLINE:
            _send_long(value, pieces, rest, channel, encode)
            return
    channel.send(b"V", pieces[0] if len(pieces) == 1 else b"".join(pieces))


def _send_long(
    value: Any, pieces: list[bytes], rest: Iterator[bytes], channel: Channel, encode: Encoder
) -> None:
    digest, length = codec.digest(pieces, rest)
    channel.send(b"D", digest + length.to_bytes(8, "little"))
    if channel.receive(1) == b"s":
        channel.send_raw(b"V" + length.to_bytes(4, "little"))
        for piece in encode(value):
            channel.send_raw(piece)


def describe(error: BaseException) -> bytes:
    """Return ``Type: message (line N)`` in at most 400 characters, whatever `error` does."""
    try:
        syntax = isinstance(error, SyntaxError) and error.lineno
        message = error.msg if isinstance(error, SyntaxError) else error
        text = f"{type(error).__name__}: {message}"[:300].rstrip(": ")
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == "<string>"]
        line = syntax or (lines[-1] if lines else None)
        where = f" (line {line})" if line else ""
        return (text + where).encode("utf-8", "backslashreplace")
    except BaseException:
        return b"an exception that cannot be shown"
