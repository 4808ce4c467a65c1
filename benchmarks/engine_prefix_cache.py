"""How much of the prompts a real vLLM server finds in its prefix cache, by its own metrics.

Runs pipelines over made-up problems with both roles on one server, once in the engine's order (a
problem's calls close together) and once in the order of arrival, and prints the share of prompt
tokens that were cache hits. A salt keeps the rounds apart. The order only matters where the cache
is smaller than the run's prompts: start the server with a small one, for example
``--num-gpu-blocks-override 64``.

    python benchmarks/engine_prefix_cache.py http://127.0.0.1:8000/v1 MODEL --items 24
"""

from __future__ import annotations

import argparse
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from endpoints import TestEndpoint
from recipe_run import work_item

from pytest_dualcode.engine import Engine
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.types import Role

ROLES: tuple[Role, ...] = ("coder", "planner")


def cache_counters(url: str) -> tuple[float, float]:
    """Return vLLM's prompt tokens found in the prefix cache and looked up in it, so far."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as reply:
        lines = reply.read().decode().splitlines()
    totals = {"vllm:prefix_cache_hits_total": 0.0, "vllm:prefix_cache_queries_total": 0.0}
    for line in lines:
        name = line.partition("{")[0]
        if name in totals:
            totals[name] += float(line.rsplit(" ", 1)[1])
    hits, queries = totals.values()
    return hits, queries


def hit_share(
    url: str, model: str, pipelines: list[str], numbers: range, priority: Callable[[int], int]
) -> float:
    """Run the items with these priorities and return the share of cached prompt tokens."""
    endpoint = TestEndpoint((url,), model, draft_tokens=64, review_tokens=64, thinking=True)
    models = StoredModels(
        OpenAIModels(dict.fromkeys(ROLES, endpoint), max_in_flight=4), CallStore()
    )
    before = cache_counters(url)
    engine = Engine(models, on_ready=lambda *_: None)
    engine.start([work_item(p, n, models, priority(n)) for p in pipelines for n in numbers])
    engine.wait()
    hits, queries = (now - then for now, then in zip(cache_counters(url), before, strict=True))
    return hits / queries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("model")
    parser.add_argument("--items", type=int, default=24)
    parser.add_argument("--pipelines", default="raw-coder,review-fix,plan-code,enriched-review")
    options = parser.parse_args()
    orders: dict[str, Callable[[int], int]] = {
        "a problem's calls close together": lambda number: number,
        "in order of arrival": lambda _: 0,
    }
    for round_number, (name, priority) in enumerate(orders.items(), start=1):
        numbers = range(10_000 * round_number, 10_000 * round_number + options.items)
        names = options.pipelines.split(",")
        share = hit_share(options.url, options.model, names, numbers, priority)
        print(f"{name}: {share:.0%} of the prompt tokens were in the cache", flush=True)


if __name__ == "__main__":
    main()
