"""Visible examples of wrong programs, run for the reports after every pipeline has ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripted_server import ScriptedCoder, ScriptedServer
from sums import COUNT, PROGRAMS, stored_records, write_sums, wrong

Serve = Callable[..., ScriptedServer]
ENDLESS = "def add_3(x: int) -> int:\n    while True:\n        pass\n"


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_wrong_programs_examples_are_run_whatever_the_pipeline(
    pytester: pytest.Pytester, serve: Serve, workers: str
) -> None:
    sums = write_sums(pytester.path)
    server = serve(ScriptedCoder({**PROGRAMS, "add_1": wrong(1), "add_3": ENDLESS}))
    options = (f"--coder-url={server.url}", f"--dataset={sums}", "--pipeline=raw-coder")
    pytester.runpytest_subprocess(*options, "--run-dir=out", workers)
    rows = {row["task_id"]: row for row in stored_records(pytester.path / "out")}
    assert len(server.requests) == COUNT
    assert rows["Sum/1"]["examples_passed"] == [False]
    assert rows["Sum/2"]["examples_passed"] == []
    assert (rows["Sum/3"]["base_status"], rows["Sum/3"]["examples_passed"]) == ("timeout", [])
