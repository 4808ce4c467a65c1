"""Launching, attaching, dying and stopping, on real processes that play vLLM."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from fake_vllm import install_fake_vllm
from launching import changed, running
from processes import left_after, marked_processes

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import ServerError, UsageError
from pytest_dualcode.models.launched import progress
from pytest_dualcode.models.servers import Servers

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux_only
def test_two_servers_start_together_answer_and_leave_nothing(
    config: RunConfig, tmp_path: Path, mark: str
) -> None:
    said: list[str] = []
    with running(config, tmp_path / "logs") as servers:
        endpoints = servers.wait_ready(said.append)
        assert set(endpoints) == {"coder", "planner"}
        assert endpoints["coder"].urls != endpoints["planner"].urls
        assert endpoints["coder"].model == "some-model"
        assert endpoints["coder"].max_model_len == 4096
        assert all(place.launched for place in endpoints.values())
        servers.check()
        assert "loading" in servers.log_tail("planner")
        assert len(marked_processes(mark)) == 6, "two keepers, two servers, two engines"
        said_ready = [line for line in said if "ready after" in line]
        assert len(said_ready) == 2
    assert marked_processes(mark) == {}


def test_only_the_roles_that_are_asked_for_are_started(config: RunConfig, tmp_path: Path) -> None:
    with running(config, tmp_path / "logs", roles=("planner",)) as servers:
        assert set(servers.wait_ready()) == {"planner"}
    assert [log.name for log in (tmp_path / "logs").iterdir()] == ["planner.log"]


def test_a_profile_with_one_model_is_served_once(config: RunConfig, tmp_path: Path) -> None:
    profiles = tmp_path / "dualcode.toml"
    profiles.write_text(f'[profiles.one.coder]\nmodel = "{config.coder_model}"\n')
    one = changed(
        config, profile="one", profile_file=profiles, coder_model=None, planner_model=None
    )
    with running(one, tmp_path / "logs") as servers:
        places = servers.wait_ready()
    assert places["coder"].urls == places["planner"].urls
    assert [log.name for log in (tmp_path / "logs").iterdir()] == ["coder-planner.log"]


def test_the_record_says_what_was_started(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "a-secret")
    with running(config, tmp_path / "logs") as servers:
        servers.wait_ready()
        record = servers.provenance()
    coder = record["roles"]["coder"]
    assert record["profile"] == "small"
    assert coder["vllm"] == "0.0.1"
    assert coder["root"] == config.coder_model
    assert "--enforce-eager" in coder["command"]
    assert coder["environment"]["HF_HUB_OFFLINE"] == "1"
    assert "a-secret" not in json.dumps(record)


def test_no_key_is_sent_to_a_launched_server(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALCODE_API_KEY", "sesame")
    with running(config, tmp_path / "logs", roles=("coder",)) as servers:
        servers.wait_ready()
        assert servers.provenance()["roles"]["coder"]["root"] == config.coder_model
        servers.aftermath()
    assert "asked with a key" not in (tmp_path / "logs" / "coder.log").read_text()


def test_a_dry_run_prints_commands_and_starts_nothing(config: RunConfig, tmp_path: Path) -> None:
    servers = Servers(config, tmp_path / "logs")
    coder, planner = servers.commands()
    assert "serve" in coder
    assert "--port PORT" in coder
    assert "VLLM_CPU_OMP_THREADS_BIND=" in planner
    assert not (tmp_path / "logs").exists()


def test_death_in_start_up_shows_the_log_and_the_remedy(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "die")
    with running(config, tmp_path / "logs") as servers, pytest.raises(ServerError) as caught:
        servers.wait_ready()
    assert "ended while it started, exit status 1" in caught.value.what
    assert "No available memory for the cache blocks" in caught.value.what
    assert "lower max_model_len" in caught.value.remedy


def test_a_wrong_flag_is_named(config: RunConfig, tmp_path: Path) -> None:
    profiles = tmp_path / "dualcode.toml"
    profiles.write_text(
        '[profiles.odd]\nextends = "small"\n[profiles.odd.coder]\nflags = ["--no-such-flag"]\n'
    )
    odd = changed(config, profile="odd", profile_file=profiles)
    with (
        running(odd, tmp_path / "logs") as servers,
        pytest.raises(ServerError, match="exit status 2") as caught,
    ):
        servers.wait_ready()
    assert "--no-such-flag" in caught.value.what
    assert "correct `flags`" in caught.value.remedy


def test_a_server_that_is_never_ready_is_given_up(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "hang")
    with (
        running(config, tmp_path / "logs") as servers,
        pytest.raises(ServerError, match="was not ready after 0 s"),
    ):
        servers.wait_ready(timeout=0)


def test_progress_shows_the_last_words_without_vllms_prefix(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "hang")
    with running(config, tmp_path / "logs", roles=("coder",)) as servers:
        await_text(tmp_path / "logs" / "coder.log", "loading")
        server = servers._launched[0]
        assert re.fullmatch(r"coder: loading some-model, \d+ s \(loading .*\)", progress(server))
        line = "(EngineCore pid=7) INFO 11-25 21:10:58 [core.py:317] Loading weights\n"
        server.process.log.write_text(line)
        assert progress(server).endswith(" s (Loading weights)")
        server.process.log.write_text("")
        assert progress(server).endswith(" s")


def test_death_during_the_run_is_noticed(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "late")
    with running(config, tmp_path / "logs", roles=("coder",)) as servers:
        url = servers.wait_ready()["coder"].urls[0]
        with suppress(OSError):
            urllib.request.urlopen(url + "/chat/completions", data=b"{}")
        servers._launched[0].process._keeper.wait(timeout=20)
        with pytest.raises(ServerError, match="ended during the run, exit status 3") as caught:
            servers.check()
    assert "EngineDeadError" in caught.value.what


def test_no_server_and_none_to_start_names_three_ways_out(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    servers = Servers(RunConfig(pipelines=("raw-coder",), server_python=str(bare)), tmp_path)
    with pytest.raises(ServerError) as caught:
        servers.start()
    text = str(caught.value)
    assert "none can be started" in text
    for way in ("--coder-url", "pytest-dualcode[gpu]", "pytest_dualcode.install_cpu"):
        assert way in text


def test_a_gpu_profile_on_a_cpu_build_is_refused(config: RunConfig, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="Profile paper needs GPUs"):
        Servers(changed(config, profile="paper"), tmp_path / "logs").start()


def test_a_gpu_build_without_a_gpu_is_refused(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    python = install_fake_vllm(tmp_path / "gpu-python", version="0.33.0")
    with pytest.raises(ServerError, match="built for GPUs, and nvidia-smi shows none"):
        Servers(changed(config, server_python=str(python)), tmp_path / "logs").start()


def test_a_server_python_that_is_none_is_a_usage_error(config: RunConfig, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not run as a Python interpreter"):
        Servers(changed(config, server_python=str(tmp_path / "nothing")), tmp_path).start()


LAUNCHER = """
import json, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup, and children inherit that
from pathlib import Path
from pytest_dualcode.config import RunConfig
from pytest_dualcode.models.launched import progress
from pytest_dualcode.models.servers import Servers

