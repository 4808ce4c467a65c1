"""How many calls a role may have in flight, which goes next, and whose time runs meanwhile.

`PriorityGate` admits the waiting call with the lowest priority number, so an early item's review
goes before a late item's draft and the calls of one problem stay close together, where the
server's prefix cache still holds their common beginning.

`ItemClock` is an item's deadline. It stands still while the item's calls wait their turn: a long
run must not time its last items out only because the first ones came before them.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count

HIGHEST_LIMIT = 256
"""vLLM's own default for sequences in one server's batch; more would only wait in its queue."""

LOWEST_LIMIT = 2

MEASURED_SECONDS = 5.0
"""How long a limit is held before its rate counts: a batch takes a while to fill."""

WORTHWHILE = 1.05
"""A step up must bring at least this factor in tokens per second to be kept."""

REST_SECONDS = 60.0
"""How long a limit is left alone after a step that did not pay."""


class PriorityGate:
    """At most `limit` holders at a time; the lowest priority number enters first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    @property
    def waiting(self) -> int:
        """How many calls wait to enter."""
        return sum(not entry[2].done() for entry in list(self._queue))

    @asynccontextmanager
    async def slot(self, priority: int) -> AsyncIterator[None]:
        """Hold one place; the item's clock stands still until it is granted."""
        with clock_stopped():
            await self._enter(priority)
        try:
            yield
        finally:
            self.in_flight -= 1
            self._admit()

    def set_limit(self, limit: int) -> None:
        """Change the limit; holders above a lower one finish undisturbed."""
        self.limit = limit
        self._admit()

    async def _enter(self, priority: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (priority, next(self._order), turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # admitted and cancelled in one loop step
                self.in_flight -= 1
                self._admit()
            raise

    def _admit(self) -> None:
        while self._queue and self.in_flight < self.limit:
            _, _, turn = heapq.heappop(self._queue)
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)


@dataclass(frozen=True, slots=True)
class Load:
    """What a server says of itself: requests that run and that wait, tokens generated so far."""

    running: int
    waiting: int
    generated: float

    def __add__(self, other: Load) -> Load:
        return Load(
            self.running + other.running,
            self.waiting + other.waiting,
            self.generated + other.generated,
        )


class AdaptiveLimit:
    """Finds how many calls a server works on at once, from what it says or how it reacts.

    vLLM reports its load. Requests beyond those that it runs only wait in its queue, in its order
    instead of ours: the limit goes down to the running ones with a margin that keeps the next
    batch filled. While nothing waits there, the limit climbs as long as that makes the server
    generate more, since more in flight also makes each call slower. Other servers are only known
    by their refusals: the limit grows by one for every full round of replies and halves on a
    refusal, as TCP does (RFC 5681).
    """

    def __init__(
        self, gate: PriorityGate, fixed: bool = False, ceiling: int = HIGHEST_LIMIT
    ) -> None:
        self._gate = gate
        self._fixed = fixed
        self._ceiling = ceiling
        self._replies = 0
        self._reported = False
        self._halved_at = float("-inf")
        self._climb = _Climb()

    @property
    def adapts(self) -> bool:
        """Whether the limit may still change (it was not fixed by the user)."""
        return not self._fixed

    def replied(self) -> None:
        """A reply came: probe upwards, unless the server's own numbers steer."""
        self._replies += 1
        full = self._gate.in_flight >= self._gate.limit
        if self._fixed or self._reported or not full or self._replies < self._gate.limit:
            return
        self._replies = 0
        self._set(self._gate.limit + 1)

    def refused(self, now: float) -> None:
        """The server said it has too much to do; one burst of refusals counts once."""
        if self._fixed or now - self._halved_at < 1.0:
            return
        self._halved_at = now
        self._replies = 0
        self._set(self._gate.limit // 2)

    def reported(self, now: float, load: Load) -> None:
        """vLLM's own numbers at time `now`, over all of the role's servers."""
        if self._fixed:
            return
        self._reported = True
        margin = max(2, load.running // 8)
        if load.waiting > margin:
            self._climb = _Climb()
            self._set(load.running + margin)
        elif load.waiting == 0 and self._gate.in_flight >= self._gate.limit:
            self._set(self._climb.next_limit(self._gate.limit, now, load.generated))
        else:
            self._climb.interrupted()

    def _set(self, limit: int) -> None:
        self._gate.set_limit(max(LOWEST_LIMIT, min(self._ceiling, limit)))


class _Climb:
    """Raises a limit by half as long as each step pays; a step that does not is taken back."""

    def __init__(self) -> None:
        self._since: tuple[float, float] | None = None
        self._before: tuple[int, float] | None = None
        self._rest_until = float("-inf")

    def interrupted(self) -> None:
        """The limit was not what bounded the server: measure anew."""
        self._since = None

    def next_limit(self, limit: int, now: float, generated: float) -> int:
        """Return the limit from now on, given the server's tokens so far."""
        if self._since is None:
            self._since = (now, generated)
        seconds = now - self._since[0]
        if seconds < MEASURED_SECONDS or now < self._rest_until:
            return limit
        rate = (generated - self._since[1]) / seconds
        self._since = (now, generated)
        if self._before is not None and rate < WORTHWHILE * self._before[1]:
            limit, self._before = self._before[0], None
            self._rest_until = now + REST_SECONDS
            return limit
        self._before = (limit, rate)
        return limit + max(4, limit // 2)


class ItemClock:
    """A deadline that can stand still, built on `asyncio.timeout`; `seconds` of running time."""

    def __init__(self, seconds: float) -> None:
        self.ran_out = False
        self._left = seconds
        self._stops = 0
        self._timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the body against the clock. Raises `TimeoutError` when it has run out."""
        token = _clock.set(self)
        try:
            async with asyncio.timeout(self._left) as self._timeout:
                yield
        finally:
            self.ran_out = self._timeout is not None and self._timeout.expired()
            self._timeout = None  # a call that outlives the item must not touch it any more
            _clock.reset(token)

    def stop(self) -> None:
        """Stand still; calls nest, as an item may wait for both roles at once."""
        self._stops += 1
        if self._stops == 1 and self._timeout is not None:
            when = self._timeout.when()
            if when is not None and not self._timeout.expired():
                self._left = when - asyncio.get_running_loop().time()
                self._timeout.reschedule(None)

    def start(self) -> None:
        """Run again once every `stop` has been undone."""
        self._stops -= 1
        if self._stops == 0 and self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._left)


_clock: ContextVar[ItemClock | None] = ContextVar("item_clock", default=None)


@contextmanager
def clock_stopped() -> Iterator[None]:
    """Stop the clock of the item on whose behalf this code runs, if there is one."""
    clock = _clock.get()
    if clock is None:
        yield
        return
    clock.stop()
    try:
        yield
    finally:
        clock.start()
