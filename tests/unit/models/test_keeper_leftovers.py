"""What a server leaves in the file system when it has to be killed: sockets and shared memory."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

from pytest_dualcode.models.keeper import SHARED_MEMORY, SOCKETS
from pytest_dualcode.models.process import ServerProcess

pytestmark = pytest.mark.skipif(not SHARED_MEMORY.is_dir(), reason="needs Linux's /dev/shm")

SERVER = """
import os, signal, socket, sys
from multiprocessing import get_context, resource_tracker
from multiprocessing.shared_memory import SharedMemory
signal.signal(signal.SIGINT, signal.SIG_IGN)
listener = socket.socket(socket.AF_UNIX)
listener.bind(os.environ["VLLM_RPC_BASE_PATH"] + "/engine")
memory, theirs = SharedMemory(create=True, size=64), SharedMemory(sys.argv[1])
lock = get_context("spawn").Lock()
closed = SharedMemory(create=True, size=64)
closed.close()  # no process maps it: only the resource tracker knows
semaphore = "sem." + lock._semlock.name.lstrip("/")
resource_tracker.unregister(theirs._name, "shared_memory")  # as vLLM does
print(os.environ["VLLM_RPC_BASE_PATH"], memory.name, semaphore, closed.name, flush=True)
signal.pause()
"""


def test_a_killed_server_leaves_no_socket_and_no_shared_memory(tmp_path: Path) -> None:
    shared = SharedMemory(create=True, size=64)
    log = tmp_path / "server.log"
    try:
        command = [sys.executable, "-c", SERVER, shared.name]
        environment = {**os.environ, SOCKETS: str(tmp_path)}
        server = ServerProcess(command, environment, log, grace=0.1)
        while len(said := log.read_text().split()) < 4:
            os.sched_yield()
        folder, made = Path(said[0]), [SHARED_MEMORY / name for name in said[1:]]
        assert folder.parent == tmp_path
        assert (folder / "engine").is_socket()
        assert all(path.exists() for path in made)
        server.ask_to_stop()
        server.wait_stopped()
        assert server.exit_code() == 128 + signal.SIGKILL
        assert not folder.exists()
        assert not any(path.exists() for path in made)
        assert (SHARED_MEMORY / shared.name).exists()  # in use by this process
    finally:
        shared.close()
        shared.unlink()
