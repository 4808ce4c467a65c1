"""Requests and replies as they travel: the JSON of OpenAI's chat completions protocol. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from pytest_dualcode.models.endpoints import models_in
from pytest_dualcode.models.faults import Fault, FaultKind
from pytest_dualcode.models.limits import Load
from pytest_dualcode.models.thinking import budget_within, switch_of
from pytest_dualcode.types import RARER, Request, Role

THINK_OPEN = "<think>"
THINK_CLOSE = "</think>"

OPTIONAL_FIELDS = (
    "thinking_token_budget",
    "chat_template_kwargs",
    "reasoning_effort",
    "top_k",
    "min_p",
    "repetition_penalty",
    "seed",
)
"""Fields that a server may refuse by name; it is then asked without them."""

FIXED_FIELDS = ("temperature", "top_p", "presence_penalty")
"""Fields that models with a fixed sampling refuse. They decide what is sampled, so they are left
out only if the server says that it does not take them, not if it finds a value out of bounds."""

UNSUPPORTED = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|deprecated|only the default", re.IGNORECASE
)

RENAMED = re.compile(r"\buse\W+max_completion_tokens", re.IGNORECASE)
"""In OpenAI's words: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'
instead."""


@dataclass(frozen=True, slots=True)
class ServerTraits:
    """What one server understands.

    vLLM takes every field and fills in those that are left out from the model's
    ``generation_config.json``, so it is sent neutral values for all of them. Others are sent the
    common fields and the thinking switch; hosted APIs refuse fields that they do not know, and
    `refused` remembers those (``max_tokens`` among them: its newer name is used then).
    """

    is_vllm: bool = False
    max_model_len: int | None = None
    refused: frozenset[str] = frozenset()

    def without(self, field: str) -> ServerTraits:
        """Return these traits with `field` among the refused ones."""
        return replace(self, refused=self.refused | {field})


def body_of(request: Request, traits: ServerTraits, max_tokens: int) -> dict[str, Any]:
    """Return the request's JSON body. `max_tokens` may be lower than asked, to fit the context."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "max_completion_tokens" if "max_tokens" in traits.refused else "max_tokens": max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        **switch_of(sampling),
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    rarer = {name: getattr(sampling, name) for name in RARER}
    if traits.is_vllm:
        body |= {**rarer, "frequency_penalty": 0.0}
        budget = budget_within(sampling, max_tokens)
        if budget is not None:
            body["thinking_token_budget"] = budget
    else:
        body |= {name: value for name, value in rarer.items() if value != RARER[name]}
    return {name: value for name, value in body.items() if name not in traits.refused}


def refused_field(fault: Fault, body: dict[str, Any]) -> str | None:
    """Return the field of `body` that the server's error message refuses, if it can be spared."""
    if fault.kind != "rejected" or not fault.detail.startswith(("HTTP 400", "HTTP 422")):
        return None
    if "max_tokens" in body and RENAMED.search(fault.detail):
        return "max_tokens"
    spare = [*OPTIONAL_FIELDS, *(FIXED_FIELDS if UNSUPPORTED.search(fault.detail) else ())]
    return next((name for name in spare if name in body and name in fault.detail), None)


def without_field(role: Role, url: str, field: str, body: dict[str, Any]) -> str:
    """Return what the user is told about a field that a server refused."""
    if field == "max_tokens":
        return f"{role}: {url} takes max_completion_tokens in place of max_tokens"
    value = json.dumps(body[field])
    told = f"{role}: {url} does not take {field}; asked without it (it would have been {value})"
    return f"{told}, so its replies may differ from run to run" if field == "temperature" else told


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of a chat completion that are kept."""

    text: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None


def read_reply(content: bytes, thinking: bool) -> Reply:
    """Read a chat completion. Raises `Fault` if it is not a complete one."""
    try:
        reply = json.loads(content)
        choice = reply["choices"][0]
        message = choice["message"]
        text = message.get("content")
        finish_reason = end_of(choice.get("finish_reason"))
        if not isinstance(text, str | None):
            raise TypeError(f"content is of type {type(text).__name__}")
        reasoning = message.get("reasoning") or message.get("reasoning_content") or ""
        if not reasoning:
            reasoning, text = split_reasoning(text or "", thinking)
        usage = reply.get("usage") or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
        return Reply(
            text=_sendable(text or ""),
            reasoning=_sendable(str(reasoning)),
            finish_reason=finish_reason,
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
            cached_tokens=None if cached is None else int(cached),
        )
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        start = content[:200].decode("utf-8", "replace")
        raise Fault(
            "damaged", f"no complete chat completion ({type(error).__name__}): {start!r}"
        ) from error


ENDS = {
    **{reason: reason for reason in ("stop", "length", "tool_calls", "function_call")},
    **dict.fromkeys(("eos_token", "stop_sequence", "eos", "end", "end_turn"), "stop"),
    **dict.fromkeys(("max_tokens", "model_length", "repetition", "repeat"), "length"),
}
"""Finish reasons that are the end of the model's own reply, and what the OpenAI API calls them.

