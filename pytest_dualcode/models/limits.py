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
from itertools import count

HIGHEST_LIMIT = 256
"""vLLM's own default for sequences in one batch; more would only wait in its queue."""

LOWEST_LIMIT = 2


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


class AdaptiveLimit:
    """Finds how many calls a server works on at once, from what it says or how it reacts.

    vLLM reports how many requests run and how many wait: more in flight than it runs only wait in
    its queue, out of our order, so the limit follows the running number with a margin that keeps
    the next batch filled. Other servers are only known by their refusals: the limit grows by one
    for every full round of replies and halves on a refusal, as TCP does (RFC 5681).
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

    def reported(self, running: int, waiting: int) -> None:
        """vLLM's own numbers, over all of the role's servers."""
        if self._fixed:
            return
        self._reported = True
        margin = max(2, running // 8)
        if waiting > margin:
            self._set(running + margin)
        elif waiting == 0 and self._gate.in_flight >= self._gate.limit:
            self._set(self._gate.limit + max(4, self._gate.limit // 2))

    def _set(self, limit: int) -> None:
        self._gate.set_limit(max(LOWEST_LIMIT, min(self._ceiling, limit)))


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
