"""Whole sessions of ``review-fix`` with few and with many workers, on the same simulated servers.

The servers are those of `engine_batching.py`; 542 small problems, so that the model traffic and not
the judging decides. A session is the whole command: start, collection, generation, judging,
reports. Printed are wall seconds, their ratio to the bound that the servers' token rates set, and
the ratio of the numbers of workers.

    python benchmarks/engine_workers.py --items 542 --speed 10 --rounds 2
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine_batching import pair  # puts tests/support on the path
from recipe_run import spec


def write_problems(path: Path, items: int) -> None:
    """Write the made-up problems as a local set in EvalPlus's schema."""
    with path.open("w") as file:
        for number in range(items):
            problem = spec(number)
            row = {
                "task_id": f"Add/{number}",
                "entry_point": problem.entry_point,
                "prompt": problem.prompt,
                "canonical_solution": f"    return x + {number}\n",
                "base_input": [[1], [2]],
                "plus_input": [[1001], [-77], [0]],
                "atol": 0,
            }
            file.write(json.dumps(row) + "\n")


def session(folder: Path, urls: list[str], workers: int, number: int) -> float:
    """Run one session and return its wall seconds."""
    coder, planner = urls
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider"]
    command += ["--pipeline=review-fix", "--dataset=adds.jsonl", f"-n{workers}"]
    command += [f"--coder-url={coder}", f"--planner-url={planner}", f"--run-dir=run-{number}"]
    # Build machines set this; a worker then compiles every plugin anew, 0.8 CPU-seconds each.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    return seconds


def main() -> None:
    """Print one row for each session, then the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--items", type=int, default=542)
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, nargs=2, default=[2, 16])
    options = parser.parse_args()
    found: dict[int, list[float]] = {count: [] for count in options.workers}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_problems(folder / "adds.jsonl", options.items)
        for number in range(2 * options.rounds):
            workers = options.workers[number % 2]
            with pair(options.items, options.speed, None) as servers:
                urls = [servers.servers["coder"].url, servers.servers["planner"].url]
                found[workers].append(session(folder, urls, workers, number))
                bound = servers.lower_bound(options.speed)
            seconds = found[workers][-1]
            print(
                f"-n {workers:2}: {seconds:6.1f} s, {seconds / bound:.2f} of the bound", flush=True
            )
    few, many = (statistics.median(found[count]) for count in options.workers)
    print(f"-n {options.workers[1]} / -n {options.workers[0]}: {many / few:.3f}")


if __name__ == "__main__":
    main()
