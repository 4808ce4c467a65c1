"""From selected items to solutions: servers, client, call store and engine, put together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pytest_dualcode.config import RunConfig
from pytest_dualcode.engine import Engine, WorkItem
from pytest_dualcode.errors import DualcodeError, InfrastructureError
from pytest_dualcode.models.base import Traffic
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.models.endpoints import RoleEndpoint, base_url
from pytest_dualcode.models.servers import Servers
from pytest_dualcode.pipelines import find_recipe
from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.pipelines.registry import GIVEN, roles_of
from pytest_dualcode.plugin.runtime import Runtime
from pytest_dualcode.problems.examples import visible_examples
from pytest_dualcode.store import CALLS_FILE, RunStore
from pytest_dualcode.types import ROLES, ExampleResult, ItemKey, Role, Solution, Spec

Deliver = Callable[[ItemKey, Solution | InfrastructureError], None]
Say = Callable[[str], None]


class Generation:
    """Owns all model traffic of a run. `start` and `stop` are called from the main thread.

    `notes` are lines for the terminal that come from other threads; `aftermath` is what `stop`
    found out about the servers' work, for ``run.json``.
    """

    def __init__(self, config: RunConfig, runtime: Runtime) -> None:
        self.config = config
        self.runtime = runtime
        self.servers: Servers | None = None
        self.engine: Engine | None = None
        self.store: CallStore | None = None
        self.client: OpenAIModels | None = None
        self.models: StoredModels | None = None
        self.endpoints: Mapping[Role, RoleEndpoint] = {}
        self.notes: deque[str] = deque()
        self.aftermath: dict[str, Any] = {}
        self._broken_off: dict[ItemKey, Solution] = {}

    def launch(self, say: Say) -> None:
        """Start the servers that are to be launched, without waiting. Raises `ServerError`."""
        roles = roles_of(self.runtime.catalogue.pipelines)
        for role, urls in (
            ("coder", self.config.coder_urls),
            ("planner", self.config.planner_urls),
        ):
            for url in urls:
                base_url(url, f"--{role}-url")  # a wrong one is a usage error, before collection
        if roles and self.config.replay is None and self.config.rejudge is None:
            self.servers = Servers(self.config, self.config.run_dir / "logs", roles)
            self.servers.start(say)

    def start(self, keys: Sequence[ItemKey], deliver: Deliver, say: Say) -> None:
        """Wait for the servers, then solve `keys`; each result goes to `deliver`.

        Given solutions are delivered before this returns, generated ones from the engine's
        thread. Raises `ServerError` if the servers do not come up.
        """
        generated = [key for key in keys if key.pipeline not in GIVEN]
        if generated:
            self._start_engine(generated, deliver, say)
        for key in keys:
            if key.pipeline in GIVEN:
                deliver(key, self.given(key))

    def _start_engine(self, keys: Sequence[ItemKey], deliver: Deliver, say: Say) -> None:
        models = self.models = self._models(say)
        self.engine = Engine(models, item_timeout=self.config.item_timeout, on_ready=deliver)
        place = {task_id: number for number, task_id in enumerate(self.runtime.catalogue.problems)}
        solvers = [self.solver(key, models, place[key.task_id]) for key in keys]
        self.engine.start([WorkItem(key, solve) for key, solve in zip(keys, solvers, strict=True)])

    def _models(self, say: Say) -> StoredModels:
        """Put the client and the call store of the run together.

        A resumed run's own calls are answered from its store; a replayed run answers all.
        """
        replay = self.config.replay
        if replay is not None:
            self.endpoints = recorded_endpoints(replay)
        elif self.servers is not None:
            self.endpoints = self.servers.wait_ready(say)
        client = self.client = OpenAIModels(
            self.endpoints,
            call_timeout=self.config.call_timeout,
            max_in_flight=self.config.max_in_flight,
            temperature=self.config.temperature,
            revive=self._revive,
            say=self.notes.append,
            turns=self.servers.turns(self.notes.append) if self.servers is not None else None,
        )
        earlier = [replay / CALLS_FILE] if replay is not None else []
        self.store = CallStore(self.config.run_dir / CALLS_FILE, earlier=earlier)
        for path, count in self.store.damaged.items():
            lost = "what they held is asked again" if replay is None else "their items are errors"
            say(f"{count} damaged line(s) in {path} were skipped; {lost}")
        return StoredModels(client, self.store, replay=replay is not None)

    async def _revive(self, role: Role, url: str) -> bool:  # noqa: ARG002
        """Have a launched server that has died started again, once, and say whether it was.

        The client asks this when a server refuses or drops a connection. In a thread: a start
        takes long, and the other role's calls go on meanwhile. Raises `ServerError`, with the end
        of its log, if the server stays dead: waiting for it would only hide why.
        """
        if self.servers is None:
            return False
        return await asyncio.to_thread(self.servers.revive, url, self.notes.append)

    def traffic(self) -> Mapping[Role, Traffic]:
        """Return the calls so far by role; empty while there are no models."""
        return self.models.traffic() if self.models is not None else {}

    def provenance(self) -> dict[str, Any]:
        """Return what answered, for ``run.json``; a replay reads ``endpoints`` of it."""
        found = self.servers.provenance() if self.servers is not None else {}
        endpoints = {role: asdict(place) for role, place in self.endpoints.items()}
        return {**found, "endpoints": endpoints} if endpoints else found

    def solver(
        self, key: ItemKey, models: StoredModels, priority: int
    ) -> Callable[[], Coroutine[Any, Any, Solution]]:
        """Return what the engine runs for `key`.

        `priority` is the problem's place, the same for all pipelines: calls about one problem
        stay close together, where the server's prefix cache still holds it.
        """
        recipe = find_recipe(key.pipeline)
        spec = self.runtime.catalogue.problems[key.task_id].spec
        retries = self.config.retries

        async def solve() -> Solution:
            attempt = Attempt(
                spec, models, self.run_examples, priority, sample=key.sample, retries=retries
            )
            try:
                return attempt.solution(checked(key.pipeline, await recipe(spec, attempt)))
            except BaseException:
                self._broken_off[key] = attempt.solution("")
                raise

        return solve

    def unfinished(self, key: ItemKey) -> Solution:
        """Return, once, how far an item came that ended with an error: its calls and stages."""
        return self._broken_off.pop(key, Solution(""))

    async def run_examples(self, spec: Spec, program: str) -> tuple[ExampleResult, ...]:
        """Run `program` on the visible examples of `spec` in the judge's jail."""
        examples = visible_examples(spec)
        run = partial(self.runtime.judge.run_examples, spec, program, examples)
        return await asyncio.to_thread(run)

    def given(self, key: ItemKey) -> Solution:
        """Return the solution of an item that needs no model."""
        problem = self.runtime.catalogue.problems[key.task_id]
        if key.pipeline == "canonical":
            return Solution(problem.reference)
        samples = self.runtime.catalogue.samples
        assert samples is not None, "the catalogue has items of `samples` only with a file"
        return Solution(samples.by_task[key.task_id][key.sample].program(problem))

    def failure(self) -> InfrastructureError | None:
        """Return why the engine can deliver no more, if a bug has ended it."""
        try:
            if self.engine is not None:
                self.engine.wait(0)
        except Exception as error:
            return broken("engine", error)
        return None

    def stop(self) -> list[DualcodeError]:
        """End the engine, then the servers. What is finished is stored. Twice is once.

        Returns what went wrong, since reports have to be written all the same.
        """
        engine, store, servers = self.engine, self.store, self.servers
        self.engine = self.store = self.servers = None
        errors: list[DualcodeError] = []
        with ExitStack() as stack:  # each runs although Ctrl-C ends another; the last added first
            if servers is not None:
                servers.give_up()  # a restart under way would keep the engine from ending
                stack.callback(finish, servers.stop, "end of the servers", errors)
                looking = partial(self._look_back, servers)
                stack.callback(finish, looking, "look at the servers", errors)
            if store is not None:
                stack.callback(finish, store.close, "call store", errors)
            if engine is not None:
                stack.callback(finish, engine.stop, "engine", errors)
        return errors

    def _look_back(self, servers: Servers) -> None:
        """Note what the servers did, while they can still be asked."""
        self.aftermath = servers.aftermath()
        refused = self.client.refused_fields() if self.client is not None else {}
        if refused:
            self.aftermath["refused_fields"] = refused