settings, logs, stage = json.loads(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
servers = Servers(RunConfig(pipelines=("review-fix",), **settings), logs)
servers.start()
if stage == "ready":
    servers.wait_ready()
print(stage, flush=True)
servers.wait_ready(timeout=1e6)
sys.stdin.read()
"""


@linux_only
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("stage", "mode"), [("at once", "ready"), ("loading", "hang"), ("ready", "ready")]
)
def test_nothing_outlives_a_killed_launcher(
    config: RunConfig,
    tmp_path: Path,
    mark: str,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    mode: str,
    how: signal.Signals,
) -> None:
    monkeypatch.setenv("FAKE_VLLM", mode)
    settings = {
        name: getattr(config, name)
        for name in ("profile", "server_python", "coder_model", "planner_model")
    }
    command = [sys.executable, "-c", LAUNCHER, json.dumps(settings), str(tmp_path / "logs"), stage]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout is not None
        launcher.stdout.readline()
        if stage == "loading":
            await_text(tmp_path / "logs" / "planner.log", "loading")
        launcher.send_signal(how)
        try:
            launcher.wait(timeout=20)
        finally:
            launcher.kill()
    assert left_after(mark, seconds=20) == {}


@linux_only
def test_nothing_outlives_a_killed_keeper(config: RunConfig, tmp_path: Path, mark: str) -> None:
    with running(config, tmp_path / "logs", roles=("coder",)) as servers:
        servers.wait_ready()
        os.kill(servers._launched[0].process.pid, signal.SIGKILL)
        assert left_after(mark, seconds=20, word=" serve ") == {}
    # The engine of the fake obeys SIGKILL alone, and nobody is left to send it.
    for pid in marked_processes(mark):
        os.kill(pid, signal.SIGKILL)


def await_text(file: Path, text: str) -> None:
    """Return when `text` stands in `file`; the test's own time-out bounds it."""
    while not (file.exists() and text in file.read_text("utf-8")):
        time.sleep(0.02)


# --- attaching -------------------------------------------------------------------------------


@contextmanager
def serving(
    models: list[dict[str, Any]], key: str = "", *, listed: bool = True, status: int = 200
) -> Iterator[str]:
    """An OpenAI-compatible server of someone else, that lists `models`."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = not key or self.headers["Authorization"] == f"Bearer {key}"
            body = json.dumps({"data": models} if listed else models).encode()
            self.send_response(status if allowed else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def attached(tmp_path: Path, **settings: Any) -> Servers:
    """Servers that attach the coder only; nothing can be launched."""
    config = RunConfig(pipelines=("raw-coder",), server_python="/nothing", **settings)
    servers = Servers(config, tmp_path / "logs", roles=("coder",))
    servers.start()
    return servers


def test_attaching_takes_the_only_model_and_bounds_the_budgets(tmp_path: Path) -> None:
    with serving([{"id": "theirs", "root": "Qwen/Qwen3-8B", "max_model_len": 3000}]) as url:
        servers = attached(tmp_path, coder_urls=(url,))
        place = servers.wait_ready()["coder"]
        record = servers.provenance()
        servers.stop()
    assert place.urls == (url + "/v1",)
    assert (place.model, place.max_model_len, place.launched) == ("theirs", 3000, False)
    assert place.thinking, "its root is a model that thinks"
    assert (place.draft_tokens, place.review_tokens) == (2000, 2000)
    assert record["roles"]["coder"]["root"] == "Qwen/Qwen3-8B"


def test_attaching_asks_which_model_is_meant(tmp_path: Path) -> None:
    with serving([{"id": "one"}, {"id": "two"}]) as url:
        servers = attached(tmp_path, coder_urls=(url,))
        with pytest.raises(ServerError, match="serves one, two") as caught:
            servers.wait_ready()
        place = attached(tmp_path, coder_urls=(url,), coder_model="two").wait_ready()["coder"]
    assert "--coder-model" in caught.value.remedy
    assert place.model == "two"
    assert place.max_model_len is None


def test_attaching_to_a_model_that_is_not_served(tmp_path: Path) -> None:
    with serving([{"id": "one"}]) as url:
        servers = attached(tmp_path, coder_urls=(url,), coder_model="other")
        with pytest.raises(ServerError, match="serves one, not 'other'"):
            servers.wait_ready()


def test_attaching_where_nothing_listens(tmp_path: Path) -> None:
    servers = attached(tmp_path, coder_urls=("http://127.0.0.1:9/v1",))
    with pytest.raises(ServerError, match="does not answer") as caught:
        servers.wait_ready()
    assert "correct --coder-url" in caught.value.remedy


def test_attaching_with_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([{"id": "one"}], key="sesame") as url:
        servers = attached(tmp_path, coder_urls=(url,))
        with pytest.raises(ServerError, match="HTTP status 401") as caught:
            servers.wait_ready()
        monkeypatch.setenv("DUALCODE_CODER_API_KEY", "sesame")
        assert servers.wait_ready()["coder"].model == "one"
    assert "DUALCODE_CODER_API_KEY" in caught.value.remedy
    assert "sesame" not in json.dumps(servers.provenance())


def test_replicas_must_serve_the_same(tmp_path: Path) -> None:
    with serving([{"id": "one"}]) as first, serving([{"id": "two"}]) as second:
        servers = attached(tmp_path, coder_urls=(first, second))
        with pytest.raises(ServerError, match="servers differ"):
            servers.wait_ready()


def test_a_list_of_models_without_the_object_around_it(tmp_path: Path) -> None:
    with serving([{"id": "one"}], listed=False) as url:
        servers = attached(tmp_path, coder_urls=(url,))
        assert servers.wait_ready()["coder"].model == "one"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_a_list_of_models_serves_the_named_one(
    tmp_path: Path, status: int
) -> None:
    with serving([], status=status) as url:
        servers = attached(tmp_path, coder_urls=(url,), coder_model="hosted")
        found = servers.wait_ready()["coder"]
        assert (found.model, found.max_model_len) == ("hosted", None)
        with pytest.raises(ServerError, match=rf"status {status}") as caught:
            attached(tmp_path, coder_urls=(url,)).wait_ready()
    assert "name one with --coder-model" in caught.value.remedy


def test_an_answer_that_is_no_list_of_models(tmp_path: Path) -> None:
    with serving([{"name": "not an id"}]) as url:
        servers = attached(tmp_path, coder_urls=(url,))
        with pytest.raises(ServerError, match="not a list of models"):
            servers.wait_ready()


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "", "http://"])
def test_a_url_that_is_none(tmp_path: Path, url: str) -> None:
    servers = attached(tmp_path, coder_urls=(url,))
    with pytest.raises(UsageError, match="not a URL of a server"):
        servers.wait_ready()
