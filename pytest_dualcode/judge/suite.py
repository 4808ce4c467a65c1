"""Judge one suite: receive a child's frames, compare each, and put the end into words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_dualcode.errors import JudgeError, printable
from pytest_dualcode.judge import oracle, protocol
from pytest_dualcode.judge.ground_truth import Expected, GroundTruth, entry_of
from pytest_dualcode.judge.sandbox import Answer, Ending, Job, Limits, Zygote, describe_status
from pytest_dualcode.types import Problem, SuiteResult

SPARE_BYTES = 1 << 20
REFERENCE_SECONDS = 600.0
SHOWN = 300


class SuiteReceiver:
    """Compares a child's outputs with the expected ones, and stops at the first wrong one."""

    def __init__(self, check: oracle.Oracle, inputs: list[Any], expected: Sequence[Expected]):
        self._oracle = check
        self._inputs = inputs
        self._expected = expected
        self.passed = 0
        self.wrong = ""
        self.loaded = False

    @property
    def complete(self) -> bool:
        """Whether every input gave the expected output."""
        return self.loaded and self.passed == len(self._expected)

    def __call__(self, tag: int, body: bytes) -> Answer:
        """Take one frame (see `child.runner` for the tags)."""
        if tag == ord("V") and self.loaded:
            if len(body) > self._longest():  # decoding takes a hundred times the memory
                return self._wrong_length(len(body))
            return self._advance(self._right(body), body)
        if tag == ord("P") and not self.loaded:
            self.loaded = True
            return "stop" if self.complete else "more"
        if tag == ord("D") and self.loaded:
            return self._long(body)
        words = printable(body[:2000].decode("utf-8", "replace"), SHOWN)
        self.wrong = f"raised {words}" if tag == ord("X") else words
        if tag not in b"XE":
            self.wrong = "sent what no solution sends"
        return "stop"

    def _advance(self, right: bool, body: bytes) -> Answer:
        if not right:
            self.wrong = self._difference(body)
            return "stop"
        self.passed += 1
        return "stop" if self.complete else "more"

    def _right(self, body: bytes) -> bool:
        expected = self._expected[self.passed]
        if expected.equal_bytes_suffice and body == expected.data and self._oracle.bytes_decide:
            self._oracle.saw(expected.floats)
            return True
        if expected.digest_only:
            return False
        return self._oracle.accepts(
            protocol.decode(body), expected.value(), self._inputs[self.passed], expected.floats
        )

    def _long(self, body: bytes) -> Answer:
        """Take the digest of a long value, and ask for the value only if it may be right."""
        expected = self._expected[self.passed]
        same = body == expected.digest and self._oracle.bytes_decide
        if same and expected.equal_bytes_suffice:
            self._oracle.saw(expected.floats)
            answer = self._advance(True, b"")
            return "next" if answer == "more" else answer
        length = int.from_bytes(body[32:40], "little")
        if expected.digest_only or length > self._longest():
            return self._wrong_length(length)
        return "send"

    def _longest(self) -> int:
        """Bytes of the longest value that may still be right; an honest child sends no longer."""
        return 4 * self._expected[self.passed].size + SPARE_BYTES

    def _wrong_length(self, length: int) -> Answer:
        self.wrong = f"returned a wrong value of {length} bytes"
        return "stop"

    def _difference(self, body: bytes) -> str:
        expected = self._expected[self.passed]
        wanted = "a very long value" if expected.digest_only else show(expected.value())
        return f"got {show(protocol.decode(body))}, expected {wanted}"


def show(value: Any) -> str:
    """Return a short, printable repr of a decoded value."""
    if isinstance(value, protocol.Opaque):
        return f"an object of type {printable(value.type_name, 100)}"
    if isinstance(value, (str, list, tuple)):
        value = value[:SHOWN]  # what follows would be cut off anyway
    try:
        return printable(repr(value), SHOWN)
    except ValueError:  # an integer over 4,300 digits
        return "a value with a very large integer"


ENCODED_PER_SECOND = 250e6
"""Bytes of output that a child encodes and hashes in a CPU second, at least.

That is our way to send a value, not the program's work, and for Mbpp/255 (over 500 MB in one value)
takes longer than the call. The reference's seconds are of the call alone.
"""


def suite_job(
    problem: Problem, program: str, inputs: list[Any], expected: Sequence[Expected], limits: Limits
) -> Job:
    """Return the job of one suite, with the CPU seconds that its inputs may take."""
    costs = [entry.seconds + entry.length / ENCODED_PER_SECOND for entry in expected]
    each = [max(limits.input, limits.factor * cost) for cost in costs]
    reference = sum(costs)
    return Job(
        program,
        problem.entry_point,
        inputs,
        input_seconds=each,
        suite_seconds=max(min(limits.suite, sum(each)), limits.factor * reference) + 1,
        limits=limits,
        as_set=oracle.as_set(problem.dataset, problem.entry_point),
    )


