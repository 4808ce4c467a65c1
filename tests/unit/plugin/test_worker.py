"""A worker whose verdicts could differ from the controller's does not start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sums import COUNT, write_sums

from pytest_dualcode import __version__
from pytest_dualcode.errors import UsageError
from pytest_dualcode.plugin.handover import Job
from pytest_dualcode.plugin.worker import catalogue_of, check_versions, python_version
from pytest_dualcode.problems import prepare_datasets
from pytest_dualcode.types import ItemKey


@pytest.fixture
def job(tmp_path: Path) -> Job:
    names = (str(write_sums(tmp_path)),)
    hashes = {info.name: info.md5 for info in prepare_datasets(names)}
    keys = tuple(ItemKey("mine", f"Sum/{number}") for number in range(COUNT - 1))
    return Job(__version__, python_version(), names, hashes, keys, "dualcode", False)


def test_the_items_are_the_jobs_whatever_pipelines_are_known_here(job: Job) -> None:
    catalogue = catalogue_of(job)
    assert catalogue.keys == job.keys
    assert catalogue.ids[1] == "mine-Sum/1-add_1"
    assert len(catalogue.problems) == COUNT - 1
    check_versions(job)


def test_other_data_are_refused(job: Job) -> None:
    with pytest.raises(UsageError, match=r"data of sums differ: MD5 \w{32} here, 0") as error:
        catalogue_of(replace(job, hashes={"sums": "0"}))
    assert "Copy the controller's file" in error.value.remedy


def test_another_version_is_refused(job: Job) -> None:
    with pytest.raises(UsageError, match="and 0 at the controller") as error:
        check_versions(replace(job, version="0"))
    assert "pytest-dualcode==0" in error.value.remedy


def test_another_python_is_refused(job: Job) -> None:
    with pytest.raises(UsageError, match=r"and 2\.7 at the controller") as error:
        check_versions(replace(job, python="2.7"))
    assert "--tx" in error.value.remedy
