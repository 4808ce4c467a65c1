"""The controller's own CPU time and memory for each call, against a server in another process.

Runs `--calls` single-call items through engine, call store and client; the scripted server answers
at once. Prints CPU milliseconds a call (all of this process: engine, store, client, HTTP) and the
resident memory on the way.

    python benchmarks/engine_cpu.py --calls 50000
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

import scripted_server
from recipe_run import client, work_item

from pytest_dualcode.engine import Engine
from pytest_dualcode.models.call_store import CallStore, StoredModels


def resident_mb() -> float:
    """Return this process's resident memory now, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def measure(url: str, calls: int, in_flight: int, path: Path) -> None:
    """Run `calls` calls and print their cost."""
    models = StoredModels(client([url], max_in_flight=in_flight), CallStore(path))
    done = 0
    start = time.process_time()

    def on_ready(*_: object) -> None:
        nonlocal done
        done += 1
        if done in (200, calls // 10, calls // 2, calls):
            cpu = 1000 * (time.process_time() - start) / done
            print(f"{done:6} calls: {cpu:.2f} ms CPU a call, {resident_mb():.0f} MB", flush=True)

    engine = Engine(models, on_ready=on_ready)
    items = [work_item("raw-coder", n, models, n) for n in range(calls)]
    begun = time.perf_counter()
    start = time.process_time()
    engine.start(items)
    engine.wait()
    rate = calls / (time.perf_counter() - begun)
    print(f"{rate:.0f} calls/s, calls.jsonl {path.stat().st_size / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--in-flight", type=int, default=32)
    options = parser.parse_args()
    command = [sys.executable, scripted_server.__file__, "--port", "0", "--until-stdin-ends"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        measure(url, options.calls, options.in_flight, Path(folder) / "calls.jsonl")
        server.stdin.close()


if __name__ == "__main__":
    main()
