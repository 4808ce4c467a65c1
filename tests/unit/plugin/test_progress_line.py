"""What a line of progress says of the calls."""

from __future__ import annotations

from pytest_dualcode.models.base import Traffic
from pytest_dualcode.plugin.progress import calls_of


def test_attempts_that_failed_are_told_if_there_are_any() -> None:
    assert calls_of("coder", Traffic(done=9, in_flight=4)) == "coder 9 calls, 4 in flight"
    troubled = calls_of("planner", Traffic(done=9, in_flight=4, retries=12))
    assert troubled == "planner 9 calls, 4 in flight, 12 attempts failed"
