"""The engine keeps items apart, ends when told to, and hands every result over."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from pytest_dualcode.engine import Engine, Result, WorkItem
from pytest_dualcode.errors import CallError, InfrastructureError, StoreError
from pytest_dualcode.models.base import Traffic
from pytest_dualcode.models.limits import PriorityGate, clock_stopped
from pytest_dualcode.types import ItemKey, Role, Solution


class Idle:
    """Models that nobody asks; they only count how often they were closed."""

    closed = 0

    def traffic(self) -> Mapping[Role, Traffic]:
        return {"coder": Traffic(done=1, completion_tokens=40), "planner": Traffic()}

    async def aclose(self) -> None:
        self.closed += 1


def item(name: str, solve: Callable[[], Coroutine[Any, Any, Solution]]) -> WorkItem:
    return WorkItem(ItemKey("recipe", name), solve)


def solved(text: str) -> WorkItem:
    """Return an item that is solved at once."""

    async def solve() -> Solution:
        return Solution(text)

    return item(text, solve)


def broken(name: str, error: BaseException) -> WorkItem:
    """Return an item whose pipeline raises."""

    async def solve() -> Solution:
        raise error

    return item(name, solve)


def results_of(*items: WorkItem, timeout: float = 60) -> dict[str, Result]:
    """Run an engine to its end and return its results by task."""
    results: dict[str, Result] = {}
    models = Idle()
    engine = Engine(
        models, on_ready=lambda key, r: results.update({key.task_id: r}), item_timeout=timeout
    )
    engine.start(items)
    assert engine.wait(60)
    assert models.closed == 1
    assert len(results) == len(items)
    return results


def test_every_item_gets_its_solution() -> None:
    names = [f"t{n}" for n in range(50)]
    assert results_of(*map(solved, names)) == {name: Solution(name) for name in names}


def test_no_items_end_at_once() -> None:
    assert results_of() == {}


def test_items_run_at_the_same_time() -> None:
    started: list[str] = []
    everybody = asyncio.Event()

    def meeting(name: str) -> WorkItem:
        async def solve() -> Solution:
            started.append(name)
            if len(started) == 100:
                everybody.set()
            await everybody.wait()
            return Solution(name)

        return item(name, solve)

    assert len(results_of(*(meeting(str(n)) for n in range(100)))) == 100


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        KeyError("k"),
        SystemExit(3),
        AssertionError(),
        RecursionError(),
        pytest.skip.Exception("not for this one"),
        pytest.fail.Exception("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_bug_in_a_pipeline_is_the_error_of_its_item_alone(error: BaseException) -> None:
    results = results_of(solved("good"), broken("bad", error), solved("fine"))
    assert results["good"] == Solution("good")
    assert results["fine"] == Solution("fine")
    text = str(results["bad"])
    assert isinstance(results["bad"], InfrastructureError)
    assert text.startswith("The pipeline recipe broke on bad:\n")
    assert "raise error" in text
    assert type(error).__name__ in text
    assert "bug in the pipeline" in text


def test_an_infrastructure_error_is_handed_on_as_it_is() -> None:
    error = CallError("The coder is gone.", "Start it.")
    assert results_of(broken("x", error)) == {"x": error}


def test_a_store_that_cannot_be_written_is_infrastructure() -> None:
    result = results_of(broken("x", StoreError("Disk full.", "Free some space.")))["x"]
    assert isinstance(result, InfrastructureError)
    assert str(result) == "Disk full.\nFree some space."


def test_a_pipeline_that_cancels_itself_is_an_error() -> None:
    result = results_of(broken("x", asyncio.CancelledError()), solved("y"))["x"]
    assert isinstance(result, InfrastructureError)


def test_an_endless_item_times_out_and_the_others_do_not() -> None:
    async def endless() -> Solution:
        await asyncio.Event().wait()
        raise AssertionError

    results = results_of(item("slow", endless), solved("quick"), timeout=0.05)
    assert results["quick"] == Solution("quick")
    assert "did not finish slow within 0.05 s" in str(results["slow"])
    assert "--item-timeout" in str(results["slow"])


def test_a_timeout_of_the_pipelines_own_is_its_bug() -> None:
    result = results_of(broken("x", TimeoutError()))["x"]
    assert "bug in the pipeline" in str(result)


def test_waiting_for_a_turn_does_not_count_as_the_items_time() -> None:
    gate = PriorityGate(1)

    async def busy() -> Solution:
        async with gate.slot(0):
            with clock_stopped():  # this item's own time is not what is tested
                await asyncio.sleep(0.2)
        return Solution("busy")

    async def patient() -> Solution:
        await asyncio.sleep(0)
        async with gate.slot(1):
            return Solution("patient")

    results = results_of(item("busy", busy), item("patient", patient), timeout=0.1)
    assert results == {"busy": Solution("busy"), "patient": Solution("patient")}


def test_stop_ends_at_once_and_keeps_what_is_finished() -> None:
    ready: dict[str, Result] = {}
    first = threading.Event()

    def on_ready(key: ItemKey, result: Result) -> None:
        ready[key.task_id] = result
        first.set()

    async def endless() -> Solution:
        await asyncio.Event().wait()
        raise AssertionError

    models = Idle()
    engine = Engine(models, on_ready=on_ready)
    engine.start([solved("done"), *(item(f"e{n}", endless) for n in range(20))])
    assert first.wait(30)
    assert engine.stop()
    assert ready == {"done": Solution("done")}
    assert models.closed == 1
    assert engine.stop(), "stopping twice does no harm"


def test_stop_before_and_without_start() -> None:
    assert Engine(Idle(), on_ready=print).stop()


def test_what_on_ready_raises_comes_out_and_stops_the_rest() -> None:
    async def endless() -> Solution:
        await asyncio.Event().wait()
        raise AssertionError

    def full(*_: object) -> None:
        raise StoreError("Disk full.")

    engine = Engine(Idle(), on_ready=full)
    engine.start([item("e", endless), solved("x")])
    with pytest.raises(StoreError, match=r"Disk full\."):
        engine.wait(30)
    with pytest.raises(StoreError, match=r"Disk full\."):
        engine.stop()


def test_an_engine_runs_once() -> None:
    engine = Engine(Idle(), on_ready=print)
    engine.start([])
    with pytest.raises(RuntimeError, match="only once"):
        engine.start([])
    engine.stop()
