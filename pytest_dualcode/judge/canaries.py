"""Find the isolation level by trying to break out, never from configuration."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_dualcode.errors import UsageError
from pytest_dualcode.judge import protocol
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

def execute(python):
    import posix
    posix.execv("/bin/true", ["true"])

ATTEMPTS = {f.__name__: f for f in (
    read_secret, see_secret, write_file, change_mode, connect, make_process, send_signal)}
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to start zygotes here, and the level that the canaries found."""

    level: str
    walls: str
    wrapper: tuple[str, ...]
    broke_out: tuple[str, ...]

    def start(self) -> Zygote:
        """Start a zygote with these walls."""
        return Zygote(self.walls, self.wrapper)


def find(allow_unsafe: bool, walls: str = "ls") -> tuple[Plan, Zygote]:
    """Return the best plan that works here, and a running zygote of it.

    Raises:
        UsageError: it is below L2 and `allow_unsafe` is not set.
    """
    zygote = Zygote(walls)
    broke_out = try_canaries(zygote)
    level = level_of(broke_out)
    if level in ("L1", "L0") and not allow_unsafe:
        zygote.close()
        raise refusal(level, broke_out)
    return Plan(level, walls, (), broke_out), zygote


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
    if {"connect", "make_process", "send_signal", "write_file", "change_mode"} & set(broke_out):
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
            ["make_process"],
            ["send_signal", os.getpid()],
        ]
        collector = _Collector(len(calls))
        zygote.run(Job(CANARY, "attempt", calls, [4.0] * len(calls), 30.0), collector)
        values = [*collector.values, *[None] * len(calls)][: len(calls)]
        broke = [call[0] for call, value in zip(calls, values, strict=True) if value is not False]
    return tuple(broke)
