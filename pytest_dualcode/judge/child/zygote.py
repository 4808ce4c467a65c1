"""The warm process that forks one jailed child for each job.

It is started by exec, so it inherits nothing of the process that judges; it loads numpy once,
and it never sees an expected output. Over its control socket it gets one message for each job,
``J`` with the child's end of a fresh socket, which it answers with the child's process id (or a
negative error number), and then ``R`` (reap): it kills what is left of the child, waits for it and
answers with the wait status and CPU seconds.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import signal
import socket
import struct
import sys
import time

from . import guard, jail, runner

PRELOADED = (
    "bisect", "cmath", "collections", "copy", "datetime", "decimal", "fractions", "functools",
    "hashlib", "heapq", "itertools", "json", "math", "numpy", "operator", "random", "re",
    "shutil", "statistics", "string", "subprocess", "typing", "traceback",
)  # fmt: skip
CPU_BACKSTOP = 900
"""Seconds of CPU after which the kernel kills a child, should the trusted side be gone."""
FORK_SECONDS = 5.0
"""How long to try: a container's limit of processes (pids.max) may be reached for a moment."""


def main(control_fd: int, walls: str) -> None:
    """Serve jobs until the trusted side closes the control socket.

    `walls` names what to put up: ``l`` Landlock, ``s`` seccomp. Tests leave some out to get
    the lower levels; a run always asks for all.
    """
    control = socket.socket(fileno=control_fd)
    for name in PRELOADED:
        importlib.import_module(name)
    jail.forbid_new_privileges()
    if "l" in walls:
        jail.restrict_files()
    seccomp = jail.SeccompFilter() if "s" in walls else None
    gc.collect()
    gc.freeze()
    control.sendall(b"r")
    while serve(control, seccomp):
        pass


def serve(control: socket.socket, seccomp: jail.SeccompFilter | None) -> bool:
    """Do one job; False when the trusted side has closed the socket."""
    message, fds, _, _ = socket.recv_fds(control, 1, 1)
    if message != b"J" or not fds:
        return False
    try:
        pid = fork()
    except OSError as error:
        os.close(fds[0])
        control.sendall(struct.pack("<i", -(error.errno or errno.EAGAIN)))
        return True
    if pid == 0:
        try:
            become_child(control.fileno(), fds[0], seccomp)
        finally:
            os._exit(4)
    os.close(fds[0])
    try:
        control.sendall(struct.pack("<i", pid))
        alive = control.recv(1) == b"R"
    except OSError:
        alive = False
    status, seconds = end(pid)
    if alive:
        control.sendall(struct.pack("<id", status, seconds))
    return alive


def fork(seconds: float = FORK_SECONDS) -> int:
    """Fork, trying for some seconds while there is no room for a process."""
    until = time.monotonic() + seconds
    while True:
        try:
            return os.fork()
        except OSError:
            if time.monotonic() >= until:
                raise
        time.sleep(0.05)


def become_child(control_fd: int, fd: int, seccomp: jail.SeccompFilter | None) -> None:
    """Shut this process in and run its job; never returns to the zygote's loop."""
    jail.die_with_parent()
    os.setsid()
    os.close(control_fd)
    channel = runner.Channel(fd)
    job = runner.receive_job(channel)
    guard.disable()
    jail.limit_resources(CPU_BACKSTOP)
    if seccomp is not None:
        seccomp.put_on()
    runner.run(job, channel)
    os._exit(0)


def end(pid: int) -> tuple[int, float]:
    """Kill a child and all that it started; return its wait status and CPU seconds."""
    for kill, target in ((os.killpg, pid), (os.kill, pid)):
        try:
            kill(target, signal.SIGKILL)
        except OSError:
            continue
    _, status, usage = os.wait4(pid, 0)
    return status, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
