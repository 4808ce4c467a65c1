"""EvalPlus itself reads what is exported, and comes to the same pass@1."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sample_records import make_record

from pytest_dualcode.analysis.summary import summarise
from pytest_dualcode.errors import DatasetError
from pytest_dualcode.problems.catalog import load_problems
from pytest_dualcode.report.evalplus_export import export_evalplus


def evaluate(samples: Path, **variables: str) -> str:
    """What `evalplus.evaluate` prints of `samples`, a file to judge or a folder with results."""
    done = subprocess.run(
        [sys.executable, "-m", "evalplus.evaluate", "--dataset", "humaneval", "--samples", samples],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "NO_COLOR": "1", **variables},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shares(output: str) -> list[str]:
    """pass@1 on base and on plus, as EvalPlus prints them."""
    return re.findall(r"pass@1:\s*([\d.]+)", output)


def mixed_records():
    kinds = [("pass", "pass")] * 82 + [("pass", "fail")] * 5 + [("fail", "fail")] * 70
    kinds += [("fail", "timeout")] * 7
    return [make_record(n, *kind) for n, kind in enumerate(kinds)]


def test_evalplus_prints_our_pass_at_1_from_our_results(tmp_path):
    records = mixed_records()
    (export,) = export_evalplus(tmp_path, records)
    (row,) = summarise(records).rows
    assert shares(evaluate(export.folder)) == [f"{row.base.low:.3f}", f"{row.plus.low:.3f}"]


@pytest.mark.benchmarks
def test_evalplus_judges_a_padded_subset(tmp_path):
    try:
        problems = load_problems(["humaneval"])
    except DatasetError as error:
        pytest.skip(f"HumanEval+ cannot be had: {error.what}")
    records = [
        make_record(int(p.task_id.split("/")[1]), solution=p.reference) for p in problems[:8]
    ]
    all_tasks = {"humaneval": [problem.task_id for problem in problems]}
    (export,) = export_evalplus(tmp_path, records, all_tasks)
    output = evaluate(export.samples, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert shares(output) == [f"{8 / 164:.3f}"] * 2
