"""What one launched server is to serve, and the hash that tells equal ones."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_dualcode.models.launch import safe_to_show

PORT = "PORT"
"""Stands in a plan's command where the port will be."""

INHERITED = re.compile(r"^(VLLM|CUDA|NCCL|HF|OMP|TORCH|RAY|HIP|ROCR)_")
"""Environment variables of the user's that change what a server does."""

KEY_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """One server: ``label`` are its roles in words, ``name`` is the served name, ``model`` a hub
    id or folder, ``environment`` what is added to ours, ``packages`` those of its Python."""

    label: str
    name: str
    model: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    packages: Mapping[str, str]

    def command_on(self, port: int) -> tuple[str, ...]:
        """The command with its port."""
        return tuple(str(port) if part == PORT else part for part in self.command)

    def shell(self) -> str:
        """The command as a line for a shell, with ``PORT`` where the port will be."""
        settings = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return " ".join([*settings, shlex.join(self.command)])

    @property
    def key(self) -> str:
        """A hash over all that decides what is served, and on which machine.

        A model's folder counts with its files' sizes and times: weights that were trained on
        are another model. So does what the user's environment says to vLLM, but for secrets.
        """
        inherited = {k: v for k, v in os.environ.items() if INHERITED.match(k) and safe_to_show(k)}
        parts = {
            **asdict(self),
            "label": "",
            "inherited": inherited,
            "files": files_of(Path(self.model).expanduser()),
            "host": socket.gethostname(),
        }
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def files_of(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size and time (ns) of each file of a model's folder; nothing for a hub id."""
    if not folder.is_dir():
        return []
    stats = [(path.name, path.stat()) for path in sorted(folder.iterdir()) if path.is_file()]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
