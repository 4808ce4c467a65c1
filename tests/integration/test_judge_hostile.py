"""Hostile and careless programs at every isolation level.

Every program defines ``f``; the right answer is ``[x, 2 * x]``. Those that attack the world
around them give the right answer only when the attack failed, so a pass shows that it did.
After each, the world must be as it was, and the judge must judge the next program at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from judge_hostile_programs import ACTIONS, ATTACK, CHEATS, ENDLESS, HONEST, READS, REFERENCE

from pytest_dualcode.errors import JudgeError
from pytest_dualcode.judge import Judge
from pytest_dualcode.judge.sandbox import Limits
from pytest_dualcode.types import HiddenTests, Problem, Spec

LEVELS = {"L3": "bls", "L2": "ls", "L1": "s", "L0": ""}
QUICK = Limits(input=0.5, load=0.5, idle=0.5, suite=5.0)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the levels are Linux's")


def problem(name: str = "own/1", reference: str = REFERENCE) -> Problem:
    """A problem with three inputs in the base suite and none in the plus suite."""
    spec = Spec(name, "own", "f", "def f(x): ...")
    tests = HiddenTests([[1], [2], [3]], [], 0)
    return Problem(name, "own", "f", "hostile-tests", lambda: (spec, reference, tests))


@dataclass
class World:
    """Things around the judge that a program must not touch."""

    folder: Path
    victim: subprocess.Popen[bytes]
    tcp: socket.socket
    udp: socket.socket
    unix: socket.socket
    mark: str
    before: set[Path] = field(default_factory=set)

    @property
    def names(self) -> dict[str, object]:
        """The names that attacks may use."""
        return {
            "folder": str(self.folder),
            "secret": str(self.folder / "secret"),
            "unix": str(self.folder / "unix"),
            "victim": self.victim.pid,
            "port": self.tcp.getsockname()[1],
            "package": str(Path(sys.modules["pytest_dualcode"].__file__ or "")),
            "home": str(Path.home()),
            "kill_number": 62,
        }

    def children(self) -> set[Path]:
        """All processes that are, or were forked from, a zygote of these tests."""
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.mark.encode() in (entry / "environ").read_bytes():
                    found.add(entry)
        return found

    def check(self) -> None:
        """Fail if anything was written, sent, killed or left running."""
        assert {p.name for p in self.folder.iterdir()} == {"secret", "unix"}
        secret = self.folder / "secret"
        assert secret.read_text() == "secret"
        assert secret.stat().st_mode & 0o777 == 0o600
        assert self.victim.poll() is None
        state = Path(f"/proc/{self.victim.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        assert state in "SR"
        for listener in (self.tcp, self.udp, self.unix):
            with pytest.raises(BlockingIOError):
                listener.accept() if listener is self.tcp else listener.recv(1)
        assert self.children() <= self.before


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    (folder / "secret").write_text("secret")
    (folder / "secret").chmod(0o600)
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    unix.bind(str(folder / "unix"))
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(tcp.getsockname())
    for listener in (unix, tcp, udp):
        listener.setblocking(False)
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(10 ** 6)"])
    mark = f"/dualcode-{uuid.uuid4().hex}"
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{path}:{mark}"  # zygotes keep PATH, so it marks all they fork
    yield World(folder, victim, tcp, udp, unix, mark)
    os.environ["PATH"] = path
    victim.kill()
    victim.wait()
    for listener in (unix, tcp, udp):
        listener.close()


@pytest.fixture(scope="module", params=LEVELS)
def judge(
    request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Judge]:
    level: str = request.param
    if level == "L3" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    cache = tmp_path_factory.mktemp("cache")
    with Judge(cache_dir=cache, allow_unsafe=True, walls=(LEVELS[level],), limits=QUICK) as made:
        try:
            found = made.isolation
        except JudgeError:
            pytest.skip("bubblewrap is not allowed here")
        if found != level:
            pytest.skip(f"level {level} cannot be had here, only {found}")
        world.before = world.children()
        yield made
    assert not world.children()


def settle(judge: Judge, world: World) -> None:
    """The world is whole, and the judge goes on judging."""
    world.check()
    assert judge.judge(problem(), REFERENCE).passed
    assert judge.judge(problem(), "def f(x): return 0").base.status == "fail"


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_fails(judge: Judge, world: World, name: str) -> None:
    verdict = judge.judge(problem(), CHEATS[name])
    assert verdict.base.status in ("fail", "timeout"), verdict
    assert verdict.base.reason
    settle(judge, world)


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_program_times_out(judge: Judge, world: World, name: str) -> None:
    verdict = judge.judge(problem(), ENDLESS[name])
    memory_ran_out = name == "endless iterator" and verdict.base.status == "fail"
    assert verdict.base.status == "timeout" or memory_ran_out, verdict
    settle(judge, world)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_passes(judge: Judge, world: World, name: str) -> None:
    verdict = judge.judge(problem(), HONEST[name])
    assert verdict.passed, verdict
    settle(judge, world)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_stopped(judge: Judge, world: World, name: str) -> None:
    if judge.isolation == "L0":
        pytest.skip("level L0 stops no action")
    program = ATTACK.format(code="    " + ACTIONS[name].format(**world.names))
    verdict = judge.judge(problem(), program)
    assert verdict.passed, verdict
    settle(judge, world)


@pytest.mark.parametrize("name", READS)
def test_a_read_is_stopped(judge: Judge, world: World, name: str) -> None:
    if judge.isolation in ("L0", "L1"):
        pytest.skip("files can be read below level L2")
    program = ATTACK.format(code="    " + READS[name].format(**world.names))
    verdict = judge.judge(problem(), program)
    assert verdict.passed, verdict
    settle(judge, world)


def test_what_a_child_starts_at_the_lowest_level_dies_with_it(judge: Judge, world: World) -> None:
    program = "import posix\ndef f(x):\n    if posix.fork() == 0:\n        while True: pass\n"
    assert judge.judge(problem(), program).base.status == "fail"
    settle(judge, world)
