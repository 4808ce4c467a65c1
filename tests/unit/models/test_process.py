"""One server process: its port, its end, and what its log means."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from processes import MARKER, left_after

from pytest_dualcode.models.process import ReservedPort, ServerProcess, remedy_in

DEAF = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
if os.fork() == 0:
    signal.pause()
print("deaf", flush=True)
signal.pause()
"""


@pytest.mark.parametrize(
    ("log", "remedy"),
    [
        ("OSError: [Errno 98] Address already in use", "took the port"),
        ("api_server: error: unrecognized arguments: --x", "correct `flags`"),
        ("vllm serve: error: argument --max-model-len: invalid value: 'x'", "correct `flags`"),
        ("vllm serve: error: ambiguous option: --max could match --max-a", "correct `flags`"),
        ("/tmp/kernel.cpp:12:3: error: unknown type name 'x'", "The log above says why"),
        ("cc1plus: error: bad value for '-march='", "The log above says why"),
        ("ninja: error: argument list too long", "The log above says why"),
        ("OSError: You are trying to access a gated repo.", "accept its licence"),
        ("OSError: We couldn't connect to 'https://huggingface.co'", "hub cannot be reached"),
        ("huggingface_hub.errors.LocalEntryNotFoundError", "--profile=tiny"),
        ("HFValidationError: ... not a valid model identifier", "no such model"),
        ("ValueError: No available memory for the cache blocks.", "Memory is short"),
        ("torch.OutOfMemoryError: CUDA out of memory.", "Memory is short"),
        ("RuntimeError: Failed to infer device type", "built for GPUs and sees none"),
        ("ValueError: Sleep mode is not supported on current platform.", "does not take turns"),
        ("RuntimeError: operator torchvision::nms does not exist", "uninstall them"),
        ("ModuleNotFoundError: No module named 'torch'", "install_cpu"),
        ("something else", "The log above says why"),
    ],
)
def test_known_causes_have_a_remedy(log: str, remedy: str) -> None:
    assert remedy in remedy_in(f"first line\n{log}\nlast line")


def test_a_server_that_was_killed_has_a_remedy_though_its_log_says_nothing() -> None:
    assert "memory of the machine runs out" in remedy_in("loading", 128 + signal.SIGKILL)
    assert "took the port" in remedy_in("Address already in use", 128 + signal.SIGKILL)


def test_a_reserved_port_is_ours_until_the_server_listens() -> None:
    ports = [ReservedPort(), ReservedPort()]
    try:
        assert ports[0].number != ports[1].number
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", ports[0].number))
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", ports[0].number))
            server.listen()
            socket.create_connection(("127.0.0.1", ports[0].number)).close()
    finally:
        for port in ports:
            port.release()


def python_process(code: str, log: Path, grace: float = 15.0) -> ServerProcess:
    """A server that is one line of Python."""
    return ServerProcess([sys.executable, "-S", "-c", code], os.environ, log, grace)


def test_the_exit_status_and_the_log_are_the_servers(tmp_path: Path) -> None:
    process = python_process("print('last words'); raise SystemExit(7)", tmp_path / "a" / "log")
    assert process.wait(30) == 7
    assert process.tail(1) == "last words"


def test_a_log_that_was_put_aside_is_still_the_servers(tmp_path: Path) -> None:
    process = python_process("print('last words')", tmp_path / "log")
    process.wait(30)
    process.save_log(tmp_path / "log.1")
    assert process.tail(1) == "last words"


def test_a_server_that_was_killed_says_by_what(tmp_path: Path) -> None:
    process = python_process("import os; os.kill(os.getpid(), 9)", tmp_path / "log")
    assert process.wait(30) == 128 + signal.SIGKILL


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    process = ServerProcess([str(tmp_path / "nothing")], os.environ, tmp_path / "log")
    assert process.wait(30) == 1
    assert "FileNotFoundError" in process.text()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_deaf_to_interrupts_is_killed_with_all_of_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MARKER, str(tmp_path))
    process = python_process(DEAF, tmp_path / "log", grace=0.1)
    while "deaf" not in process.text():
        time.sleep(0.02)
    process.wait_stopped()
    assert process.exit_code() == 128 + signal.SIGKILL
    assert left_after(str(tmp_path), seconds=0) == {}


def test_a_log_that_is_gone_says_so(tmp_path: Path) -> None:
    process = python_process("", tmp_path / "log")
    process.wait(30)
    (tmp_path / "log").unlink()
    assert "cannot be read" in process.tail()
