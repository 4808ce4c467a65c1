"""``canonical`` and ``samples``: solutions that no model has to write.

`canonical` is the harness's self-check (every reference solution must pass). `samples` reads an
EvalPlus ``samples.jsonl``: one JSON object a line, ``task_id`` and ``solution`` (a complete
program) or ``completion`` (which the prompt goes before).
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_dualcode.errors import UsageError
from pytest_dualcode.types import Problem


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: `text` is a whole program, or what follows the prompt if `is_completion`."""

    text: str
    is_completion: bool

    def program(self, problem: Problem) -> str:
        """Return the program to judge, put together as EvalPlus does."""
        return problem.spec.prompt + self.text if self.is_completion else self.text


@dataclass(slots=True)
class Samples:
    """The good lines of a samples file by task, in the file's order, and what was wrong."""

    path: Path
    by_task: dict[str, list[Sample]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


def read_samples(path: Path, known: Mapping[str, Problem]) -> Samples:
    """Read `path` (``.jsonl`` or ``.jsonl.gz``) for the whole datasets `known`.

    Tasks that are not in `known` and bad lines are complained of with their numbers, the good
    ones kept. Raises `UsageError` when the file cannot be read or has no good line.
    """
    samples = Samples(path)
    for number, line in numbered_lines(path):
        complaint = take_line(samples, line, known)
        if complaint:
            samples.complaints.append(f"{path.name}, line {number}: {complaint}")
    if not samples.by_task:
        raise UsageError(
            f"--samples={path} holds no sample of the selected datasets.",
            "\n".join(samples.complaints[:5])
            or "Each line must be a JSON object with task_id and solution or completion.",
        )
    return samples


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank with their numbers from 1."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.decode("utf-8", "surrogateescape")
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(
            f"--samples={path} cannot be read: {error}.",
            "Give a JSONL file of EvalPlus samples (.jsonl or .jsonl.gz).",
        ) from None


def take_line(samples: Samples, line: str, known: Mapping[str, Problem]) -> str | None:
    """Add one line's sample; return what is wrong with it, if anything."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(row, dict):
        return "not a JSON object"
    task_id = row.get("task_id")
    text = row.get("solution", row.get("completion"))
    if not isinstance(task_id, str) or not isinstance(text, str):
        return "needs task_id and solution or completion, all text"
    if task_id not in known:
        return f"there is no problem {task_id!r} in the selected datasets"
    sample = Sample(text, is_completion="solution" not in row)
    samples.by_task.setdefault(task_id, []).append(sample)
    return None
