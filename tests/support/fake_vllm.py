"""A stand-in for vLLM's server: the same command line, ports, paths and ways to die.

`install_fake_vllm` makes an "interpreter" whose package vllm is this file, so that the code
under test starts real processes with its real command. The environment variable FAKE_VLLM says
how the server behaves: ``ready``, ``die`` (during start-up), ``hang`` (never ready), ``deaf``
(ready, and deaf to interrupts), ``late`` (dies when ``/v1/chat/completions`` is asked), ``once``
(as ``late``, but only the first one does that; FAKE_VLLM_AGAIN is how the next one behaves),
``turns`` (there is one card, and room on it for one model that is awake), ``insomnia`` (says that
it sleeps, and does not).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODE = os.environ.get("FAKE_VLLM", "ready")
DIED = Path(__file__).with_name("died")
"""Tells the second server of ``once`` that it is the second."""

if MODE == "once" and DIED.exists():
    MODE = os.environ.get("FAKE_VLLM_AGAIN", "ready")


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
    answered = 0

    def do_GET(self) -> None:
        if "Authorization" in self.headers:
            print("asked with a key", flush=True)
        replies = {
            "/health": None,
            "/version": {"version": "0.0.1"},
            "/metrics": f"vllm:request_success_total {Handler.answered}\n",
            "/v1/models": {"data": [self.model]},
            "/is_sleeping": {"is_sleeping": not card().exists()},
        }
        self.reply(replies.get(self.path), 200 if self.path in replies else 404)

    def do_POST(self) -> None:
        if self.path in ("/sleep?level=1", "/wake_up"):
            print(self.path, flush=True)
            if MODE == "insomnia":
                self.reply(None)
            else:
                self.reply(None, take_card() if self.path == "/wake_up" else leave_card())
            return
        if MODE == "turns" and not card().exists():
            print("asked while asleep", flush=True)
            os._exit(4)
        if MODE in ("late", "once"):
            DIED.touch()
            print("EngineDeadError: the engine is gone", flush=True)
            os._exit(3)
        Handler.answered += 1
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        name = (re.findall(r"def (\w+)\(", asked) or ["solution"])[0]
        text = f"```python\ndef {name}(*args):\n    return args\n```\nVERDICT: correct"
        self.reply(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": self.model["id"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": text},
                    }
                ],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        )

    def reply(self, answer: object, status: int = 200) -> None:
        plain = answer if isinstance(answer, str) else json.dumps(answer)
        body = plain.encode() if answer is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def card() -> Path:
    """What stands for this server's place on the only card, in the mode ``turns``."""
    return Path(__file__).with_name(f"card-{os.getpid()}")


def take_card() -> int:
    """Load the model, if no other is loaded; an HTTP status."""
    if any(Path(__file__).parent.glob("card-*")):
        print("torch.OutOfMemoryError: CUDA out of memory.", flush=True)
        return 500
    card().touch()
    return 200


def leave_card() -> int:
    """Put the model to sleep; an HTTP status."""
    card().unlink()
    return 200


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("vllm")
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("model")
    for flag in ("served-model-name", "host", "generation-config", "reasoning-parser"):
        parser.add_argument(f"--{flag}")
    for flag in ("port", "max-model-len", "max-num-seqs"):
        parser.add_argument(f"--{flag}", type=int)
    for flag in ("enforce-eager", "enable-sleep-mode"):
        parser.add_argument(f"--{flag}", action="store_true")
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
    if MODE == "insomnia":
        card().touch()
    if MODE == "turns" and take_card() != 200:
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
