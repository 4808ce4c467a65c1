"""One launched server of a session: what it is, and how its state and its end are told."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_dualcode.errors import ServerError
from pytest_dualcode.models import endpoints
from pytest_dualcode.models.endpoints import ServedModel
from pytest_dualcode.models.plan import Plan
from pytest_dualcode.models.process import ReservedPort, ServerProcess, remedy_in
from pytest_dualcode.models.profiles import RoleProfile
from pytest_dualcode.models.warm import KeptServer
from pytest_dualcode.types import Role

LOG_PREFIX = r"^(\(\w+ pid=\d+\) )?([A-Z]+ \S+ \S+ \[\S+\] )?"
"""What vLLM writes before each message: process, level, time and place."""


@dataclass
class Launched:
    """A server of ours and the roles that it answers.

    `log` is its log as the run directory shows it. `port` is reserved until the server listens;
    there is none for a server that ran before. `restarts` has an entry for each time that it
    died and was started again. Who holds `reviving` may put another `process` here.
    """

    roles: tuple[Role, ...]
    profile: RoleProfile
    plan: Plan
    process: ServerProcess | KeptServer
    port: ReservedPort | None
    url: str
    log: Path
    started: float = field(default_factory=time.monotonic)
    ready_seconds: float | None = None
    restarts: list[dict[str, Any]] = field(default_factory=list)
    reviving: threading.Lock = field(default_factory=threading.Lock)

    @property
    def label(self) -> str:
        """The roles, as messages name the server."""
        return " and ".join(self.roles)

    @property
    def kept(self) -> bool:
        """Whether it stays when the session ends."""
        return isinstance(self.process, KeptServer)

    @property
    def reused(self) -> bool:
        """Whether it ran before this session asked for it."""
        return isinstance(self.process, KeptServer) and self.process.reused

    def answers(self) -> ServedModel:
        """Note that it is there: it has its port, and a kept one stays. Returns what it serves.

        Raises `ServerError` if that is not its model.
        """
        self.release_port()
        served = endpoints.find_model(self.roles[0], self.url, self.profile.name, launched=True)
        if isinstance(self.process, KeptServer):
            self.process.verified()
        return served

    def release_port(self) -> None:
        """Reserve its port no longer."""
        if self.port is not None:
            self.port.release()
            self.port = None


def died(server: Launched, code: int) -> ServerError:
    """The error for a launched server that ended by itself."""
    when = "while it started" if server.ready_seconds is None else "during the run"
    again = ", after it had been started again once" if server.restarts else ""
    log = server.process.text()
    return ServerError(
        f"The {server.label}'s server ended {when}, exit status {code}{again}. "
        f"The end of {server.log}:\n{server.process.tail()}",
        remedy_in(log, code),
    )


def too_slow(server: Launched, timeout: float) -> ServerError:
    """The error for a server that is alive and not ready in time."""
    return ServerError(
        f"The {server.label}'s server was not ready after {timeout:.0f} s. "
        f"The end of {server.log}:\n{server.process.tail()}",
        "If it is still downloading weights, download them first; otherwise see the log.",
    )


def session_ended(server: Launched) -> ServerError:
    """The error for a call that waited for a restart when the session was stopped."""
    return ServerError(
        f"The session ended while the {server.label}'s server was started again.",
        "Go on with --resume.",
    )


def progress(server: Launched) -> str:
    """One line on a server that loads: how long, and the last thing that it said."""
    seconds = time.monotonic() - server.started
    last = re.sub(LOG_PREFIX, "", server.process.tail(1)).strip()[:80]
    doing = "waiting for" if server.reused else "loading"
    where = f"{server.label}: {doing} {server.profile.name}, {seconds:.0f} s"
    return f"{where} ({last})" if last else where
