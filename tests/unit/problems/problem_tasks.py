"""A well formed problem to start from."""

from __future__ import annotations

from typing import Any


def task(task_id: str = "Mine/0", **changes: Any) -> dict[str, Any]:
    """Return a well formed problem in EvalPlus's schema, with `changes`; None drops a field."""
    fields = {
        "task_id": task_id,
        "prompt": 'def double(x: int) -> int:\n    """Return twice x."""\n',
        "entry_point": "double",
        "canonical_solution": "    return 2 * x\n",
        "contract": "",
        "base_input": [[1]],
        "plus_input": [[2], [0]],
        "atol": 0,
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}
