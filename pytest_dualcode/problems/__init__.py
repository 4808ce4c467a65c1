"""Problems: EvalPlus's benchmarks, the sets of this package and local sets, behind one door."""

from pytest_dualcode.problems.catalog import (
    DatasetInfo,
    dataset_names,
    load_problems,
    prepare_datasets,
    register_dataset,
)
from pytest_dualcode.problems.selection import select

__all__ = [
    "DatasetInfo",
    "dataset_names",
    "load_problems",
    "prepare_datasets",
    "register_dataset",
    "select",
]
