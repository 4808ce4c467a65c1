"""Helper processes that break: an error of the judge, never a wrong answer."""

from __future__ import annotations

import os
import socket

import pytest

from pytest_dualcode.errors import JudgeError
from pytest_dualcode.judge.sandbox import Job, Zygote, _Conversation


def test_a_zygote_that_cannot_be_started_says_why_and_what_to_do() -> None:
    with pytest.raises(JudgeError, match="cannot be started: No such file") as caught:
        Zygote(wrapper=("/no/such/program",))
    assert "Lower -n" in caught.value.remedy


def test_a_child_that_ends_before_it_got_its_program_is_not_the_programs_fault() -> None:
    """As when the kernel, out of memory, takes the child between its fork and its first frame."""
    ours, theirs = socket.socketpair()
    theirs.close()
    job = Job("def f(): ...", "f", [[]], [1.0], 1.0)
    with ours, pytest.raises(OSError, match="before it got its program"):
        _Conversation(ours, job, lambda *_: "stop", os.getpid()).hold()
