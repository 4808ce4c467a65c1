"""Runs one server and ends it when nobody needs it any more.

``keeper.py tied OWNER GRACE COMMAND``: a server must not outlive pytest, however that ends. A
death signal set in the server itself (``PR_SET_PDEATHSIG``) fires when the *thread* that started
it ends, reaches only one process of several, and does nothing about a server that ignores it. So
this small process stands between: its standard input is a pipe whose other end only the owner
holds. When the pipe closes, by request or because the owner was killed, the server gets an
interrupt (the one signal that vLLM obeys at every stage of its start), time to finish, and then
SIGKILL for all of its process group.

``keeper.py kept FOLDER GRACE COMMAND``: the server stays, for the next session to find, until it
has been unused for a while. Whoever uses it holds a shared lock on ``FOLDER/use.lock``, which the
kernel lets go of when that process ends in any way. SIGTERM to the keeper ends the server at
once. See `warm` for the other files of the folder.

Standard library only, and run by its path: it needs no import of this package.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GRACE = 15.0
"""Seconds between the interrupt and SIGKILL by default; vLLM was measured to take 2 to 6."""

REAPING = 5.0
"""Seconds to wait for killed processes: one with gigabytes of memory takes a moment to go."""

LOOK_EVERY = 0.5

SOCKETS = "VLLM_RPC_BASE_PATH"
"""vLLM's variable for the folder of its sockets; otherwise they lie in ``/tmp`` for ever."""

LONGEST_IDLE = 24 * 3600.0
"""Seconds that an unused server stays if the file that says how long is gone or damaged."""

TRACKER = b"multiprocessing.resource_tracker"
TIDYING = 3.0
"""Seconds for the resource trackers to do their work."""

SHARED_MEMORY = Path("/dev/shm")
SEGMENTS = ("psm_*", "sem.mp-*")
"""What Python's ``multiprocessing`` makes there, and a killed process leaves."""

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
"""From ``linux/prctl.h``."""


