"""Runs one server and takes it along when its owner goes: ``keeper.py OWNER GRACE COMMAND``.

A server must not outlive pytest, however that ends. A death signal set in the server itself
(``PR_SET_PDEATHSIG``) fires when the *thread* that started it ends, reaches only one process of
several, and does nothing about a server that ignores it. So this small process stands between:
its standard input is a pipe whose other end only the owner holds. When the pipe closes, by
request or because the owner was killed, the server gets an interrupt (the one signal that vLLM
obeys at every stage of its start), time to finish, and then SIGKILL for all of its process group.

Standard library only, and run by its path: it needs no import of this package.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

GRACE = 15.0
"""Seconds between the interrupt and SIGKILL by default; vLLM was measured to take 2 to 6."""

REAPING = 5.0
"""Seconds to wait for killed processes: one with gigabytes of memory takes a moment to go."""

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
"""From ``linux/prctl.h``."""


class Keeper:
    """One server process group, tied to the process `owner`."""

    def __init__(self, owner: int, grace: float, command: list[str]) -> None:
        self.owner = owner
        self.grace = grace
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, self.on_signal)
        control(PR_SET_CHILD_SUBREAPER, 1)
        self.server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=interrupt_at_parents_death,
        )

    def on_signal(self, *_: object) -> None:
        """A signal to the keeper itself means: stop."""
        self.stopping = True

    def run(self) -> int:
        """Wait for the server or for the owner's end, clean up, and return an exit status."""
        while self.server.poll() is None and not self.owner_gone():
            pass
        if self.server.poll() is None:
            self.interrupt()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.server.pid, signal.SIGKILL)
        code = self.server.wait()
        reap_orphans()
        return code if code >= 0 else 128 - code

    def owner_gone(self) -> bool:
        """Wait half a second for the pipe to close.

        A forked copy of the owner may hold the pipe open; then the parent's id tells.
        """
        readable = select.select([0], [], [], 0.5)[0]
        closed = bool(readable) and not os.read(0, 1)
        return closed or self.stopping or os.getppid() != self.owner

    def interrupt(self) -> None:
        """Ask the server to end, and wait."""
        with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
            self.server.send_signal(signal.SIGINT)
            self.server.wait(self.grace)


def reap_orphans() -> None:
    """Wait until the server's own children are gone too; as their subreaper we inherit them."""
    deadline = time.monotonic() + REAPING
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.02)


def interrupt_at_parents_death() -> None:
    """In the new server process: obey interrupts, and get one if the keeper is killed.

    The keeper has one thread, so here the death signal means the death of the process.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    control(PR_SET_PDEATHSIG, signal.SIGINT)


def control(option: int, value: int) -> None:
    """``prctl(2)``, where there is one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    sys.exit(Keeper(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]).run())
