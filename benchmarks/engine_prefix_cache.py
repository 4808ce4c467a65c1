"""How much of the prompts a real vLLM server finds in its prefix cache, by its own metrics.

Runs pipelines over the project's own problems with both roles on one server, once in the engine's
order (a problem's calls close together) and once in the order of arrival, and prints the share of
prompt tokens that were cache hits and the time. A salt keeps the rounds apart. The order only
matters where the cache is smaller than the run's prompts: start the server with a small one, for
example ``--num-gpu-blocks-override 64`` (a block on a CPU holds 128 tokens).

    python benchmarks/engine_prefix_cache.py http://127.0.0.1:8000/v1 MODEL --items 24
"""

from __future__ import annotations

import argparse
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from endpoints import TestEndpoint
from recipe_run import solver

from pytest_dualcode.engine import Engine, WorkItem
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.problems import load_problems
from pytest_dualcode.types import ItemKey, Role, Spec

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


def salted(salt: int, items: int) -> list[Spec]:
    """Return the specs of the project's own problems, as no other round has them."""
    specs = [problem.spec for problem in load_problems(["own"])[:items]]
    return [replace(spec, prompt=f"# round {salt}\n{spec.prompt}") for spec in specs]


def hit_share(
    url: str, model: str, pipelines: list[str], specs: Sequence[Spec], close: bool
) -> float:
    """Run the items and return the share of cached prompt tokens."""
    endpoint = TestEndpoint((url,), model, draft_tokens=64, review_tokens=64, thinking=True)
    client = OpenAIModels(dict.fromkeys(ROLES, endpoint), max_in_flight=4)
    models = StoredModels(client, CallStore())
    before = cache_counters(url)
    engine = Engine(models, on_ready=lambda *_: None)
    engine.start(
        [
            WorkItem(ItemKey(p, spec.task_id), solver(p, spec, models, number if close else 0))
            for p in pipelines
            for number, spec in enumerate(specs)
        ]
    )
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
    orders = {"a problem's calls close together": True, "in order of arrival": False}
    salt = int(time.time())
    for number, (name, close) in enumerate(orders.items()):
        began = time.monotonic()
        specs = salted(salt + number, options.items)
        share = hit_share(options.url, options.model, options.pipelines.split(","), specs, close)
        seconds = time.monotonic() - began
        print(f"{name}: {share:.0%} of the prompt tokens were cached, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
