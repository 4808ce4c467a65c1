"""The model servers of a session: attached by URL, or launched, shared and taken down again.

    servers = Servers(config, run_dir / "servers")
    servers.start()                      # both at once; returns while they load
    endpoints = servers.wait_ready()     # {"coder": RoleEndpoint, "planner": RoleEndpoint}
    ...
    servers.stop()                       # launched ones only; attached ones are never touched

Launched servers end when this process ends, however that happens (see `keeper`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import ServerError, UsageError
from pytest_dualcode.models import endpoints, launch, warm
from pytest_dualcode.models.endpoints import RoleEndpoint
from pytest_dualcode.models.launched import Launched, died, progress, too_slow
from pytest_dualcode.models.plan import PORT, Plan
from pytest_dualcode.models.profiles import Gpu, Profile, RoleProfile, choose_profile, visible_gpus
from pytest_dualcode.models.server_facts import compared, counters, role_facts, servers_of
from pytest_dualcode.models.sleeping import put_to_sleep, wake
from pytest_dualcode.models.starting import POLL, READY_TIMEOUT, Say, Starter
from pytest_dualcode.models.tiny import PREFIX, model_folder, package_folder
from pytest_dualcode.models.turns import Turns
from pytest_dualcode.types import ROLES, Role

REPORT_EVERY = 10.0


def numbered(
    groups: Sequence[tuple[Role, ...]],
) -> Iterator[tuple[tuple[Role, ...], int, int]]:
    """Each server's roles, its number, and how many there are."""
    return ((roles, number, len(groups)) for number, roles in enumerate(groups))


def silent(_: str) -> None:
    """Report no progress."""


