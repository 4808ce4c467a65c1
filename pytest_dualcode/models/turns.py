"""Two models in turns on one card: whole phases of one role's calls, then of the other's.

vLLM's sleep mode moves a model's weights to the host's memory and back, which takes seconds; so
the roles change places as rarely as the pipelines allow. `Turns` decides when; `Servers.switch`
does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from pytest_dualcode.models.limits import clock_stopped
from pytest_dualcode.types import ROLES, Role

Switch = Callable[[Role, Role], Awaitable[None]]
"""Puts the first role's model to sleep and wakes the second's. Raises `ServerError`."""

LINGER = 2.0
"""Seconds without a call before a turn ends: an item may be at its visible examples just now, and
ask the same role again."""

LONGEST_WAIT = 900.0
"""Seconds that a call waits for the other role's turn to end, if there is no end of its calls."""


class Turns:
    """Lets one role's calls through at a time. All of it runs in one asyncio loop.

    A turn ends when its role has had no call for `linger` seconds and the other has some, or when
    those have waited for `longest_wait` seconds; then no further call begins, those under way
    finish, and the roles change places. If that fails, both models may be asleep, and every later
    call gets the error.
    """

    def __init__(
        self,
        first: Role,
        switch: Switch,
        *,
        linger: float = LINGER,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self.active = first
        self.switches = 0
        self._switch = switch
        self._linger = linger
        self._longest_wait = longest_wait
        self._closing = False
        self._entered = 0
        self._present = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._waiting: dict[Role, set[asyncio.Future[None]]] = {role: set() for role in ROLES}
        self._task: asyncio.Task[None] | None = None
        self._broken: Exception | None = None

    def open_to(self, role: Role) -> bool:
        """Whether a call to `role` may begin now."""
        return role == self.active and not self._closing

    @asynccontextmanager
    async def turn(self, role: Role) -> AsyncIterator[None]:
        """Wait for `role`'s turn, in which the item's clock stands still; then it is present.

        The turn does not end while a call is present, but it may close: who has waited for
        something else meanwhile asks `open_to` before it begins.
        """
        with clock_stopped():
            while self._broken is not None or not self.open_to(role):
                await self._wait(role)
        self._entered += 1
        self._present += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._present -= 1
            if self._present == 0:
                self._quiet.set()

    async def aclose(self) -> None:
        """End the task that changes turns."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _wait(self, role: Role) -> None:
        """Wait for the next change of turns."""
        if self._broken is not None:
            raise self._broken
        change = asyncio.get_running_loop().create_future()
        self._waiting[role].add(change)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._change_turns())
        try:
            await change
        finally:
            self._waiting[role].discard(change)

    async def _change_turns(self) -> None:
        """Change turns as long as anybody waits for the other role's."""
        while self._waiting[other(self.active)]:
            await self._turn_is_over()
            try:
                if self._waiting[other(self.active)]:
                    await self._switch(self.active, other(self.active))
                    self.active = other(self.active)
                    self.switches += 1
            except Exception as error:
                self._broken = error
            self._closing = False
            self._call_in()

    async def _turn_is_over(self) -> None:
        """Return when the active role has nothing more to do, or has had its time."""
        ends = asyncio.get_running_loop().time() + self._longest_wait
        while True:
            try:
                async with asyncio.timeout_at(None if self._closing else ends):
                    await self._quiet.wait()
                    entered = self._entered
                    if not self._closing:
                        await asyncio.sleep(self._linger)
            except TimeoutError:
                self._closing = True
                continue
            if self._quiet.is_set() and (self._closing or entered == self._entered):
                self._closing = True  # until the models have changed places
                return

    def _call_in(self) -> None:
        """Let those in whose turn it is; after a failure, all get the error."""
        roles = ROLES if self._broken is not None else (self.active,)
        for role in roles:
            for change in self._waiting[role]:
                if not change.done() and self._broken is not None:
                    change.set_exception(self._broken)
                elif not change.done():
                    change.set_result(None)
            self._waiting[role].clear()


def other(role: Role) -> Role:
    """The other of the two roles."""
    return "planner" if role == "coder" else "coder"
