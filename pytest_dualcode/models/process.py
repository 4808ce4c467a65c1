"""One launched server: its process, its port, its log, and what its death means."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_dualcode.models import keeper

KEEPER = (sys.executable, "-I", "-S", keeper.__file__)
"""The command of the process that stands over a server."""

CAUSES: tuple[tuple[str, str], ...] = (
    (
        r"address already in use",
        "Another program took the port; run again, a free one is chosen each time.",
    ),
    (
        # argparse's "PROG: error: ..."; compilers, which vLLM may call, say it of other things
        r"(?m)^[\w. -]+: error: (unrecognized arguments|argument -|ambiguous option"
        r"|the following arguments|one of the arguments)",
        "This vLLM does not know one of the profile's flags; correct `flags` in your profile file.",
    ),
    (
        r"gated repo|GatedRepoError|access to it is restricted|401 Client Error",
        "The model is gated: accept its licence on the hub and set HF_TOKEN, or name a local "
        "folder with --coder-model or --planner-model.",
    ),
    (
        r"LocalEntryNotFoundError|couldn't connect to|offline mode|OfflineModeIsEnabled"
        r"|Failed to resolve|Name or service not known|Network is unreachable",
        "The model hub cannot be reached: download the model elsewhere and name its folder with "
        "--coder-model or --planner-model, or use --profile=tiny, which needs no hub.",
    ),
    (
        r"not a valid model identifier|Repository Not Found|RepositoryNotFoundError"
        r"|not the path to a directory|not appear to have a file named"
        r"|Can't load the configuration|Invalid repository ID",
        "There is no such model: correct --coder-model or --planner-model (a hub id or a folder "
        "with config.json and safetensors weights).",
    ),
    (
        r"No available memory for the cache|larger than the available KV cache"
        r"|Free memory on device|out of memory|OutOfMemoryError|Cannot allocate memory",
        "Memory is short: lower max_model_len in a profile of your own, change "
        "--gpu-memory-utilization there (VLLM_CPU_KVCACHE_SPACE, in GiB, on a CPU), end what "
        "else uses the memory, or take a smaller profile.",
    ),
    (
        r"No CUDA GPUs are available|Failed to infer device type|libcuda\.so|no NVIDIA driver",
        "This vLLM is built for GPUs and sees none: check `nvidia-smi`, or install the CPU build "
        "into another environment (`python -m pytest_dualcode.install_cpu`) and name its Python "
        "with --server-python.",
    ),
    (
        r"Sleep mode is not supported",
        "Sleep mode needs a GPU: take a profile that does not take turns.",
    ),
    (
        r"torchvision::nms does not exist|libtorchaudio|torchcodec",
        "torchvision, torchaudio or torchcodec do not fit this torch and are not needed: "
        "uninstall them from the server's Python.",
    ),
    (
        r"No module named '?(torch|vllm)",
        "The server's Python lacks a part of vLLM; run `python -m pytest_dualcode.install_cpu` "
        "with it, or install pytest-dualcode[gpu].",
    ),
)
"""What a log says, and the remedy; the first that fits is shown."""


KILLED = 128 + signal.SIGKILL


def remedy_in(log: str, code: int = 1) -> str:
    """The remedy for the first known cause in a server's log, or one for its exit status `code`."""
    for pattern, remedy in CAUSES:
        if re.search(pattern, log, re.IGNORECASE):
            return remedy
    if code == KILLED:
        return (
            "It was killed, as the kernel does when the memory of the machine runs out (`dmesg` "
            "tells): end what else uses it, or take a smaller profile."
        )
    return "The log above says why; its whole text is in the run directory."


class ReservedPort:
    """A free port on the loopback interface that stays ours until the server listens on it.

    The socket is bound but never listens. vLLM, which binds with ``SO_REUSEADDR`` as this
    does, can still bind and listen; nobody else is given the port in the meantime, and two
    servers of one session cannot get the same one. A `number` asks for that very port; then
    `OSError` says that somebody listens there.
    """

    def __init__(self, number: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", number))
        except OSError:
            self._socket.close()
            raise
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Let go of the port."""
        self._socket.close()


class ServerProcess:
    """One server under its keeper (see `keeper`), in a session of its own.

    Standard output and error go to `log`. Ending this process in any way ends the server;
    `grace` is how many seconds it has between the interrupt and SIGKILL.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        grace: float = keeper.GRACE,
    ) -> None:
        self.log = log
        self.grace = grace
        guard = [*KEEPER, "tied", str(os.getpid()), str(grace)]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            self._keeper = subprocess.Popen(
                [*guard, *command],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The keeper's process id."""
        return self._keeper.pid

    def exit_code(self) -> int | None:
        """The server's exit status, 128 and more for a signal; ``None`` while it runs."""
        code = self._keeper.poll()
        return code if code is None or code >= 0 else 128 - code

    def wait(self, seconds: float | None = None) -> int:
        """Wait until it ends by itself, and return its exit status."""
        self._keeper.wait(seconds)
        self.ask_to_stop()
        return self.exit_code() or 0

    def ask_to_stop(self) -> None:
        """Begin to stop it: interrupt, then SIGKILL, both by the keeper."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()

    def wait_stopped(self) -> None:
        """Wait until nothing of it is left; at most `grace` and a little more."""
        self.ask_to_stop()
        try:
            self._keeper.wait(self.grace + 2 * keeper.REAPING)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()

    def save_log(self, path: Path) -> None:
        """Put its log at `path`, so that another server can write where it was."""
        self.log = self.log.replace(path)

    def tail(self, lines: int = 20) -> str:
        """The last `lines` of its log."""
        return "\n".join(self.text().splitlines()[-lines:])

    def text(self) -> str:
        """Its log, at most the last 200,000 bytes."""
        return end_of(self.log)


def end_of(log: Path, after: int = 0) -> str:
    """The text of `log` from the offset `after` on, at most the last 200,000 bytes."""
    try:
        with log.open("rb") as file:
            file.seek(max(after, log.stat().st_size - 200_000))
            return file.read().decode("utf-8", "replace")
    except OSError as error:
        return f"({log} cannot be read: {error})"
