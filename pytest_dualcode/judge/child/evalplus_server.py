"""Judge with EvalPlus itself, in a process of its own: ``--judge=evalplus``.

Nothing is mended and nothing is shut in: EvalPlus forks a child that holds the expected
outputs, limits wall time, and trusts what the child says. Jobs come as length-prefixed pickles
from the process that started this one; answers go back as lines of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import sys
from typing import Any


def main(job_fd: int, answer_fd: int) -> None:
    """Serve jobs until the other side closes its end."""
    load = importlib.import_module
    untrusted_check = load("evalplus.eval").untrusted_check
    not_none_tasks = load("evalplus.eval._special_oracle").MBPP_OUTPUT_NOT_NONE_TASKS
    trusted_exec = load("evalplus.gen.util").trusted_exec
    expected: dict[str, Any] = {}
    jobs = os.fdopen(job_fd, "rb")
    while head := jobs.read(8):
        job = pickle.loads(jobs.read(int.from_bytes(head, "little")))
        key = job["key"]
        not_none = job["dataset"] == "mbpp" and job["entry_point"] in not_none_tasks
        try:
            if key not in expected:
                expected[key] = {
                    suite: trusted_exec(
                        job["reference"],
                        inputs,
                        job["entry_point"],
                        record_time=True,
                        output_not_none=not_none,
                    )
                    for suite, inputs in job["suites"].items()
                }
            answer = _judge(untrusted_check, job, expected[key])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        os.write(answer_fd, json.dumps(answer).encode() + b"\n")


def _judge(untrusted_check: Any, job: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    answer = {}
    for suite, inputs in job["suites"].items():
        outputs, seconds = expected[suite]
        status, details = untrusted_check(
            job["dataset"],
            job["program"],
            inputs,
            job["entry_point"],
            expected=outputs,
            atol=job["atol"],
            ref_time=seconds,
            fast_check=True,
        )
        answer[suite] = [status, len(details), sum(map(bool, details))]
    return answer


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
