"""EvalPlus's own ``codegen`` and a ``raw-coder`` run of ours against the same simulated server.

Both ask for the first `--items` HumanEval problems from one scripted server that models
continuous batching (see ``engine_batching.py``). EvalPlus asks for one reply after the other.
Needs HumanEval+ (EvalPlus's cache, or HUMANEVAL_OVERRIDE_PATH).

    python benchmarks/engine_evalplus.py --items 40 --speed 10
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from engine_batching import MODELS, Lengths
from recipe_run import client, solver
from scripted_server import ScriptedServer

from pytest_dualcode.engine import Engine, WorkItem
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.problems.catalog import load_problems
from pytest_dualcode.types import ItemKey


def evalplus(url: str, items: int) -> None:
    """Generate with EvalPlus."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "evalplus.codegen", "scripted", "humaneval"]
        command += ["--backend", "openai", "--base_url", url, "--greedy", "--root", folder]
        command += ["--id_range", f"[0,{items}]"]
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "OPENAI_API_KEY": "none"},
        )


def ours(url: str, items: int) -> None:
    """Generate with the engine."""
    models = StoredModels(client([url]), CallStore())
    specs = [problem.spec for problem in load_problems(["humaneval"])][:items]
    engine = Engine(models, on_ready=lambda *_: None)
    engine.start(
        [
            WorkItem(ItemKey("raw-coder", s.task_id), solver("raw-coder", s, models, number))
            for number, s in enumerate(specs)
        ]
    )
    engine.wait()


def seconds(run: Callable[[str, int], None], items: int, speed: float) -> float:
    """Return the seconds from the first request to the end of the last reply."""
    script = Lengths("coder", items)
    first: list[float] = []

    def timed(body: dict[str, object]) -> object:
        first.append(time.perf_counter())
        return script(body)

    model = replace(MODELS["coder"], speed=speed)
    with ScriptedServer(timed, batching=model, keep_requests=False) as server:  # type: ignore[arg-type]
        run(server.url, items)
        assert server.served == items
        return time.perf_counter() - first[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--speed", type=float, default=10.0)
    options = parser.parse_args()
    theirs = seconds(evalplus, options.items, options.speed) * options.speed
    engine = seconds(ours, options.items, options.speed) * options.speed
    print(
        f"{options.items} problems: evalplus.codegen {theirs:.0f} simulated s, "
        f"raw-coder here {engine:.0f} simulated s, ratio {theirs / engine:.1f}"
    )


if __name__ == "__main__":
    main()
