"""An OpenAI-compatible server whose answers, faults and speed are scripted. Standard library only.

In a test::

    with ScriptedServer(lambda body: "pong") as server:
        ...                      # server.url, server.requests, server.max_in_flight

As a process, which prints its base URL as its first line::

    python tests/support/scripted_server.py --port 0 --programs programs.json

A script is a function from a request's JSON body to a `Reply` or to a plain string. `ScriptedCoder`
is one that answers for both roles: programs by entry point, and reviews with a verdict line.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Fault = Literal[
    "reset", "429", "500", "503", "truncated", "cut", "empty", "abort", "unended", "hang", "length"
]
"""``truncated``: a whole HTTP reply with half a JSON text. ``cut``: the connection closes in the
middle of the body. ``abort``: half a reply, broken off by a server that shuts down (vLLM).
``unended``: half a reply, without a finish reason.
``hang``: no reply, ever. ``length``: a real reply, ended by its token limit.
A refused connection is `ScriptedServer.refuse`."""


@dataclass(frozen=True)
class Reply:
    """What a script answers. Token counts that are not given are words, about 0.75 of a token."""

    text: str | None
    reasoning: str | None = None
    finish_reason: str | None = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    status: int = 200
    error: str = ""
    fault: Fault | None = None


Script = Callable[[dict[str, Any]], Reply | str]
FaultPlan = Callable[[dict[str, Any], int], Fault | None]
"""From a request's body and its running number to the fault that it meets, if any."""


@dataclass(frozen=True)
class Batching:
    """A model of continuous batching; all times are of the simulated server.

    With `n` requests running, each produces ``1 / (step + step_per_sequence * n)`` tokens a second:
    a decoding step has a fixed cost (reading the weights) and one for each sequence. A prompt token
    costs `prefill` seconds of one request's own time. At most `max_num_seqs` run, the others wait
    in order of arrival. `speed` simulated seconds pass in each real one.

    The defaults are of the order of a 14B model in 4 bits on a 24 GB card: 40 tokens a second
    alone, about 550 in a full batch.
    """

    step: float = 0.024
    step_per_sequence: float = 0.001
    prefill: float = 0.0005
    max_num_seqs: int = 32
    speed: float = 1.0

    def step_seconds(self, running: int) -> float:
        """Return the seconds in which each of `running` sequences gets one token."""
        return self.step + self.step_per_sequence * running

    def best_rate(self) -> float:
        """Return tokens a second, over all sequences, of a full batch."""
        return self.max_num_seqs / self.step_seconds(self.max_num_seqs)


