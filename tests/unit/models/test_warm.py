"""Servers that are kept between sessions, on real processes that play vLLM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_vllm import install_fake_vllm
from hypothesis import given
from hypothesis import strategies as st
from launching import changed, running
from processes import left_after, marked_processes

from pytest_dualcode.__main__ import main
from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import ServerError
from pytest_dualcode.models import keeper, warm
from pytest_dualcode.models.plan import Plan
from pytest_dualcode.models.servers import Servers
from pytest_dualcode.models.warm_cli import duration

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str) -> Iterator[None]:
    """A cache folder of the test's own, and no server left at its end."""
    monkeypatch.setenv("DUALCODE_CACHE_DIR", str(tmp_path / "cache"))
    yield
    for server in warm.kept_servers():
        server.terminate()
        server.await_end()
    assert left_after(mark, seconds=20) == {}


@pytest.fixture
def keeping(config: RunConfig) -> RunConfig:
    """The small profile, kept."""
    return changed(config, servers="keep")


def pid_after_a_session(config: RunConfig, logs: Path, said: list[str] | None = None) -> int:
    """Run a session that asks the coder alone; the process id of its server's keeper."""
    with running(config, logs, roles=("coder",)) as servers:
        servers.wait_ready((said if said is not None else []).append)
        return servers._launched[0].process.pid


def test_the_next_session_uses_the_same_server(keeping: RunConfig, tmp_path: Path) -> None:
    said: list[str] = []
    first = pid_after_a_session(keeping, tmp_path / "logs")
    assert len(warm.kept_servers()) == 1
    assert pid_after_a_session(keeping, tmp_path / "logs", said) == first
    assert said[-1].endswith("kept by an earlier run")


def test_the_record_says_that_it_was_kept(keeping: RunConfig, tmp_path: Path) -> None:
    for reused in (False, True):
        with running(keeping, tmp_path / "logs", roles=("coder",)) as servers:
            servers.wait_ready()
            coder = servers.provenance()["roles"]["coder"]
        assert (coder["kept"], coder["reused"]) == (True, reused)
        assert "PORT" not in coder["command"]


def test_the_run_directory_gets_the_log_of_its_session(keeping: RunConfig, tmp_path: Path) -> None:
    with running(keeping, tmp_path / "logs", roles=("coder",)) as servers:
        servers.wait_ready()
        assert (tmp_path / "logs" / "coder.log").is_symlink(), "to be watched while it grows"
    log = tmp_path / "logs" / "coder.log"
    assert not log.is_symlink()
    assert "loading" in log.read_text()
    pid_after_a_session(keeping, tmp_path / "again")
    assert "loading" not in (tmp_path / "again" / "coder.log").read_text()


