"""What a ``raw-coder`` run generates on a real server, against plain concurrent requests.

The same prompts go out as 32 plain concurrent requests (`AsyncOpenAI` and a semaphore) and through
the engine with its own limit; a salt in each round's prompts keeps the prefix cache out of it.
Rounds alternate, the medians are compared.

    python benchmarks/engine_vllm.py http://127.0.0.1:8000/v1 MODEL --items 64 --rounds 3
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

import openai
from endpoints import TestEndpoint
from recipe_run import solver, spec

from pytest_dualcode.engine import Engine, WorkItem
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.pipelines.attempt import chat
from pytest_dualcode.pipelines.steps import generate_prompt
from pytest_dualcode.types import ItemKey, Spec

PLAIN_CONCURRENCY = 32


def problems(items: int, salt: int) -> list[Spec]:
    """Return made-up problems that no other round has."""
    return [spec(1000 * (salt + 1) + number) for number in range(items)]


def plain(url: str, model: str, specs: Sequence[Spec], max_tokens: int) -> float:
    """Return tokens per second of plain concurrent requests."""

    async def main() -> int:
        places = asyncio.Semaphore(PLAIN_CONCURRENCY)
        async with openai.AsyncOpenAI(base_url=url, api_key="EMPTY", timeout=600) as client:

            async def one(problem: Spec) -> int:
                messages = [
                    {"role": m.role, "content": m.content} for m in chat(generate_prompt(problem))
                ]
                async with places:
                    reply = await client.chat.completions.create(
                        model=model,
                        messages=messages,  # type: ignore[arg-type]
                        max_tokens=max_tokens,
                        temperature=0,
                    )
                assert reply.usage is not None
                return reply.usage.completion_tokens

            return sum(await asyncio.gather(*map(one, specs)))

    begun = time.perf_counter()
    return asyncio.run(main()) / (time.perf_counter() - begun)


def engine(url: str, model: str, specs: Sequence[Spec], max_tokens: int) -> float:
    """Return tokens per second of the engine."""
    endpoint = TestEndpoint((url,), model, draft_tokens=max_tokens, max_in_flight=32)
    models = StoredModels(OpenAIModels({"coder": endpoint}), CallStore())
    items = [
        WorkItem(ItemKey("raw-coder", s.task_id), solver("raw-coder", s, models, number))
        for number, s in enumerate(specs)
    ]
    begun = time.perf_counter()
    run = Engine(models, on_ready=lambda *_: None)
    run.start(items)
    run.wait()
    traffic = models.traffic()["coder"]
    assert traffic.done == len(specs)
    return traffic.completion_tokens / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("model")
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=96)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    rates: dict[str, list[float]] = {"plain": [], "engine": []}
    for number in range(options.rounds):
        for name, run in (("plain", plain), ("engine", engine)):
            specs = problems(options.items, 2 * number + (name == "engine"))
            rates[name].append(run(options.url, options.model, specs, options.max_tokens))
            print(f"{name}: {rates[name][-1]:.0f} tokens/s", flush=True)
    ratio = statistics.median(rates["engine"]) / statistics.median(rates["plain"])
    print(f"engine / plain: {ratio:.3f}")


if __name__ == "__main__":
    main()