class Keeper:
    """One server process group, and a reason to end it."""

    def __init__(self, grace: float, command: list[str]) -> None:
        self.grace = grace
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, self.on_signal)
        control(PR_SET_CHILD_SUBREAPER, 1)
        # vLLM's processes talk over sockets in this folder, and remove none of them.
        self.sockets = tempfile.mkdtemp(prefix="dualcode-", dir=os.environ.get(SOCKETS))
        try:
            self.server = self.start(command)
        except OSError:
            shutil.rmtree(self.sockets)
            raise

    def start(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start the server in a process group of its own."""
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=interrupt_at_parents_death,
            env={**os.environ, SOCKETS: self.sockets},
        )

    def on_signal(self, *_: object) -> None:
        """A signal to the keeper itself means: stop."""
        self.stopping = True

    def run(self) -> int:
        """Wait for the server's end or for the reason to end it; return an exit status."""
        while self.server.poll() is None and not self.unneeded():
            pass
        segments = self.interrupt()
        kill_but_trackers(self.server.pid)
        if sys.platform != "linux":
            self.kill_group()
        code = self.server.wait()
        reap_orphans(TIDYING)
        self.kill_group()
        reap_orphans(REAPING)
        shutil.rmtree(self.sockets, ignore_errors=True)
        remove_unused(segments)
        return code if code >= 0 else 128 - code

    def kill_group(self) -> None:
        """Kill all of the server's process group that is left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.server.pid, signal.SIGKILL)

    def unneeded(self) -> bool:
        """Wait a moment, and tell whether the server is to end."""
        raise NotImplementedError

    def interrupt(self) -> set[str]:
        """Ask the server to end, and wait; return the shared memory that it used meanwhile.

        A server that is still starting goes on to make some before it obeys.
        """
        segments = segments_of(self.server.pid)
        with contextlib.suppress(ProcessLookupError):
            self.server.send_signal(signal.SIGINT)
        deadline = time.monotonic() + self.grace
        while (left := deadline - time.monotonic()) > 0 and self.server.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.server.wait(min(left, LOOK_EVERY))
            segments |= segments_of(self.server.pid)
        return segments


class TiedKeeper(Keeper):
    """Ends the server with the process `owner`."""

    def __init__(self, owner: int, grace: float, command: list[str]) -> None:
        self.owner = owner
        super().__init__(grace, command)

    def unneeded(self) -> bool:
        """Wait for the pipe to close.

        A forked copy of the owner may hold the pipe open; then the parent's id tells.
        """
        readable = select.select([0], [], [], LOOK_EVERY)[0]
        closed = bool(readable) and not os.read(0, 1)
        return closed or self.stopping or os.getppid() != self.owner


class IdleKeeper(Keeper):
    """Ends the server when its `folder` has not been in use for as long as ``idle`` says there."""

    def __init__(self, folder: Path, grace: float, command: list[str]) -> None:
        self.folder = folder
        self.lock = (folder / "use.lock").open("rb")
        super().__init__(grace, command)

    def run(self) -> int:
        """As for any; the exit status is left in the folder, for whoever finds the server dead."""
        code = super().run()
        with contextlib.suppress(OSError):
            (self.folder / "exit").write_text(str(code))
        return code

    def unneeded(self) -> bool:
        """Look now and then whether anybody uses the server."""
        time.sleep(LOOK_EVERY)
        try:
            return self.stopping or self.unused()
        except OSError:
            return True  # the folder was deleted: no session can find this server any more

    def unused(self) -> bool:
        """Whether time is up. Then the lock stays held: nobody may begin to use the server."""
        path = self.folder / "use.lock"
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.utime(path)
            return False
        if time.time() - path.stat().st_mtime > self.longest_idle():
            print("keeper: unused for too long, ending the server", flush=True)
            return True
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        return False

    def longest_idle(self) -> float:
        """Seconds, as the last session that used the server wanted."""
        try:
            return float((self.folder / "idle").read_text())
        except (OSError, ValueError):
            return LONGEST_IDLE


def detach(folder: Path) -> None:
    """Go on in a child that nobody waits for, and leave its identity in the folder."""
    child = os.fork()
    if child:
        (folder / "pid").write_text(f"{child} {start_of(child)}")
        os._exit(0)


def start_of(pid: int) -> str | None:
    """When the process `pid` was started, in a form to compare; ``None`` if there is no such.

    Process ids are used again; together with this they are not. A zombie is no process.
    """
    if sys.platform != "linux":
        shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True)
        return shown.stdout.decode().strip() or None
    try:
        # The command's name, in parentheses, may itself hold blanks and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{fields[19]}@{boot}"


def reap_orphans(seconds: float) -> None:
    """Wait until the server's own children are gone too; as their subreaper we inherit them."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.02)


def members_of(group: int) -> list[Path]:
    """The folders below ``/proc`` of the processes of a group."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(process.name)) == group:
                found.append(process)
    return found


def kill_but_trackers(group: int) -> None:
    """Kill a group's processes, but for Python's resource trackers.

    These remove the semaphores and the shared memory of the others, once those have ended, and
    then end themselves.
    """
    for process in members_of(group):
        with contextlib.suppress(OSError):
            if TRACKER not in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def segments_of(group: int) -> set[str]:
    """Shared memory that processes of the group `group` use, as far as `SEGMENTS` covers it."""
    return set().union(*map(mapped_by, members_of(group)))


def mapped_by(process: Path) -> set[str]:
    """Shared memory that a process (its folder below ``/proc``) uses."""
    with contextlib.suppress(OSError):
        lines = (process / "maps").read_text(errors="replace").splitlines()
        paths = {Path(line.split(maxsplit=5)[5]) for line in lines if f" {SHARED_MEMORY}/" in line}
        return {str(path) for path in paths if any(path.match(form) for form in SEGMENTS)}
    return set()


def remove_unused(segments: set[str]) -> None:
    """Remove shared memory that no process uses any more."""
    if not segments:
        return
    used = set().union(*map(mapped_by, Path("/proc").glob("[0-9]*")))
    for path in segments - used:
        Path(path).unlink(missing_ok=True)


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


def main(how: str, whom: str, grace: str, *command: str) -> int:
    """Keep one server, and return its exit status."""
    if how == "tied":
        return TiedKeeper(int(whom), float(grace), list(command)).run()
    detach(Path(whom))
    return IdleKeeper(Path(whom), float(grace), list(command)).run()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
