"""The seccomp filter, run by an interpreter of BPF; what may be read; levels and refusals."""

from __future__ import annotations

import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.errors import JudgeError, UsageError
from pytest_dualcode.judge import bubblewrap, canaries, evalplus_mode, protocol
from pytest_dualcode.judge.child import jail
from pytest_dualcode.judge.sandbox import Answer, Job

EPERM, ENOSYS = jail.ERRNO | jail.EPERM, jail.ERRNO | jail.ENOSYS
MACHINES = ("x86_64", "aarch64")
WORDS = st.integers(0, 2**64 - 1)


def answer(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """Run the filter on one system call, as the kernel would (see linux/filter.h)."""
    audit = jail.AUDIT_ARCH[machine] if arch is None else arch
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, audit, 0, *padded)
    program = list(struct.iter_unpack("<HBBI", jail.build_filter(machine)))
    at, accumulator = 0, 0
    while True:
        code, yes, no, k = program[at]
        at += 1
        if code == 0x06:
            return int(k)
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, k)
        else:
            met = accumulator == k if code == 0x15 else bool(accumulator & k)
            at += yes if met else no


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 2**32 - 1), arguments=st.lists(WORDS, min_size=6, max_size=6))
def test_only_listed_calls_are_allowed(machine: str, number: int, arguments: list[int]) -> None:
    column = MACHINES.index(machine)
    free = {numbers[column] for numbers in jail.FREE_CALLS.values()}
    guarded = {numbers[column] for numbers, _, _, _ in jail.GUARDED}
    got = answer(machine, number, *arguments)
    if number in free:
        assert got == jail.ALLOW
    elif number not in guarded:
        assert got in (EPERM, ENOSYS)


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 500), arch=st.integers(0, 2**32 - 1))
def test_calls_of_another_architecture_are_refused(machine: str, number: int, arch: int) -> None:
    if arch != jail.AUDIT_ARCH[machine]:
        assert answer(machine, number, arch=arch) == EPERM


@pytest.mark.parametrize("number", [56, 57, 58, 59, 62, 41, 49, 101, 322, 425, 435, 304, 90, 87])
def test_dangerous_calls_are_refused(number: int) -> None:
    assert answer("x86_64", number, 17) != jail.ALLOW


@given(flags=st.integers(0, 2**32 - 1))
def test_files_open_for_reading_only(flags: int) -> None:
    writes = flags & (1 | 2 | 0o100 | 0o1000)
    for number, arguments in ((257, (0, 0, flags)), (2, (0, flags))):
        got = answer("x86_64", number, *arguments)
        assert not (writes and got == jail.ALLOW)
    assert answer("x86_64", 257, 0, 0, 0o2000000) == jail.ALLOW  # O_CLOEXEC, as imports do


@pytest.mark.parametrize(
    ("number", "arguments", "allowed"),
    [
        (56, (0x3D0F00,), True),  # clone for a thread
        (56, (17,), False),  # clone for a process
        (72, (0, 1), True),  # F_GETFD
        (72, (0, 8), False),  # F_SETOWN
        (72, (0, 10), False),  # F_SETSIG
        (16, (0, 0x5401), True),  # TCGETS
        (16, (0, 0x5412), False),  # TIOCSTI
        (157, (15,), True),  # PR_SET_NAME
        (157, (1,), False),  # PR_SET_PDEATHSIG
        (157, (38,), False),  # PR_SET_NO_NEW_PRIVS
        (302, (0, 9, 0, 1), True),  # reading a limit
        (302, (0, 9, 1 << 32, 0), False),  # setting one, its address above 4 GB
        (302, (0, 9, 4096, 0), False),
        (44, (3, 1, 1, 0, 0), True),  # to the peer
        (44, (3, 1, 1, 0, 4096), False),  # to an address
    ],
)
def test_guarded_calls(number: int, arguments: tuple[int, ...], allowed: bool) -> None:
    assert (answer("x86_64", number, *arguments) == jail.ALLOW) is allowed


def test_what_may_be_read_leaves_out_this_package_and_all_homes() -> None:
    paths = jail.readable_paths()
    package = Path(jail.__file__).parents[2]
    assert not [p for p in paths if package.is_relative_to(p)]
    for private in (Path.home(), Path("/etc"), Path("/proc"), Path("/tmp"), Path("/")):
        assert private not in paths
        assert not [p for p in paths if private.is_relative_to(p)]
    stdlib = Path(sys.modules["json"].__file__ or "").resolve().parent
    assert [p for p in paths if stdlib.is_relative_to(p.resolve())]


@pytest.mark.parametrize(
    ("broke_out", "level"),
    [
        ((), "L3"),
        (("see_secret",), "L2"),
        (("read_secret", "see_secret"), "L1"),
        (("see_secret", "connect"), "L0"),
        (("trace",), "L0"),
    ],
)
def test_levels_follow_from_what_succeeded(broke_out: tuple[str, ...], level: str) -> None:
    assert canaries.level_of(broke_out) == level


@pytest.mark.skipif(sys.platform != "linux", reason="the levels are Linux's")
@pytest.mark.parametrize(("walls", "level"), [("s", "L1"), ("", "L0")])
def test_lower_levels_are_refused_with_the_remedy(walls: str, level: str) -> None:
    with pytest.raises(UsageError, match=f"isolation level {level}") as caught:
        canaries.find(False, [walls])
    assert "a program could read secret" in caught.value.what
    assert "--allow-unsafe-judge" in caught.value.remedy


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_bubblewrap_alone_hides_the_packages_that_hold_problems() -> None:
    """As on kernels without Landlock, where the level is L3 all the same."""
    try:
        zygote = canaries.start("bs")
    except JudgeError:
        pytest.skip("bubblewrap is not allowed here")
    program = "import os\ndef f(path): return os.path.exists(path) and bool(os.listdir(path))"
    folders = bubblewrap.hidden_paths()
    found: list[object] = []

    def receive(tag: int, body: bytes) -> Answer:
        found.extend([protocol.decode(body)] if tag == ord("V") else [])
        return "stop" if len(found) == len(folders) + 1 or tag in b"XE" else "more"

    inputs = [[folder] for folder in (str(Path(np.__file__).parent), *folders)]
    zygote.run(Job(program, "f", inputs, [4.0] * len(inputs), 30.0), receive)
    zygote.close()
    assert found == [True] + [False] * len(folders)
    assert folders


@pytest.mark.skipif(sys.platform != "linux", reason="the levels are Linux's")
def test_the_best_that_works_is_taken() -> None:
    plan, zygote = canaries.find(True, ["", "s"])
    zygote.close()
    assert (plan.walls, plan.level) == ("s", "L1")


def test_evalplus_is_refused_unless_allowed() -> None:
    with pytest.raises(UsageError, match="without isolation") as caught:
        evalplus_mode.refuse_unless_allowed(False)
    assert "--allow-unsafe-judge" in caught.value.remedy
    evalplus_mode.refuse_unless_allowed(True)
