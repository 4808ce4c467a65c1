"""Two servers on one card, on real processes that play vLLM: asleep, awake, dead, and unwilling."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from launching import changed, running

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import ServerError
from pytest_dualcode.models.servers import Servers


@pytest.fixture
def turns(config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    """A profile whose two models do not fit on the card together."""
    monkeypatch.setenv("FAKE_VLLM", "turns")
    file = tmp_path / "dualcode.toml"
    file.write_text('[profiles.turns]\nextends = "small"\nturns = true\n')
    return changed(config, profile="turns", profile_file=file)


def kill(servers: Servers, role: str) -> None:
    """Kill the server of `role`; its model leaves the card with it."""
    server = next(s for s in servers._launched if role in s.roles)
    child = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    os.kill(int(child.split()[0]), signal.SIGKILL)
    server.process._keeper.wait(timeout=20)  # type: ignore[union-attr]
    for card in Path(servers.config.server_python or "").parent.rglob(f"card-{child.split()[0]}"):
        card.unlink()


def test_the_first_sleeps_before_the_second_loads(turns: RunConfig, tmp_path: Path) -> None:
    with running(turns, tmp_path / "logs") as servers:
        assert set(servers.wait_ready()) == {"coder", "planner"}
        servers.switch("coder", "planner")
        servers.switch("planner", "coder")
        assert servers.aftermath()["turns"]["switches"] == 2
        found = servers.turns()
        assert found is not None
        assert found.active == "coder"
    said = (tmp_path / "logs" / "planner.log").read_text()
    assert [line for line in said.splitlines() if line.startswith("/")] == [
        "/sleep?level=1",
        "/wake_up",
        "/sleep?level=1",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("dead", ["coder", "planner"])
def test_a_server_that_died_is_no_hindrance(turns: RunConfig, tmp_path: Path, dead: str) -> None:
    """A dead active one has left the card; a dead sleeper is started again when it is its turn."""
    with running(turns, tmp_path / "logs") as servers:
        servers.wait_ready()
        kill(servers, dead)
        servers.switch("coder", "planner")
        assert len(servers.aftermath().get("restarts", ())) == (1 if dead == "planner" else 0)


def test_a_server_that_only_says_that_it_sleeps_is_an_error(
    turns: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "insomnia")
    with (
        running(turns, tmp_path / "logs") as servers,
        pytest.raises(ServerError, match="planner's server could not be put to sleep") as caught,
    ):
        servers.wait_ready()
    assert "take a profile that does not take turns" in caught.value.remedy
    assert not (tmp_path / "logs" / "coder.log").exists()


def test_other_profiles_take_no_turns(config: RunConfig, tmp_path: Path) -> None:
    with running(config, tmp_path / "logs") as servers:
        assert servers.turns() is None
