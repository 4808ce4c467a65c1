"""A problem set of six trivial problems, `add_0` to `add_5`, for whole sessions in tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COUNT = 6


def program(number: int) -> str:
    """Return the right program of `add_<number>`."""
    return f"def add_{number}(x):\n    return x + {number}\n"


def wrong(number: int) -> str:
    """Return a program that passes no test of `add_<number>`."""
    return f"def add_{number}(x):\n    return x - {number} - 1\n"


PROGRAMS = {f"add_{number}": program(number) for number in range(COUNT)}


def row(number: int) -> dict[str, object]:
    """Return one problem in EvalPlus's schema."""
    return {
        "task_id": f"Sum/{number}",
        "entry_point": f"add_{number}",
        "prompt": f'def add_{number}(x: int) -> int:\n    """Return x plus {number}.\n\n'
        f'    >>> add_{number}(1)\n    {number + 1}\n    """\n',
        "canonical_solution": f"    return x + {number}\n",
        "contract": "",
        "base_input": [[1], [2]],
        "plus_input": [[1001], [-77], [0]],
        "atol": 0,
    }


def write_sums(folder: Path) -> Path:
    """Write the set as ``sums.jsonl`` and return its path."""
    path = folder / "sums.jsonl"
    path.write_text("".join(json.dumps(row(number)) + "\n" for number in range(COUNT)))
    return path


def stored_records(run_dir: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's ``results.jsonl`` as they stand there."""
    return [json.loads(line) for line in (run_dir / "results.jsonl").read_text().splitlines()]


def write_samples(path: Path, solutions: dict[str, str]) -> Path:
    """Write an EvalPlus samples file: task id to complete program."""
    rows = [{"task_id": task, "solution": text} for task, text in solutions.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