class Servers:
    """The servers behind the roles that a run needs.

    `log_dir` gets one log for each launched server. `roles` are those that the pipelines ask;
    nothing is started for another. Methods are to be called from one thread, but for `revive`
    and `give_up`, which any thread may call.
    """

    def __init__(self, config: RunConfig, log_dir: Path, roles: Collection[Role] = ROLES) -> None:
        self.config = config
        self.log_dir = log_dir
        self.roles = tuple(role for role in ROLES if role in roles)
        self.explanation = ""
        self.obstacle = ""
        self._launched: list[Launched] = []
        self._endpoints: dict[Role, RoleEndpoint] = {}
        self._profile: Profile | None = None
        self._python: launch.ServerPython | None = None
        self._gpus: list[Gpu] = []
        keep = config.servers == "keep"
        self._starter = Starter(log_dir, keep, config.servers_idle * 60)
        self._held: list[warm.KeptServer] = []
        self._before: dict[Role, dict[str, float]] = {}
        self._in_turns = False
        self._to_launch: list[Callable[[Say], Launched]] = []
        self._switched: list[float] = []

    def urls(self, role: Role) -> tuple[str, ...]:
        """The URLs to attach to for `role`; empty if it is launched."""
        return self.config.coder_urls if role == "coder" else self.config.planner_urls

    def start(self, on_progress: Say = silent) -> None:
        """Start what is to be launched, all at once, and return while it loads.

        Only the first use of a profile whose weights ship in a package blocks, for some ten
        seconds, to convert them. Raises `UsageError` or `ServerError`; then nothing runs.
        """
        profile = self._resolve()
        on_progress(self.explanation)
        groups = self._groups(profile)
        self._to_launch = [partial(self._launch, *each) for each in numbered(groups)]
        try:
            self._launch_next(on_progress)
        except BaseException:
            self.stop()
            raise

    def plans(self) -> list[Plan]:
        """What `start` would start, for ``--dry-run``; starts nothing.

        What `start` would raise is in `obstacle`, so that a profile for GPUs can be looked at on
        a laptop.
        """
        groups = self._groups(self._resolve(starting=False))
        return [self._planned(*each) for each in numbered(groups)]

    def _planned(self, roles: tuple[Role, ...], number: int, servers: int) -> Plan:
        """The plan of one server, its model's folder as it will be."""
        assert self._python is not None
        model = self._role(roles[0]).model
        if model.startswith(PREFIX):
            model = str(package_folder(model.removeprefix(PREFIX), self._python))
        return self._plan(roles, model, number, servers)

    def commands(self) -> list[str]:
        """The plans as lines for a shell."""
        return [plan.shell() for plan in self.plans()]

    def wait_ready(
        self, on_progress: Say = silent, timeout: float = READY_TIMEOUT
    ) -> dict[Role, RoleEndpoint]:
        """Wait until every role's model answers, and say where.

        `on_progress` gets a line every few seconds. Raises `ServerError` with the end of the
        log and, for known causes, the remedy; launched servers are stopped then.
        """
        try:
            for role in self.roles:
                if self.urls(role):
                    self._endpoints[role] = self._attach(role)
            self._await_launched(on_progress, timeout)
        except BaseException:
            self.stop()
            raise
        self._before = self.metrics()
        self._warn_of_greedy_thoughts(on_progress)
        return {role: self._endpoints[role] for role in self.roles}

    def _warn_of_greedy_thoughts(self, say: Say) -> None:
        """Say what Qwen advises against; the paper was greedy throughout."""
        for role, place in self._endpoints.items():
            asked = self.config.temperature
            if asked is None:
                asked = place.sampling.get("temperature", 0.0)
            if place.thinking and place.thinking_style == "enable_thinking" and asked == 0:
                say(
                    f"{role}: thinks at temperature 0, as in the paper; Qwen advises 0.6 with "
                    "top_p 0.95 and top_k 20 (a profile's `sampling`), since greedy thoughts "
                    "can go round in circles"
                )

    def check(self) -> None:
        """Raise `ServerError`, with the last log lines, if a launched server has died."""
        for server in self._launched:
            code = server.process.exit_code()
            if code is not None:
                raise died(server, code)

    def revive(self, url: str, say: Say = silent) -> bool:
        """Start the launched server at `url` again if it has died, and wait until it answers.

        Nothing happens to one that lives or is not ours; false then. Who comes while it is being
        started waits for the same start. Raises `ServerError` if it cannot be had again, died a
        second time, or the session ends meanwhile.
        """
        for server in self._launched:
            if server.url == url:
                with server.reviving:
                    code = server.process.exit_code()
                    if code is not None:
                        self._starter.start_again(server, code, say)
                    return code is not None
        return False

    def turns(self, say: Say = silent) -> Turns | None:
        """What keeps the roles from being asked at the same time, if the profile says so.

        `say` is called from other threads.
        """
        if not self._in_turns:
            return None

        async def switch(active: Role, following: Role) -> None:
            await asyncio.to_thread(self.switch, active, following, say)

        return Turns(self._launched[-1].roles[0], switch)

    def switch(self, active: Role, following: Role, say: Say = silent) -> None:
        """Put one role's model to sleep and wake the other's. Raises `ServerError`."""
        begun = time.monotonic()
        before, after = self._server_of(active), self._server_of(following)
        assert before is not None
        assert after is not None
        put_to_sleep(before)
        if not wake(after):
            self.revive(after.url, say)
        seconds = time.monotonic() - begun
        self._switched.append(round(seconds, 1))
        say(f"{following}'s turn (switched in {seconds:.1f} s)")

    def give_up(self) -> None:
        """End a restart that is under way, so that `stop` need not wait for it."""
        self._starter.ending.set()

    def stop(self) -> None:
        """Stop the launched servers, all at once, and wait until nothing is left of them.

        Those that are kept stay, unless they never answered.
        """
        self.give_up()
        for server in self._launched:
            with server.reviving:
                server.process.ask_to_stop()
        for server in self._launched:
            server.process.wait_stopped()
            server.release_port()
        for kept in self._held:
            kept.release()

    def log_tail(self, role: Role, lines: int = 20) -> str:
        """The end of the log of a role's server; empty for an attached one."""
        server = self._server_of(role)
        return server.process.tail(lines) if server is not None else ""

    def _server_of(self, role: Role) -> Launched | None:
        """The launched server of `role`; ``None`` for an attached one."""
        return next((server for server in self._launched if role in server.roles), None)

    def provenance(self) -> dict[str, Any]:
        """What answered, for ``run.json``: profile, GPUs, and for each role its server."""
        python = self._python
        device = python.device if python else "gpu"
        roles = {
            role: role_facts(place, self._role(role), self._server_of(role), device)
            for role, place in self._endpoints.items()
        }
        urls = {role: place.urls for role, place in self._endpoints.items()}
        return {
            "profile": self._profile.name if self._profile else None,
            "chosen": self.explanation,
            "gpus": [f"{gpu.name}, {gpu.gib:.0f} GiB" for gpu in self._gpus],
            "server_packages": dict(python.packages) if python else {},
            "roles": roles,
            "servers": servers_of(roles, urls),
            "metrics": {role: {"before": found} for role, found in self._before.items() if found},
        }

    def aftermath(self) -> dict[str, Any]:
        """What happened to the servers during the run, for ``run.json``; call it before `stop`."""
        restarts = [{"roles": s.roles, **again} for s in self._launched for again in s.restarts]
        found: dict[str, Any] = {"restarts": restarts} if restarts else {}
        if self._in_turns:
            found["turns"] = {"switches": len(self._switched), "seconds": sum(self._switched)}
        metrics = {
            role: compared(self._before.get(role, {}), after)
            for role, after in self.metrics().items()
            if after
        }
        return {**found, "metrics": metrics} if metrics else found

    def metrics(self) -> dict[Role, dict[str, float]]:
        """vLLM's counters for each role, summed over replicas; empty for other servers.

        Take them before and after a run; `metrics.work_done` is the difference. They count
        what the servers did for anyone, and both roles' work where one server answers both.
        """
        return {role: counters(place) for role, place in self._endpoints.items()}

    def _resolve(self, starting: bool = True) -> Profile:
        """Choose the profile; look at GPUs and the server's Python only if one is launched."""
        to_launch = [role for role in self.roles if not self.urls(role)]
        gpu_build = False
        if to_launch:
            self._python = launch.server_python(self.config)
            self._gpus = visible_gpus()
            gpu_build = self._python.device == "gpu"
        profile, why = choose_profile(self.config, self._gpus, gpu_build)
        attached = [role for role in self.roles if self.urls(role)]
        notes = [f"attached by URL: {', '.join(attached)}"] if attached else []
        if to_launch and self._python:
            try:
                launch.check_launchable(profile, self._python, self._gpus)
            except ServerError as error:
                if starting:
                    raise
                self.obstacle = str(error)
                self._python, self._gpus = launch.imagined(self._python, profile)
            notes.append(f"launching {', '.join(to_launch)} on {self._python.device}, {why}")
        self._profile = profile
        self.explanation = "; ".join(notes)
        return profile

    def _groups(self, profile: Profile) -> list[tuple[Role, ...]]:
        """The roles to launch, in order; those with equal settings share one server.

        In turns the coder comes last, and so stays awake: the first calls are drafts.
        """
        roles = [role for role in self.roles if not self.urls(role)]
        if len(roles) == 2 and profile.coder.served_like(profile.planner):
            return [tuple(roles)]
        self._in_turns = profile.turns and len(roles) == 2
        if self._in_turns and self.config.servers == "keep":
            raise UsageError(
                f"--servers=keep does not go with profile {profile.name}: its servers take turns.",
                "Leave --servers out.",
            )
        return [(role,) for role in (reversed(roles) if self._in_turns else roles)]

    def _launch_next(self, say: Say) -> None:
        """Start all servers that are to be launched, in turns only the next one."""
        for launching in self._to_launch[: 1 if self._in_turns else None]:
            self._launched.append(launching(say))
            self._to_launch.remove(launching)

    def _role(self, role: Role) -> RoleProfile:
        assert self._profile is not None
        return self._profile.role(role)

    def _plan(self, roles: tuple[Role, ...], model: str, number: int, servers: int) -> Plan:
        """What server `number` of `servers` is to serve."""
        assert self._python is not None
        role = self._role(roles[0])
        cores = launch.split_cores(launch.usable_cores(), servers)[number]
        added = launch.serve_environment(role, model, self._python, self._gpus, cores)
        if model.startswith(PREFIX):
            added["HF_HUB_OFFLINE"] = "1"
        command = launch.serve_command(role, model, self._python, PORT)
        if self._in_turns:
            command = (*command, "--enable-sleep-mode")
            added["VLLM_SERVER_DEV_MODE"] = "1"  # without it there are no paths to sleep and wake
        packages = self._python.packages
        return Plan(" and ".join(roles), role.name, model, command, added, packages)

    def _launch(self, roles: tuple[Role, ...], number: int, servers: int, say: Say) -> Launched:
        """Start one server."""
        assert self._python is not None
        role = self._role(roles[0])
        model = model_folder(role.model, self._python, say)
        return self._starter.start(self._plan(roles, model, number, servers), roles, role)

    def _attach(self, role: Role) -> RoleEndpoint:
        wanted = self.config.coder_model if role == "coder" else self.config.planner_model
        place = endpoints.attach(role, self.urls(role), wanted, self._role(role))
        held = [warm.use_if_kept(url) for url in place.urls]
        self._held += [server for server in held if server is not None]
        return place

    def _await_launched(self, say: Say, timeout: float) -> None:
        """Poll the launched servers until all are ready, one dies, or time is up."""
        begun = reported = time.monotonic()
        while waiting := [s for s in self._launched if s.ready_seconds is None]:
            self.check()
            for server in waiting:
                if endpoints.is_ready(server.url):
                    self._became_ready(server, say)
            now = time.monotonic()
            if now - begun > timeout:
                raise too_slow(waiting[0], timeout)
            if now - reported > REPORT_EVERY:
                reported = now
                say("; ".join(progress(server) for server in waiting))
            if any(server.ready_seconds is None for server in waiting):
                time.sleep(POLL)

    def _became_ready(self, server: Launched, say: Say) -> None:
        """Verify what a launched server serves, and note its endpoint for its roles."""
        length = server.answers().max_model_len
        server.ready_seconds = round(time.monotonic() - server.started, 1)
        for name in server.roles:
            role = self._role(name)
            style = endpoints.chosen_style(role, role.model)
            self._endpoints[name] = endpoints.endpoint(
                name, (server.url,), role.name, length, role, role.thinking, style, launched=True
            )
        ran = ", kept by an earlier run" if server.reused else ""
        say(f"{server.label}: {server.profile.name} ready after {server.ready_seconds:.1f} s{ran}")
        if self._to_launch:
            put_to_sleep(server)
            self._launch_next(say)
