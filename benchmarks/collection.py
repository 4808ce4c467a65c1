"""What collecting 542 problems costs beyond collecting 542 empty tests.

    python benchmarks/collection.py [--runs 5]

Runs ``pytest --pipeline=canonical --collect-only -q`` and the same over a file of 542 empty
tests, by turns, and prints the minimum and median of each and their difference. Needs HumanEval+
and MBPP+ (EvalPlus's cache or the override variables).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ITEMS = 542
EMPTY = f"""
import pytest

@pytest.mark.parametrize("number", range({ITEMS}))
def test_empty(number):
    pass
"""


def seconds(folder: Path, *options: str) -> float:
    """Return the wall time of one collection in `folder`."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    began = time.perf_counter()
    done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True)
    took = time.perf_counter() - began
    if f"{ITEMS} tests collected" not in done.stdout:
        raise SystemExit(done.stdout[-500:] + done.stderr[-500:])
    return took


def main() -> None:
    """Measure by turns, so that both see the same machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text(EMPTY)
        times = [
            (seconds(folder, "test_empty.py"), seconds(folder, "--pipeline=canonical"))
            for _ in range(runs)
        ]
    empty, problems = zip(*times, strict=True)
    for label, found in (("empty tests", empty), ("problems", problems)):
        print(f"{ITEMS} {label}: min {min(found):.2f} s, median {statistics.median(found):.2f} s")
    extra = [b - a for a, b in times]
    print(f"difference: min {min(extra):.2f} s, median {statistics.median(extra):.2f} s")


if __name__ == "__main__":
    main()
