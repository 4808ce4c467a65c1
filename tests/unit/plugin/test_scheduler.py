"""The scheduler's promises, for any order in which solutions and workers come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.plugin.scheduler import ReadyScheduling


class Worker:
    """What xdist's side of a worker does, and the rule that a worker holds its last item back."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.queue: list[int] = []
        self.told: list[str] = []
        self.shutting_down = False
        self.done: list[int] = []

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        assert not self.shutting_down, "an item after the shutdown would never run"
        assert self.told[-1] == f"item{indices[0]}", "the solution comes right before its item"
        self.queue += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    def can_run(self) -> bool:
        return len(self.queue) > 1 or bool(self.queue and self.shutting_down)


def scheduling(
    workers: int,
    items: int,
    weights: Sequence[float] = (),
    on_report: Callable[..., None] | None = None,
    late: int = 0,
    on_send: Callable[[], None] = lambda: None,
) -> tuple[ReadyScheduling, list[Worker], list[str]]:
    ids = [f"item{number}" for number in range(items)]
    weight = {name: weights[n] if weights else 0.0 for n, name in enumerate(ids)}

    def send(node: Any, node_id: str) -> None:
        on_send()
        cast(Worker, node).told.append(node_id)

    hook = SimpleNamespace(pytest_collectreport=on_report)
    config = cast(pytest.Config, SimpleNamespace(hook=hook))
    found = ReadyScheduling(
        config,
        workers - late,
        lambda _ids: None,
        weight.__getitem__,
        send,
    )
    nodes = [Worker(f"gw{number}") for number in range(workers)]
    for node in nodes[: workers - late]:
        join(found, node, ids)
    return found, nodes, ids


def join(found: ReadyScheduling, node: Worker, ids: Sequence[str]) -> None:
    """What xdist does when a worker has started and collected."""
    found.add_node(cast(Any, node))
    found.add_node_collection(cast(Any, node), ids)
    if found.collection_is_completed:
        found.schedule()


def run_one(found: ReadyScheduling, node: Worker) -> None:
    number = node.queue.pop(0)
    node.done.append(number)
    found.mark_test_complete(cast(Any, node), number)


@given(st.data(), st.integers(1, 5), st.integers(1, 20))
def test_every_item_runs_once_whatever_the_order(data: Any, workers: int, items: int) -> None:
    late = data.draw(st.integers(0, workers - 1))
    found, nodes, ids = scheduling(workers, items, late=late)
    to_come = data.draw(st.permutations(ids))
    to_join = nodes[workers - late :]
    while to_come or to_join or any(node.can_run() for node in nodes):
        runnable = [node for node in nodes if node.can_run()]
        if to_join and data.draw(st.booleans()):
            join(found, to_join.pop(), ids)
        elif to_come and (not runnable or data.draw(st.booleans())):
            found.ready([to_come.pop()])
        elif runnable:
            run_one(found, data.draw(st.sampled_from(runnable)))
    assert sorted(n for node in nodes for n in node.done) == list(range(items))
    assert found.tests_finished
    assert all(node.shutting_down for node in nodes)


def test_nothing_is_handed_out_before_it_is_ready() -> None:
    found, nodes, ids = scheduling(2, 4)
    assert not nodes[0].queue + nodes[1].queue
    assert found.has_pending
    assert not found.tests_finished
    found.ready([ids[2]])
    assert nodes[0].queue + nodes[1].queue == [2]


def test_a_worker_that_waits_for_its_next_item_is_fed_first() -> None:
    found, nodes, ids = scheduling(3, 6)
    found.ready([ids[0]])
    found.ready([ids[1]])
    assert sorted(len(node.queue) for node in nodes) == [0, 0, 2]


def test_the_longest_of_the_ready_goes_first() -> None:
    found, nodes, ids = scheduling(1, 5, weights=[1, 2, 9, 4, 3])
    found.ready(ids)
    while nodes[0].can_run():
        run_one(found, nodes[0])
    assert nodes[0].done == [2, 3, 4, 1, 0]


def test_an_item_that_is_announced_twice_runs_once() -> None:
    found, nodes, ids = scheduling(1, 2)
    found.ready([ids[0], ids[0]])
    found.ready([ids[0], "unknown"])
    found.ready([ids[1]])
    assert sorted(nodes[0].queue) == [0, 1]


@given(st.integers(2, 4), st.integers(2, 12))
def test_a_crash_loses_only_the_item_that_ran(workers: int, items: int) -> None:
    found, nodes, ids = scheduling(workers, items)
    found.ready(ids)
    crashed = nodes[0]
    lost = found.remove_node(cast(Any, crashed))
    assert lost == ids[crashed.queue[0]]
    if all(node.shutting_down for node in nodes[1:]):
        replacement = Worker("gw9")
        join(found, replacement, ids)
        nodes.append(replacement)
    for node in nodes[1:]:
        while node.can_run():
            run_one(found, node)
        for other in nodes[1:]:
            while other.can_run():
                run_one(found, other)
    ran = sorted(n for node in nodes[1:] for n in node.done)
    assert ran == sorted(set(range(items)) - {crashed.queue[0]})
    assert found.tests_finished


def test_no_worker_is_ended_while_another_thread_hands_out_the_last_item() -> None:
    seen: list[tuple[bool, list[int]]] = []

    def look() -> None:
        seen.append((found.tests_finished, list(nodes[0].queue)))

    def look_from_xdists_thread() -> None:
        watcher.start()
        watcher.join(0.2)  # it has to wait for us, so this ends by itself

    watcher = threading.Thread(target=look)
    found, nodes, ids = scheduling(1, 1, on_send=look_from_xdists_thread)
    found.ready(ids)
    watcher.join()
    assert seen == [(True, [0])]


def test_a_late_worker_that_collected_something_else_gets_no_item() -> None:
    said: list[str] = []
    found, nodes, ids = scheduling(1, 4, on_report=lambda report: said.append(report.longrepr))
    found.ready(ids)
    assert found.remove_node(cast(Any, nodes[0])) == ids[0]
    late = Worker("gw9")
    join(found, late, ids[:-1])
    assert late.shutting_down
    assert not late.queue
    assert "-item3" in said[0]
    assert len(said) == 1


def test_the_end_is_known_although_workers_have_gone() -> None:
    found, nodes, ids = scheduling(2, 2)
    found.ready(ids)
    for node in nodes:
        while node.can_run():
            run_one(found, node)
        assert found.remove_node(cast(Any, node)) is None
    assert found.tests_finished
