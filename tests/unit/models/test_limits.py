"""Order and number of calls in flight, and the clock that stands still meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.models.limits import (
    HIGHEST_LIMIT,
    LOWEST_LIMIT,
    AdaptiveLimit,
    ItemClock,
    Load,
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
    limit.reported(0.0, Load(running=16, waiting=48, generated=0))
    assert gate.limit == 18


def climb(rates: Callable[[int], float], seconds: int, limit: int = 16) -> list[int]:
    """Report every second a full server that generates `rates(limit)` tokens a second."""
    gate, steering = busy(limit)
    generated, limits = 0.0, []
    for second in range(seconds):
        steering.reported(float(second), Load(gate.limit, 0, generated))
        gate.in_flight = gate.limit
        generated += rates(gate.limit)
        limits.append(gate.limit)
    return limits


def test_the_limit_climbs_as_long_as_more_is_generated() -> None:
    limits = climb(lambda limit: 10.0 * limit, seconds=60)
    assert limits == sorted(limits)
    assert limits[-1] == HIGHEST_LIMIT


def test_a_step_that_does_not_pay_is_taken_back_and_not_tried_again_soon() -> None:
    limits = climb(lambda limit: 10.0 * min(limit, 24), seconds=60)
    assert max(limits) == 36
    assert limits[-1] == 24
    assert limits[20:] == [24] * 40


def test_a_gate_that_is_not_full_does_not_climb() -> None:
    gate, limit = busy(16)
    for second in range(60):
        gate.in_flight = 15
        limit.reported(float(second), Load(15, 0, 1000.0 * second))
    assert gate.limit == 16, "calls are what is missing, not places"


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), max_size=30))
def test_no_report_leads_out_of_bounds(reports: list[tuple[int, int]]) -> None:
    gate, limit = busy(16)
    for number, (running, waiting) in enumerate(reports):
        limit.reported(10.0 * number, Load(running, waiting, running * number))
        limit.refused(float(running))
        limit.replied()
        gate.in_flight = gate.limit
        assert LOWEST_LIMIT <= gate.limit <= HIGHEST_LIMIT


def test_a_fixed_limit_stays() -> None:
    gate = PriorityGate(7)
    gate.in_flight = 7
    limit = AdaptiveLimit(gate, fixed=True)
    limit.reported(0.0, Load(100, 0, 0))
    limit.reported(9.0, Load(1, 100, 0))
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
