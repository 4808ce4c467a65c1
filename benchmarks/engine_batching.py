"""How close the engine comes to what two servers can do at most, on simulated servers.

Two scripted servers model continuous batching (``tests/support/scripted_server.py``, `Batching`):
the coder's decoding step takes 24 ms plus 1 ms for each running sequence, the planner's 40 ms plus
3 ms (a larger model on the same card), at most 32 run at once. Each reply has a fixed
pseudo-random length. The clock runs `--speed` times as fast as real servers.

The lower bound is the larger of the two roles' times at their best rate: all tokens of the role
divided by the tokens per second of a full batch. No scheduler can be faster.

Two schedulers run the same items: the engine, and one item at a time in each of `--workers`
workers, which is what pytest items that call the models themselves do under ``-n``.

    python benchmarks/engine_batching.py --items 542 --speed 20
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from endpoints import TestEndpoint
from recipe_run import coder, no_examples, spec, work_item
from scripted_server import Batching, Reply, ScriptedServer

from pytest_dualcode.engine import Engine
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.pipelines.registry import find_recipe
from pytest_dualcode.types import Role

LENGTHS = {"coder": (180, 60), "planner": (420, 200)}
"""Mean and deviation of a reply's tokens: a program; a review with its thought."""


@dataclass
class Tokens:
    """What one simulated server was asked to work."""

    prompt: int = 0
    completion: int = 0


class Lengths:
    """A script with reply lengths that depend on the conversation alone."""

    def __init__(self, role: Role, items: int) -> None:
        self.role = role
        self.script = coder(items)
        self.tokens = Tokens()

    def __call__(self, body: dict[str, Any]) -> Reply:
        reply = self.script(body)
        mean, deviation = LENGTHS[self.role]
        dice = random.Random("".join(message["content"] for message in body["messages"]))
        completion = max(16, int(dice.gauss(mean, deviation)))
        prompt = sum(len(message["content"]) for message in body["messages"]) // 4
        self.tokens.prompt += prompt
        self.tokens.completion += completion
        return Reply(
            reply.text, reply.reasoning, prompt_tokens=prompt, completion_tokens=completion
        )


MODELS = {
    "coder": Batching(step=0.024, step_per_sequence=0.001),
    "planner": Batching(step=0.040, step_per_sequence=0.003),
}


@dataclass
class Pair:
    """The two servers and a client of them."""

    servers: dict[Role, ScriptedServer]
    lengths: dict[Role, Lengths]
    models: OpenAIModels

    def lower_bound(self, speed: float) -> float:
        """Return the real seconds that the busier role needs at its best rate."""
        return max(self.seconds(role) for role in self.servers) / speed

    def seconds(self, role: Role) -> float:
        """Return the simulated seconds of `role`'s work in full batches."""
        model, tokens = MODELS[role], self.lengths[role].tokens
        steps = tokens.completion + tokens.prompt * model.prefill / model.step_seconds(1)
        return steps / model.best_rate()


@contextlib.contextmanager
def pair(items: int, speed: float, limit: int | None) -> Iterator[Pair]:
    """Start both servers."""
    with contextlib.ExitStack() as stack:
        lengths: dict[Role, Lengths] = {r: Lengths(r, items) for r in ("coder", "planner")}
        servers = {
            role: stack.enter_context(
                ScriptedServer(script, batching=at_speed(MODELS[role], speed), keep_requests=False)
            )
            for role, script in lengths.items()
        }
        endpoints = {
            role: TestEndpoint((server.url,), max_in_flight=32, thinking=role == "planner")
            for role, server in servers.items()
        }
        yield Pair(servers, lengths, OpenAIModels(endpoints, max_in_flight=limit))


def at_speed(model: Batching, speed: float) -> Batching:
    """Return `model` with a clock that runs `speed` times as fast."""
    return Batching(model.step, model.step_per_sequence, model.prefill, model.max_num_seqs, speed)


def with_engine(servers: Pair, items: int) -> None:
    """Solve the items as the plugin does."""
    models = StoredModels(servers.models, CallStore())
    engine = Engine(models, on_ready=lambda *_: None)
    engine.start([work_item("review-fix", n, models, n) for n in range(items)])
    engine.wait()


def one_item_per_worker(servers: Pair, items: int, workers: int) -> None:
    """Solve each item from beginning to end in one of `workers` lanes."""
    queue = iter(range(items))
    recipe = find_recipe("review-fix")

    async def worker() -> None:
        for number in queue:
            problem = spec(number)
            attempt = Attempt(problem, servers.models, no_examples)
            attempt.solution(await recipe(problem, attempt))

    async def main() -> None:
        await asyncio.gather(*(worker() for _ in range(workers)))
        await servers.models.aclose()

    asyncio.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=542)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--max-in-flight", type=int)
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 16])
    options = parser.parse_args()
    schedulers: list[tuple[str, Any]] = [("engine", with_engine)]
    schedulers += [
        (f"one item per worker, -n {n}", lambda p, i, n=n: one_item_per_worker(p, i, n))
        for n in options.workers
    ]
    print(f"{options.items} items of review-fix at {options.speed:g} times real speed")
    for name, scheduler in schedulers:
        with pair(options.items, options.speed, options.max_in_flight) as servers:
            begun, cpu = time.perf_counter(), time.process_time()
            scheduler(servers, options.items)
            seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
            report(name, servers, seconds, cpu, options.speed)


def report(name: str, servers: Pair, seconds: float, cpu: float, speed: float) -> None:
    """Print one scheduler's time against the bound."""
    bound = servers.lower_bound(speed)
    traffic = servers.models.traffic()
    calls = sum(counts.done for counts in traffic.values())
    peaks = ", ".join(f"{role} {s.max_in_flight}" for role, s in servers.servers.items())
    print(
        f"{name:28} {seconds * speed:8.0f} simulated s, {seconds / bound:5.2f} of the bound "
        f"({bound * speed:.0f} s); {calls} calls, at most in flight: {peaks}; "
        f"{1000 * cpu / calls:.1f} ms CPU a call with the servers"
    )


if __name__ == "__main__":
    main()