@pytest.mark.parametrize("change", ["flag", "weights", "environment", "packages"])
def test_another_configuration_is_another_server(
    keeping: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first = pid_after_a_session(keeping, tmp_path / "logs")
    if change == "flag":
        file = tmp_path / "dualcode.toml"
        file.write_text(
            '[profiles.other]\nextends = "small"\n'
            '[profiles.other.coder]\nflags = ["--max-num-seqs", "3"]\n'
        )
        keeping = changed(keeping, profile="other", profile_file=file)
    elif change == "weights":
        (tmp_path / "some-model" / "model.safetensors").write_bytes(b"trained on")
    elif change == "environment":
        monkeypatch.setenv("VLLM_SOMETHING", "1")
    else:
        python = install_fake_vllm(tmp_path / "newer", version="0.0.2+cpu")
        keeping = changed(keeping, server_python=str(python))
    assert pid_after_a_session(keeping, tmp_path / "logs") != first
    assert len(warm.kept_servers()) == 2


def test_two_sessions_at_once_share_a_server(keeping: RunConfig, tmp_path: Path) -> None:
    with running(keeping, tmp_path / "a", roles=("coder",)) as first:
        with running(keeping, tmp_path / "b", roles=("coder",)) as second:
            url = first.wait_ready()["coder"].urls
            assert second.wait_ready()["coder"].urls == url, "though it was still loading"
        first.check()
        assert warm.kept_servers()[0].in_use
    assert not warm.kept_servers()[0].in_use


def test_a_server_that_died_is_replaced(keeping: RunConfig, tmp_path: Path) -> None:
    first = pid_after_a_session(keeping, tmp_path / "logs")
    os.kill(first, signal.SIGTERM)
    assert warm.kept_servers()[0].await_end()
    assert pid_after_a_session(keeping, tmp_path / "logs") != first


def test_a_process_that_only_has_the_same_id_is_no_server(
    keeping: RunConfig, tmp_path: Path
) -> None:
    first = pid_after_a_session(keeping, tmp_path / "logs")
    server = warm.kept_servers()[0]
    server.terminate()
    assert server.await_end()
    (server.folder / "pid").write_text(f"{os.getpid()} another-start")
    assert not server.alive
    assert pid_after_a_session(keeping, tmp_path / "logs") not in (first, os.getpid())


def test_a_server_with_another_model_is_replaced(keeping: RunConfig, tmp_path: Path) -> None:
    first = pid_after_a_session(keeping, tmp_path / "logs")
    server = warm.kept_servers()[0]
    record = {**server.record, "model": "another"}
    (server.folder / "record.json").write_text(json.dumps(record))
    assert pid_after_a_session(keeping, tmp_path / "logs") != first


def test_a_server_that_never_answered_is_not_kept(
    keeping: RunConfig, tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "hang")
    with (
        running(keeping, tmp_path / "logs", roles=("coder",)) as servers,
        pytest.raises(ServerError, match="was not ready"),
    ):
        servers.wait_ready(timeout=0)
    assert marked_processes(mark) == {}


def test_death_in_start_up_shows_the_log_and_the_status(
    keeping: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "die")
    with (
        running(keeping, tmp_path / "logs", roles=("coder",)) as servers,
        pytest.raises(ServerError, match="exit status 1") as caught,
    ):
        servers.wait_ready()
    assert "No available memory" in caught.value.what
    assert "No available memory" in (tmp_path / "logs" / "coder.log").read_text()


def test_a_kept_server_that_dies_is_started_again(keeping: RunConfig, tmp_path: Path) -> None:
    with (
        running(keeping, tmp_path / "a", roles=("coder",)) as first,
        running(keeping, tmp_path / "b", roles=("coder",)) as second,
    ):
        url = first.wait_ready()["coder"].urls[0]
        second.wait_ready()
        os.kill(first._launched[0].process.pid, signal.SIGTERM)
        assert first._launched[0].process.await_end()  # type: ignore[union-attr]
        first.revive(url)
        second.revive(url)
        pids = {servers._launched[0].process.pid for servers in (first, second)}
        assert len(pids) == 1, "the second found the one that the first had started"
    assert "loading" in (tmp_path / "a" / "coder.1.log").read_text()


LAUNCHER = """
import json, sys
from pathlib import Path
from pytest_dualcode.config import RunConfig
from pytest_dualcode.models.servers import Servers

settings, logs = json.loads(sys.argv[1]), Path(sys.argv[2])
servers = Servers(RunConfig(pipelines=("raw-coder",), **settings), logs, roles=("coder",))
servers.start()
print("started", flush=True)
servers.wait_ready()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("stage", ["started", "ready"])
def test_after_a_killed_session_it_ends_by_itself(
    keeping: RunConfig, tmp_path: Path, mark: str, stage: str
) -> None:
    names = ("profile", "server_python", "coder_model", "planner_model", "servers")
    settings = {name: getattr(keeping, name) for name in names} | {"servers_idle": 0.01}
    command = [sys.executable, "-c", LAUNCHER, json.dumps(settings), str(tmp_path / "logs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as session:
        assert session.stdout is not None
        while session.stdout.readline().decode().strip() != stage:
            pass
        assert len(warm.kept_servers()) == 1
        session.kill()
    assert left_after(mark, seconds=30) == {}
    assert "unused for too long" in warm.kept_servers()[0].log.read_text()


def test_in_use_it_outlasts_its_idle_time(keeping: RunConfig, tmp_path: Path, mark: str) -> None:
    short = changed(keeping, servers_idle=0.001)
    with running(short, tmp_path / "logs", roles=("coder",)) as servers:
        url = servers.wait_ready()["coder"].urls[0]
        wait_for_looks()
        servers.check()
        by_name = url.replace("127.0.0.1", "localhost")
        guest = RunConfig(pipelines=("raw-coder",), coder_urls=(by_name,))
        attached = Servers(guest, tmp_path / "guest", roles=("coder",))
        attached.start()
        attached.wait_ready()
    wait_for_looks()
    assert marked_processes(mark), "a session that only attached to it uses it too"
    attached.stop()
    assert left_after(mark, seconds=30) == {}


def wait_for_looks() -> None:
    """Let the keeper look whether it is used, several times: it has a process of its own."""
    server = warm.kept_servers()[0]
    lock = server.folder / "use.lock"
    for _ in range(3):
        before = lock.stat().st_mtime_ns
        while lock.stat().st_mtime_ns == before:
            assert server.alive
            time.sleep(0.02)


# --- the command -----------------------------------------------------------------------------


def test_status_lists_and_stop_stops(
    keeping: RunConfig, tmp_path: Path, mark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["servers", "status"]) == 0
    assert capsys.readouterr().out == "No server is kept.\n"
    pid = pid_after_a_session(keeping, tmp_path / "logs")
    assert main(["servers", "status"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["roles", "model", "url", "pid", "age", "state"]
    assert shown[1].split()[:3] == ["1", "coder", "some-model"]
    assert str(pid) in shown[1]
    assert "ends in 29 min" in shown[1]
    assert main(["servers", "stop"]) == 0
    assert capsys.readouterr().out == "1: some-model stopped\n"
    assert marked_processes(mark) == {}
    assert warm.kept_servers() == []


def test_stop_leaves_what_a_run_uses(
    keeping: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(keeping, tmp_path / "logs", roles=("coder",)) as servers:
        servers.wait_ready()
        assert main(["servers", "stop", "1"]) == 1
        assert "left running: it is in use, --force stops it" in capsys.readouterr().err
        servers.check()
        assert main(["servers", "stop", "--force"]) == 0


def test_a_number_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["servers", "stop", "3"]) == 2
    assert "There is no kept server 3" in capsys.readouterr().err


def test_stale_records_are_cleared_and_said(
    keeping: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.kill(pid_after_a_session(keeping, tmp_path / "logs"), signal.SIGTERM)
    assert warm.kept_servers()[0].await_end()
    assert main(["servers", "status"]) == 0
    out = capsys.readouterr().out
    assert "removed the record of some-model, which has ended (exit status " in out
    assert "No server is kept." in out


# --- small rules -----------------------------------------------------------------------------

TEXT = st.text(max_size=8)
PLANS = st.builds(
    Plan,
    label=TEXT,
    name=TEXT,
    model=st.sampled_from(["m", "n"]),
    command=st.lists(TEXT, max_size=3).map(tuple),
    environment=st.dictionaries(TEXT, TEXT, max_size=2),
    packages=st.dictionaries(TEXT, TEXT, max_size=2),
)


@given(PLANS, PLANS)
def test_plans_have_the_same_key_only_if_they_serve_the_same(one: Plan, other: Plan) -> None:
    same = all(
        getattr(one, name) == getattr(other, name)
        for name in ("name", "model", "command", "environment", "packages")
    )
    assert (one.key == other.key) == same


def test_secrets_change_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan("coder", "m", "m", ("serve",), {}, {})
    before = plan.key
    monkeypatch.setenv("HF_TOKEN", "a-secret")
    assert plan.key == before


def test_a_process_that_is_gone_has_no_start() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        process.wait()
        assert keeper.start_of(process.pid) is None
    assert keeper.start_of(os.getpid()) == keeper.start_of(os.getpid())


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (11_100, "3 h 5 min")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
