"""The trusted side of the wall: start a zygote, give it jobs, watch each child's limits.

A job is one program with the inputs of one suite. The child's frames are handed to a receiver
as they come; the receiver decides when it has seen enough. Limits count CPU time, read from
outside by the kernel's clock of that process, so a busy machine cannot turn a right solution
into a slow one; idle time (wall time in which the child neither ran nor waited for a CPU)
finds sleepers and stopped processes.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_dualcode.errors import JudgeError
from pytest_dualcode.judge import protocol
from pytest_dualcode.judge.child.zygote import CPU_BACKSTOP
from pytest_dualcode.judge.clocks import Clocks

WALL_SECONDS = 3600.0
"""No job takes longer; one that does tells of a starved machine, and not of its program."""
POLL_SECONDS = 0.05
MOST_THREADS = 500
"""Of one child. There is no resource limit for it, and threads use up those of the machine."""
START_SECONDS = 120.0

KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT")
SINGLE_THREADED = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use; seconds of CPU time but for the idle ones.

    ``input``: for one call, or ``factor`` times what the reference took, if that is more
    (EvalPlus's DEFAULT_MIN_TIME_LIMIT and DEFAULT_GT_TIME_LIMIT_FACTOR). ``suite``: for all
    calls of a suite, as EvalPlus's timeout per task, unless the reference itself is slow.
    ``load``: for executing the program before the first call. ``idle`` and ``idle_suite``:
    for sleeping, in one call and in all.
    """

    input: float = 4.0
    factor: float = 4.0
    suite: float = 60.0
    load: float = 10.0
    idle: float = 4.0
    idle_suite: float = 60.0


Answer = Literal["more", "next", "send", "stop"]
"""A receiver's answer to a frame: go on; go on after a digest; send the value; enough."""

Receiver = Callable[[int, bytes], Answer]
EndKind = Literal["stopped", "cpu", "idle", "wall", "threads", "exited", "garbled"]


@dataclass(frozen=True, slots=True)
class Job:
    """What a child is told, and the CPU seconds that each input and the whole may take."""

    program: str
    entry_point: str
    inputs: list[Any]
    input_seconds: list[float]
    suite_seconds: float
    limits: Limits = Limits()
    as_set: bool = False
    timed: bool = False

    def payload(self) -> bytes:
        """The job as the child reads it: length (8 bytes) and marshalled dictionary."""
        body = marshal.dumps(
            {
                "program": self.program,
                "entry_point": self.entry_point,
                "inputs": self.inputs,
                "as_set": self.as_set,
                "timed": self.timed,
            }
        )
        return len(body).to_bytes(8, "little") + body


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended: ``status`` is its wait status, ``detail`` says which limit."""

    kind: EndKind
    status: int
    cpu_seconds: float
    detail: str = ""


class ChildKilled(JudgeError):
    """A child was killed, and neither by itself nor by us: that says nothing about its program."""


class Zygote:
    """One warm process that forks jailed children; one job at a time.

    `confined`: its children cannot send signals (level L1 and above), as `canaries` found out.
    """

    def __init__(self, walls: str = "ls", wrapper: tuple[str, ...] = ()) -> None:
        self.confined = False
        self._broken = False
        self._control, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _start(theirs, walls, wrapper)
        except OSError as error:
            self._control.close()
            raise JudgeError(
                f"The judge's helper process cannot be started: {error.strerror}.",
                "Lower -n, or raise the limit of processes or memory.",
            ) from error
        self._control.settimeout(START_SECONDS)
        try:
            ready = self._control.recv(1)
        except OSError:
            ready = b""
        if ready != b"r":
            self.close()
            raise JudgeError(
                "The judge's helper process did not start.",
                f"Check that this works: {sys.executable} -c 'import numpy'",
            )

    @property
    def pid(self) -> int:
        """The process id of the zygote (or of bubblewrap around it)."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be given another job."""
        return self._process.poll() is None and not self._broken

    def run(self, job: Job, receive: Receiver) -> Ending:
        """Run one job; `receive` is called with each frame (tag, body).

        Raises:
            ChildKilled: the child was killed from outside, by the kernel for want of memory or so.
            JudgeError: the zygote is gone, or cannot fork; it says nothing about the program.
        """
        ours, theirs = socket.socketpair()
        with ours:
            try:
                _tell_sender(ours)
                with theirs:
                    socket.send_fds(self._control, [b"J"], [theirs.fileno()])
                (inner_pid,) = struct.unpack("<i", self._receive(4))
                if inner_pid < 0:
                    raise no_process(-inner_pid)
                watch = _Conversation(ours, job, receive, inner_pid).hold()
                self._control.sendall(b"R")
                status, seconds = struct.unpack("<id", self._receive(12))
            except OSError as error:
                self._broken = True
                raise JudgeError(f"The judge's helper process broke: {error}.") from error
        if self.confined and watch.died and killed_from_outside(status, seconds):
            raise ChildKilled(
                "A program's process was killed from outside the judge, most likely by the kernel "
                "because memory ran out.",
                "Free memory (a program may use 3 GB) or lower -n; then continue with --resume.",
            )
        return Ending(watch.kind, status, seconds, watch.detail)

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._control.recv(size - len(data))
            if not part:
                self._broken = True
                raise JudgeError(
                    "The judge's helper process has died.",
                    "Look for an out-of-memory kill in the kernel's log, and lower -n.",
                )
            data += part
        return data

    def close(self) -> None:
        """End the zygote; it ends by itself when its socket closes."""
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def no_process(number: int) -> JudgeError:
    """Return what is wrong where forking fails with the error `number`."""
    return JudgeError(
        f"The judge cannot start a process for a program: {os.strerror(number)}.",
        "Raise the limit of processes (docker run --pids-limit, pids.max, ulimit -u) or lower -n; "
        "then continue with --resume.",
    )


