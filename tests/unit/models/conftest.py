"""Fixtures of the tests that launch servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_vllm import install_fake_vllm
from processes import MARKER

from pytest_dualcode.config import RunConfig


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What every process of this test carries in its environment."""
    monkeypatch.setenv(MARKER, str(tmp_path))
    return str(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """The small profile, served by the fake vLLM."""
    model = tmp_path / "some-model"
    model.mkdir()
    return RunConfig(
        pipelines=("review-fix",),
        profile="small",
        server_python=str(install_fake_vllm(tmp_path / "python")),
        coder_model=str(model),
        planner_model=str(model),
    )
