"""Data for the tests of loading: the benchmarks where they are at hand, and small sets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_dualcode.problems.evalplus_data import HUMANEVAL, MBPP, RELEASES

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the overrides name HumanEval+ and MBPP+, or skip."""
    for release in (HUMANEVAL, MBPP):
        local = SHARED / f"{release.name}.jsonl.gz"
        if os.environ.get(release.override) or release.cache_file.is_file():
            continue
        if not local.is_file():
            pytest.skip(f"needs {release.name}: set {release.override}")
        monkeypatch.setenv(release.override, str(local))


@pytest.fixture
def no_benchmarks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without benchmarks and without network; returns EvalPlus's cache folder."""
    for release in RELEASES.values():
        monkeypatch.delenv(release.override, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    for name in ("http_proxy", "https_proxy"):
        # Nothing listens on the discard port, so every request is refused at once.
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    folder = HUMANEVAL.cache_file.parent
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def problem_set(tmp_path: Path) -> Callable[..., Path]:
    """Write tasks (dicts, or text as it is) to a file, one a line."""

    def write(*tasks: dict[str, Any] | str, name: str = "mine.jsonl") -> Path:
        lines = [item if isinstance(item, str) else json.dumps(item) for item in tasks]
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write