def checked(pipeline: str, program: object) -> str:
    """Return what a pipeline returned, if it is a program. Raises `InfrastructureError`."""
    if not isinstance(program, str):
        raise InfrastructureError(
            f"The pipeline {pipeline} returned {type(program).__name__}, no program.",
            'A pipeline must return the program as text; "" stands for none.',
        )
    return program


def finish(step: Callable[[], object], name: str, errors: list[DualcodeError]) -> None:
    """Do one step of the end; an error that it raises is added to `errors`."""
    try:
        step()
    except DualcodeError as error:
        errors.append(error)
    except Exception as error:
        errors.append(broken(name, error))


def broken(name: str, error: Exception) -> InfrastructureError:
    """Return what is said of a bug in this package."""
    return InfrastructureError(
        f"The {name} broke: {type(error).__name__}: {error}.",
        "Please report this; finished calls are kept, and --resume goes on.",
    )


def recorded_endpoints(run_dir: Path) -> dict[Role, RoleEndpoint]:
    """Return the endpoints of a stored run, whose requests a replay has to spell the same."""
    models = RunStore.open(run_dir).settings().get("models", {})
    rows = models.get("endpoints", {}) if isinstance(models, dict) else {}
    return {
        role: RoleEndpoint(**{**rows[role], "urls": tuple(rows[role]["urls"])})
        for role in ROLES
        if role in rows
    }
