"""Verdicts and their reasons."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_dualcode.errors import JudgeError
from pytest_dualcode.judge import Judge
from pytest_dualcode.judge.ground_truth import Expected
from pytest_dualcode.judge.oracle import Oracle
from pytest_dualcode.judge.sandbox import Ending, Limits, describe_status
from pytest_dualcode.judge.suite import (
    ENCODED_PER_SECOND,
    SuiteReceiver,
    show,
    suite_job,
    suite_result,
)
from pytest_dualcode.types import HiddenTests, Problem, Spec

MakeProblem = Callable[..., Problem]
DOUBLE = "def f(x):\n    return 2 * x\n"


@pytest.fixture
def double(make_problem: MakeProblem) -> Problem:
    return make_problem(DOUBLE, [[1], [2], [3]], [[4], [5]])


def test_a_right_solution_passes_every_test(judge: Judge, double: Problem) -> None:
    verdict = judge.judge(double, DOUBLE)
    assert verdict.passed
    assert (verdict.base.passed_tests, verdict.base.total_tests) == (3, 3)
    assert (verdict.plus.passed_tests, verdict.plus.total_tests) == (2, 2)
    assert verdict.base.reason == verdict.base.failing_input == ""
    assert verdict.base.cpu_seconds > 0
    assert verdict.isolation == judge.isolation


@pytest.mark.parametrize(
    ("program", "status", "reason", "passed", "failing"),
    [
        ("def f(x): return x + 1", "fail", "test 1: got 3, expected 4", 1, "2"),
        ("def f(x): return '4'", "fail", "test 0: got '4', expected 2", 0, "1"),
        (
            "def f(x):\n    if x == 3:\n        raise ValueError('no')\n    return 2 * x",
            "fail",
            "test 2: raised ValueError: no (line 3)",
            2,
            "3",
        ),
        ("def f(x:", "fail", "loading: SyntaxError: '(' was never closed (line 1)", 0, ""),
        ("x = 1\nimport nothing_like_it", "fail", "loading: ModuleNotFoundError", 0, ""),
        ("def g(x): return x", "fail", "loading: KeyError: 'f'", 0, ""),
        ("import os\ndef f(x): os._exit(7)", "fail", "test 0: the process exited with", 0, "1"),
        ("import os\ndef f(x): os.abort()", "fail", "test 0: the process was killed by", 0, "1"),
        ("def f(x):\n while 1: pass", "timeout", "test 0: more than 0.5 s of CPU time", 0, "1"),
        ("import time\ntime.sleep(99)", "timeout", "loading: did nothing for 0.5 s", 0, ""),
        ("def f(x): return object()", "fail", "test 0: got an object of type", 0, "1"),
        ("def f(x): return 'y' * 10 ** 7", "fail", "test 0: returned a wrong value", 0, "1"),
        ("def f(x): return 10 ** 5000", "fail", "test 0: got a value with a very", 0, "1"),
        ("def f(x): return [10 ** 5000] * 301", "fail", "test 0: got a value with a very", 0, "1"),
        ("def f(x): return '\\ud800'", "fail", "test 0: got '\\ud800', expected 2", 0, "1"),
    ],
)  # fmt: skip
def test_reasons_name_the_first_thing_that_went_wrong(
    judge: Judge,
    double: Problem,
    program: str,
    status: str,
    reason: str,
    passed: int,
    failing: str,
) -> None:
    base = judge.judge(double, program).base
    assert (base.status, base.passed_tests, base.failing_input) == (status, passed, failing)
    assert base.reason.startswith(reason)
    base.reason.encode("utf-8")


def test_idling_a_little_in_each_test_adds_up(double: Problem, tmp_path: Path) -> None:
    limits = Limits(idle=99, idle_suite=0.2)
    with Judge(cache_dir=tmp_path, allow_unsafe=True, limits=limits) as judge:
        base = judge.judge(double, "import time\ndef f(x): time.sleep(99)").base
    assert (base.status, base.reason) == ("timeout", "test 0: did nothing for 0.2 s in all")


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_threads_are_limited(judge: Judge, double: Problem) -> None:
    bomb = (
        "import threading, time\nthreading.stack_size(32768)\ndef f(x):\n    while True:\n"
        "        threading.Thread(target=time.sleep, args=(99,)).start()"
    )
    base = judge.judge(double, bomb).base
    assert (base.status, base.reason) == ("fail", "test 0: started more than 500 threads")


def test_a_value_that_is_too_long_to_be_right_is_not_decoded() -> None:
    """A child may write to its socket itself; decoded, such bytes take a hundred times the room."""
    expected = Expected(b"i\x01\0\0\0", 0.0, True, False, False)
    receiver = SuiteReceiver(Oracle("own", "f", 0), [[1]], [expected])
    count = 10**6
    forged = b"[" + count.to_bytes(4, "little") + b"{0" * count
    assert receiver(ord("P"), b"") == "more"
    tracemalloc.start()
    assert receiver(ord("V"), forged) == "stop"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert receiver.wrong == f"returned a wrong value of {len(forged)} bytes"
    assert peak < 10**6


def test_suites_are_judged_apart(judge: Judge, make_problem: MakeProblem) -> None:
    problem = make_problem(DOUBLE, [[1], [2]], [[3], [4]])
    verdict = judge.judge(problem, "def f(x): return 2 * x if x < 3 else 0")
    assert (verdict.base.status, verdict.plus.status) == ("pass", "fail")
    verdict = judge.judge(problem, "def f(x): return 2 * x if x > 2 else 0")
    assert (verdict.base.status, verdict.plus.status) == ("fail", "pass")
    assert not verdict.passed
    counting = (
        "calls = []\ndef f(x):\n    calls.append(x)\n    return 2 * x if len(calls) < 3 else 0"
    )
    assert judge.judge(problem, counting).passed


def test_long_values_are_compared_by_digest_first(judge: Judge, make_problem: MakeProblem) -> None:
    problem = make_problem("def f(n): return list(range(n))", [[200_000], [3]])
    right = "def f(n): return [k for k in range(n)]"
    same_value = "def f(n): return [float(k) for k in range(n)]"
    wrong = "def f(n): return [k for k in range(n - 1)] + [0]"
    assert judge.judge(problem, right).passed
    assert judge.judge(problem, same_value).passed
    assert judge.judge(problem, wrong).base.status == "fail"


def test_values_too_long_to_keep_are_compared_by_digest(
    judge: Judge, make_problem: MakeProblem
) -> None:
    problem = make_problem("def f(n): return 'x' * n", [[40_000_000], [1]])
    assert judge.ground_truth(problem).base[0].digest_only
    assert judge.judge(problem, "def f(n): return n * 'x'").passed
    assert judge.judge(problem, "def f(n): return n * 'y'").base.status == "fail"


def test_inputs_that_the_solution_changes_do_not_count(
    judge: Judge, make_problem: MakeProblem
) -> None:
    reference = "def find_zero(xs): return -xs[0] / xs[1]"
    problem = make_problem(
        reference, [[[1, 2]]], atol=1e-4, dataset="humaneval", entry_point="find_zero"
    )
    assert judge.judge(problem, reference).passed
    cheat = "def find_zero(xs):\n    xs.clear()\n    return 0.0"
    assert judge.judge(problem, cheat).base.status == "fail"


def test_references_that_change_their_input_are_run_on_copies(
    judge: Judge, make_problem: MakeProblem
) -> None:
    shared = [3, 1, 2]
    problem = make_problem("def f(x):\n    x.sort()\n    return x", [[shared], [shared]])
    assert judge.judge(problem, "def f(x): return sorted(x)").passed


def test_future_imports_of_ours_do_not_reach_the_program(judge: Judge, double: Problem) -> None:
    assert judge.judge(double, "def f(x: List[int]): return 2 * x").base.status == "fail"


def test_hashes_do_not_vary(judge: Judge, make_problem: MakeProblem) -> None:
    reference = "def f(n): return list({str(k) for k in range(n)})"
    assert judge.judge(make_problem(reference, [[50]]), reference).passed


def test_programs_are_judged_from_many_threads(judge: Judge, double: Problem) -> None:
    programs = [DOUBLE, "def f(x): return x"] * 10
    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(lambda program: judge.judge(double, program), programs))
    assert [verdict.passed for verdict in verdicts] == [True, False] * 10


def test_a_judge_goes_on_when_its_zygote_is_killed(judge: Judge, double: Problem) -> None:
    assert judge.judge(double, DOUBLE).passed
    with judge._pool.zygote() as zygote:
        zygote._process.kill()
        zygote._process.wait()
    assert judge.judge(double, DOUBLE).passed


def test_a_closed_judge_can_be_used_again(double: Problem, tmp_path_factory: object) -> None:
    judge = Judge(allow_unsafe=True, cache_dir=tmp_path_factory.mktemp("c"))  # type: ignore[attr-defined]
    assert judge.judge(double, DOUBLE).passed
    judge.close()
    assert judge.judge(double, DOUBLE).passed
    judge.close()


def test_a_starved_machine_is_no_wrong_answer() -> None:
    receiver = SuiteReceiver(Oracle("own", "f", 0), [[1]], [])
    with pytest.raises(JudgeError, match="more than 3600 s, nearly all of it waiting") as caught:
        suite_result(receiver, Ending("wall", 9, 1.0, "more than 3600 s"), [[1]])
    assert "Lower -n" in caught.value.remedy


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (9, "was killed by SIGKILL"),
        (7 << 8, "exited with status 7"),
        (60, "was killed by signal 60"),
    ],
)
def test_wait_statuses_are_put_into_words(status: int, words: str) -> None:
    assert words in describe_status(status)


def test_long_values_are_shown_short() -> None:
    assert len(show([1] * 10**6)) < 400
    assert len(show("x" * 10**6)) < 400
    assert show("\x1b[31m") == "'\\x1b[31m'"


def test_a_huge_value_has_time_to_be_encoded() -> None:
    """Sending 1 GB as a digest takes seconds that are not the program's."""
    huge = Expected(bytes(32) + (10**9).to_bytes(8, "little"), 1.0, True, False, True)
    short = Expected(b"i1", 1.0, True, False, False)
    assert (huge.length, short.length) == (10**9, 2)
    spec = Spec("own/1", "own", "f", "def f(): ...")
    problem = Problem("own/1", "own", "f", "0", lambda: (spec, "", HiddenTests([], [], 0)))
    job = suite_job(problem, "", [[], []], [huge, short], Limits())
    assert job.input_seconds == pytest.approx([4 * (1 + 1e9 / ENCODED_PER_SECOND), 4.0])
