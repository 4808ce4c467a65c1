"""A child's clocks, read from outside, so that nothing it does can set them back.

CPU time is the kernel's clock of the process. Idle time is wall time in which no thread ran or
waited for a CPU; without taking the waiting off, a busy machine would make sleepers of all. So
would a slow disk, but for `DISK_SECONDS` of waiting for it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

PF_EXITING = 0x4
ON_DISK = {"D", "U"}
"""Uninterruptible sleep, as Linux and as macOS's ``ps`` name it."""
DISK_SECONDS = 60.0
"""Of waiting in the kernel, for a disk as a rule, that a job has free: a cold import can take long,
but a program that manages to wait like that on purpose must still end."""


class Clocks:
    """CPU and idle seconds of the process `pid`, which may wait `disk_seconds` for disks."""

    def __init__(self, pid: int, disk_seconds: float = DISK_SECONDS) -> None:
        self.pid = pid
        self.total_idle = 0.0
        self._disk_left = disk_seconds
        self._cpu = 0.0
        self._idle = 0.0
        self._off_cpu = 0.0
        self._waits: dict[str, int] = {}
        self._ask_again = 0.0
        self._told = ("S", 0.0)
        self._start: tuple[float, float, float] | None = None

    def cpu(self) -> float:
        """CPU time of all threads; the last reading once the process is gone."""
        with contextlib.suppress(OSError):
            if sys.platform == "linux":
                # The clock's number as clock_getcpuclockid(3) makes it.
                self._cpu = time.clock_gettime((~self.pid << 3) | 2)
            else:
                self._cpu = self._ask_ps()[1]
        return self._cpu

    def idle(self) -> float:
        """Idle seconds since `restart` (more exactly, since the first call after it).

        A thread's wait for a CPU is counted by the kernel only when it ends, so nothing is
        concluded while a thread is ready to run.
        """
        wall, cpu = time.monotonic(), self.cpu()  # the wall first: late readings shorten idling
        states, waited = self._threads()
        if self._start is None:
            self._start = (wall, cpu, waited)
        elif "R" not in states:
            began, cpu_then, waited_then = self._start
            off_cpu = (wall - began) - (cpu - cpu_then) - (waited - waited_then)
            self._idle += self._charged(off_cpu - self._off_cpu, bool(states & ON_DISK))
            self._off_cpu = off_cpu
        return self._idle

    def _charged(self, seconds: float, on_disk: bool) -> float:
        """Return how many of `seconds` off the CPU count as idle.

        A thread's state is known for moments only, so all the time since the last look is taken
        for what is seen now; looks are 50 ms apart.
        """
        free = min(max(0.0, seconds), self._disk_left) if on_disk else 0.0
        self._disk_left -= free
        return seconds - free

    def threads(self) -> int:
        """How many threads there are now; 0 where that is not known."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            stat = Path(f"/proc/{self.pid}/stat").read_text()
            return int(stat.rsplit(")", 1)[1].split()[17])
        return 0

    def ending(self) -> bool:
        """Whether all its threads are past running, so that no signal changes how it ends.

        Reads PF_EXITING of include/linux/sched.h, set before a process lets go of its files. False
        where that is not told (macOS; gVisor keeps no flags).
        """
        flags = []
        for task in _entries(Path(f"/proc/{self.pid}/task")):
            with contextlib.suppress(OSError, ValueError, IndexError):
                flags.append(int((task / "stat").read_text().rsplit(")", 1)[1].split()[6]))
        return bool(flags) and all(flag & PF_EXITING for flag in flags)

    def restart(self) -> None:
        """Start a new measurement of idle time; the total goes on."""
        self.total_idle += self._idle
        self._idle = self._off_cpu = 0.0
        self._start = None

    def _threads(self) -> tuple[set[str], float]:
        """Return the threads' states, and the seconds that all have waited for a CPU.

        Where the kernel keeps no such count (gVisor), waiting is taken for idling, except
        while a thread is ready to run. Threads that ended are still counted.
        """
        if sys.platform != "linux":
            return {self._ask_ps()[0]}, 0.0
        states = set()
        for task in _entries(Path(f"/proc/{self.pid}/task")):
            with contextlib.suppress(OSError, ValueError, IndexError):
                states.add((task / "stat").read_text().rsplit(")", 1)[1].split()[0])
                self._waits[task.name] = int((task / "schedstat").read_text().split()[1])
        return states, sum(self._waits.values()) / 1e9

    def _ask_ps(self) -> tuple[str, float]:
        """Return state and CPU seconds from ``ps``, asked at most twice a second (macOS)."""
        now = time.monotonic()
        if now >= self._ask_again:
            self._ask_again = now + 0.5
            command = ["ps", "-o", "state=,time=", "-p", str(self.pid)]
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            with contextlib.suppress(ValueError):
                self._told = parse_ps(answer.stdout)
        return self._told


def parse_ps(line: str) -> tuple[str, float]:
    """Return the state's first letter and the seconds of ``[[days-]hours:]minutes:seconds``.

    Raises:
        ValueError: it is no such line.
    """
    state, spent = line.split()
    days, _, clock = spent.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = 60 * seconds + float(part)
    return state[0], seconds + 86400 * int(days or 0)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
