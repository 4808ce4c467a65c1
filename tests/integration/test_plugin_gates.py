"""Gates of a session that ended before all its items had a result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_server import ScriptedCoder, ScriptedServer
from sums import PROGRAMS, write_sums, wrong

Serve = Callable[..., ScriptedServer]


@pytest.fixture
def sums(pytester: pytest.Pytester) -> Path:
    return write_sums(pytester.path)


def test_a_gate_does_not_hold_while_a_whole_pipeline_has_no_result(
    pytester: pytest.Pytester, serve: Serve, sums: Path
) -> None:
    """The one row that there is holds; what --maxfail left out has none."""
    server = serve(ScriptedCoder({**PROGRAMS, "add_1": wrong(1)}))
    result = pytester.runpytest_subprocess(
        f"--coder-url={server.url}",
        f"--planner-url={server.url}",
        f"--dataset={sums}",
        "--run-dir=out",
        "--pipeline=raw-coder,review-fix",
        "-k=Sum/1",
        "--maxfail=1",
        "--min-pass-at-1=0",
    )
    result.stdout.fnmatch_lines(
        [
            "gate --min-pass-at-1=0: raw-coder on sums has 0.0 %: holds.",
            "gate: 1 selected item has no result: cannot be decided*--resume*",
        ]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
