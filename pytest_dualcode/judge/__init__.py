"""Judge model-written programs against hidden tests, without trusting them.

`Judge` is all that other parts of the package use; docs/judge.md explains the levels of
isolation, the limits, and where verdicts differ from EvalPlus's.
"""

from pytest_dualcode.judge.verdict import Judge, ensure_ground_truth, expected_seconds

__all__ = ["Judge", "ensure_ground_truth", "expected_seconds"]
