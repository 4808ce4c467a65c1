"""A worker's start: the controller's job over this machine's own data, judge and Python.

A worker reads neither the command line's settings nor the run directory, so it may be on another
machine. What could make its verdicts differ from the controller's is refused before it collects.
"""

from __future__ import annotations

import platform
import time
from typing import Any

import pytest

from pytest_dualcode import __version__
from pytest_dualcode.errors import UsageError
from pytest_dualcode.plugin.catalogue import Catalogue, lay_out
from pytest_dualcode.plugin.collection import choose_arguments
from pytest_dualcode.plugin.handover import Inbox, Job, job_from
from pytest_dualcode.plugin.keys import JOB, PARCELS, PAUSE, RUNTIME
from pytest_dualcode.plugin.runtime import Runtime
from pytest_dualcode.problems import load_problems


def set_up_worker(config: pytest.Config, worker_input: dict[str, Any]) -> None:
    """Make the runtime of a worker.

    Raises `UsageError` and `DatasetError` for a machine on which it cannot judge as the
    controller would.
    """
    time.sleep(worker_input.get(PAUSE, 0.0))
    job = job_from(worker_input[JOB])
    check_versions(job)
    catalogue = catalogue_of(job)
    runtime = Runtime(lambda: catalogue, job.judge, job.allow_unsafe)
    runtime.receive = Inbox(worker_input[PARCELS]).get
    config.stash[RUNTIME] = runtime
    config.add_cleanup(runtime.close)
    _ = runtime.judge.isolation  # a UsageError where hostile code cannot be jailed
    choose_arguments(config, runtime)


def python_version() -> str:
    """Return major and minor version: expected outputs of some problems depend on them."""
    return ".".join(platform.python_version_tuple()[:2])


def check_versions(job: Job) -> None:
    """Raise `UsageError` unless this package and this Python are the controller's."""
    if job.version != __version__:
        raise UsageError(
            f"pytest-dualcode is {__version__} here and {job.version} at the controller.",
            f"Install pytest-dualcode=={job.version} here.",
        )
    if job.python != python_version():
        raise UsageError(
            f"Python is {python_version()} here and {job.python} at the controller.",
            f"Name a Python {job.python} in --tx: ssh=HOST//python=PATH.",
        )


def catalogue_of(job: Job) -> Catalogue:
    """Lay the job's items out over this machine's data.

    Raises `UsageError` for data other than the controller's: they would give other verdicts.
    """
    every = load_problems(job.datasets)
    hashes = {problem.dataset: problem.dataset_hash for problem in every}
    for name, wanted in job.hashes.items():
        if hashes.get(name) != wanted:
            raise UsageError(
                f"The data of {name} differ: MD5 {hashes.get(name)} here, {wanted} at the "
                "controller.",
                "Copy the controller's file to this machine.",
            )
    selected = {key.task_id for key in job.keys}
    problems = {problem.task_id: problem for problem in every if problem.task_id in selected}
    return lay_out(job.keys, problems, (), every)
