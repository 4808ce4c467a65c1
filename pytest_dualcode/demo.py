"""``python -m pytest_dualcode.demo``: the main job, live, with the embedded model.

Solves and judges problems with ``review-fix`` on the profile ``tiny``, which needs no GPU and no
model hub: HumanEval+ where the data are here or can be downloaded, else the set ``own``.
Arguments are passed on to pytest, after the demo's own.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence

from pytest_dualcode.errors import DatasetError
from pytest_dualcode.problems import prepare_datasets

PROBLEMS = 24
"""Enough to see every kind of outcome, few enough for a couple of minutes on two cores."""

TESTS_FAILED = 1
"""pytest's exit status when items failed."""


def choose_dataset() -> tuple[str, str]:
    """Return the dataset to run and why."""
    try:
        prepare_datasets(["humaneval"], download_seconds=20)
    except DatasetError:
        return "own", "HumanEval+ is not on this machine and could not be downloaded"
    return "humaneval", "HumanEval+ is there"


def main(arguments: Sequence[str]) -> int:
    """Run the demo; return pytest's exit status."""
    dataset, why = choose_dataset()
    print(f"{why}: the demo runs on the dataset {dataset!r}.")
    command = [
        "--pipeline=review-fix",
        "--profile=tiny",
        f"--dataset={dataset}",
        f"--limit={PROBLEMS}",
        "-n2",
        "--tb=no",
        "-rE",
        *arguments,
    ]
    print(f"$ pytest {shlex.join(command)}\n", flush=True)
    status = subprocess.call([sys.executable, "-m", "pytest", *command])
    if status != TESTS_FAILED:
        return status
    # That is a result, not a broken demo.
    print("\nA model of 135 million parameters solves next to none of these; try your own models.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
