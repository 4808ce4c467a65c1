"""Two models in turns: one role at a time, few changes, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from endpoints import TestEndpoint, ask
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_server import ScriptedCoder, ScriptedServer

from pytest_dualcode.engine import Engine, WorkItem
from pytest_dualcode.errors import ServerError
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.models.turns import Turns, other
from pytest_dualcode.pipelines import find_recipe
from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.types import ROLES, ExampleResult, ItemKey, Role, Solution, Spec

T = TypeVar("T")
Serve = Callable[..., ScriptedServer]


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer when nothing else is to be done.

    Pauses cost nothing then, and a busy machine does not change their order.
    """

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__()
        select = self._selector.select

        def jump(timeout: float | None = None) -> Any:
            self._now += timeout or 0.0
            return select(0)

        self._selector.select = jump

    def time(self) -> float:
        return self._now


def in_virtual_time(playing: Coroutine[Any, Any, T]) -> T:
    """Run `playing` to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(playing)


class Card:
    """Holds one model at a time, and notices if the other one is asked."""

    def __init__(self, **times: float) -> None:
        self.awake: Role | None = "coder"
        self.order: list[Role] = []
        self.turns = Turns("coder", self.switch, **{"linger": 0.01, **times})

    async def switch(self, active: Role, following: Role) -> None:
        assert self.awake == active
        self.awake = None
        await asyncio.sleep(0)
        self.awake = following

    async def call(self, role: Role, loops: int = 1) -> None:
        """One call of `role` that takes so many passes of the event loop."""
        async with self.turns.turn(role):
            for _ in range(loops):
                assert self.awake == role
                await asyncio.sleep(0)
            self.order.append(role)


@settings(max_examples=30)
@given(st.lists(st.lists(st.sampled_from(ROLES), max_size=4), max_size=8))
def test_one_role_at_a_time_and_every_call_is_made(items: list[list[Role]]) -> None:
    async def play() -> None:
        card = Card(linger=0.001)

        async def solve(roles: list[Role]) -> None:
            for role in roles:
                await card.call(role)

        await asyncio.gather(*map(solve, items))
        assert sorted(card.order) == sorted(role for roles in items for role in roles)
        assert card.turns.switches <= sum(map(len, items))
        await card.turns.aclose()

    in_virtual_time(play())


def test_phases_are_whole() -> None:
    async def play() -> Card:
        card = Card()

        async def solve() -> None:
            for role in ("coder", "planner", "coder"):
                await card.call(role)  # type: ignore[arg-type]

        await asyncio.gather(*(solve() for _ in range(50)))
        return card

    card = in_virtual_time(play())
    assert card.order == ["coder"] * 50 + ["planner"] * 50 + ["coder"] * 50
    assert card.turns.switches == 2


def test_an_endless_turn_ends_for_those_who_have_waited_too_long() -> None:
    async def play() -> Card:
        card = Card(longest_wait=0.05)
        asked = asyncio.Event()

        async def never_quiet() -> None:
            while not asked.is_set():
                await card.call("coder", loops=3)

        async def waits() -> None:
            await asyncio.sleep(0)
            await card.call("planner")
            asked.set()

        async with asyncio.timeout(30):
            await asyncio.gather(never_quiet(), never_quiet(), waits())
        return card

    assert "planner" in asyncio.run(play()).order


def test_pauses_between_calls_end_no_turn() -> None:
    async def play() -> Card:
        card = Card(linger=2.0)

        async def with_pauses() -> None:
            for pause in (0.0, 1.0, 1.5, 1.9):  # the turn is looked at after 2, 4 and 6 seconds
                await asyncio.sleep(pause)
                await card.call("coder")

        await asyncio.gather(with_pauses(), card.call("planner"))
        return card

    assert in_virtual_time(play()).order == ["coder"] * 4 + ["planner"]


def test_calls_that_wait_for_their_place_when_a_turn_closes_wait_for_the_next(
    serve: Serve,
) -> None:
    order: list[str] = []

    def answer(body: dict[str, Any]) -> str:
        order.append(body["messages"][0]["content"])
        return "x"

    async def play() -> None:
        card = Card(longest_wait=0.0)
        places = {role: TestEndpoint((serve(answer).url,)) for role in ROLES}
        models = OpenAIModels(places, max_in_flight=1, turns=card.turns)
        drafts = [models.complete("coder", ask("draft")) for _ in range(8)]
        await asyncio.gather(*drafts, models.complete("planner", ask("review")))
        await models.aclose()

    asyncio.run(play())
    assert len(order) == 9
    assert order.index("review") < 8, "the drafts that had not begun let it go first"


def test_a_switch_that_fails_is_the_error_of_every_later_call() -> None:
    async def broken(*_: Role) -> None:
        raise ServerError("It does not sleep.", "Take another profile.")

    async def play() -> None:
        turns = Turns("coder", broken, linger=0)

        async def call(role: Role) -> None:
            async with turns.turn(role):
                pass

        await call("coder")
        for role in ("planner", "planner", "coder"):  # the coder may be asleep as well
            with pytest.raises(ServerError, match="does not sleep"):
                await call(role)  # type: ignore[arg-type]

    in_virtual_time(play())


def test_a_call_that_is_cancelled_while_it_waits_leaves_no_trace() -> None:
    async def play() -> None:
        card = Card(linger=0.02)
        waiting = asyncio.create_task(card.call("planner"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(30):
            await card.call("coder")
        assert (card.awake, card.order) == ("coder", ["coder"])
        await card.turns.aclose()

    in_virtual_time(play())


ITEMS = 24


@pytest.mark.parametrize("in_flight", [None, 3])
def test_review_fix_changes_places_twice_whatever_the_number_of_items(
    serve: Serve, in_flight: int | None
) -> None:
    names = [f"f{number}" for number in range(ITEMS)]
    programs = {name: f"def {name}(x):\n    return x\n" for name in names}
    script = ScriptedCoder(programs, programs, frozenset(names[::2]))
    awake: list[Role] = ["coder"]
    strays: list[str] = []

    def answer_of(role: Role) -> Callable[[dict[str, Any]], Any]:
        def answer(body: dict[str, Any]) -> Any:
            if awake[-1] != role:
                strays.append(role)
            return script(body)

        return answer

    async def switch(active: Role, following: Role) -> None:
        assert active == awake[-1] == other(following)
        awake.append(following)

    places = {role: TestEndpoint((serve(answer_of(role)).url,), thinking=False) for role in ROLES}
    turns = Turns("coder", switch, linger=0.3)
    models = OpenAIModels(places, max_in_flight=in_flight, turns=turns)
    results: dict[str, Solution] = {}
    engine = Engine(models, on_ready=lambda key, got: results.update({key.task_id: got}))  # type: ignore[dict-item]
    engine.start([WorkItem(ItemKey("review-fix", name), solver(name, models)) for name in names])
    assert engine.wait(120)
    assert {len(results[name].calls) for name in names[::2]} == {3}
    assert {len(results[name].calls) for name in names[1::2]} == {2}
    assert awake == ["coder", "planner", "coder"]
    assert not strays


def solver(name: str, models: OpenAIModels) -> Callable[[], Any]:
    """What the engine runs for one item."""
    spec = Spec(name, "test", name, f'def {name}(x):\n    """Return x."""\n')

    async def no_examples(_spec: Spec, _program: str) -> tuple[ExampleResult, ...]:
        return ()

    async def solve() -> Solution:
        attempt = Attempt(spec, models, no_examples, int(name[1:]))
        program = await find_recipe("review-fix")(spec, attempt)
        return attempt.solution(str(program))

    return solve
