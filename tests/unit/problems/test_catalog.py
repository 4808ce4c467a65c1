"""From names to problems: which data, in which order, and what is said when they are missing."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from problem_tasks import task

import pytest_dualcode
from pytest_dualcode.errors import DatasetError, UsageError
from pytest_dualcode.problems import (
    catalog,
    dataset_names,
    load_problems,
    prepare_datasets,
    register_dataset,
)
from pytest_dualcode.problems.evalplus_data import HUMANEVAL, MBPP


def ids(datasets: list[str]) -> list[str]:
    return [problem.task_id for problem in load_problems(datasets)]


def test_the_built_in_names_come_first() -> None:
    assert dataset_names()[:4] == ("humaneval", "mbpp", "own", "own-lean")


def test_own_problems_come_in_the_order_of_their_numbers() -> None:
    found = ids(["own", "own-lean"])
    assert found[:3] == ["Own/0", "Own/1", "Own/2"]
    count = len(found) // 2
    assert found[count - 1 : count + 1] == [f"Own/{count - 1}", "OwnLean/0"]


def test_datasets_come_in_the_given_order_and_only_once() -> None:
    found = ids(["own-lean", "own", "own-lean"])
    assert found[0] == "OwnLean/0"
    assert len(found) == len(set(found))


def test_a_problem_knows_its_dataset_and_hash() -> None:
    (info,) = prepare_datasets(["own"])
    problem = load_problems(["own"])[0]
    assert (problem.dataset, problem.entry_point) == ("own", "seat_label")
    assert problem.dataset_hash == info.md5
    assert problem.spec.task_id == "Own/0"
    assert problem.reference.startswith(problem.spec.prompt)
    assert problem.tests.base_inputs[0] == [0, 1]


def test_own_is_described_as_this_package_s_data() -> None:
    (info,) = prepare_datasets(["own"])
    assert info.official
    assert info.version == pytest_dualcode.__version__
    assert info.path.name == "own.jsonl"
    assert info.problems == len(load_problems(["own"]))


def test_a_path_is_a_dataset_called_after_its_file(problem_set) -> None:
    path = problem_set(task("Mine/10"), task("Mine/9"), task("odd"))
    assert ids([str(path)]) == ["Mine/9", "Mine/10", "odd"]
    (info,) = prepare_datasets([str(path)])
    assert (info.name, info.version, info.official) == ("mine", "unknown", False)


def test_a_compressed_file_is_the_same_dataset(problem_set) -> None:
    path = problem_set(task())
    packed = path.with_name("mine.jsonl.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    (plain,), (compressed,) = prepare_datasets([str(path)]), prepare_datasets([str(packed)])
    assert (compressed.name, compressed.md5) == (plain.name, plain.md5)


def test_an_unknown_name_lists_the_valid_ones() -> None:
    with pytest.raises(UsageError) as error:
        load_problems(["own", "humanevil"])
    assert "Unknown dataset 'humanevil'" in error.value.what
    assert "humaneval, mbpp, own, own-lean" in error.value.remedy
    assert ".jsonl" in error.value.remedy


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no problem set .*absent\.jsonl"):
        load_problems([str(tmp_path / "absent.jsonl")])


@pytest.mark.parametrize("name", ["humaneval", "mbpp", "own", "own-lean"])
def test_a_file_cannot_pose_as_a_built_in_dataset(problem_set, name: str) -> None:
    path = problem_set(task(), name=f"{name}.jsonl")
    with pytest.raises(UsageError, match="Rename the file"):
        load_problems([str(path)])


def test_the_shipped_file_may_be_given_by_path() -> None:
    assert ids([str(catalog.own_file("own"))]) == ids(["own"])


def test_two_files_of_one_name_are_refused(problem_set) -> None:
    first, second = problem_set(task()), problem_set(task("Mine/1"), name="sub/mine.jsonl")
    with pytest.raises(UsageError, match="Two datasets are called 'mine'"):
        load_problems([str(first), str(second)])


def test_one_id_in_two_datasets_is_refused(problem_set) -> None:
    first, second = problem_set(task()), problem_set(task(), name="other.jsonl")
    with pytest.raises(DatasetError, match="'mine' and 'other' both hold Mine/0"):
        load_problems([str(first), str(second)])


def test_a_registered_name_means_its_file(problem_set, monkeypatch) -> None:
    monkeypatch.setattr(catalog, "_registered", {})
    register_dataset("house", problem_set(task()))
    assert dataset_names()[-1] == "house"
    (problem,) = load_problems(["house"])
    assert problem.dataset == "house"


@pytest.mark.parametrize("name", ["own", "a b", "", "x/y"])
def test_a_bad_name_cannot_be_registered(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be called"):
        register_dataset(name, tmp_path)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Install a package that registers the dataset ``house`` at the given object."""

    def install(target: str) -> None:
        info = tmp_path / "house_problems-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: house-problems\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[pytest_dualcode.datasets]\nhouse = {target}\n")
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_an_installed_package_can_bring_a_dataset(problem_set, installed, tmp_path) -> None:
    path = problem_set(task())
    (tmp_path / "house_set.py").write_text(f"PATH = {str(path)!r}\n")
    installed("house_set:PATH")
    assert "house" in dataset_names()
    assert ids(["house"]) == ["Mine/0"]


