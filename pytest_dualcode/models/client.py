"""The OpenAI-compatible client: one call at a time goes in, however many are in flight.

`OpenAIModels` admits calls by priority (`limits`), picks a server (`replicas`), spells the request
out (`wire`) and repeats what is worth repeating (`faults`). It keeps nothing: that is the call
store's part. All of it runs in one asyncio loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace

from pytest_dualcode.errors import CallError, ServerError
from pytest_dualcode.models.base import Endpoint, Traffic
from pytest_dualcode.models.faults import Fault, RetryPolicy, advice, context_length, prompt_length
from pytest_dualcode.models.limits import HIGHEST_LIMIT, AdaptiveLimit, Load, PriorityGate
from pytest_dualcode.models.replicas import (
    Replica,
    all_gone,
    choose,
    key_for,
    note_fault,
    note_success,
)
from pytest_dualcode.models.thinking import effort_of, thought_budget
from pytest_dualcode.models.turns import Turns
from pytest_dualcode.models.wire import (
    ServerTraits,
    body_of,
    read_reply,
    refused_field,
    without_field,
)
from pytest_dualcode.types import Call, Message, Request, Role, Sampling

log = logging.getLogger(__name__)

Revive = Callable[[Role, str], Awaitable[bool]]
"""Called when a role's server at a URL is gone; may start it again, and says whether it has."""

SHORTEST_REPLY = 64
"""Tokens that must fit behind a prompt; with less, the prompt is too long for the server."""

STEERING_INTERVAL = 2.0
"""Seconds between two looks at vLLM's metrics; one look costs it about 5 ms."""


@dataclass
class _Pool:
    """One role: its servers, its gate and its counts."""

    endpoint: Endpoint
    replicas: list[Replica]
    gate: PriorityGate
    limit: AdaptiveLimit
    traffic: Traffic = field(default_factory=Traffic)
    begun: bool = False
    steering: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, role: Role, endpoint: Endpoint, fixed: int | None) -> _Pool:
        gate = PriorityGate(fixed or endpoint.max_in_flight)
        key = key_for(role, endpoint.launched)
        replicas = [Replica(url, key, attached=not endpoint.launched) for url in endpoint.urls]
        ceiling = HIGHEST_LIMIT * max(1, len(replicas))
        limit = AdaptiveLimit(gate, fixed=fixed is not None, ceiling=ceiling)
        return cls(endpoint, replicas, gate, limit)

    def count(self, **more: int) -> None:
        now = self.traffic
        self.traffic = replace(now, **{name: getattr(now, name) + n for name, n in more.items()})


def sampling_of(fields: Mapping[str, float]) -> Sampling:
    """The sampling with these fields, the others greedy; whole numbers where they must be."""
    whole = {name: int(fields[name]) for name in ("top_k", "seed") if name in fields}
    return Sampling(max_tokens=1, **{**fields, **whole})  # type: ignore[arg-type]