def judge_suite(
    zygote: Zygote,
    problem: Problem,
    program: str,
    inputs: list[Any],
    expected: Sequence[Expected],
    limits: Limits,
) -> SuiteResult:
    """Run `program` on `inputs` in a fresh jailed child and compare with `expected`.

    Raises:
        JudgeError: the judge itself broke, or the machine let the child hardly run.
    """
    check = oracle.Oracle(problem.dataset, problem.entry_point, problem.tests.atol)
    receiver = SuiteReceiver(check, inputs, expected)
    ending = zygote.run(suite_job(problem, program, inputs, expected, limits), receiver)
    return suite_result(receiver, ending, inputs)


def suite_result(receiver: SuiteReceiver, ending: Ending, inputs: list[Any]) -> SuiteResult:
    """Put the end of a suite into a status and a reason.

    Raises:
        JudgeError: the child neither ran nor slept up to its limits, but waited for a CPU.
    """
    if ending.kind == "wall":
        raise JudgeError(
            f"A program took {ending.detail}, nearly all of it waiting for a CPU.",
            "Lower -n, or end what else runs on the machine; then continue with --resume.",
        )
    at = receiver.passed
    status, reason = _status_and_reason(receiver, ending)
    where = f"test {at}" if receiver.loaded else "loading"
    failed = status != "pass"
    return SuiteResult(
        status=status,
        reason=f"{where}: {reason}" if failed else "",
        passed_tests=at,
        total_tests=len(inputs),
        cpu_seconds=ending.cpu_seconds,
        failing_input=show_arguments(inputs[at]) if failed and receiver.loaded else "",
    )


def _status_and_reason(receiver: SuiteReceiver, ending: Ending) -> tuple[Any, str]:
    if receiver.complete:
        return "pass", ""
    if ending.kind == "stopped":
        return "fail", receiver.wrong
    if ending.kind in ("cpu", "idle"):
        return "timeout", ending.detail
    if ending.kind == "threads":
        return "fail", ending.detail
    if ending.kind == "garbled":
        return "fail", f"returned too much: {ending.detail}"
    return "fail", f"the process {describe_status(ending.status)}"


def show_arguments(arguments: Any) -> str:
    """Return the arguments of one call as they would be written in it."""
    return ", ".join(show(argument) for argument in arguments)


# ------------------------------------------------------------------ reference solutions


class ReferenceReceiver:
    """Collects what the reference solution returns."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.entries: list[Expected] = []
        self.problem = ""

    def __call__(self, tag: int, body: bytes) -> Answer:
        """Take one frame of a timed run."""
        if tag == ord("V"):
            nanoseconds = int.from_bytes(body[:8], "little")
            self.entries.append(entry_of(nanoseconds, body[8], body[9:]))
        elif tag != ord("P"):
            self.problem = body[:500].decode("utf-8", "replace")
            return "stop"
        return "stop" if len(self.entries) == self._count else "more"


def compute_ground_truth(zygote: Zygote, problem: Problem) -> GroundTruth:
    """Run the reference solution on both suites.

    Raises:
        JudgeError: it fails on one of its own inputs.
    """
    tests = problem.tests
    base, plus = (
        _run_reference(zygote, problem, i) for i in (tests.base_inputs, tests.plus_inputs)
    )
    return GroundTruth(base, plus)


def _run_reference(zygote: Zygote, problem: Problem, inputs: list[Any]) -> tuple[Expected, ...]:
    receiver = ReferenceReceiver(len(inputs))
    job = Job(
        problem.reference,
        problem.entry_point,
        inputs,
        input_seconds=[REFERENCE_SECONDS] * len(inputs),
        suite_seconds=REFERENCE_SECONDS,
        limits=Limits(load=60, idle=60),
        as_set=oracle.as_set(problem.dataset, problem.entry_point),
        timed=True,
    )
    ending = zygote.run(job, receiver)
    if receiver.problem or len(receiver.entries) != len(inputs):
        why = receiver.problem or ending.detail or describe_status(ending.status)
        raise JudgeError(
            f"The reference solution of {problem.task_id} fails on its own input"
            f" {len(receiver.entries)}: {why}.",
            "Correct the problem set, or deselect the problem with -k.",
        )
    return tuple(receiver.entries)
