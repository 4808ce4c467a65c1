"""The judge where the kernel allows less: what containers and hosted runners refuse.

Docker's default profile and Ubuntu's AppArmor rules refuse new namespaces and mounts; old
kernels have no Landlock; gVisor has neither it nor ``schedstat``. Each is simulated by a
seccomp filter put on before the judge starts.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the levels are Linux's")

SETUP = """
import ctypes, platform, struct, sys, tempfile
from pathlib import Path
from pytest_dualcode.errors import UsageError
from pytest_dualcode.judge import Judge
from pytest_dualcode.judge.child import jail
from pytest_dualcode.types import HiddenTests, Problem, Spec

UNSHARE, MOUNT, SETNS, CLONE, CLONE3 = {
    "x86_64": (272, 165, 308, 56, 435), "aarch64": (97, 40, 268, 220, 435)}[platform.machine()]
LANDLOCK, SECCOMP, PRCTL = (444, 445, 446), (317, 277), 157
NEW_NAMESPACES = 0x7E020000

def refuse(numbers, masked=(), error=1):
    code = [jail._load(0)]
    for number, mask in masked:
        code += [jail._jump(number, 0, 3), jail._load(16), jail._jump(mask, 0, 1, 0x45),
                 jail._returns(jail.ERRNO | error), jail._load(0)]
    for number in numbers:
        code += [jail._jump(number, 0, 1), jail._returns(jail.ERRNO | error)]
    code.append(jail._returns(jail.ALLOW))
    data = b"".join(struct.pack("<HBBI", *i) for i in code)
    keep = ctypes.create_string_buffer(data, len(data))
    program = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(keep))
    jail.forbid_new_privileges()
    assert jail._libc.prctl(22, 2, program, 0, 0) == 0

def judged(allow_unsafe=False):
    spec, reference = Spec("own/1", "own", "f", ""), "def f(x): return 2 * x"
    tests = HiddenTests([[1], [2]], [], 0)
    problem = Problem("own/1", "own", "f", "elsewhere", lambda: (spec, reference, tests))
    folder = Path(tempfile.mkdtemp())
    with Judge(cache_dir=folder, allow_unsafe=allow_unsafe) as judge:
        print(judge.isolation)
        assert judge.judge(problem, reference).passed
        assert judge.judge(problem, "def f(x): return x").base.status == "fail"
"""


def run(code: str) -> str:
    program = SETUP + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_new_namespaces_as_in_docker_s_default_profile() -> None:
    code = """
    refuse([UNSHARE, MOUNT, SETNS], masked=[(CLONE, NEW_NAMESPACES)])
    judged()
    """
    assert run(code) == "L2"


def test_no_landlock_as_in_old_kernels_is_refused() -> None:
    code = """
    refuse([UNSHARE, MOUNT, SETNS, *LANDLOCK], masked=[(CLONE, NEW_NAMESPACES)], error=38)
    try:
        judged()
    except UsageError as error:
        print(error)
    """
    said = run(code)
    assert "isolation level L1, a program could read secret" in said
    assert "--allow-unsafe-judge" in said


def test_no_landlock_is_level_1_if_the_user_accepts_it() -> None:
    code = """
    refuse([UNSHARE, MOUNT, SETNS, *LANDLOCK], masked=[(CLONE, NEW_NAMESPACES)], error=38)
    judged(allow_unsafe=True)
    """
    assert run(code) == "L1"


@pytest.mark.parametrize("program", ["def f(x):\n    while True: pass", "while True: pass"])
def test_nothing_survives_a_judge_that_is_killed(program: str) -> None:
    mark = f"/dualcode-{uuid.uuid4().hex}"
    code = f"""
    from concurrent.futures import ThreadPoolExecutor
    spec, reference = Spec("own/1", "own", "f", ""), "def f(x): return 2 * x"
    problem = Problem(
        "own/1", "own", "f", "killed", lambda: (spec, reference, HiddenTests([[1]], [], 0)))
    with Judge(cache_dir=Path(tempfile.mkdtemp()), allow_unsafe=True) as judge:
        judge.judge(problem, reference)
        print("judging", flush=True)
        judge.judge(problem, {program!r})
    """
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:{mark}"}
    command = [sys.executable, "-c", SETUP + textwrap.dedent(code)]
    judging = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert judging.stdout is not None
    assert judging.stdout.readline() == b"judging\n"
    while len(marked(mark)) < 3:  # the judge, its zygote and the child
        os.sched_yield()
    judging.kill()
    judging.wait()
    judging.stdout.close()
    while marked(mark):
        os.sched_yield()


def marked(mark: str) -> list[Path]:
    """The processes whose environment holds `mark`: the judge's and all that they started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (entry / "environ").read_bytes():
                found.append(entry)
    return found


def test_no_room_for_a_process_is_an_error_that_names_the_limit() -> None:
    """As at a container's pids.max: fork fails with EAGAIN (11), and the zygote lives on."""
    code = """
    from pytest_dualcode.errors import JudgeError
    from pytest_dualcode.judge.sandbox import Job, Zygote
    code = [jail._load(0), jail._jump(CLONE, 0, 3), jail._load(16),
            jail._jump(0x100, 1, 0, 0x45),  # CLONE_VM: a thread, or subprocess's vfork
            jail._returns(jail.ERRNO | 11), jail._returns(jail.ALLOW)]
    data = b"".join(struct.pack("<HBBI", *i) for i in code)
    keep = ctypes.create_string_buffer(data, len(data))
    jail.forbid_new_privileges()
    program = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(keep))
    assert jail._libc.prctl(22, 2, program, 0, 0) == 0
    zygote = Zygote("")
    try:
        zygote.run(Job("", "f", [[]], [1.0], 1.0), lambda tag, body: "stop")
    except JudgeError as error:
        print(error)
    print(zygote.alive)
    zygote.close()
    """
    said = run(code)
    assert "cannot start a process for a program: Resource temporarily unavailable" in said
    assert "pids.max" in said
    assert "lower -n" in said
    assert said.endswith("True")