TGI says ``eos_token`` and ``stop_sequence``, Together ``eos``, gateways to Anthropic's models
``end_turn`` and ``max_tokens``, some others ``end``, Mistral ``model_length`` (a full context).
vLLM's ``repetition`` and Moonshot's ``repeat`` cut off a model that goes round in circles.
"""

BROKEN_OFF: dict[str, FaultKind] = {
    "abort": "reset",
    "error": "reset",
    "insufficient_system_resource": "busy",
}
"""Finish reasons that are the server's own trouble, and what it is. vLLM and SGLang answer 200,
with the text so far, to the calls in flight when they shut down; the last one is DeepSeek's."""

FILTERED = ("content_filter", "sensitive", "safety", "recitation", "prohibited_content")
"""Finish reasons of a service that suppresses a reply (OpenAI and others; GLM; Gemini), and would
again."""


def end_of(reason: object) -> str:
    """Return how the model ended its reply, in the OpenAI API's words.

    Raises `Fault` for any other finish reason, also one that nobody knows: the text may be half a
    program, and judging it would blame the model.
    """
    said = str(reason).lower()
    if said in ENDS:
        return ENDS[said]
    if not reason:
        raise Fault("unended", "no complete chat completion: it has no finish reason")
    if said in FILTERED:
        raise Fault("rejected", f"a content filter stopped the reply: {reason}")
    if said in BROKEN_OFF:
        raise Fault(BROKEN_OFF[said], f"the server broke its reply off: {reason}")
    raise Fault("unended", f"the reply has an unknown finish reason: {str(reason)[:100]!r}")


def _sendable(text: str) -> str:
    """Return `text` without lone surrogates, which JSON can hold and UTF-8 cannot.

    A draft with one could not be put into the review's request.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def split_reasoning(text: str, thinking: bool) -> tuple[str, str]:
    """Split a thought off a reply whose server has no reasoning parser: (reasoning, answer).

    A thought that was never closed is all reasoning: nothing in it is an answer. Some chat
    templates put the opening tag into the prompt, so with thinking on the closing one is enough.
    """
    body = text.lstrip()
    if body.startswith(THINK_OPEN):
        thought, _, answer = body[len(THINK_OPEN) :].partition(THINK_CLOSE)
        return thought.strip(), answer.lstrip()
    if thinking and THINK_CLOSE in text:
        thought, _, answer = text.partition(THINK_CLOSE)
        return thought.strip(), answer.lstrip()
    return "", text


def read_traits(content: bytes, model: str) -> ServerTraits:
    """Read a reply to ``GET /v1/models``. Raises `Fault` if it is no list of models.

    An empty one is none either: a gateway's, before its servers have come.
    """
    try:
        served = models_in(json.loads(content))
        found = next((one for one in served if one.name == model), served[0])
        return ServerTraits(is_vllm=found.owner == "vllm", max_model_len=found.max_model_len)
    except (ValueError, IndexError) as error:
        start = content[:200].decode("utf-8", "replace")
        raise Fault(
            "damaged", f"GET /v1/models gave no list of models ({type(error).__name__}): {start!r}"
        ) from error


METRICS = (
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:generation_tokens_total",
)


def read_load(metrics: str) -> Load | None:
    """Read the load, over all engines, from vLLM's ``/metrics`` text; ``None`` if it has none."""
    totals = dict.fromkeys(METRICS, 0.0)
    seen = False
    for line in metrics.splitlines():
        name = line.partition("{")[0].partition(" ")[0]
        if name in totals:
            totals[name] += float(line.rsplit(" ", 1)[1])
            seen = True
    running, waiting, generated = totals.values()
    return Load(int(running), int(waiting), generated) if seen else None
