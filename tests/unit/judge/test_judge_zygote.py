"""The process that forks: a machine that is full for a moment costs no verdict."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_dualcode.judge.child import zygote


def test_a_fork_is_tried_until_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: Iterator[OSError | int] = iter([BlockingIOError(11, "full"), OSError(12, "no"), 7])

    def fork() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(os, "fork", fork)
    assert zygote.fork() == 7


def test_a_fork_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError(11, "full")

    monkeypatch.setattr(os, "fork", fork)
    with pytest.raises(BlockingIOError):
        zygote.fork(seconds=0.0)
