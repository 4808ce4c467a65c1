"""The engine: solves all items of a run at once, in a thread of the controller.

Every item's pipeline starts as early as the roles' limits allow, whatever the number of pytest
workers is. The order comes from the calls' priorities (`models.limits`); the engine itself only
keeps items apart: what goes wrong in one becomes that item's error. It knows nothing of pytest.
"""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_dualcode.errors import DualcodeError, InfrastructureError
from pytest_dualcode.models.base import Measured
from pytest_dualcode.models.limits import ItemClock
from pytest_dualcode.types import ItemKey, Solution

Result = Solution | InfrastructureError
OnReady = Callable[[ItemKey, Result], None]

MOST_OPEN_ITEMS = 4096
"""Items under way at once: more than any server's batch, few enough to keep memory small."""

TRACEBACK_LINES = 8


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One item and the pipeline run that solves it, ready to be started."""

    key: ItemKey
    solve: Callable[[], Coroutine[Any, Any, Solution]]


class Engine:
    """Runs work items in an asyncio loop in its own thread and hands each result to `on_ready`.

    `on_ready` is called in that thread, in the order in which items finish. If it raises, the
    engine stops and `wait` and `stop` raise the same. `item_timeout` bounds an item's time in
    seconds; time in which its calls wait their turn does not count.
    """

    def __init__(
        self, models: Measured, *, on_ready: OnReady, item_timeout: float = 3600.0
    ) -> None:
        self._models = models
        self._on_ready = on_ready
        self._item_timeout = item_timeout
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main_task: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._stopping = False
        self._failure: BaseException | None = None
        self._items = 0

    def start(self, items: Sequence[WorkItem]) -> None:
        """Begin to solve `items`; returns at once. An engine runs once."""
        if self._thread is not None:
            raise RuntimeError("an engine can be started only once")
        self._items = len(items)
        self._thread = threading.Thread(
            target=self._run, args=(iter(items),), name="dualcode-engine", daemon=True
        )
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all items have finished; false if `timeout` seconds were not enough.

        Raises what `on_ready` raised, if it did.
        """
        if self._thread is None:
            return True
        self._thread.join(timeout)
        if self._failure is not None:
            raise self._failure
        return not self._thread.is_alive()

    def stop(self, timeout: float = 10.0) -> bool:
        """End now: cancel what is in flight. Items that have not finished get no result.

        Everything finished is kept: calls are stored as they come. False if something in a
        pipeline did not end within `timeout` seconds. Raises what `on_ready` raised, if it did.
        """
        with self._lock:
            self._stopping = True
            if self._loop is not None and self._main_task is not None:
                self._loop.call_soon_threadsafe(self._main_task.cancel)
        return self.wait(timeout)

    def _run(self, items: Iterator[WorkItem]) -> None:
        try:
            asyncio.run(self._main(items))
        except asyncio.CancelledError:
            pass  # stopped
        except BaseException as error:
            self._failure = error

    async def _main(self, items: Iterator[WorkItem]) -> None:
        with self._lock:
            if self._stopping:
                return
            self._loop = asyncio.get_running_loop()
            self._main_task = asyncio.current_task()
        lanes = [
            asyncio.create_task(self._lane(items)) for _ in range(min(MOST_OPEN_ITEMS, self._items))
        ]
        try:
            await asyncio.gather(*lanes)
        finally:
            with self._lock:
                self._loop = None
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            await self._models.aclose()

    async def _lane(self, items: Iterator[WorkItem]) -> None:
        """Solve one item after the other, as long as there are any."""
        for item in items:
            result = await self._result(item)
            self._on_ready(item.key, result)

    async def _result(self, item: WorkItem) -> Result:
        """Solve one item. Whatever goes wrong in it is its result."""
        clock = ItemClock(self._item_timeout)
        try:
            async with clock.running():
                return await item.solve()
        except InfrastructureError as error:
            return error
        except DualcodeError as error:
            return InfrastructureError(error.what, error.remedy)
        except TimeoutError as error:
            return self._too_slow(item.key) if clock.ran_out else _bug(item.key, error)
        except asyncio.CancelledError as error:
            if self._cancelled_from_outside():
                raise
            return _bug(item.key, error)
        except GeneratorExit:
            raise  # the loop is closing
        except BaseException as error:  # pytest.skip and pytest.fail raise no `Exception`
            return _bug(item.key, error)

    @staticmethod
    def _cancelled_from_outside() -> bool:
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0

    def _too_slow(self, key: ItemKey) -> InfrastructureError:
        return InfrastructureError(
            f"{key.pipeline} did not finish {key.task_id} within {self._item_timeout:g} s "
            "(waiting for its turn not counted).",
            "Raise --item-timeout if the models are that slow; --resume keeps the finished calls.",
        )


def _bug(key: ItemKey, error: BaseException) -> InfrastructureError:
    """Return the error of an item whose pipeline raised something unexpected."""
    lines = "".join(traceback.format_exception(error)).rstrip().splitlines()
    return InfrastructureError(
        f"The pipeline {key.pipeline} broke on {key.task_id}:\n"
        + "\n".join(lines[-TRACEBACK_LINES:]),
        "This is a bug in the pipeline, not in the model's program. Mend it and use --resume.",
    )
