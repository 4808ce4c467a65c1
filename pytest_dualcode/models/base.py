"""What the rest of the system sees of the models: one `complete` method.

Pipelines depend on `Models` alone. The engine and the call store see a little more: how a request
is spelled out before it is asked (`Backend`, so that its key can be looked up) and how busy each
role is (`Traffic`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_dualcode.types import Call, Message, Request, Role, ThinkingStyle


class Models(Protocol):
    """Two chat models, by role. All that a pipeline sees of the world of servers."""

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
        """Ask `role` for one reply.

        `max_tokens` counts completion tokens, reasoning included (default: the role's own).
        `thinking` is ignored where the role cannot think. Calls with a lower `priority` number
        go first. Raises `CallError` when no reply can be had, `ReplayMiss` in a replay.
        """
        ...

    def supports_thinking(self, role: Role) -> bool:
        """Whether `role` has a reasoning mode that can be switched on and off."""
        ...


class Endpoint(Protocol):
    """Where a role is served and how it is asked; `endpoints.RoleEndpoint` is one.

    `urls` are base URLs (``http://host:8000/v1``) of equal servers; none in a replay.
    `draft_tokens` and `review_tokens` are the completion tokens of a call that asks for no
    thinking and of one that does. `max_in_flight` is how many calls over all URLs to begin with.
    `sampling` are fields of `Sampling` that are not greedy's, `thinking_budget` the most tokens of
    a thought. `thinking_style` says how thinking is switched; the efforts, where it is by words,
    are for calls with a thought and without one (empty: the style's own).
    """

    @property
    def urls(self) -> tuple[str, ...]: ...
    @property
    def model(self) -> str: ...
    @property
    def draft_tokens(self) -> int: ...
    @property
    def review_tokens(self) -> int: ...
    @property
    def thinking(self) -> bool: ...
    @property
    def launched(self) -> bool: ...
    @property
    def max_in_flight(self) -> int: ...
    @property
    def sampling(self) -> Mapping[str, float]: ...
    @property
    def thinking_budget(self) -> int | None: ...
    @property
    def thinking_style(self) -> ThinkingStyle: ...
    @property
    def thinking_effort(self) -> str: ...
    @property
    def answer_effort(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Traffic:
    """One role's calls so far. Tokens are of the calls that were made, not of stored ones.

    ``waiting`` calls have not been sent yet; ``retries`` counts attempts that failed and were
    repeated; ``limit`` is the number of calls that may be in flight now.
    """

    done: int = 0
    in_flight: int = 0
    waiting: int = 0
    stored: int = 0
    failed: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    limit: int = 0


class Measured(Protocol):
    """What the engine sees of the models: how busy they are, and their end."""

    def traffic(self) -> Mapping[Role, Traffic]:
        """Return the counts by role; may be called from any thread."""
        ...

    async def aclose(self) -> None:
        """End the calls in flight and close all connections."""
        ...


class Backend(Models, Measured, Protocol):
    """Models whose requests can be spelled out first and asked later."""

    def request(
        self,
        role: Role,
        messages: Sequence[Message],
        *,
        thinking: bool = False,
        max_tokens: int | None = None,
        sample: int = 0,
    ) -> Request:
        """Return the request that `complete` would ask, without asking it."""
        ...

    async def call(self, request: Request, priority: int = 0) -> Call:
        """Ask `request`. Raises `CallError`."""
        ...
