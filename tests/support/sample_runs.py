"""Run directories for tests of reports and commands: small, but with all that a run may hold."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sample_records import make_record

from pytest_dualcode.store import RunStore
from pytest_dualcode.types import Call, Message, Record, Request, Role, Sampling, Stage

DRAFT = "def add(a, b):\n    return a - b\n"
FIXED = "def add(a, b):\n    return a + b\n"


def make_call(role: Role, text: str, prompt: str = "Write it.", **fields: Any) -> Call:
    """A finished call of 10 + 20 tokens and 1.5 seconds."""
    request = Request(role, f"{role}-model", (Message("user", prompt),), Sampling(512))
    values: dict[str, Any] = {
        "reasoning": "",
        "finish_reason": "stop",
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "started": 1.0,
        "seconds": 1.5,
    }
    return Call(request, text, **{**values, **fields})


def write_run(
    directory: Path,
    records: Iterable[Record],
    calls: Iterable[Call] = (),
    settings: dict[str, Any] | None = None,
) -> Path:
    """Store a run and return its directory."""
    from dataclasses import asdict

    with RunStore.create(directory) as store:
        if settings is not None:
            store.write_settings(settings)
        for record in records:
            store.append(record)
    lines = [json.dumps({"id": call.id, **asdict(call)}) + "\n" for call in calls]
    (directory / "calls.jsonl").write_text("".join(lines))
    return directory


def reviewed_run(directory: Path) -> Path:
    """raw-coder and review-fix on three problems: one mended, one kept, one with an error."""
    drafted = make_call("coder", f"```python\n{DRAFT}```")
    reviewed = make_call("planner", "a - b subtracts.\nVERDICT: bugs", reasoning="Hm, minus?")
    fixed = make_call("coder", f"```python\n{FIXED}```", "Mend it.")
    draft = Stage("draft", "ok", drafted.id, DRAFT, ("fence",))
    stages = (
        draft,
        Stage("review", "bugs", reviewed.id, detail="stop"),
        Stage("fix", "ok", fixed.id, FIXED, ("fence",)),
    )
    records = [
        make_record(0, "fail", "fail", solution=DRAFT, stages=(draft,), call_ids=(drafted.id,),
                    llm_calls=1, failing_input="[1, 2]", reason="input 0 gave -1, expected 3"),
        make_record(1),
        make_record(2),
        make_record(0, pipeline="review-fix", solution=FIXED, stages=stages, llm_calls=3,
                    call_ids=tuple(call.id for call in (drafted, reviewed, fixed))),
        make_record(1, pipeline="review-fix"),
        make_record(2, base=None, pipeline="review-fix", reason="the server died", solution=""),
    ]  # fmt: skip
    settings = {
        "pipelines": ["raw-coder", "review-fix"],
        "datasets": {"humaneval": {"selected": 3, "size": 164, "hash": "fe585eb4"}},
    }
    return write_run(directory, records, (drafted, reviewed, fixed), settings)
