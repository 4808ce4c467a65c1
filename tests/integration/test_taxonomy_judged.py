"""The kinds of failures, from what the judge really says of programs."""

from __future__ import annotations

import pytest
from sample_records import make_record

from pytest_dualcode.analysis.taxonomy import classify
from pytest_dualcode.judge import Judge
from pytest_dualcode.problems.catalog import load_problems
from pytest_dualcode.problems.examples import visible_examples

PROGRAMS = {
    "syntax": "def count_late(",
    "missing import": "def count_late(*a):\n    return math.floor(1)\n",
    "renamed": "def late_count(*a):\n    return 1\n",
    "renamed parameters": "def count_late():\n    return 1\n",
    "renamed variable": "def count_late(*delimiters):\n    return delimeters\n",
    "timeout": "def count_late(*a):\n    while True: pass\n",
    "crash": "def count_late(*a):\n    return [][0]\n",
    "crash at the start": "def count_late(*a):\n    return 1\n1 / 0\n",
    "crash of the process": "import os\ndef count_late(*a):\n    os.abort()\n",
    "example ignored": "def count_late(*a):\n    return 'never'\n",
    "algorithm": "def count_late(a, due, grace):\n    return sum(n > due + grace % 6 for n in a)\n",
}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    with Judge(cache_dir=tmp_path_factory.mktemp("truth"), allow_unsafe=True) as judge:
        yield judge


@pytest.fixture(scope="module")
def problem():
    (found,) = (p for p in load_problems(["own"]) if p.entry_point == "count_late")
    return found


@pytest.mark.parametrize("kind", PROGRAMS)
def test_the_judges_words_lead_to_the_kind(judge, problem, kind):
    program = PROGRAMS[kind]
    verdict = judge.judge(problem, program)
    results = judge.run_examples(problem.spec, program, visible_examples(problem.spec))
    record = make_record(
        1,
        verdict.base.status,
        verdict.plus.status,
        reason=verdict.base.reason or verdict.plus.reason,
        solution=program,
        examples_passed=tuple(result.passed for result in results),
    )
    cause = classify(record)
    assert cause is not None
    assert kind.startswith(cause.kind), (cause, record.reason)
