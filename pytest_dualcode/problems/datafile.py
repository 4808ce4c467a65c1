"""Data files in EvalPlus's schema: read once, indexed cheaply, parsed line by line on demand.

Collection needs only ids and entry points. Parsing all inputs of HumanEval+ and MBPP+ takes
ten times as long as finding those two fields by a scan, so a line stays bytes until its problem is
used.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from pytest_dualcode.errors import DatasetError
from pytest_dualcode.problems.decode import decode_inputs
from pytest_dualcode.types import HiddenTests, Problem, Spec

# The field order of the released files; any other order goes through the JSON parser.
HEAD = re.compile(
    rb'\{"task_id": "([^"\\]+)", "prompt": "[^"\\]*(?:\\.[^"\\]*)*", "entry_point": "(\w+)"'
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a data file: where it stands, and its JSON text."""

    path: Path
    number: int
    text: bytes = b""

    def error(self, what: str, remedy: str = "") -> DatasetError:
        """Return a `DatasetError` that names the file and this line."""
        return DatasetError(f"{self.path}, line {self.number}: {what}", remedy)

    def parse(self) -> dict[str, Any]:
        """Return the line's JSON object; raise `DatasetError` if it holds none."""
        try:
            task = json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise self.error(f"not JSON: {error}.", "Write one JSON object a line.") from error
        if not isinstance(task, dict):
            raise self.error("not a JSON object.", "Write one JSON object a line.")
        return task


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file's lines that are not blank, and the MD5 (hex) of its uncompressed content.

    The MD5 is of the content, so the compressed release and EvalPlus's uncompressed cache file
    count as the same version.
    """

    path: Path
    md5: str
    lines: tuple[Line, ...]


def read_data_file(path: Path) -> DataFile:
    """Read a ``.jsonl`` or gzipped ``.jsonl.gz`` file; raise `DatasetError` if that fails."""
    try:
        stat = path.stat()
        return _read(path, stat.st_size, stat.st_mtime_ns)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{path} cannot be read: {error}.",
            "Give a readable .jsonl file, or its gzipped form .jsonl.gz.",
        ) from error


@lru_cache(maxsize=8)
def _read(path: Path, _size: int, _mtime_ns: int) -> DataFile:
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    texts = enumerate(content.split(b"\n"), start=1)
    return DataFile(
        path=path,
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        lines=tuple(Line(path, number, text) for number, text in texts if text.strip()),
    )


def problem_at(line: Line, dataset: str, dataset_hash: str) -> Problem:
    """Return the line's problem, whose spec, reference and tests are parsed when first used."""
    head = HEAD.match(line.text)
    if head:
        task_id, entry_point = (group.decode("utf-8") for group in head.groups())
    else:
        task_id, entry_point = _parsed_head(line)
    return Problem(task_id, dataset, entry_point, dataset_hash, partial(load_parts, line, dataset))


def _parsed_head(line: Line) -> tuple[str, str]:
    task = line.parse()
    try:
        return str(task["task_id"]), str(task["entry_point"])
    except KeyError as error:
        raise line.error(f"the field {error} is missing.", "See docs/problems.md.") from error


def load_parts(line: Line, dataset: str) -> tuple[Spec, str, HiddenTests]:
    """Parse a line into spec, reference program and hidden tests."""
    task = line.parse()
    try:
        task_id = task["task_id"]
        spec = Spec(task_id, dataset, task["entry_point"], task["prompt"])
        reference = task["prompt"] + task["canonical_solution"]
        tests = HiddenTests(
            base_inputs=decode_inputs(task_id, task["base_input"]),
            plus_inputs=decode_inputs(task_id, task["plus_input"]),
            atol=float(task["atol"]),
        )
    except KeyError as error:
        raise line.error(f"the field {error} is missing.", "See docs/problems.md.") from error
    return spec, reference, tests
