"""``--dry-run``: commands and counts, and nothing started or written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fake_vllm import install_fake_vllm
from processes import MARKER, marked_processes
from sums import COUNT, write_sums

WORKERS = pytest.mark.parametrize("workers", [(), ("-n2",), ("-p", "no:xdist")])


@pytest.fixture
def options(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A dry run with a server's Python that has a vLLM for CPUs."""
    monkeypatch.setenv(MARKER, str(pytester.path))
    python = install_fake_vllm(pytester.path / "server")
    sums = write_sums(pytester.path)
    return ("--dry-run", f"--server-python={python}", f"--dataset={sums}", "--run-dir=out")


def said(pytester: pytest.Pytester, *options: str) -> list[str]:
    """The plugin's lines of a session that ends well."""
    result = pytester.runpytest_subprocess(*options)
    assert result.ret == 0
    assert not (pytester.path / "out").exists()
    if sys.platform == "linux":
        assert marked_processes(str(pytester.path)) == {}
    lines = result.stdout.lines
    return [line.removeprefix("dualcode: ") for line in lines if line.startswith("dualcode: ")]


@WORKERS
def test_it_prints_the_commands_and_what_is_selected(
    pytester: pytest.Pytester, options: tuple[str, ...], workers: tuple[str, ...]
) -> None:
    pipelines = "--pipeline=raw-coder,review-fix"
    lines = said(pytester, *options, pipelines, "--profile=small", "-k", "add_1 or add_2", *workers)
    assert lines[0] == "dry run: nothing is started or written"
    assert lines[1] == "launching coder, planner on cpu, profile small (as asked)"
    assert lines[2].startswith("coder: ")
    assert " serve Qwen/Qwen2.5-Coder-0.5B-Instruct " in lines[2]
    assert "--port PORT" in lines[2]
    assert lines[3].startswith("planner: ")
    assert lines[4:] == [
        f"4 of {2 * COUNT} items selected",
        "  raw-coder on sums: 2",
        "  review-fix on sums: 2",
    ]


def test_a_profile_for_gpus_can_be_looked_at_without_one(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    lines = said(pytester, *options, "--pipeline=review-fix", "--profile=paper")
    assert "CUDA_VISIBLE_DEVICES=1" in lines[3]
    assert "--reasoning-parser qwen3" in lines[3]
    assert lines[4].startswith("this would not start here: Profile paper needs GPUs")


def test_attached_roles_and_pipelines_without_models(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    url = "http://user:secret@127.0.0.1:9/v1"
    lines = said(pytester, *options, "--pipeline=raw-coder", f"--coder-url={url}")
    assert lines[2] == "coder: http://127.0.0.1:9/v1"
    assert "no server: these pipelines ask no model" in said(
        pytester, *options, "--pipeline=canonical"
    )


def test_without_a_pipeline_it_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--dry-run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--dry-run needs a pipeline*"])


def test_tests_of_ones_own_are_counted_and_not_run(
    pytester: pytest.Pytester, options: tuple[str, ...], tmp_path: Path
) -> None:
    pytester.makepyfile(test_mine=f"def test_mine(): open({str(tmp_path / 'ran')!r}, 'w')")
    lines = said(pytester, *options, "--pipeline=canonical", "dualcode", "test_mine.py")
    assert lines[-1] == "  tests of your own: 1"
    assert not (tmp_path / "ran").exists()