def test_a_package_that_brings_no_dataset_is_named(installed) -> None:
    installed("json:JSONDecoder")
    with pytest.raises(UsageError, match="'house' cannot be had from json:JSONDecoder"):
        load_problems(["house"])


def test_missing_benchmarks_are_one_error_with_every_way_out(no_benchmarks: Path) -> None:
    with pytest.raises(DatasetError) as error:
        load_problems(["humaneval", "own", "mbpp"])
    assert "HumanEvalPlus v0.1.10 and MbppPlus v0.2.0 are not on this machine" in str(error.value)
    for way in (
        "run once with network",
        str(no_benchmarks / "HumanEvalPlus-v0.1.10.jsonl"),
        str(no_benchmarks / "MbppPlus-v0.2.0.jsonl"),
        "HUMANEVAL_OVERRIDE_PATH=PATH MBPP_OVERRIDE_PATH=PATH",
        "--dataset=own",
    ):
        assert way in error.value.remedy


def test_loading_never_downloads(no_benchmarks: Path) -> None:
    with pytest.raises(DatasetError):
        load_problems(["humaneval"])
    assert list(no_benchmarks.iterdir()) == []


@pytest.mark.usefixtures("no_benchmarks")
def test_preparing_without_network_says_why_each_download_failed() -> None:
    with pytest.raises(DatasetError) as error:
        prepare_datasets(["mbpp"])
    assert "MbppPlus.jsonl.gz: " in error.value.what
    assert "refused" in error.value.what
    assert "--dataset=own" in error.value.remedy
    assert not MBPP.cache_file.exists()


@pytest.mark.usefixtures("no_benchmarks")
def test_a_damaged_cache_file_is_named_with_the_remedy() -> None:
    HUMANEVAL.cache_file.write_text('{"task_id": "HumanEval/0"')
    with pytest.raises(DatasetError) as error:
        load_problems(["humaneval"])
    assert "damaged or not HumanEvalPlus v0.1.10" in error.value.what
    assert HUMANEVAL.md5 in error.value.what
    assert "Delete the file" in error.value.remedy


def test_an_override_of_another_version_is_taken_and_told(problem_set, monkeypatch) -> None:
    path = problem_set(task("HumanEval/7"), name="any.jsonl")
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(path))
    (info,) = prepare_datasets(["humaneval"])
    assert (info.name, info.version, info.official) == ("humaneval", "unknown", False)
    assert info.path == path
    assert ids(["humaneval"]) == ["HumanEval/7"]


def test_an_override_is_checked_line_by_line(problem_set, monkeypatch) -> None:
    path = problem_set(task("Mbpp/1"), task("Mbpp/2", atol=None))
    monkeypatch.setenv("MBPP_OVERRIDE_PATH", str(path))
    with pytest.raises(DatasetError, match=r"mine\.jsonl, line 2: 'atol'"):
        load_problems(["mbpp"])


def test_an_override_that_is_no_file_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("MBPP_OVERRIDE_PATH", str(tmp_path / "absent"))
    with pytest.raises(DatasetError, match=r"MBPP_OVERRIDE_PATH=.*absent is not a file"):
        load_problems(["mbpp"])


def test_collection_imports_nothing_slow() -> None:
    program = (
        "import sys\n"
        "from pytest_dualcode.problems import load_problems\n"
        "[p.tests for p in load_problems(['own'])]\n"
        "slow = {'evalplus', 'pandas', 'datasets', 'numpy', 'asyncio', 'openai'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.benchmarks
@pytest.mark.usefixtures("benchmarks")
def test_the_benchmarks_are_complete_and_in_order() -> None:
    problems = load_problems(["humaneval", "mbpp"])
    numbers = [int(p.task_id.partition("/")[2]) for p in problems]
    assert numbers[:164] == list(range(164))
    assert len(problems) == 164 + 378
    assert numbers[164:] == sorted(numbers[164:])
    assert [i.official for i in prepare_datasets(["humaneval", "mbpp"])] == [True, True]


@pytest.mark.benchmarks
@pytest.mark.usefixtures("benchmarks")
def test_every_benchmark_problem_parses_to_what_the_scan_found() -> None:
    for problem in load_problems(["humaneval", "mbpp"]):
        assert problem.spec.task_id == problem.task_id
        assert problem.spec.entry_point == problem.entry_point
        assert problem.tests.base_inputs
        assert re.search(rf"def {problem.entry_point}\s*\(", problem.reference)
        assert problem.spec.has_signature is (problem.dataset == "humaneval")
