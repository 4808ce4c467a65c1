"""What can go wrong with one attempt at a call, and whether another one makes sense."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "refused", "reset", "timeout", "busy", "server", "damaged", "unended", "rejected", "too_long"
]
"""``refused``: nobody listens. ``reset``: the connection broke. ``timeout``: no reply in time.
``busy``: 429 or 503. ``server``: another 5xx. ``damaged``: a reply that is no chat completion.
``unended``: one that is not known to be whole. ``rejected``: a 4xx or a content filter, which will
not change. ``too_long``: prompt and reply exceed the context."""

HOPELESS: frozenset[FaultKind] = frozenset({"rejected", "too_long"})

GATEWAY = (502, 503, 504)
"""What a gateway or ingress answers while nothing stands behind it."""

LONGEST_RETRY_AFTER = 120.0


class Fault(Exception):
    """One attempt failed. `retry_after` is the server's own wish, in seconds.

    `away`: the server may just be restarting behind a gateway that is not ours.
    """

    def __init__(
        self,
        kind: FaultKind,
        detail: str,
        retry_after: float | None = None,
        *,
        away: bool = False,
    ) -> None:
        super().__init__(kind, detail)
        self.kind: FaultKind = kind
        self.detail = detail
        self.retry_after = retry_after
        self.away = away or kind == "refused"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds and pauses of repeated attempts; all times in seconds.

    A refused connection, and a gateway's word that there is no server, are repeated until the
    call's deadline: a server that restarts comes back.
    A timeout is repeated once only, since each repetition generates everything again, and a reply
    without an end twice: a server may end that one so each time.
    """

    attempts: int = 8
    timeouts: int = 2
    unended: int = 3
    first_pause: float = 0.5
    longest_pause: float = 30.0

    def pause(self, faults: Sequence[Fault]) -> float | None:
        """Return how long to wait after these faults of one call, or ``None`` to give up.

        The pause doubles with each fault and is drawn from its upper half, so that calls that
        failed together do not come back together.
        """
        last = faults[-1]
        counted = sum(not fault.away for fault in faults)
        timeouts = sum(fault.kind == "timeout" for fault in faults)
        unended = sum(fault.kind == "unended" for fault in faults)
        spent = counted >= self.attempts or timeouts >= self.timeouts or unended >= self.unended
        if last.kind in HOPELESS or spent:
            return None
        longest = min(self.longest_pause, self.first_pause * 2.0 ** min(len(faults) - 1, 16))
        return max(random.uniform(longest / 2, longest), last.retry_after or 0.0)


def fault_of_status(
    status: int, text: str, headers: Mapping[str, str], *, attached: bool = False
) -> Fault:
    """Classify an HTTP error reply with the body `text`.

    Before an `attached` server may be a gateway; one that we launched says these things itself.
    """
    away = attached and status in GATEWAY
    detail = f"HTTP {status}: {message_of(text)[:1000] or 'no message'}"
    if status == 429 and "insufficient_quota" in text:
        return Fault("rejected", detail)
    if status in (429, 503):
        return Fault("busy", detail, retry_after(headers), away=away)
    if status in (501, 505):
        return Fault("rejected", detail)
    if status >= 500 or status in (408, 409, 425):
        return Fault("server", detail, retry_after(headers), away=away)
    if status in (400, 413, 422) and context_length(text) is not None:
        return Fault("too_long", detail)
    return Fault("rejected", detail)


def message_of(text: str) -> str:
    """Return the message in an error reply, without the JSON around it where that is known.

    OpenAI and vLLM say ``{"error": {"message": ...}}``, others ``{"error": ...}``, ``{"message":
    ...}`` or ``{"detail": ...}``.
    """
    try:
        found = json.loads(text)
    except ValueError:
        return text.strip()
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and name in found:
            found = found[name]
    return found.strip() if isinstance(found, str) else text.strip()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the header's seconds (RFC 9110), at most two minutes; dates are not understood."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(seconds, LONGEST_RETRY_AFTER) if seconds >= 0 else None


def fault_of_connection(error: BaseException) -> Fault:
    """Classify an error below HTTP by the names in its chain of causes.

    Names rather than classes: the client library changes its transport (httpx, httpx2, aiohttp)
    from version to version.
    """
    names = [type(cause).__name__ for cause in causes(error)]
    last = list(causes(error))[-1]
    detail = f"{names[-1]}: {last}" if str(last) else names[-1]
    if any(name in ("ConnectError", "ConnectTimeout", "ConnectionRefusedError") for name in names):
        return Fault("refused", detail)
    if any("Timeout" in name for name in names):
        return Fault("timeout", detail)
    return Fault("reset", detail)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error`, what caused it, what caused that, and so on."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def context_length(text: str) -> int | None:
    """Return the context length, in tokens, that an error message says was exceeded.

    Covers vLLM's and OpenAI's "maximum context length is N tokens", and gives 0 where a message
    only says that the context was exceeded (llama.cpp).
    """
    found = re.search(r"(?:maximum context length is|max_model_len\D{0,20}?) ?(\d+)", text)
    if found:
        return int(found[1])
    return 0 if re.search(r"context_length_exceeded|exceed\w*.{0,40}context", text) else None


def prompt_length(text: str) -> int | None:
    """Return the exact prompt length, in tokens, if an error message tells it."""
    found = re.search(
        r"(?<!least )\b(\d+) (?:input tokens|prompt tokens|tokens from the input|in the messages)",
        text,
    )
    return int(found[1]) if found else None


def advice(faults: Sequence[Fault], model: str) -> str:
    """Return the remedy for a call that ended with these faults."""
    detail = faults[-1].detail
    match faults[-1].kind:
        case "refused" | "reset":
            return "Check that the server runs (its log says why it stopped), then use --resume."
        case "timeout":
            return (
                "The server is too slow or hangs: lower --max-in-flight or raise --call-timeout, "
                "then use --resume."
            )
        case "busy" | "server" if faults[-1].away:
            return (
                "The gateway answers, no server behind it: check that one runs, that it is not "
                "overloaded (lower --max-in-flight), and for a 504 the gateway's own time limit; "
                "then use --resume."
            )
        case "busy":
            return "The server is overloaded: lower --max-in-flight, then use --resume."
        case "too_long":
            return "Start the server with a longer context (vLLM: --max-model-len)."
        case "damaged" if "/v1/models" in detail:
            return (
                "Check that the URL is the base URL of an OpenAI-compatible server; if it is, the "
                "server's log says more. --resume asks again."
            )
        case "unended":
            return (
                "Only a reply with a known end is the model's. Ollama ends one so that repeats a "
                "token over and over: try another model or --temperature. If this server ends "
                "whole replies so, please report it. --resume asks again."
            )
        case "rejected":
            return _advice_on_rejection(detail, model)
    return "The server's log says more. --resume runs only what is missing."


def _advice_on_rejection(detail: str, model: str) -> str:
    if "content filter" in detail:
        return "Asking again will not help: use a model or a service without this filter."
    if "HTTP 404" in detail:
        return f"Check that the server serves a model named {model!r} (GET /v1/models lists them)."
    if "HTTP 401" in detail or "HTTP 403" in detail:
        return "Set DUALCODE_API_KEY (or OPENAI_API_KEY) to a key that the server accepts."
    return "Asking again will not help: the server's message says what it does not take."
