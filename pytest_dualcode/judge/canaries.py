"""Find the isolation level by trying to break out, never from configuration."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_dualcode.errors import JudgeError, UsageError
from pytest_dualcode.judge import bubblewrap, protocol
from pytest_dualcode.judge.sandbox import Answer, Job, Zygote

CANARY = """
import ctypes, socket, _io

def attempt(name, *arguments):
    try:
        return bool(ATTEMPTS[name](*arguments))
    except BaseException:
        return False

def read_secret(path, secret):
    return _io.open(path).read() == secret

def see_secret(path):
    import os
    return os.stat(path) is not None

def write_file(path):
    import posix
    fd = posix.open(path, posix.O_WRONLY | posix.O_CREAT, 0o600)
    return posix.write(fd, b"x") == 1

def change_mode(path):
    import posix
    posix.chmod(path, 0o640)
    return True

def connect(port):
    with socket.create_connection(("127.0.0.1", port), 1):
        return True

def make_process():
    import posix
    pid = posix.fork()
    if pid == 0:
        posix._exit(0)
    posix.waitpid(pid, 0)
    return True

def send_signal(pid):
    import posix
    posix.kill(pid, 0)
    return True

def send_datagram(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"x", ("127.0.0.1", port)) == 1

def trace(pid):
    return ctypes.CDLL(None).ptrace(0x4206, pid, 0, 0) == 0  # SEIZE: does not stop it

def raise_limits():
    import importlib, sys
    del sys.modules["resource"]
    resource = importlib.import_module("resource")
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return True

def execute(path):
    import posix
    posix.execv(path, [path, "-c", ""])

ATTEMPTS = {f.__name__: f for f in (
    read_secret, see_secret, write_file, change_mode, connect, send_datagram, make_process,
    send_signal, trace, raise_limits, execute)}
"""


BEST_FIRST = ("bls", "ls")
"""Walls to try: ``b`` bubblewrap around the zygote, ``l`` Landlock, ``s`` seccomp."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to start zygotes here, and the level that the canaries found."""

    level: str
    walls: str
    broke_out: tuple[str, ...]

    def start(self) -> Zygote:
        """Start a zygote with these walls."""
        return self.told(start(self.walls))

    def told(self, zygote: Zygote) -> Zygote:
        """Let `zygote` know what its children can do."""
        zygote.confined = self.level != "L0"
        return zygote


def find(allow_unsafe: bool, candidates: Sequence[str] = BEST_FIRST) -> tuple[Plan, Zygote]:
    """Return the first plan that reaches the best level here, and a running zygote of it.

    Raises:
        UsageError: no plan reaches L2 and `allow_unsafe` is not set.
        JudgeError: no zygote starts at all.
    """
    found: list[tuple[Plan, Zygote]] = []
    for walls in candidates:
        try:
            zygote = start(walls)
        except JudgeError:
            if walls == candidates[-1] and not found:
                raise
            continue
        broke_out = try_canaries(zygote)
        found.append((Plan(level_of(broke_out), walls, broke_out), zygote))
        if level_of(broke_out) == ("L3" if "b" in walls else "L2"):
            break
    found.sort(key=lambda pair: pair[0].level)
    plan, zygote = found.pop()
    for _, other in found:
        other.close()
    if plan.level in ("L1", "L0") and not allow_unsafe:
        zygote.close()
        raise refusal(plan.level, plan.broke_out)
    return plan, plan.told(zygote)


def start(walls: str) -> Zygote:
    """Start a zygote behind `walls`.

    Raises:
        JudgeError: it does not start; bubblewrap is missing, or not allowed here.
    """
    if "b" not in walls:
        return Zygote(walls)
    path = shutil.which("bwrap")
    if path is None or sys.platform != "linux":
        raise JudgeError("bubblewrap is not installed.", "Install it for isolation level L3.")
    return Zygote(walls, bubblewrap.command(path))


def refusal(level: str, broke_out: tuple[str, ...]) -> UsageError:
    """Say what a program could do here, and what to change."""
    return UsageError(
        f"Model-written programs cannot be shut in well enough here: isolation level {level},"
        f" a program could {', '.join(name.replace('_', ' ') for name in broke_out)}.",
        "Run on Linux 5.13 or later with Landlock and seccomp (Docker's default profile allows"
        " both), or accept the risk with --allow-unsafe-judge, in a throw-away machine.",
    )


def level_of(broke_out: tuple[str, ...]) -> str:
    """Return the level that the successful attempts leave."""
    if set(broke_out) - {"read_secret", "see_secret"}:
        return "L0"
    if "read_secret" in broke_out:
        return "L1"
    return "L2" if "see_secret" in broke_out else "L3"


class _Collector:
    def __init__(self, count: int) -> None:
        self.values: list[Any] = []
        self._count = count

    def __call__(self, tag: int, body: bytes) -> Answer:
        if tag == ord("E"):
            return "stop"
        if tag != ord("P"):
            self.values.append(protocol.decode(body) if tag == ord("V") else None)
        return "stop" if len(self.values) == self._count else "more"


def try_canaries(zygote: Zygote) -> tuple[str, ...]:
    """Run the attempts in a jailed child; return the names of those that succeeded."""
    with (
        tempfile.TemporaryDirectory(prefix="dualcode-canary-") as name,
        closing(socket.create_server(("127.0.0.1", 0))) as server,
    ):
        folder, secret = Path(name), secrets.token_hex(16)
        hidden = folder / "secret"
        hidden.write_text(secret)
        calls: list[list[Any]] = [
            ["read_secret", str(hidden), secret],
            ["see_secret", str(hidden)],
            ["write_file", str(folder / "written")],
            ["change_mode", str(hidden)],
            ["connect", server.getsockname()[1]],
            ["send_datagram", server.getsockname()[1]],
            ["make_process"],
            ["send_signal", os.getpid()],
            ["send_signal", 0],  # to itself
            ["trace", os.getpid()],
            ["raise_limits"],
            ["execute", sys.executable],
        ]
        collector = _Collector(len(calls))
        zygote.run(Job(CANARY, "attempt", calls, [4.0] * len(calls), 30.0), collector)
        values = [*collector.values, *[None] * len(calls)][: len(calls)]
        broke = [call[0] for call, value in zip(calls, values, strict=True) if value is not False]
    return tuple(broke)
