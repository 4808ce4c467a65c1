"""A launched server that dies is started again once, on real processes that play vLLM."""

from __future__ import annotations

import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from launching import running
from processes import left_after, marked_processes

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import ServerError
from pytest_dualcode.models.servers import Servers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(autouse=True)
def _dying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "once")


def ask(url: str) -> int:
    """Ask for a completion; the HTTP status, or 0 for a connection that breaks."""
    with suppress(OSError), urllib.request.urlopen(url + "/chat/completions", data=b"{}") as reply:
        return int(reply.status)
    return 0


def killed(servers: Servers) -> str:
    """Let the coder's server die of a request, and return its URL."""
    url = servers.wait_ready()["coder"].urls[0]
    assert ask(url) == 0
    servers._launched[0].process._keeper.wait(timeout=20)
    return url


def test_it_answers_again_at_the_same_url(config: RunConfig, tmp_path: Path, mark: str) -> None:
    said: list[str] = []
    with running(config, tmp_path / "logs", roles=("coder",)) as servers:
        url = killed(servers)
        assert servers.revive(url, said.append)
        assert ask(url) == 200
        after = servers.aftermath()
    assert said[0] == "coder: the server ended, exit status 3; starting it again"
    assert "coder: some-model answers again after" in said[1]
    assert after["restarts"][0]["exit_status"] == 3
    assert "EngineDeadError" in (tmp_path / "logs" / "coder.1.log").read_text()
    assert "EngineDeadError" not in (tmp_path / "logs" / "coder.log").read_text()
    assert marked_processes(mark) == {}


def test_many_that_miss_it_start_it_once(config: RunConfig, tmp_path: Path) -> None:
    said: list[str] = []
    with running(config, tmp_path / "logs", roles=("coder",)) as servers:
        url = killed(servers)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: servers.revive(url, said.append), range(8)))
        assert ask(url) == 200
        assert len(servers.aftermath()["restarts"]) == 1
    assert len(said) == 2


def test_a_living_server_and_a_strangers_are_left_alone(config: RunConfig, tmp_path: Path) -> None:
    with running(config, tmp_path / "logs", roles=("coder",)) as servers:
        url = servers.wait_ready()["coder"].urls[0]
        before = servers._launched[0].process.pid
        assert not servers.revive(url)
        assert not servers.revive("http://127.0.0.1:9/v1")
        assert servers._launched[0].process.pid == before
        assert "restarts" not in servers.aftermath()


@pytest.mark.parametrize("again", ["late", "die"])
def test_a_second_death_is_the_error(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    monkeypatch.setenv("FAKE_VLLM_AGAIN", again)
    with running(config, tmp_path / "logs", roles=("coder",)) as servers:
        url = killed(servers)
        if again == "late":
            servers.revive(url)
            killed(servers)
        for _ in range(2):
            with pytest.raises(ServerError, match="after it had been started again once"):
                servers.revive(url)


def test_stopping_ends_a_restart(
    config: RunConfig, tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM_AGAIN", "hang")
    with running(config, tmp_path / "logs", roles=("coder",)) as servers:
        url = killed(servers)
        errors: list[ServerError] = []

        def revive() -> None:
            with pytest.raises(ServerError) as caught:
                servers.revive(url)
            errors.append(caught.value)

        waiting = threading.Thread(target=revive)
        waiting.start()
        while not any(" serve " in line for line in marked_processes(mark).values()):
            time.sleep(0.02)
        servers.stop()
        waiting.join()
        with pytest.raises(ServerError, match="session ended"):
            servers.revive(url)
    assert "The session ended while" in errors[0].what
    assert left_after(mark, seconds=0) == {}
