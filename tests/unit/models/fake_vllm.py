"""A stand-in for vLLM's server: the same command line, ports, paths and ways to die.

`install_fake_vllm` makes an "interpreter" whose package vllm is this file, so that the code
under test starts real processes with its real command. The environment variable FAKE_VLLM says
how the server behaves: ``ready``, ``die`` (during start-up), ``hang`` (never ready), ``deaf``
(ready, and deaf to interrupts), ``late`` (dies when ``/v1/chat/completions`` is asked).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODE = os.environ.get("FAKE_VLLM", "ready")


def install_fake_vllm(folder: Path, version: str = "0.0.1+cpu") -> Path:
    """Make an interpreter with this vllm in `folder`; returns its path."""
    package = folder / "site" / "vllm"
    cli = package / "entrypoints" / "cli"
    cli.mkdir(parents=True)
    for part in (package, package / "entrypoints", cli):
        (part / "__init__.py").touch()
    (cli / "main.py").write_text(Path(__file__).read_text("utf-8"), "utf-8")
    add_distribution(folder, "vllm", version)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={folder}/site exec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    return python


def add_distribution(folder: Path, name: str, version: str, files: tuple[str, ...] = ()) -> None:
    """Let ``importlib.metadata`` find a distribution `name` that holds `files`."""
    info = folder / "site" / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


class Handler(BaseHTTPRequestHandler):
    """Answers what the code under test asks."""

    model: dict[str, object]

    def do_GET(self) -> None:
        replies = {
            "/health": None,
            "/version": {"version": "0.0.1"},
            "/v1/models": {"data": [self.model]},
        }
        known = self.path in replies
        body = json.dumps(replies[self.path]).encode() if replies.get(self.path) else b""
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        if MODE == "late":
            print("EngineDeadError: the engine is gone", flush=True)
            os._exit(3)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("vllm")
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("model")
    for flag in ("served-model-name", "host", "generation-config", "reasoning-parser"):
        parser.add_argument(f"--{flag}")
    for flag in ("port", "max-model-len", "max-num-seqs"):
        parser.add_argument(f"--{flag}", type=int)
    parser.add_argument("--enforce-eager", action="store_true")
    return parser.parse_args(arguments)


def main() -> None:
    options = parse(sys.argv[1:])
    if MODE == "deaf":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    # vLLM's engine: a process of the same group that no interrupt of the server reaches.
    engine = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.pause()"
    subprocess.Popen([sys.executable, "-S", "-c", engine])
    print("loading", options.model, os.environ.get("VLLM_CPU_OMP_THREADS_BIND"), flush=True)
    if MODE == "die":
        print("ValueError: No available memory for the cache blocks.", flush=True)
        raise SystemExit(1)
    if MODE == "hang":
        signal.pause()
    Handler.model = {
        "id": options.served_model_name,
        "root": options.model,
        "max_model_len": options.max_model_len,
    }
    ThreadingHTTPServer((options.host, options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
