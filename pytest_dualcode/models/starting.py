"""Starts servers, and starts a dead one again: tied to this process, or kept for later sessions."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_dualcode.errors import ServerError
from pytest_dualcode.models import endpoints, warm
from pytest_dualcode.models.launched import Launched, died, session_ended, too_slow
from pytest_dualcode.models.plan import Plan
from pytest_dualcode.models.process import ReservedPort, ServerProcess
from pytest_dualcode.models.profiles import RoleProfile
from pytest_dualcode.types import Role

Say = Callable[[str], None]

READY_TIMEOUT = 1800.0
"""Seconds for a launched server to be ready: a first start may download 30 GB."""

PORT_TIMEOUT = 30.0
"""Seconds in which what is left of a dead server must let go of its port."""

POLL = 0.5


@dataclass
class Starter:
    """How a session starts servers. `idle` is how many seconds kept ones may be unused.

    Setting `ending` ends a restart that is under way.
    """

    log_dir: Path
    keep: bool
    idle: float
    ending: threading.Event = field(default_factory=threading.Event)

    def start(self, plan: Plan, roles: tuple[Role, ...], profile: RoleProfile) -> Launched:
        """Start one server, or take the kept one. Raises `ServerError`."""
        log = self.log_dir / f"{'-'.join(roles)}.log"
        process, port = self._process(plan, log, ReservedPort)
        url = process.url if isinstance(process, warm.KeptServer) else ""
        if port is not None:
            url = f"http://127.0.0.1:{port.number}/v1"
        return Launched(roles, profile, plan, process, port, url, log)

    def start_again(self, server: Launched, code: int, say: Say) -> None:
        """Put a new process in the place of the dead one; the caller holds `server.reviving`.

        Returns when it answers, at the same URL. Raises `ServerError`, also for a server that
        was started again before.
        """
        if self.ending.is_set():
            raise session_ended(server)
        if server.restarts:
            raise died(server, code)
        server.process.wait_stopped()
        say(f"{server.label}: the server ended, exit status {code}; starting it again")
        begun = time.monotonic()
        old = server.log.with_suffix(f".{len(server.restarts) + 1}{server.log.suffix}")
        server.restarts.append({"exit_status": code, "log": old.name, "seconds": None})
        server.process.save_log(old)
        server.process, server.port = self._process(
            server.plan, server.log, lambda: self._port_again(server)
        )
        self._await_again(server, begun + READY_TIMEOUT)
        seconds = server.restarts[-1]["seconds"] = round(time.monotonic() - begun, 1)
        say(f"{server.label}: {server.profile.name} answers again after {seconds:.1f} s")

    def _process(
        self, plan: Plan, log: Path, reserve: Callable[[], ReservedPort]
    ) -> tuple[ServerProcess | warm.KeptServer, ReservedPort | None]:
        """The process, and the port that it will listen on if it is a new one."""
        environment = {**os.environ, **plan.environment}
        ports: list[ReservedPort] = []

        def number() -> int:
            ports.append(reserve())
            return ports[0].number

        try:
            if self.keep:
                kept = warm.take(plan, self.idle, number, environment)
                kept.show_log_at(log)
                return kept, ports[0] if ports else None
            return ServerProcess(plan.command_on(number()), environment, log), ports[0]
        except OSError as error:
            for port in ports:
                port.release()
            raise ServerError(
                f"The {plan.label}'s server could not be started: {error}.",
                f"Check that {self.log_dir} can be written and {plan.command[0]} can be run.",
            ) from error

    def _port_again(self, server: Launched) -> ReservedPort:
        """Reserve the dead server's port, once what is left of it has let go of it."""
        deadline = time.monotonic() + PORT_TIMEOUT
        number = endpoints.port_of(server.url)
        while True:
            try:
                return ReservedPort(number)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"The {server.label}'s server died and its port {number} cannot be had "
                        f"again: {error}.",
                        "End what listens there, then go on with --resume.",
                    ) from error
            if self.ending.wait(POLL):
                raise session_ended(server)

    def _await_again(self, server: Launched, deadline: float) -> None:
        """Wait until a server that was started again serves its model."""
        while not endpoints.is_ready(server.url):
            code = server.process.exit_code()
            if code is not None:
                raise died(server, code)
            if time.monotonic() > deadline:
                raise too_slow(server, READY_TIMEOUT)
            if self.ending.wait(POLL):
                raise session_ended(server)
        server.answers()
