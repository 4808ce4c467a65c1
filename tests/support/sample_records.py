"""Records for tests of the store, the analysis and the reports."""

from __future__ import annotations

from typing import Any

from pytest_dualcode.types import Record

PREFIXES = {"humaneval": "HumanEval", "mbpp": "Mbpp", "own": "Own"}


def make_record(
    task: int = 0, base: str | None = "pass", plus: str | None = "pass", **fields: Any
) -> Record:
    """A record of problem number `task`; ``base=None`` makes an error. `fields` override."""
    dataset = fields.pop("dataset", "humaneval")
    passed = base == plus == "pass"
    values: dict[str, Any] = {
        "task_id": f"{PREFIXES[dataset]}/{task}",
        "dataset": dataset,
        "pipeline": "raw-coder",
        "sample": 0,
        "outcome": "error" if base is None else "passed" if passed else "failed",
        "base_status": base,
        "plus_status": plus if base is not None else None,
        "reason": "" if passed else "it broke",
        "solution": "def f():\n    return 1\n",
        "isolation": "L3",
    }
    return Record(**{**values, **fields})
