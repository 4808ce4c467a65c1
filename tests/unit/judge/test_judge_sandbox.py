"""Helper processes that break: an error of the judge, never a wrong answer."""

from __future__ import annotations

import os
import signal
import socket
import sys

import pytest

from pytest_dualcode.errors import JudgeError
from pytest_dualcode.judge import Judge, protocol
from pytest_dualcode.judge.child.zygote import CPU_BACKSTOP
from pytest_dualcode.judge.sandbox import (
    Answer,
    Job,
    Limits,
    Zygote,
    _Conversation,
    describe_status,
    killed_from_outside,
)


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


KILL_ME = "import os, time\ndef f(x):\n    if x:\n        time.sleep(99)\n    return os.getpid()"


class Killer:
    """Kills the first `times` children that say their process id."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.killed = 0

    def __call__(self, tag: int, body: bytes) -> Answer:
        if tag != ord("V"):
            return "more"
        if not self.left:
            return "stop"
        self.left -= 1
        self.killed += 1
        os.kill(protocol.decode(body), signal.SIGKILL)
        return "more"


@pytest.mark.skipif(sys.platform != "linux", reason="flags of processes are in /proc")
@pytest.mark.parametrize(("times", "ends"), [(1, "stopped"), (2, None)])
def test_a_child_killed_from_outside_is_tried_once_more(times: int, ends: str | None) -> None:
    killer = Killer(times)
    job = Job(KILL_ME, "f", [[0], [1]], [30.0, 30.0], 60.0, Limits(idle=30))
    with Judge(allow_unsafe=True, walls=("ls",)) as judge:
        if judge.isolation == "L0":
            pytest.skip("at L0 a program can kill itself")
        if ends is None:
            with pytest.raises(JudgeError, match="killed from outside") as caught:
                judge._run(lambda zygote: zygote.run(job, killer))
            assert "memory" in caught.value.remedy
            assert "-n" in caught.value.remedy
        else:
            assert judge._run(lambda zygote: zygote.run(job, killer)).kind == ends
    assert killer.killed == times


@pytest.mark.skipif(sys.platform != "linux", reason="flags of processes are in /proc")
def test_at_the_lowest_level_a_killed_child_may_have_killed_itself() -> None:
    job = Job(KILL_ME, "f", [[0], [1]], [30.0, 30.0], 60.0, Limits(idle=30))
    with Judge(allow_unsafe=True, walls=("",)) as judge:
        assert judge.isolation == "L0"
        ending = judge._run(lambda zygote: zygote.run(job, Killer(2)))
    assert (ending.kind, describe_status(ending.status)) == ("exited", "was killed by SIGKILL")


@pytest.mark.parametrize(
    ("status", "seconds", "outside"),
    [(9, 0.1, True), (9, CPU_BACKSTOP, False), (11, 0.1, False), (9 << 8, 0.1, False)],
)
def test_only_sigkill_before_the_limit_of_cpu_time_comes_from_outside(
    status: int, seconds: float, outside: bool
) -> None:
    assert killed_from_outside(status, seconds) is outside
