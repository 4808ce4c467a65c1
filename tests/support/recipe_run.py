"""Recipes over made-up problems, run by the engine against a server; for tests and benchmarks.

As a process it is a whole run that can be killed: ``python recipe_run.py URL CALLS_FILE ITEMS``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from endpoints import SWIFT, TestEndpoint
from scripted_server import ScriptedCoder

from pytest_dualcode.engine import Engine, Result, WorkItem
from pytest_dualcode.models.base import Models
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.pipelines.registry import find_recipe
from pytest_dualcode.types import ExampleResult, ItemKey, Solution, Spec


def spec(number: int) -> Spec:
    """Return a made-up problem."""
    name = f"add_{number}"
    return Spec(
        f"Own/{number}",
        "own",
        name,
        f'def {name}(x: int) -> int:\n    """Return x plus {number}.\n\n'
        f'    >>> {name}(1)\n    {number + 1}\n    """\n',
    )


def coder(items: int) -> ScriptedCoder:
    """Return a script that solves the problems; every third draft has a bug that review finds."""
    right = {f"add_{n}": f"def add_{n}(x):\n    return x + {n}" for n in range(items)}
    wrong = {f"add_{n}": f"def add_{n}(x):\n    return x - {n}" for n in range(0, items, 3)}
    return ScriptedCoder({**right, **wrong}, fixed=right, bugs=frozenset(wrong))


async def no_examples(_: Spec, __: str) -> tuple[ExampleResult, ...]:
    """Run no visible examples: recipes then take their programs as they are."""
    return ()


def work_item(pipeline: str, number: int, models: Models, priority: int) -> WorkItem:
    """Return the item of `pipeline` on problem `number`."""
    return WorkItem(
        ItemKey(pipeline, f"Own/{number}"), solver(pipeline, spec(number), models, priority)
    )


def solver(
    pipeline: str, problem: Spec, models: Models, priority: int
) -> Callable[[], Coroutine[Any, Any, Solution]]:
    """Return what the engine runs to solve `problem`."""
    recipe = find_recipe(pipeline)

    async def solve() -> Solution:
        attempt = Attempt(problem, models, no_examples, priority)
        return attempt.solution(await recipe(problem, attempt))

    return solve


def client(urls: Sequence[str], *, launched: bool = True, **settings: Any) -> OpenAIModels:
    """Return a client of both roles on the same servers; the planner can think."""
    coder = TestEndpoint(urls=tuple(urls), max_in_flight=16, launched=launched)
    roles = {"coder": coder, "planner": replace(coder, thinking=True)}
    return OpenAIModels(roles, **{"retries": SWIFT, **settings})  # type: ignore[arg-type]


def solve_all(
    models: StoredModels,
    items: int,
    pipelines: Sequence[str] = ("review-fix",),
    on_ready: Callable[[ItemKey, Result], None] = lambda *_: None,
) -> dict[ItemKey, Result]:
    """Run the engine over `items` problems to its end and return every result."""
    results: dict[ItemKey, Result] = {}

    def keep(key: ItemKey, result: Result) -> None:
        assert key not in results, "an item was delivered twice"
        results[key] = result
        on_ready(key, result)

    engine = Engine(models, on_ready=keep, item_timeout=300)
    engine.start([work_item(p, n, models, n) for p in pipelines for n in range(items)])
    if not engine.wait(300):
        engine.stop()
        raise AssertionError("the engine did not end by itself")
    return results


def main(url: str, calls: str, items: str) -> None:
    """Run ``review-fix``, one line on stdout for each solved item."""
    store = CallStore(Path(calls))
    solve_all(
        StoredModels(client([url]), store),
        int(items),
        on_ready=lambda key, _: print(key.task_id, flush=True),
    )
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
