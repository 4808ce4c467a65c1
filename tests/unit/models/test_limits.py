"""Order and number of calls in flight, and the clock that stands still meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.models.limits import (
    HIGHEST_LIMIT,
    LOWEST_LIMIT,
    AdaptiveLimit,
    ItemClock,
    PriorityGate,
    clock_stopped,
)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@given(st.lists(st.integers(-5, 5), max_size=20), st.integers(1, 4))
def test_the_gate_admits_by_priority_then_order_and_never_too_many(
    priorities: list[int], limit: int
) -> None:
    async def main() -> list[tuple[int, int]]:
        gate = PriorityGate(0)
        entered: list[tuple[int, int]] = []

        async def enter(number: int, priority: int) -> None:
            async with gate.slot(priority):
                assert gate.in_flight <= limit
                entered.append((priority, number))
                await asyncio.sleep(0)

        tasks = [asyncio.create_task(enter(n, p)) for n, p in enumerate(priorities)]
        await asyncio.sleep(0)
        assert gate.waiting == len(priorities)
        gate.set_limit(limit)
        await asyncio.gather(*tasks)
        assert (gate.in_flight, gate.waiting) == (0, 0)
        return entered

    entered = run(main())
    assert entered == sorted(entered)


@given(st.sets(st.integers(0, 9)), st.integers(0, 4))
def test_cancelled_calls_leave_no_place_taken(cancelled: set[int], steps: int) -> None:
    async def main() -> None:
        gate = PriorityGate(3)
        finished: list[int] = []

        async def enter(number: int) -> None:
            async with gate.slot(number):
                await asyncio.sleep(0)
            finished.append(number)

        tasks = [asyncio.create_task(enter(n)) for n in range(10)]
        for _ in range(steps):
            await asyncio.sleep(0)
        for number in cancelled:
            tasks[number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (gate.in_flight, gate.waiting) == (0, 0)
        assert set(range(10)) - cancelled <= set(finished)

    run(main())


def test_a_lower_limit_lets_holders_finish() -> None:
    async def main() -> None:
        gate = PriorityGate(2)
        async with gate.slot(0), gate.slot(0):
            gate.set_limit(1)
            waiting = asyncio.create_task(anext_slot(gate))
            await asyncio.sleep(0)
            assert gate.waiting == 1
        await waiting

    run(main())


async def anext_slot(gate: PriorityGate) -> None:
    """Enter and leave the gate."""
    async with gate.slot(0):
        assert gate.in_flight == 1


def busy(limit: int) -> tuple[PriorityGate, AdaptiveLimit]:
    """Return a full gate and its steering."""
    gate = PriorityGate(limit)
    gate.in_flight = limit
    return gate, AdaptiveLimit(gate)


def test_the_limit_grows_by_one_for_each_full_round_of_replies() -> None:
    gate, limit = busy(4)
    for _ in range(4):
        limit.replied()
    assert gate.limit == 5


def test_an_idle_gate_does_not_grow() -> None:
    gate, limit = busy(4)
    gate.in_flight = 1
    for _ in range(40):
        limit.replied()
    assert gate.limit == 4


def test_a_burst_of_refusals_halves_the_limit_once() -> None:
    gate, limit = busy(16)
    for now in (10.0, 10.1, 10.9):
        limit.refused(now)
    assert gate.limit == 8
    limit.refused(11.5)
    assert gate.limit == 4


def test_the_limit_follows_what_the_server_runs() -> None:
    gate, limit = busy(64)
    limit.reported(running=16, waiting=48)
    assert gate.limit == 18


def test_the_limit_grows_while_nothing_waits_at_the_server() -> None:
    gate, limit = busy(16)
    limit.reported(running=16, waiting=0)
    assert gate.limit == 24
    gate.in_flight = 20
    limit.reported(running=20, waiting=0)
    assert gate.limit == 24, "calls are what is missing, not places"


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), max_size=30))
def test_no_report_leads_out_of_bounds(reports: list[tuple[int, int]]) -> None:
    gate, limit = busy(16)
    for running, waiting in reports:
        limit.reported(running, waiting)
        limit.refused(float(running))
        limit.replied()
        gate.in_flight = gate.limit
        assert LOWEST_LIMIT <= gate.limit <= HIGHEST_LIMIT


def test_a_fixed_limit_stays() -> None:
    gate = PriorityGate(7)
    gate.in_flight = 7
    limit = AdaptiveLimit(gate, fixed=True)
    limit.reported(100, 0)
    limit.reported(1, 100)
    limit.refused(5.0)
    for _ in range(100):
        limit.replied()
    assert gate.limit == 7


def test_the_clock_stands_still_while_it_is_stopped() -> None:
    async def main() -> None:
        async with ItemClock(0.05).running():
            with clock_stopped(), clock_stopped():
                await asyncio.sleep(0.1)

    run(main())


def test_the_clock_goes_on_where_it_stopped() -> None:
    clock = ItemClock(0.05)

    async def main() -> None:
        async with clock.running():
            with clock_stopped():
                await asyncio.sleep(0)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        run(main())
    assert clock.ran_out


def test_a_call_that_outlives_its_item_leaves_the_clock_alone() -> None:
    async def main() -> None:
        go = asyncio.Event()

        async def shared() -> None:
            with clock_stopped():
                await go.wait()

        async with ItemClock(10).running():
            task = asyncio.create_task(shared())
            await asyncio.sleep(0)
        go.set()
        await task

    run(main())


def test_code_without_an_item_has_no_clock() -> None:
    with clock_stopped():
        pass
