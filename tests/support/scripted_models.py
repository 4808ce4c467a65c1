"""A `Models` whose replies a test scripts, for recipes without a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_dualcode.types import Call, Message, Request, Role, Sampling

Script = Callable[[Role, str], str | tuple[str, str]]
"""From the role and the last user turn to the reply, or (reply, finish reason)."""


class ScriptedModels:
    """Implements the `Models` protocol; `asked` lists (role, last turn, thinking) of each call."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[tuple[Role, str, bool]] = []
        self.requests: list[Request] = []

    def supports_thinking(self, role: Role) -> bool:
        return role == "planner"

    async def complete(
        self,
        role: Role,
        messages: Sequence[Message],
        *,
        thinking: bool = False,
        max_tokens: int | None = None,
        sample: int = 0,
        priority: int = 0,  # noqa: ARG002 - part of the protocol
    ) -> Call:
        turn = messages[-1].content
        reply = self.script(role, turn)
        text, finish = reply if isinstance(reply, tuple) else (reply, "stop")
        sampling = Sampling(max_tokens or 64, thinking=thinking)
        request = Request(role, role, tuple(messages), sampling, sample)
        self.asked.append((role, turn, thinking))
        self.requests.append(request)
        return Call(request, text, "", finish, 10, 5, 0.0, 0.1)