def _start(theirs: socket.socket, walls: str, wrapper: tuple[str, ...]) -> subprocess.Popen[bytes]:
    folder = Path(__file__).parent
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); from child import zygote;"
        f" del sys.path[0]; zygote.main({theirs.fileno()}, {walls!r})"
    )
    return subprocess.Popen(
        [*wrapper, sys.executable, "-B", "-P", "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        cwd="/",
        env=environment(),
        start_new_session=True,
    )


def environment() -> dict[str, str]:
    """Return the child's environment: no key of the user's, and hashes that do not vary."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    return {**kept, **SINGLE_THREADED, "PYTHONHASHSEED": "0", "LANG": "C.UTF-8"}


def _tell_sender(ours: socket.socket) -> None:
    """Ask the kernel to say which process sent the first frame, in our own numbering."""
    if sys.platform == "linux":
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)


class _Finished(Exception):
    """The conversation is over, and why. `died`: the child was ending before we ended it."""

    def __init__(self, kind: EndKind, detail: str = "", died: bool = False) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail
        self.died = died


class _Conversation:
    """Sends one job to one child, and reads until the receiver or a limit ends it."""

    def __init__(self, ours: socket.socket, job: Job, receive: Receiver, inner_pid: int) -> None:
        self._socket = ours
        self._job = job
        self._receive = receive
        self._buffer = bytearray()
        self._done = -1  # inputs answered; -1 until the program is loaded
        self._cpu_mark = 0.0
        self._clocks = Clocks(inner_pid)

    def hold(self) -> _Finished:
        """Return how it ended.

        Raises:
            OSError: the child ended before it got the program, whose fault it cannot be.
        """
        try:
            self._greet()
            self._socket.sendall(self._job.payload())
            self._listen()
        except _Finished as finished:
            return finished
        except protocol.BadFrame as bad:
            return _Finished("garbled", str(bad))
        raise AssertionError("unreachable")

    def _greet(self) -> None:
        """Read the hello frame, and learn from the kernel which process sent it."""
        self._socket.settimeout(START_SECONDS)
        if sys.platform != "linux":
            hello = self._socket.recv(protocol.HEADER)
        else:
            space = socket.CMSG_SPACE(12)
            hello, notes, _, _ = self._socket.recvmsg(protocol.HEADER, space)
            for level, kind, data in notes:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                    self._clocks.pid = struct.unpack("3i", data)[0]
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        if hello[:1] != b"H":
            raise ConnectionError("a child ended before it got its program")
        with contextlib.suppress(OSError):  # if memory runs out, the child goes first
            Path(f"/proc/{self._clocks.pid}/oom_score_adj").write_text("1000")

    def _listen(self) -> None:
        self._socket.setblocking(False)
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        began = time.monotonic()
        next_look = began + POLL_SECONDS
        while True:
            quiet = not poller.poll(POLL_SECONDS * 1000)
            if not quiet:
                self._read()
            now = time.monotonic()
            if quiet or now >= next_look:
                next_look = now + POLL_SECONDS
                self._look_at_limits(now - began, quiet)

    def _read(self) -> None:
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:  # it ended; or closed its socket and lives on, to be killed by us
            raise _Finished("exited", died=self._clocks.ending())
        self._buffer += data
        frames = protocol.split_frames(self._buffer)
        for tag, body in frames:
            self._handle(tag, body)
        if frames:
            self._cpu_mark = self._clocks.cpu()
            self._clocks.restart()

    def _handle(self, tag: int, body: bytes) -> None:
        answer = self._receive(tag, body)
        if answer == "stop":
            raise _Finished("stopped")
        if answer == "send":
            self._reply(b"s")
            return
        if answer == "next":
            self._reply(b"n")
        self._done += 1

    def _reply(self, answer: bytes) -> None:
        with contextlib.suppress(OSError):
            self._socket.send(answer)

    def _look_at_limits(self, wall: float, quiet: bool) -> None:
        if self._clocks.threads() > MOST_THREADS:
            raise _Finished("threads", f"started more than {MOST_THREADS} threads")
        cpu = self._clocks.cpu()
        job, limits = self._job, self._job.limits
        limit = job.input_seconds[self._done] if self._done >= 0 else limits.load
        if cpu - self._cpu_mark > limit:
            raise _Finished("cpu", f"more than {limit:.3g} s of CPU time")
        if cpu > job.suite_seconds:
            raise _Finished("cpu", f"more than {job.suite_seconds:.3g} s of CPU time in all")
        idle = self._clocks.idle() if quiet else 0.0
        if idle > limits.idle:
            raise _Finished("idle", f"did nothing for {limits.idle:g} s")
        if idle + self._clocks.total_idle > limits.idle_suite:
            raise _Finished("idle", f"did nothing for {limits.idle_suite:g} s in all")
        if wall > WALL_SECONDS:
            raise _Finished("wall", f"more than {WALL_SECONDS:g} s")


def killed_from_outside(status: int, cpu_seconds: float) -> bool:
    """Whether SIGKILL ended a child that could not send it, before its own limit of CPU time."""
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
        return False
    inherited = resource.getrlimit(resource.RLIMIT_CPU)[1]
    unlimited = inherited == resource.RLIM_INFINITY
    limit = CPU_BACKSTOP if unlimited else min(CPU_BACKSTOP, inherited)
    return cpu_seconds < limit - 1


def describe_status(status: int) -> str:
    """Say in words how a process ended, from its wait status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(number).name}"
        return f"was killed by signal {number}"
    return f"exited with status {os.waitstatus_to_exitcode(status)}"
