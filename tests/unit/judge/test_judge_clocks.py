"""Clocks of another process: idle time is neither running nor waiting for a CPU."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from pytest_dualcode.judge.clocks import Clocks, parse_ps

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
BUSY = "while True: pass"
ASLEEP = "import time; print(flush=True); time.sleep(10 ** 6)"
# After vfork(2) the kernel holds the parent as if it waited for a disk: state D. The child has
# memory of its own here, and ends with its parent.
WAITING = """
import ctypes, os, platform, signal, time
libc = ctypes.CDLL(None)
clone = {"x86_64": 56}.get(platform.machine(), 220)
CLONE_VFORK, PR_SET_PDEATHSIG = 0x4000, 1
if libc.syscall(clone, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    print(flush=True)
    os.close(1)
    time.sleep(10 ** 6)
"""


def start(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_sleeper_idles(processes: list[subprocess.Popen[bytes]]) -> None:
    processes.append(start(ASLEEP))
    assert processes[0].stdout is not None
    processes[0].stdout.readline()
    clocks = Clocks(processes[0].pid)
    while clocks.idle() < 0.2:
        os.sched_yield()
    clocks.restart()
    assert clocks.total_idle >= 0.2
    assert clocks.idle() == 0.0


@pytest.fixture
def waiting(processes: list[subprocess.Popen[bytes]]) -> int:
    processes.append(start(WAITING))
    assert processes[0].stdout is not None
    processes[0].stdout.readline()
    return processes[0].pid


def test_waiting_for_a_disk_is_not_idling(waiting: int) -> None:
    clocks = Clocks(waiting, disk_seconds=1e6)
    began = time.monotonic()
    clocks.idle()
    while time.monotonic() < began + 0.2:
        assert clocks.idle() < 1e-6
    clocks.restart()
    assert clocks.total_idle < 1e-6


def test_a_job_cannot_wait_for_a_disk_for_ever(waiting: int) -> None:
    clocks = Clocks(waiting, disk_seconds=0.3)
    began = time.monotonic()
    while clocks.idle() < 0.1:
        os.sched_yield()
    assert clocks.idle() + 0.3 <= time.monotonic() - began + 1e-6
    clocks.restart()
    clocks.idle()  # the allowance is the job's: none is left after a new start
    again = time.monotonic()
    while time.monotonic() < again + 0.1:
        os.sched_yield()
    assert clocks.idle() >= 0.1


def test_busy_processes_do_not_idle_however_many_share_a_cpu(
    processes: list[subprocess.Popen[bytes]],
) -> None:
    crowd = 2 * (os.cpu_count() or 1)
    processes += [start(BUSY) for _ in range(crowd)]
    clocks = Clocks(processes[0].pid)
    began = clocks.cpu()
    idlest = 0.0
    while clocks.cpu() < began + 0.15:
        idlest = max(idlest, clocks.idle())
        time.sleep(0.01)
    assert idlest < 0.1


def test_a_process_that_is_gone_keeps_its_last_reading(
    processes: list[subprocess.Popen[bytes]],
) -> None:
    processes.append(start("sum(range(10 ** 6)); print(flush=True); input()"))
    assert processes[0].stdout is not None
    processes[0].stdout.readline()
    clocks = Clocks(processes[0].pid)
    read = clocks.cpu()
    assert read > 0
    processes[0].kill()
    processes[0].wait()
    assert clocks.cpu() >= read
    clocks.idle()


@pytest.mark.parametrize(
    ("line", "state", "seconds"),
    [
        ("R+   0:03.25\n", "R", 3.25),
        ("S    12:00.00", "S", 720.0),
        ("Ss   01:00:01", "S", 3601.0),
        ("T    2-00:00:01", "T", 172801.0),
    ],
)
def test_lines_of_ps_are_read(line: str, state: str, seconds: float) -> None:
    assert parse_ps(line) == (state, seconds)


@pytest.mark.parametrize("line", ["", "R", "R x:y", "a b c"])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"values to unpack|could not convert"):
        parse_ps(line)
