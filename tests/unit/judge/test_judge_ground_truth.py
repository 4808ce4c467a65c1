"""Expected outputs are made once, shared, and made again when damaged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_dualcode.config import cache_dir
from pytest_dualcode.errors import JudgeError
from pytest_dualcode.judge import Judge, ensure_ground_truth, expected_seconds
from pytest_dualcode.judge.ground_truth import (
    KEPT,
    Expected,
    GroundTruth,
    GroundTruthCache,
    Stretch,
    read,
    safe_name,
)
from pytest_dualcode.types import Problem

MakeProblem = Callable[..., Problem]
ENTRIES = st.lists(
    st.builds(
        Expected,
        stored=st.binary(max_size=40),
        seconds=st.integers(0, 10**9).map(lambda n: n / 1e9),
        equal_bytes_suffice=st.booleans(),
        floats=st.booleans(),
        digest_only=st.booleans(),
    ),
    max_size=4,
).map(tuple)


@pytest.fixture
def double(make_problem: MakeProblem) -> Problem:
    reference = "def f(x):\n    sum(range(10 ** 6))\n    return [x, 2 * x, 0.5]"
    return make_problem(reference, [[1], [2]], [[3]])


@given(ENTRIES, ENTRIES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_stored_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    make_problem: MakeProblem,
    base: tuple[Expected, ...],
    plus: tuple[Expected, ...],
) -> None:
    cache = GroundTruthCache(tmp_path_factory.mktemp("cache"))
    truth, problem = GroundTruth(base, plus), make_problem("", [])
    assert cache.get(problem, lambda _: truth) == truth
    assert read(cache.path(problem)) == truth
    assert cache.seconds(problem) == pytest.approx(truth.seconds)


def test_long_outputs_stay_in_the_file(tmp_path: Path, make_problem: MakeProblem) -> None:
    cache, problem = GroundTruthCache(tmp_path), make_problem("", [])
    data = [b"s" * (KEPT + 1), b"short", bytes(range(256)) * 2048]
    entries = tuple(Expected(each, 0.5, True, False, False) for each in data)
    found = cache.get(problem, lambda _: GroundTruth(entries[:1], entries[1:]))
    assert [entry.data for entry in (*found.base, *found.plus)] == data
    assert [type(entry.stored) for entry in (*found.base, *found.plus)] == [Stretch, bytes, Stretch]
    assert [entry.digest for entry in found.plus] == [entry.digest for entry in entries[1:]]
    assert [entry.length for entry in found.plus] == [len(each) for each in data[1:]]


def test_a_file_that_goes_while_it_is_used_is_an_error_and_no_wrong_answer(
    tmp_path: Path, make_problem: MakeProblem
) -> None:
    cache, problem = GroundTruthCache(tmp_path), make_problem("", [])
    long = Expected(bytes(KEPT + 1), 0.5, True, False, False)
    found = cache.get(problem, lambda _: GroundTruth((long,), ()))
    cache.path(problem).unlink()
    with pytest.raises(JudgeError, match="Leave the cache folder alone"):
        _ = found.base[0].data


def test_outputs_are_computed_once(tmp_path: Path, double: Problem) -> None:
    with Judge(cache_dir=tmp_path, allow_unsafe=True) as judge, ThreadPoolExecutor(8) as threads:
        truths = list(threads.map(lambda _: judge.ground_truth(double), range(16)))
    assert all(truth == truths[0] for truth in truths)
    assert [entry.value() for entry in truths[0].base] == [[1, 2, 0.5], [2, 4, 0.5]]
    assert [entry.value() for entry in truths[0].plus] == [[3, 6, 0.5]]
    assert not list(tmp_path.rglob(".new-*"))


def test_two_processes_compute_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pytest_dualcode.types import Problem;"
        "from pytest_dualcode.judge.ground_truth import Expected, GroundTruth, GroundTruthCache;"
        "folder = Path(sys.argv[1]);"
        "made = lambda _: [(folder / 'made').open('a').write('x'), GroundTruth((), ())][1];"
        "p = Problem('own/1', 'own', 'f', 'hash', lambda: None);"
        "GroundTruthCache(folder).get(p, made)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert (tmp_path / "made").read_text() == "x"


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other format", "no header"])
def test_a_damaged_file_is_made_again(tmp_path: Path, double: Problem, damage: str) -> None:
    with Judge(cache_dir=tmp_path, allow_unsafe=True) as judge:
        truth = judge.ground_truth(double)
        path = GroundTruthCache(tmp_path).path(double)
        data = path.read_bytes()
        damaged = {
            "cut": data[:-3],
            "flip": data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
            "empty": b"",
            "other format": data.replace(b'"format": 1', b'"format": 0'),
            "no header": b"\n" + data,
        }[damage]
        path.write_bytes(damaged)
        assert read(path) is None
        again = judge.ground_truth(double)
        assert [e.data for e in again.base] == [e.data for e in truth.base]
        assert read(path) == again


def test_files_are_kept_apart_by_data_set_and_python(
    tmp_path: Path, make_problem: MakeProblem, double: Problem
) -> None:
    cache = GroundTruthCache(tmp_path)
    other = make_problem("def f(x): return 0", [[1]])
    assert cache.path(double) != cache.path(other)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert version in cache.path(double).parent.name


@given(st.text(min_size=1), st.text(min_size=1))
def test_file_names_are_safe_and_distinct(first: str, second: str) -> None:
    name = safe_name(first.encode("utf-8", "replace").decode())
    assert "/" not in name
    assert not name.startswith(".")
    if first != second:
        one, two = (t.encode("utf-8", "backslashreplace").decode() for t in (first, second))
        assert one == two or safe_name(one) != safe_name(two)


def test_only_what_is_missing_is_computed(tmp_path: Path, double: Problem) -> None:
    assert expected_seconds(double, cache_dir=tmp_path) == 0.0
    ensure_ground_truth([double], cache_dir=tmp_path, allow_unsafe=True)
    path = GroundTruthCache(tmp_path).path(double)
    written = path.stat().st_mtime_ns
    ensure_ground_truth([double], cache_dir=tmp_path, allow_unsafe=True)
    assert path.stat().st_mtime_ns == written
    assert expected_seconds(double, cache_dir=tmp_path) > 0


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("def f(x): return 1 / 0", "ZeroDivisionError"),
        ("def g(x): return 1", "KeyError"),
        ("import os\ndef f(x): os._exit(3)", "exited with status 3"),
    ],
)
def test_a_reference_that_fails_is_an_error_with_a_remedy(
    judge: Judge, make_problem: MakeProblem, reference: str, why: str
) -> None:
    with pytest.raises(JudgeError, match=why) as caught:
        judge.judge(make_problem(reference, [[1]]), reference)
    assert "deselect the problem with -k" in caught.value.remedy


def test_a_folder_that_cannot_be_made_names_the_variable(tmp_path: Path, double: Problem) -> None:
    (tmp_path / "file").write_text("")
    cache = GroundTruthCache(tmp_path / "file")
    with pytest.raises(JudgeError, match="DUALCODE_CACHE_DIR"):
        cache.get(double, lambda _: GroundTruth((), ()))


def test_the_folder_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUALCODE_CACHE_DIR", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("DUALCODE_CACHE_DIR")
    assert "pytest-dualcode" in str(cache_dir())
