"""EvalPlus's own verdicts, bug for bug, for comparison with its leaderboard.

The program runs in EvalPlus's process, next to the expected outputs: the level is L0.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pytest_dualcode.errors import JudgeError, UsageError
from pytest_dualcode.judge.sandbox import KEPT_ENVIRONMENT, SINGLE_THREADED
from pytest_dualcode.judge.suite import show_arguments
from pytest_dualcode.types import Problem, SuiteResult, Verdict

ANSWER_SECONDS = 1800.0
LEVEL = "L0"


def refuse_unless_allowed(allow_unsafe: bool) -> None:
    """Raise `UsageError` unless the user accepted that EvalPlus's judge shuts nothing in."""
    if not allow_unsafe:
        raise UsageError(
            "--judge=evalplus runs programs without isolation (level L0): EvalPlus's judge hands"
            " them the expected outputs and lets them read and write files.",
            "Add --allow-unsafe-judge to accept that, or leave --judge out.",
        )


class EvalPlusJudge:
    """One EvalPlus process, started on first use; one job at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._jobs = self._answers = -1
        self._pending = b""

    def judge(self, problem: Problem, program: str) -> Verdict:
        """Return EvalPlus's statuses for both suites.

        Raises:
            JudgeError: EvalPlus's process broke.
        """
        began = time.monotonic()
        tests = problem.tests
        suites = {"base": tests.base_inputs, "plus": tests.plus_inputs}
        job = {
            "key": f"{problem.dataset_hash}/{problem.task_id}",
            "dataset": problem.dataset,
            "entry_point": problem.entry_point,
            "reference": problem.reference,
            "program": program,
            "suites": suites,
            "atol": tests.atol,
        }
        with self._lock:
            answer = self._ask(pickle.dumps(job))
        base, plus = (_suite_result(answer[name], suites[name]) for name in ("base", "plus"))
        return Verdict(base, plus, LEVEL, time.monotonic() - began)

    def _ask(self, data: bytes) -> dict[str, Any]:
        if self._process is None:
            self._start()
        try:
            view = memoryview(len(data).to_bytes(8, "little") + data)
            while view:
                view = view[os.write(self._jobs, view) :]
            answer = json.loads(self._read_line())
        except (OSError, ValueError) as error:
            self.close()
            raise JudgeError(f"EvalPlus's judge broke: {error}.", _REMEDY) from error
        if "error" in answer or set(answer) != {"base", "plus"}:
            raise JudgeError(f"EvalPlus's judge failed: {answer.get('error')}.", _REMEDY)
        return dict(answer)

    def _read_line(self) -> bytes:
        deadline = time.monotonic() + ANSWER_SECONDS
        while b"\n" not in self._pending:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._answers], [], [], left)[0]:
                raise OSError(f"no answer for {ANSWER_SECONDS:g} s")
            part = os.read(self._answers, 65536)
            if not part:
                raise OSError("its process has died")
            self._pending += part
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _start(self) -> None:
        job_read, self._jobs = os.pipe()
        self._answers, answer_write = os.pipe()
        code = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r});"
            " from child import evalplus_server; del sys.path[0];"
            f" evalplus_server.main({job_read}, {answer_write})"
        )
        kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-P", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[job_read, answer_write],
            env={**kept, **SINGLE_THREADED, "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        os.close(job_read)
        os.close(answer_write)

    def close(self) -> None:
        """End EvalPlus's process."""
        process, self._process = self._process, None
        if process is None:
            return
        for fd in (self._jobs, self._answers):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._pending = b""
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_REMEDY = "Judge this run again without --judge=evalplus."


def _suite_result(answer: list[Any], inputs: list[Any]) -> SuiteResult:
    status, seen, passed = answer
    failed = status != "pass"
    at = max(0, seen - 1) if status == "fail" else seen
    return SuiteResult(
        status=status,
        reason=f"test {at}: EvalPlus says {status}" if failed else "",
        passed_tests=passed,
        total_tests=len(inputs),
        failing_input=show_arguments(inputs[at]) if failed and at < len(inputs) else "",
    )
