"""xdist scheduling for items that become ready one by one.

xdist's own schedulers hand out everything at once. Here an item is given to a worker when its
solution is ready, longest judging time first, so that no worker waits for a model while another
item could be judged.

A worker of xdist starts an item only when it knows the next one (or that there is none). So a
worker that has one item is the first to be given another, and the last items start when all
workers are told to shut down.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from threading import RLock
from typing import TYPE_CHECKING

import pytest
from xdist.report import report_collection_diff

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

QUEUED = 2
"""Items that a worker holds at most: the one that runs, and the next."""


class ReadyScheduling:
    """Implements xdist's ``Scheduling`` protocol.

    `start` is called once, with the collected node ids, when `needed` workers have collected;
    the others join as they come. From then on `ready` may be called from any thread. `weight`
    estimates judging seconds. `send` is called with a worker and a node id right before the item
    itself is sent there; both it and xdist raise ``OSError`` if the worker has just died.
    """

    def __init__(
        self,
        config: pytest.Config,
        needed: int,
        start: Callable[[Sequence[str]], None],
        weight: Callable[[str], float],
        send: Callable[[WorkerController, str], None],
    ) -> None:
        self._config = config
        self._needed = needed
        self._start = start
        self._weight = weight
        self._send = send
        self._lock = RLock()
        self._collections: dict[WorkerController, list[str]] = {}
        self._held: dict[WorkerController, list[int]] = {}
        self._items: list[str] | None = None
        self._index: dict[str, int] = {}
        self._ready: list[tuple[float, int]] = []
        self._awaited: set[int] = set()

    @property
    def nodes(self) -> list[WorkerController]:
        """The workers that are up."""
        return list(self._held)

    @property
    def collection_is_completed(self) -> bool:
        """Whether enough workers have collected; xdist then calls `schedule`, for late ones too."""
        return len(self._collections) >= self._needed

    @property
    def has_pending(self) -> bool:
        """Whether items are waiting, for a solution or for a worker."""
        with self._lock:
            return bool(self._awaited or self._ready or any(self._held.values()))

    @property
    def tests_finished(self) -> bool:
        """Whether all items are with workers, none of which holds more than its last.

        xdist asks after each event, and then ends the workers. With the lock, since an item that
        another thread is just handing out is nowhere, and would be sent to a worker that ends.
        """
        with self._lock:
            if not self.collection_is_completed or self._awaited or self._ready:
                return False
            return all(len(held) < QUEUED for held in self._held.values())

    def add_node(self, node: WorkerController) -> None:
        """A worker came up."""
        with self._lock:
            self._held[node] = []

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """A worker has collected. A late one that collected something else gets no item."""
        with self._lock:
            if self._items is not None and self._differs(node, collection, self._items):
                node.shutdown()
            else:
                self._collections[node] = list(collection)

    def schedule(self) -> None:
        """Begin, or go on with a worker that comes late or replaces a crashed one."""
        if self._items is not None:
            self._dispatch()
            return
        first = next(iter(self._collections.values()))
        if any(self._differs(*found, first) for found in self._collections.items()):
            return
        self._items = first
        self._index = {node_id: number for number, node_id in enumerate(first)}
        self._awaited = set(range(len(first)))
        self._start(first)
        self._dispatch()

    def _differs(
        self, node: WorkerController, collection: Sequence[str], first: Sequence[str]
    ) -> bool:
        """Whether a worker collected something else; reported as xdist does it."""
        name = node.gateway.id
        difference = report_collection_diff(list(first), list(collection), "the first", name)
        if difference:
            report = pytest.CollectReport(name, "failed", difference, [])
            self._config.hook.pytest_collectreport(report=report)
        return bool(difference)

    def ready(self, node_ids: Sequence[str]) -> None:
        """The solutions of these items are there (or will never be). Any thread."""
        with self._lock:
            for node_id in node_ids:
                number = self._index.get(node_id)
                if number in self._awaited:
                    self._awaited.remove(number)
                    heapq.heappush(self._ready, (-self._weight(node_id), number))
            self._dispatch()

    def _dispatch(self) -> None:
        """Hand ready items to workers with room; shut the workers down after the last."""
        with self._lock:
            if self._items is None:
                return
            while self._ready and (node := self._next_node()):
                entry = heapq.heappop(self._ready)
                try:
                    self._send(node, self._items[entry[1]])
                    node.send_runtest_some([entry[1]])
                except OSError:  # it has just died; xdist will tell, and replace it
                    heapq.heappush(self._ready, entry)
                    return
                self._held[node].append(entry[1])
            if not self._ready and not self._awaited:
                for node in self._held:
                    node.shutdown()

    def _next_node(self) -> WorkerController | None:
        """Return the worker to feed: one that waits for its second item, else an empty one."""
        free = [
            (len(held) != 1, len(held), order, node)
            for order, (node, held) in enumerate(self._held.items())
            if len(held) < QUEUED and node in self._collections and not node.shutting_down
        ]
        return min(free)[3] if free else None

    def mark_test_complete(
        self,
        node: WorkerController,
        item_index: int,
        duration: float = 0,  # noqa: ARG002 - xdist passes it by name
    ) -> None:
        """A worker has finished an item."""
        with self._lock:
            self._held[node].remove(item_index)
            self._dispatch()

    def mark_test_pending(self, item: str) -> None:
        """Run an item (again)."""
        with self._lock:
            heapq.heappush(self._ready, (-self._weight(item), self._index[item]))
            self._dispatch()

    def remove_pending_tests_from_node(
        self, node: WorkerController, indices: Sequence[int]
    ) -> None:
        """Only schedulers that steal work need this."""
        raise NotImplementedError

    def remove_node(self, node: WorkerController) -> str | None:
        """A worker ended; return the item that it crashed on, give the others to the rest."""
        with self._lock:
            held = self._held.pop(node)
            if not held or self._items is None:
                return None
            for number in held[1:]:
                heapq.heappush(self._ready, (-self._weight(self._items[number]), number))
            self._dispatch()
            return self._items[held[0]]
