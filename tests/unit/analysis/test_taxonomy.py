"""Why a solution failed: the kind, and the evidence for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_records import make_record

from pytest_dualcode.analysis.taxonomy import KINDS, PAPER_REGRESSIONS, Cause, classify, tally
from pytest_dualcode.types import Stage

PROGRAM = "def f(delimiter):\n    total = 0\n    return total\n"


def failure(reason="test 0: got 1, expected 2", solution=PROGRAM, status="fail", **fields):
    return make_record(1, status, status, reason=reason, solution=solution, **fields)


@pytest.mark.parametrize(
    ("record", "kind", "evidence"),
    [
        (
            failure(solution="", stages=(Stage("draft", "truncated"),)),
            "truncation",
            "the reply was cut off before a program was complete",
        ),
        (
            failure(
                "loading: SyntaxError: '(' was never closed (line 3)",
                finish_reasons=("length",),
            ),
            "truncation",
            "a reply was cut off, and the program ends in SyntaxError: '(' was never closed",
        ),
        (
            failure(solution="", stages=(Stage("draft", "no_program", detail="only prose"),)),
            "extraction",
            "only prose",
        ),
        (
            failure("loading: IndentationError: unexpected indent"),
            "syntax",
            "IndentationError: unexpected indent",
        ),
        (
            failure("test 0: raised NameError: name 'math' is not defined (line 2)"),
            "missing import",
            "math is used and not imported",
        ),
        (
            failure("loading: NameError: name 'List' is not defined"),
            "missing import",
            "List is used and not imported",
        ),
        (
            failure("test 0: raised NameError: name 'delimeter' is not defined (line 2)"),
            "renamed",
            "delimeter is used where the program defines delimiter",
        ),
        (
            failure("loading: KeyError: 'g'"),
            "renamed",
            "the program defines f instead of g",
        ),
        (
            failure("test 0: raised TypeError: f() takes 1 positional argument but 2 were given"),
            "renamed",
            "the parameters changed: takes 1 positional argument but 2 were given",
        ),
        (
            failure(
                "test 0: raised TypeError: f() got an unexpected keyword argument 'k' (line 3)"
            ),
            "renamed",
            "the parameters changed: got an unexpected keyword argument",
        ),
        (
            failure(
                "test 0: raised TypeError: <lambda>() takes 1 positional argument but 2 were given"
            ),
            "renamed",
            "the parameters changed: takes 1 positional argument",
        ),
        (
            failure("test 0: raised TypeError: int() takes at most 2 arguments (3 given) (line 3)"),
            "crash",
            "raised TypeError: int() takes at most 2 arguments (3 given)",
        ),
        (failure("test 3: 1.0 s of CPU time", status="timeout"), "timeout", "1.0 s of CPU time"),
        (
            failure(
                stages=(
                    Stage("draft", "ok", program=PROGRAM),
                    Stage("examples-1", "examples_failed", detail=">>> f(1)\ngot 2"),
                )
            ),
            "example ignored",
            "fails a visible example: >>> f(1)",
        ),
        (
            failure("test 0: raised IndexError: list index out of range (line 4)"),
            "crash",
            "raised IndexError: list index out of range",
        ),
        (failure("test 0: the process was killed by SIGSEGV"), "crash", "killed by SIGSEGV"),
        (failure("test 0: got 1, expected 2"), "algorithm", "test 0: got 1, expected 2"),
        (
            failure("test 0: raised NameError: name 'zzz' is not defined (line 2)"),
            "crash",
            "raised NameError: name 'zzz' is not defined",
        ),
    ],
)
def test_each_kind_has_its_evidence(record, kind, evidence):
    cause = classify(record)
    assert cause is not None
    assert cause.kind == kind
    assert evidence in cause.evidence


def test_a_pass_and_an_error_have_no_cause():
    assert classify(make_record()) is None
    assert classify(make_record(base=None)) is None


def test_over_engineering_is_seen_beside_a_program_that_passes():
    long = "def f(a):\n" + "".join(f"    x{n} = [a, {n}, a + {n}]\n" for n in range(12))
    passing = make_record(1, solution="def f(a):\n    return a\n")
    cause = classify(failure(solution=long), passing)
    assert cause is not None
    assert cause.kind == "over-engineering"
    assert "times the syntax tree of raw-coder's program, which passes" in cause.evidence
    assert classify(failure(solution=long)) == Cause("algorithm", "test 0: got 1, expected 2")
    assert classify(failure(), passing) == Cause("algorithm", "test 0: got 1, expected 2")


def test_a_wrong_base_result_is_not_a_timeout_of_the_plus_tests():
    wrong = make_record(1, "fail", "timeout", reason="test 0: got 1, expected 2")
    slow = make_record(1, "pass", "timeout", reason="test 9: more than 1 s of CPU time")
    assert [classify(wrong).kind, classify(slow).kind] == ["algorithm", "timeout"]


def test_a_failed_example_counts_only_if_the_program_stayed_as_it_was():
    stages = (
        Stage("draft", "ok", program="x"),
        Stage("examples-1", "examples_failed", detail="f(1)"),
        Stage("retry-1", "ok", program=PROGRAM),
    )
    assert classify(failure(stages=stages)) == Cause("algorithm", "test 0: got 1, expected 2")
    passed = (Stage("examples-1", "examples_passed"),)
    assert classify(failure(stages=passed)) == Cause("algorithm", "test 0: got 1, expected 2")


def test_examples_that_were_run_afterwards_tell_of_pipelines_that_run_none():
    draft = (Stage("draft", "ok", program=PROGRAM),)
    cause = classify(failure(stages=draft, examples_passed=(True, False, False)))
    assert cause == Cause("example ignored", "fails visible example 2 of 3")
    all_well = failure(stages=draft, examples_passed=(True, True))
    assert classify(all_well) == Cause("algorithm", "test 0: got 1, expected 2")


def test_a_program_that_crashes_does_so_on_the_examples_too_which_tells_nothing_more():
    reason = "test 0: raised IndexError: list index out of range (line 4)"
    cause = classify(failure(reason, examples_passed=(False,)))
    assert cause is not None
    assert cause.kind == "crash"


@given(st.text(), st.text(max_size=200), st.sampled_from(["fail", "timeout"]))
def test_every_failure_has_a_kind_whatever_the_texts(reason, solution, status):
    cause = classify(failure(reason, solution, status))
    assert cause is not None
    assert cause.kind in KINDS
    assert cause.evidence


def test_the_tally_is_in_the_order_of_kinds():
    causes = [Cause("algorithm", ""), Cause("syntax", ""), Cause("algorithm", "")]
    assert list(tally(causes).items()) == [("syntax", 1), ("algorithm", 2)]


def test_the_papers_figure_has_fifteen_regressions_of_known_kinds():
    assert sum(PAPER_REGRESSIONS.values()) == 15
    assert PAPER_REGRESSIONS.keys() <= set(KINDS)
