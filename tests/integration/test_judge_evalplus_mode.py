"""``--judge=evalplus`` keeps EvalPlus's verdicts, its mistakes included."""

from __future__ import annotations

import pytest

from pytest_dualcode.errors import JudgeError, UsageError
from pytest_dualcode.judge import Judge
from pytest_dualcode.types import HiddenTests, Problem, Spec

REFERENCE = "def f(x):\n    return 2 * x\n"


def problem(reference: str = REFERENCE) -> Problem:
    spec = Spec("own/1", "own", "f", "def f(x): ...")
    tests = HiddenTests([[1], [2]], [[3]], 0)
    return Problem("own/1", "own", "f", reference, lambda: (spec, reference, tests))


def test_it_is_refused_without_consent() -> None:
    with pytest.raises(UsageError, match="--judge=evalplus runs programs without isolation"):
        _ = Judge(mode="evalplus").isolation


@pytest.mark.parametrize(
    ("program", "theirs", "ours"),
    [
        (REFERENCE, "pass", "pass"),
        ("def f(x): return x", "fail", "fail"),
        ("class A:\n    def __eq__(s, o): return True\ndef f(x): return A()", "pass", "fail"),
        ("import os\ndef f(x): os._exit(0)", "timeout", "fail"),
    ],
)
def test_verdicts_are_evalplus_s(
    tmp_path_factory: pytest.TempPathFactory, program: str, theirs: str, ours: str
) -> None:
    with Judge(mode="evalplus", allow_unsafe=True) as judge:
        verdict = judge.judge(problem(), program)
    assert (verdict.base.status, verdict.isolation) == (theirs, "L0")
    cache = tmp_path_factory.mktemp("cache")
    with Judge(allow_unsafe=True, cache_dir=cache) as judge:
        assert judge.judge(problem(), program).base.status == ours


def test_a_broken_reference_is_no_verdict() -> None:
    with (
        Judge(mode="evalplus", allow_unsafe=True) as judge,
        pytest.raises(JudgeError, match="ZeroDivisionError"),
    ):
        judge.judge(problem("def f(x): return 1 / 0"), REFERENCE)