class OpenAIModels:
    """The two roles behind OpenAI-compatible servers; a `Backend`.

    One attempt may take `call_timeout` seconds, a whole call twice as long (from the moment it is
    sent, not while it waits its turn): so a hanging attempt is repeated once and a server that
    restarts is waited for. `max_in_flight` fixes the number of calls in flight for each role;
    without it the client adapts it to the server. `temperature` and `seed`, where given, are the
    same for all calls of a run; otherwise each role's own. With `turns` one role at a time is
    asked. `say` is told, once for each server, which field it was asked without.
    """

    def __init__(
        self,
        endpoints: Mapping[Role, Endpoint],
        *,
        call_timeout: float = 600.0,
        max_in_flight: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        revive: Revive | None = None,
        retries: RetryPolicy | None = None,
        turns: Turns | None = None,
        say: Callable[[str], None] = log.info,
    ) -> None:
        self._pools = {
            role: _Pool.of(role, endpoint, max_in_flight) for role, endpoint in endpoints.items()
        }
        self._call_timeout = call_timeout
        asked = {"temperature": temperature, "seed": seed}
        given = {name: value for name, value in asked.items() if value is not None}
        self._sampling = {
            role: sampling_of({**endpoint.sampling, **given})
            for role, endpoint in endpoints.items()
        }
        self._revive = revive
        self._retries = retries or RetryPolicy()
        self._turns = turns
        self._say = say
        self._revivals: dict[str, asyncio.Task[None]] = {}

    def supports_thinking(self, role: Role) -> bool:
        """Whether `role` has a reasoning mode that can be switched."""
        return self._pool(role).endpoint.thinking

    def request(
        self,
        role: Role,
        messages: Sequence[Message],
        *,
        thinking: bool = False,
        max_tokens: int | None = None,
        sample: int = 0,
    ) -> Request:
        """Return the request that `complete` asks."""
        endpoint = self._pool(role).endpoint
        # A planner that cannot think gets the room of a review all the same, not of a program.
        limit = max_tokens or (endpoint.review_tokens if thinking else endpoint.draft_tokens)
        thinking = thinking and endpoint.thinking
        budget = thought_budget(limit, endpoint.thinking_budget) if thinking else None
        style = endpoint.thinking_style
        effort = endpoint.thinking_effort if thinking else endpoint.answer_effort
        sampling = replace(
            self._sampling[role],
            max_tokens=limit,
            thinking=thinking,
            thinking_budget=budget,
            thinking_style=style,
            effort=effort_of(style, thinking, effort),
        )
        return Request(role, endpoint.model, tuple(messages), sampling, sample)

    async def complete(
        self,
        role: Role,
        messages: Sequence[Message],
        *,
        thinking: bool = False,
        max_tokens: int | None = None,
        sample: int = 0,
        priority: int = 0,
    ) -> Call:
        """Ask `role` for one reply. Raises `CallError`."""
        request = self.request(
            role, messages, thinking=thinking, max_tokens=max_tokens, sample=sample
        )
        return await self.call(request, priority)

    async def call(self, request: Request, priority: int = 0) -> Call:
        """Ask `request` once it is its turn. Raises `CallError`."""
        pool = self._pool(request.role)
        if not pool.replicas:
            raise CallError(
                f"There is no server for the {request.role}.",
                f"Give one with --{request.role}-url=URL or let a profile launch one.",
            )
        self._begin(pool)
        call = None
        while call is None:
            call = await self._in_turn(pool, request, priority)
        pool.count(
            done=1, prompt_tokens=call.prompt_tokens, completion_tokens=call.completion_tokens
        )
        return call

    async def _in_turn(self, pool: _Pool, request: Request, priority: int) -> Call | None:
        """Make the call when it is its role's turn and its own; ``None`` if the turn ended first.

        Raises `CallError`, or `ServerError` if the server died for good.
        """
        role, turns = request.role, self._turns
        async with turns.turn(role) if turns else nullcontext(), pool.gate.slot(priority):
            if turns is not None and not turns.open_to(role):
                return None
            try:
                return await self._persist(pool, request, priority)
            except (CallError, ServerError):
                pool.count(failed=1)
                raise

    def traffic(self) -> Mapping[Role, Traffic]:
        """Return the counts by role; may be called from any thread."""
        return {
            role: replace(
                pool.traffic,
                in_flight=pool.gate.in_flight,
                waiting=pool.gate.waiting,
                limit=pool.gate.limit,
            )
            for role, pool in self._pools.items()
        }

    def refused_fields(self) -> dict[str, list[str]]:
        """Return what servers were asked without, by URL: the stored requests still hold it."""
        servers = [server for pool in self._pools.values() for server in pool.replicas]
        found = {s.url: set(s.traits.refused) for s in servers if s.traits and s.traits.refused}
        return {url: sorted(fields) for url, fields in found.items()}

    async def aclose(self) -> None:
        """Close all connections and end the background tasks."""
        tasks = [pool.steering for pool in self._pools.values() if pool.steering is not None]
        tasks += self._revivals.values()
        if self._turns is not None:
            await self._turns.aclose()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pool in self._pools.values():
            for server in pool.replicas:
                await server.aclose()

    def _pool(self, role: Role) -> _Pool:
        try:
            return self._pools[role]
        except KeyError:
            raise CallError(
                f"This run has no {role}.", f"Name one with --{role}-url and --{role}-model."
            ) from None

    async def _persist(self, pool: _Pool, request: Request, priority: int) -> Call:
        """Attempt `request` until it succeeds, is hopeless, or its deadline comes."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 2 * self._call_timeout
        faults: list[Fault] = []
        while True:
            begun = loop.time()
            server = choose(pool.replicas, begun, priority)
            try:
                call = await self._attempt(server, request, deadline)
            except Fault as fault:
                faults.append(fault)
                note_fault(server, fault, loop.time())
            else:
                note_success(server)
                pool.limit.replied()
                return replace(call, attempts=len(faults) + 1)
            pause = self._pause(request, server, faults, deadline - loop.time())
            pool.count(retries=1)
            log.info("%s at %s: %s; again", request.role, server.url, faults[-1].detail)
            if faults[-1].kind in ("refused", "reset") and self._revive is not None:
                try:
                    async with asyncio.timeout_at(deadline):
                        await self._revived(self._revive, request.role, server, begun)
                except TimeoutError:
                    raise _given_up(request, server, faults) from None
            if all_gone(pool.replicas, loop.time(), 2 * self._call_timeout):
                raise _given_up(request, server, faults)
            await self._rest(pool, faults[-1], pause)

    def _pause(
        self, request: Request, server: Replica, faults: Sequence[Fault], seconds_left: float
    ) -> float:
        """Return the seconds until the next attempt. Raises `CallError` if there is none."""
        pause = self._retries.pause(faults)
        if pause is None:
            raise _given_up(request, server, faults)
        if pause >= seconds_left:
            telling = [fault for fault in faults if fault.kind != "timeout"]
            raise _given_up(request, server, telling or faults)  # the last one had no time left
        return pause

    @staticmethod
    async def _rest(pool: _Pool, fault: Fault, pause: float) -> None:
        """Pause before the next attempt, unless another server can take it at once."""
        if fault.kind in ("busy", "timeout"):
            pool.limit.refused(asyncio.get_running_loop().time())
        now = asyncio.get_running_loop().time()
        if all(replica.rests_until > now for replica in pool.replicas):
            await asyncio.sleep(pause)

    async def _revived(self, revive: Revive, role: Role, server: Replica, begun: float) -> None:
        """Have `server` revived by one of the calls that miss it while the others wait.

        A call that began before the last revival ended has only seen the old server die.
        """
        if begun < server.revived_at:
            return
        task = self._revivals.get(server.url)
        if task is None:
            task = asyncio.create_task(_revive_once(revive, role, server))
            self._revivals[server.url] = task
            task.add_done_callback(lambda _: self._revivals.pop(server.url, None))
        await asyncio.shield(task)

    async def _attempt(self, server: Replica, request: Request, deadline: float) -> Call:
        """Ask one server once (again at once if only the form of the request was refused)."""
        loop = asyncio.get_running_loop()
        seconds = min(self._call_timeout, deadline - loop.time())
        started, begun = time.time(), time.monotonic()
        server.in_flight += 1
        try:
            async with asyncio.timeout(seconds):
                content = await self._ask(server, request)
        except TimeoutError as error:
            raise Fault("timeout", f"no reply within {seconds:.0f} s") from error
        finally:
            server.in_flight -= 1
        reply = read_reply(content, request.sampling.thinking)
        return Call(
            request,
            reply.text,
            reply.reasoning,
            reply.finish_reason,
            reply.prompt_tokens,
            reply.completion_tokens,
            started,
            time.monotonic() - begun,
            cached_tokens=reply.cached_tokens,
        )

    async def _ask(self, server: Replica, request: Request) -> bytes:
        """Send `request` in the form that this server takes, found out as it answers."""
        max_tokens = request.sampling.max_tokens
        await server.learn_traits(request.model)
        while True:
            traits = server.traits or ServerTraits()
            body = body_of(request, traits, max_tokens)
            try:
                return await server.chat(body)
            except Fault as fault:
                unknown = refused_field(fault, body)
                if unknown is not None:
                    self._leave_out(unknown, server, request.role, body)
                    continue
                fitting = await self._fitting(server, body, fault)
                if fitting is None or fitting >= max_tokens:
                    raise
                max_tokens = fitting

    def _leave_out(self, field: str, server: Replica, role: Role, body: dict[str, object]) -> None:
        """Ask `server` without `field` from now on; say so the first time."""
        traits = server.traits or ServerTraits()
        if field not in traits.refused:  # calls in flight together are all refused
            self._say(without_field(role, server.url, field, body))
        server.traits = traits.without(field)

    @staticmethod
    async def _fitting(server: Replica, body: Mapping[str, object], fault: Fault) -> int | None:
        """Return how many completion tokens fit behind the prompt, if any useful number does."""
        if fault.kind != "too_long":
            return None
        traits = server.traits or ServerTraits()
        length = context_length(fault.detail) or traits.max_model_len
        prompt = prompt_length(fault.detail)
        if prompt is None:
            prompt = await server.count_tokens(body)
        if not length or prompt is None or length - prompt < SHORTEST_REPLY:
            return None
        return length - prompt

    def _begin(self, pool: _Pool) -> None:
        """Prepare a role at its first call, before any deadline runs."""
        if pool.begun:
            return
        pool.begun = True
        for server in pool.replicas:
            server.open()
        if pool.limit.adapts:
            pool.steering = asyncio.create_task(_follow_metrics(pool))


def _given_up(request: Request, server: Replica, faults: Sequence[Fault]) -> CallError:
    times = "once" if len(faults) == 1 else f"{len(faults)} times"
    return CallError(
        f"The {request.role} at {server.url} gave no usable reply, asked {times}: "
        f"{faults[-1].detail}",
        advice(faults, request.model),
    )


async def _follow_metrics(pool: _Pool) -> None:
    """Pass vLLM's own numbers on to the role's limit."""
    while True:
        await asyncio.sleep(STEERING_INTERVAL)
        if pool.gate.in_flight == 0:
            continue
        with suppress(Exception):  # metrics are a hint; the calls themselves report real trouble
            loads = [await server.load() for server in pool.replicas]
            known = [load for load in loads if load is not None]
            if known and len(known) == len(pool.replicas):
                now = asyncio.get_running_loop().time()
                pool.limit.reported(now, sum(known, start=Load(0, 0, 0.0)))


async def _revive_once(revive: Revive, role: Role, server: Replica) -> None:
    """Have `server` started again; one that was not keeps its rest, and its calls their pauses."""
    if await revive(role, server.url):
        server.revived_at = asyncio.get_running_loop().time()
        note_success(server)
