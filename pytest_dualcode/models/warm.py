"""Servers that stay when the session ends (``--servers=keep``), for the next one to use.

Each configuration has a folder below ``servers`` in the cache folder, named by a hash over all
that decides what is served (`Plan.key`):

=============== =====================================================================
``record.json`` what the server is, for people and for the check before it is used
``pid``         its keeper's process id and when that was started
``use.lock``    shared lock of every session that uses it; its time is the last use
``idle``        seconds that it may be unused before its keeper ends it
``ready``       there once a session has seen it answer
``exit``        its exit status, once it has ended
``server.log``  what it says; ``server.1.log`` is the one before it
=============== =====================================================================

``KEY.lock`` beside the folder is held while a session looks for the server, starts it or clears
the folder away, so two sessions that want the same start one and share it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from pytest_dualcode.config import cache_dir
from pytest_dualcode.models import endpoints, keeper
from pytest_dualcode.models.launch import safe_to_show
from pytest_dualcode.models.plan import Plan
from pytest_dualcode.models.process import KEEPER, end_of


def servers_dir() -> Path:
    """Where the folders of kept servers are."""
    return cache_dir() / "servers"


class KeptServer:
    """One kept server, seen by a session that uses it or by somebody who looks.

    Has the methods of `process.ServerProcess`. While `in_use` this process holds the shared lock.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self.reused = False
        self._log_start = 0
        self._shown_at: Path | None = None
        self._lock: IO[bytes] | None = None

    @property
    def record(self) -> dict[str, Any]:
        """What is known about it; empty if the record cannot be read."""
        with suppress(OSError, ValueError):
            found = json.loads((self.folder / "record.json").read_text("utf-8"))
            if isinstance(found, dict):
                return found
        return {}

    @property
    def url(self) -> str:
        """Its base URL."""
        return str(self.record.get("url", ""))

    @property
    def here(self) -> bool:
        """Whether it runs on this machine; the cache folder may be shared by several."""
        return bool(self.record.get("host") == socket.gethostname())

    @property
    def identity(self) -> tuple[int, str] | None:
        """Its keeper's process id and start, as it left them."""
        with suppress(OSError, ValueError):
            pid, start = (self.folder / "pid").read_text().split(maxsplit=1)
            return int(pid), start
        return None

    @property
    def pid(self) -> int:
        """Its keeper's process id, 0 if it never had one."""
        return self.identity[0] if self.identity else 0

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        found = self.identity
        return found is not None and keeper.start_of(found[0]) == found[1]

    @property
    def ready(self) -> bool:
        """Whether a session has seen it answer."""
        return (self.folder / "ready").exists()

    def verified(self) -> None:
        """Note that it answers, with the right model: from now on it stays."""
        (self.folder / "ready").touch()

    def answers(self) -> bool:
        """Whether it is healthy and serves the model of its record."""
        record = self.record
        if not endpoints.is_ready(self.url):
            return False
        with suppress(OSError, ValueError):
            served = {m.name: m.root for m in endpoints.served_models(self.url)}
            root = served.get(str(record.get("name")))
            return record.get("name") in served and root in (None, record.get("model"))
        return False

    def exit_code(self) -> int | None:
        """Its exit status, ``None`` while it runs; 137 if nobody was left to note it."""
        if self.alive:
            return None
        with suppress(OSError, ValueError):
            return int((self.folder / "exit").read_text())
        return 128 + signal.SIGKILL

    @property
    def in_use(self) -> bool:
        """Whether this or another process uses it."""
        try:
            with (self.folder / "use.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @property
    def idle_seconds(self) -> float:
        """How long nobody has used it."""
        with suppress(OSError):
            return max(0.0, time.time() - (self.folder / "use.lock").stat().st_mtime)
        return 0.0

    @property
    def idle_limit(self) -> float:
        """How long it may be unused, in seconds."""
        with suppress(OSError, ValueError):
            return float((self.folder / "idle").read_text())
        return keeper.LONGEST_IDLE

    def use(self, idle: float | None = None) -> None:
        """Take the shared lock, and set how many seconds it may be unused afterwards.

        Blocks while its keeper ends it.
        """
        self._lock = (self.folder / "use.lock").open("ab")
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        os.utime(self._lock.fileno())
        if idle is not None:
            (self.folder / "idle").write_text(str(idle))
        with suppress(OSError):
            self._log_start = self.log.stat().st_size

    def release(self) -> None:
        """Use it no more."""
        if self._shown_at is not None:
            with suppress(OSError):
                self.save_log(self._shown_at)
            self._shown_at = None
        if self._lock is not None:
            with suppress(OSError):
                os.utime(self._lock.fileno())
            self._lock.close()
            self._lock = None

    def ask_to_stop(self) -> None:
        """End the session's part in it: a server that never answered, and only ours, ends."""
        if self._lock is None:
            return
        self.release()
        if not self.ready and not self.in_use:
            self.terminate()

    def wait_stopped(self) -> None:
        """Wait until it is gone, if `ask_to_stop` has ended it."""
        self.ask_to_stop()
        if not self.ready and not self.in_use:
            self.await_end()

    def terminate(self) -> None:
        """Have its keeper end it, whoever uses it."""
        found = self.identity
        if found is not None and self.alive:
            with suppress(ProcessLookupError):
                os.kill(found[0], signal.SIGTERM)

    def await_end(self, seconds: float = keeper.GRACE + 2 * keeper.REAPING) -> bool:
        """Wait until nothing of it is left; false if that takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def show_log_at(self, path: Path) -> None:
        """Let `path`, in the run directory, lead to the log; the session's part is put there at
        its end."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(self.log)
        self._shown_at = path

    def save_log(self, path: Path) -> None:
        """Write what it said during this session to `path`."""
        with self.log.open("rb") as log, suppress(OSError):
            log.seek(self._log_start)
            path.unlink(missing_ok=True)
            with path.open("wb") as copy:
                shutil.copyfileobj(log, copy)

    def tail(self, lines: int = 20) -> str:
        """The last `lines` that it wrote during this session."""
        return "\n".join(self.text().splitlines()[-lines:])

    def text(self) -> str:
        """What it wrote during this session, at most the last 200,000 bytes."""
        return end_of(self.log, self._log_start)


def take(
    plan: Plan, idle: float, port: Callable[[], int], environment: Mapping[str, str]
) -> KeptServer:
    """Return the running server of this `plan`, or start one on the port that `port` gives.

    A running one must be the process of its record and serve its model; one that another session
    is still starting is shared. `environment` is all of the new server's. Raises `OSError`.
    """
    folder = servers_dir() / plan.key
    with locked(folder):
        server = KeptServer(folder)
        if folder.is_dir():
            server.use(idle)
            if server.alive and (not server.ready or server.answers() or shared(server)):
                server.reused = True
                return server
            server.release()
            server.terminate()
            server.await_end()
        start(server, plan, port(), idle, environment)
    return server


def shared(server: KeptServer) -> bool:
    """Whether another process uses it too; then it is not ours to replace."""
    server.release()
    others = server.in_use
    server.use()
    return others


def start(
    server: KeptServer, plan: Plan, port: int, idle: float, environment: Mapping[str, str]
) -> None:
    """Start the server of `plan`; the caller holds the folder's lock."""
    folder = server.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("pid", "exit", "ready"):
        (folder / name).unlink(missing_ok=True)
    if server.log.exists():
        server.log.replace(folder / "server.1.log")
    server.use(idle)
    command = plan.command_on(port)
    shown = {name: value for name, value in plan.environment.items() if safe_to_show(name)}
    record = {
        "label": plan.label,
        "name": plan.name,
        "model": plan.model,
        "url": f"http://127.0.0.1:{port}/v1",
        "command": list(command),
        "environment": shown,
        "packages": dict(plan.packages),
        "host": socket.gethostname(),
        "started": time.time(),
    }
    (folder / "record.json").write_text(json.dumps(record, indent=2), "utf-8")
    keep = [*KEEPER, "kept", str(folder), str(keeper.GRACE), *command]
    with server.log.open("wb") as out:
        subprocess.run(
            keep,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            check=False,
        )
    server._log_start = 0


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock over what happens to `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with folder.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kept_servers() -> list[KeptServer]:
    """All that have a folder, the oldest first."""
    folders = servers_dir().iterdir() if servers_dir().is_dir() else ()
    found = [KeptServer(folder) for folder in folders if folder.is_dir()]
    return sorted(found, key=lambda server: float(server.record.get("started", 0.0)))


def clear_stale() -> dict[str, dict[str, Any]]:
    """Remove the folders of this machine's servers that have ended; their records by key."""
    gone = {}
    for server in kept_servers():
        with locked(server.folder):
            if server.record and not server.here:
                continue
            if not server.alive and not server.in_use:
                gone[server.folder.name] = {**server.record, "exit_status": server.exit_code()}
                shutil.rmtree(server.folder, ignore_errors=True)
    return gone


def use_if_kept(url: str) -> KeptServer | None:
    """Hold a kept server that a session attaches to by its URL, so that it does not end."""
    if urlsplit(url).hostname not in endpoints.LOOPBACK:
        return None  # kept servers listen on the loopback interface alone
    port = endpoints.port_of(url)
    for server in kept_servers():
        if server.here and endpoints.port_of(server.url) == port and server.alive:
            server.use()
            return server
    return None
