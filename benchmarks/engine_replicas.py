"""What a second server for a role brings: `raw-coder` on one and on two simulated replicas.

The servers are those of ``engine_batching.py`` (continuous batching, at most 32 sequences at
once, fixed pseudo-random reply lengths). Both runs ask the same calls; their limits are found by
the engine itself. Tokens a second are completion tokens in simulated time, from the first call to
the last reply, so the start and the tail, in which the batches are not full, count too.

    python benchmarks/engine_replicas.py --items 1024 --speed 2

At a higher speed the one process that runs servers and engine has less time for each call; on a
busy machine it is then this process that is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from endpoints import TestEndpoint
from engine_batching import MODELS, Lengths, at_speed
from recipe_run import work_item
from scripted_server import ScriptedServer

from pytest_dualcode.engine import Engine
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.models.client import OpenAIModels


@dataclass(frozen=True)
class Run:
    """One run: completion tokens, simulated seconds, and the calls that each replica answered."""

    tokens: int
    seconds: float
    calls: tuple[int, ...]

    @property
    def rate(self) -> float:
        """Completion tokens a simulated second."""
        return self.tokens / self.seconds


def run(items: int, speed: float, replicas: int) -> Run:
    """Solve the items with `raw-coder` on so many coders."""
    with contextlib.ExitStack() as stack:
        lengths = [Lengths("coder", items) for _ in range(replicas)]
        batching = at_speed(MODELS["coder"], speed)
        servers = [
            stack.enter_context(ScriptedServer(script, batching=batching, keep_requests=False))
            for script in lengths
        ]
        coder = TestEndpoint(tuple(server.url for server in servers), max_in_flight=32 * replicas)
        models = StoredModels(OpenAIModels({"coder": coder}), CallStore())
        engine = Engine(models, on_ready=lambda *_: None)
        begun = time.perf_counter()
        engine.start([work_item("raw-coder", n, models, n) for n in range(items)])
        engine.wait()
        seconds = (time.perf_counter() - begun) * speed
        tokens = sum(script.tokens.completion for script in lengths)
        return Run(tokens, seconds, tuple(server.served for server in servers))


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1024)
    parser.add_argument("--speed", type=float, default=2.0)
    options = parser.parse_args()
    print(f"{options.items} items of raw-coder at {options.speed:g} times real speed")
    one, two = (run(options.items, options.speed, replicas) for replicas in (1, 2))
    for found in (one, two):
        calls = " + ".join(map(str, found.calls))
        print(
            f"{len(found.calls)} replicas: {found.seconds:6.1f} simulated s, "
            f"{found.rate:6.0f} tokens/s; calls {calls}"
        )
    print(f"ratio {two.rate / one.rate:.2f}")


if __name__ == "__main__":
    main()
