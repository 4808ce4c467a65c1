"""The servers of one role: which one a call goes to, and which ones to leave alone for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pytest_dualcode.models.endpoints import api_key
from pytest_dualcode.models.faults import Fault, fault_of_connection, fault_of_status
from pytest_dualcode.models.limits import Load
from pytest_dualcode.models.wire import ServerTraits, read_load, read_traits
from pytest_dualcode.types import Role

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

NO_KEY = "EMPTY"
"""What is sent where there is no key: `AsyncOpenAI` insists on one, servers without ignore it."""

LONGEST_REST = 30.0
"""Seconds that a failing server is left alone at most before it is tried again."""


@dataclass
class Replica:
    """One server (`url` is its base URL) and how it has behaved so far.

    `attached`: it is not ours, so a gateway may stand before it. `gone_since` is when it was first
    found away, if it has not answered since.
    """

    url: str
    api_key: str = field(repr=False)
    traits: ServerTraits | None = None
    in_flight: int = 0
    failures: int = 0
    rests_until: float = 0.0
    gone_since: float | None = None
    attached: bool = False
    revived_at: float = float("-inf")
    _learning: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _client: Any = field(default=None, repr=False)
    _http: Any = field(default=None, repr=False)

    def open(self) -> None:
        """Make the `AsyncOpenAI` client; not earlier, as importing it takes half a second."""
        import openai

        # A proxy from the environment is no way to a server on this very machine.
        local = urlsplit(self.url).hostname in LOOPBACK
        self._http = openai.DefaultAsyncHttpxClient(trust_env=not local)
        self._client = openai.AsyncOpenAI(
            base_url=self.url,
            api_key=self.api_key,
            max_retries=0,
            timeout=openai.Timeout(None, connect=10.0),
            http_client=self._http,
        )

    async def chat(self, body: Mapping[str, Any]) -> bytes:
        """Post one chat completion and return the reply's bytes. Raises `Fault`."""
        standard = {name: body[name] for name in body if name in STANDARD_FIELDS}
        extra = {name: body[name] for name in body if name not in STANDARD_FIELDS}
        create = self._client.chat.completions.with_raw_response.create
        return await self._content(lambda: create(**standard, extra_body=extra or None))

    async def learn_traits(self, model: str) -> ServerTraits:
        """Ask the server what it is, until it has said so. Raises `Fault` if it does not."""
        async with self._learning:
            if self.traits is None:
                self.traits = await self._find_traits(model)
            return self.traits

    async def load(self) -> Load | None:
        """Return the load by vLLM's metrics; ``None`` where there are none."""
        if self.traits is None or not self.traits.is_vllm:
            return None
        reply = await self._http.get(self._root + "/metrics", timeout=5.0)
        return read_load(reply.text) if reply.status_code == 200 else None

    async def count_tokens(self, body: Mapping[str, Any]) -> int | None:
        """Return the prompt's exact length in tokens, from vLLM's ``/tokenize``, if it says."""
        if self.traits is None or not self.traits.is_vllm:
            return None
        wanted = {k: body[k] for k in ("model", "messages", "chat_template_kwargs") if k in body}
        headers = {"Authorization": f"Bearer {self.api_key}"}
        with suppress(Exception):  # the error that made us ask is reported then
            reply = await self._http.post(self._root + "/tokenize", json=wanted, headers=headers)
            return int(reply.json()["count"])
        return None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def _find_traits(self, model: str) -> ServerTraits:
        """Read ``GET /v1/models``; a server that does not have it has no traits.

        Whatever may pass, or change with the key, is a `Fault`: vLLM taken for another server
        would be asked without its own fields, and nobody would know.
        """
        try:
            content = await self._content(self._client.models.with_raw_response.list)
        except Fault as fault:
            if fault.kind != "rejected" or fault.detail.startswith(("HTTP 401", "HTTP 403")):
                raise
            return ServerTraits()
        return read_traits(content, model)

    @property
    def _root(self) -> str:
        return self.url.rstrip("/").removesuffix("/v1")

    async def _content(self, ask: Callable[[], Awaitable[Any]]) -> bytes:
        import openai

        try:
            content = (await ask()).content
        except openai.APIStatusError as error:
            text = _without_key(error.response.text, self.api_key)
            raise fault_of_status(
                error.status_code, text, error.response.headers, attached=self.attached
            ) from error
        except openai.APIConnectionError as error:
            raise fault_of_connection(error) from error
        assert isinstance(content, bytes)
        return content


STANDARD_FIELDS = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "temperature",
        "top_p",
        "seed",
        "presence_penalty",
        "frequency_penalty",
    }
)
"""What `AsyncOpenAI` takes as arguments; the rest goes through its ``extra_body``."""


def _without_key(text: str, key: str) -> str:
    """Return a server's message without the key, which some of them quote."""
    return text if key == NO_KEY else text.replace(key, "[key]")


def key_for(role: Role, launched: bool) -> str:
    """Return the role's key from the environment. A server that we launched gets none."""
    if launched:
        return NO_KEY
    return api_key(role) or NO_KEY


def choose(replicas: Sequence[Replica], now: float, priority: int) -> Replica:
    """Return the server for the next call: the least busy of those that do not rest.

    Among equals the one that calls of the same `priority` (the same item) went to, since its
    prefix cache holds their beginning. If all rest, the one whose rest ends first: one of them
    has to be tried.
    """
    awake = [replica for replica in replicas if replica.rests_until <= now]
    if not awake:
        return min(replicas, key=lambda replica: replica.rests_until)
    turn = priority % len(replicas)
    preferred = [*replicas[turn:], *replicas[:turn]]
    return min((r for r in preferred if r in awake), key=lambda replica: replica.in_flight)


def note_fault(replica: Replica, fault: Fault, now: float) -> None:
    """Let a server rest after a fault, longer each time; a single success ends it.

    All calls in flight fail together when a server goes: what comes during a rest is no further
    failure.
    """
    if not fault.away:
        replica.gone_since = None
    elif replica.gone_since is None:
        replica.gone_since = now
    if fault.kind in ("rejected", "too_long"):
        return
    if now >= replica.rests_until:
        replica.failures += 1
        rest = min(LONGEST_REST, 0.5 * 2.0 ** min(replica.failures, 10))
        replica.rests_until = now + rest
    replica.rests_until = max(replica.rests_until, now + (fault.retry_after or 0.0))


def note_success(replica: Replica) -> None:
    """Forget a server's faults."""
    replica.failures = 0
    replica.rests_until = 0.0
    replica.gone_since = None


def all_gone(replicas: Sequence[Replica], now: float, patience: float) -> bool:
    """Whether none of the servers has been there for `patience` seconds.

    A call need not wait as long once more to find that out: a run on dead servers would take days.
    """
    return all(r.gone_since is not None and now - r.gone_since >= patience for r in replicas)