class _Batch:
    """Runs `Batching`: virtual time counts decoding steps, so a finish needs no recomputation."""

    def __init__(self, model: Batching) -> None:
        self._model = model
        self._running: list[tuple[float, int, asyncio.Event]] = []
        self._waiting: list[tuple[float, asyncio.Event]] = []
        self._steps = 0.0
        self._seen_at = 0.0
        self._order = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def load(self) -> tuple[int, int]:
        return len(self._running), len(self._waiting)

    async def generate(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Return when a request of this size has been served."""
        alone = self._model.step_seconds(1)
        steps = completion_tokens + prompt_tokens * self._model.prefill / alone
        done = asyncio.Event()
        self._advance()
        self._waiting.append((steps, done))
        self._admit()
        await done.wait()

    def _rate(self) -> float:
        """Decoding steps in a real second."""
        return self._model.speed / self._model.step_seconds(max(1, len(self._running)))

    def _advance(self) -> None:
        now = asyncio.get_running_loop().time()
        self._steps += (now - self._seen_at) * self._rate()
        self._seen_at = now
        while self._running and self._running[0][0] <= self._steps + 1e-6:
            heapq.heappop(self._running)[2].set()

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self._model.max_num_seqs:
            steps, done = self._waiting.pop(0)
            self._order += 1
            heapq.heappush(self._running, (self._steps + steps, self._order, done))
        if self._timer is not None:
            self._timer.cancel()
        if self._running:
            pause = (self._running[0][0] - self._steps) / self._rate()
            self._timer = asyncio.get_running_loop().call_later(pause, self._tick)

    def _tick(self) -> None:
        self._advance()
        self._admit()


@dataclass
class ScriptedServer:
    """The server. As a context manager it runs in a thread of its own.

    `models` are the served names (any other is a 404). `owned_by` is what ``/v1/models`` says
    (``vllm`` makes clients send vLLM's own fields). `rejects` are fields that are a 400 when sent,
    as hosted APIs do it. `listings` are what ``/v1/models`` answers first, instead of the models.
    """

    script: Script
    models: tuple[str, ...] = ("scripted",)
    faults: FaultPlan | None = None
    batching: Batching | None = None
    owned_by: str = "vllm"
    max_model_len: int = 8192
    rejects: tuple[str, ...] = ()
    listings: list[tuple[int, bytes]] = field(default_factory=list)
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    in_flight: int = 0
    max_in_flight: int = 0
    keep_requests: bool = True
    served: int = 0
    generated: int = 0

    def __post_init__(self) -> None:
        self._batch: _Batch | None = None
        self._server: asyncio.Server | None = None
        self._handlers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._number = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> ScriptedServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self.start())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._do(self.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def refuse(self) -> None:
        """Stop to listen and drop every connection, as a dead server does."""
        self._do(self.stop())

    def accept(self) -> None:
        """Listen again, on the same port."""
        self._do(self.start())

    async def start(self) -> None:
        """Listen in the running loop."""
        self._batch = _Batch(self.batching) if self.batching is not None else None
        self._server = await asyncio.start_server(
            self._accepted, "127.0.0.1", self.port, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the listener and all connections.

        asyncio's own tasks, which accept connections, are not cancelled: one that has not begun
        would leave its socket open. They end in `_accepted`, which refuses from now on.
        """
        if self._server is not None:
            self._server.close()
            self._server = None
        for handler, writer in self._handlers.items():
            handler.cancel()
            writer.transport.abort()
        me = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not me]
        await asyncio.gather(*others, return_exceptions=True)

    def _do(self, work: Any) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a new connection; no coroutine, so that none exists before it is known here."""
        if self._server is None:
            writer.transport.abort()
            return
        handler = asyncio.ensure_future(self._connection(reader, writer))
        self._handlers[handler] = writer
        handler.add_done_callback(self._handlers.pop)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one_request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one_request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, *lines = head.split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines) if k}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        method, path, _ = start.split(" ")
        if path != "/v1/chat/completions":
            status, reply = self._other(method, path, content)
            _send(writer, status, reply)
            return True
        self.headers.append(headers)
        body = json.loads(content)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            return await self._chat(body, writer)
        finally:
            self.in_flight -= 1

    def _other(self, method: str, path: str, content: bytes) -> tuple[int, bytes]:
        if path == "/health":
            return 200, b""
        if path == "/version":
            return 200, b'{"version": "scripted"}'
        if path == "/tokenize":
            count = _tokens_of_prompt(json.loads(content))
            return 200, json.dumps({"count": count, "max_model_len": self.max_model_len}).encode()
        if path == "/metrics":
            running, waiting = self._batch.load if self._batch is not None else (self.in_flight, 0)
            return 200, (
                f'vllm:num_requests_running{{engine="0"}} {running:.1f}\n'
                f'vllm:num_requests_waiting{{engine="0"}} {waiting:.1f}\n'
                f'vllm:generation_tokens_total{{engine="0"}} {self.generated:.1f}\n'
            ).encode()
        if path == "/v1/models":
            if self.listings:
                return self.listings.pop(0)
            card = {"object": "model", "created": 0, "owned_by": self.owned_by}
            cards = [
                {**card, "id": name, "root": name, "max_model_len": self.max_model_len}
                for name in self.models
            ]
            return 200, json.dumps({"object": "list", "data": cards}).encode()
        return 404, _error(404, f"no {method} {path}")

    async def _chat(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        """Answer one chat completion; false when the connection is to be closed."""
        number, self._number = self._number, self._number + 1
        if self.keep_requests:
            self.requests.append(body)
        refusal = self._refusal(body)
        if refusal is not None:
            _send(writer, *refusal)
            return True
        fault = self.faults(body, number) if self.faults is not None else None
        reply = self.script(body)
        if isinstance(reply, str):
            reply = Reply(reply)
        fault = fault or reply.fault
        if fault in ("429", "500", "503"):
            _send(writer, int(fault), _error(int(fault), "scripted fault"))
            return True
        if fault == "reset":
            _reset(writer)
            return False
        if fault == "hang":
            await asyncio.Event().wait()
        if reply.status != 200:
            _send(writer, reply.status, _error(reply.status, reply.error))
            return True
        return await self._generate(body, reply, fault, writer)

    async def _generate(
        self,
        body: dict[str, Any],
        reply: Reply,
        fault: Fault | None,
        writer: asyncio.StreamWriter,
    ) -> bool:
        completion = completion_of(body, reply, fault)
        usage = completion["usage"]
        if self._batch is not None:
            await self._batch.generate(usage["prompt_tokens"], usage["completion_tokens"])
        content = json.dumps(completion).encode()
        if fault == "truncated":
            content = content[: len(content) // 2]
        if fault == "cut":
            half = content[: len(content) // 2]
            writer.write(_head(200, len(content)) + half)
            await writer.drain()
            return False
        self.served += 1
        self.generated += usage["completion_tokens"]
        _send(writer, 200, content)
        return True

    def _refusal(self, body: dict[str, Any]) -> tuple[int, bytes] | None:
        if body["model"] not in self.models:
            return 404, _error(404, f"The model `{body['model']}` does not exist.")
        for name in self.rejects:
            if name in body:
                return 400, _error(400, f"Unrecognized request argument supplied: {name}")
        prompt = _tokens_of_prompt(body)
        most = body.get("max_tokens", body.get("max_completion_tokens"))
        if prompt + most > self.max_model_len:
            return 400, _error(
                400,
                f"This model's maximum context length is {self.max_model_len} tokens. However, "
                f"you requested {most} output tokens and your prompt contains at "
                f"least {self.max_model_len - most + 1} input tokens.",
            )
        return None


def completion_of(body: dict[str, Any], reply: Reply, fault: Fault | None) -> dict[str, Any]:
    """Return the chat completion object of `reply`, changed as `fault` says."""
    text, finish = reply.text, reply.finish_reason
    if fault in ("length", "abort", "unended") and text is not None:
        text, finish = text[: len(text) // 2], None if fault == "unended" else fault
    message = {"role": "assistant", "content": text, "reasoning": reply.reasoning}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    prompt = reply.prompt_tokens
    produced = reply.completion_tokens
    if prompt is None:
        prompt = _tokens_of_prompt(body)
    if produced is None:
        produced = _tokens(text or "") + _tokens(reply.reasoning or "")
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [] if fault == "empty" else [choice],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": produced,
            "total_tokens": prompt + produced,
            "prompt_tokens_details": None,
        },
    }


def _tokens(text: str) -> int:
    return 4 * len(text.split()) // 3


def _tokens_of_prompt(body: dict[str, Any]) -> int:
    return sum(_tokens(message["content"]) for message in body["messages"])


def _error(status: int, message: str) -> bytes:
    kind = "BadRequestError" if status == 400 else "Error"
    return json.dumps({"error": {"message": message, "type": kind, "code": status}}).encode()


def _head(status: int, length: int) -> bytes:
    return (
        f"HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n\r\n"
    ).encode()


def _send(writer: asyncio.StreamWriter, status: int, content: bytes) -> None:
    writer.write(_head(status, len(content)) + content)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset instead of an orderly end."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass(frozen=True)
class ScriptedCoder:
    """A script for both roles: programs by entry point, reviews by verdict.

    A request whose text asks for a verdict is a review: ``VERDICT: bugs`` for the entry points in
    `bugs`, otherwise ``VERDICT: correct``. Any other request gets the entry point's program, in
    a fence; `fixed` programs are for requests that quote a review of bugs. Without a program for
    it, a function that returns ``None``.
    """

    programs: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    bugs: frozenset[str] = frozenset()

    def __call__(self, body: dict[str, Any]) -> Reply:
        text = "\n".join(message["content"] for message in body["messages"])
        name = self.entry_point(text)
        thinking = (body.get("chat_template_kwargs") or {}).get("enable_thinking", False)
        reasoning = "Let me check it step by step." if thinking else None
        if re.search(r"VERDICT: (correct|bugs)\b.{0,80}VERDICT: (correct|bugs)\b", text, re.DOTALL):
            verdict = "bugs" if name in self.bugs else "correct"
            return Reply(f"I have read {name}.\nVERDICT: {verdict}", reasoning)
        program = self.programs.get(name)
        if name in self.bugs and f"I have read {name}." in text:
            program = self.fixed.get(name, program)
        if program is None:
            program = f"def {name}(*args):\n    return None\n"
        return Reply(f"Here it is:\n```python\n{program}\n```\n", reasoning)

    def entry_point(self, text: str) -> str:
        """Return the function that `text` asks for: named in backticks, or the first it shows."""
        shown = [a or b for a, b in re.findall(r"\bdef (\w+)\s*\(|\bassert\b[^\n]*?(\w+)\(", text)]
        named = re.findall(r"`(\w+)`", text)
        known = [name for name in (*named, *shown) if name in self.programs]
        return (known or [name for name in named if name in shown] or shown or ["solution"])[0]


async def _serve(server: ScriptedServer, until_stdin_ends: bool) -> None:
    await server.start()
    print(server.url, flush=True)
    if until_stdin_ends:
        await asyncio.to_thread(sys.stdin.read)
    else:
        await asyncio.Event().wait()


def main(arguments: list[str]) -> None:
    """Serve `ScriptedCoder` until killed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", default="scripted", help="served names, comma-separated")
    parser.add_argument("--programs", type=Path, help="JSON object: entry point to program")
    parser.add_argument("--bugs", default="", help="entry points whose review finds bugs")
    parser.add_argument("--speed", type=float, help="model batching, this much faster")
    parser.add_argument(
        "--until-stdin-ends", action="store_true", help="end with the process that holds the pipe"
    )
    options = parser.parse_args(arguments)
    programs = json.loads(options.programs.read_text()) if options.programs else {}
    server = ScriptedServer(
        ScriptedCoder(programs, bugs=frozenset(filter(None, options.bugs.split(",")))),
        models=tuple(options.model.split(",")),
        batching=Batching(speed=options.speed) if options.speed else None,
        port=options.port,
        keep_requests=False,
    )
    asyncio.run(_serve(server, options.until_stdin_ends))


if __name__ == "__main__":
    main(sys.argv[1:])
