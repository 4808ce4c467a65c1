"""How the thinking of each model family is switched, and which families a name gives away. Pure.

Sources: vLLM's "Reasoning Outputs" page (Qwen3, GLM, DeepSeek-V3.1 and Granite with their parsers),
OpenAI's API reference (``reasoning_effort``), and Ollama's page on OpenAI compatibility, whose
``/v1`` takes ``reasoning_effort`` and not the ``think`` of its own API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, get_args

from pytest_dualcode.types import Sampling, ThinkingStyle

STYLES: tuple[ThinkingStyle, ...] = get_args(ThinkingStyle)

EFFORTS: dict[ThinkingStyle, tuple[str, str]] = {
    "reasoning_effort": ("low", "medium"),
    "ollama": ("none", "medium"),
}
"""What is sent by default without and with a thought. gpt-oss and OpenAI's first reasoning models
cannot be kept from thinking, and refuse ``none``."""

OLLAMA_OWNER = "library"
"""What Ollama's ``/v1/models`` gives as ``owned_by`` for models of its own library."""

THOUGHT_SHARE = 0.75
"""Share of a thinking call's tokens that the thought may take; the rest is for the answer."""


@dataclass(frozen=True, slots=True)
class Family:
    """Models whose names match `pattern`; `thinks`: they have a reasoning mode to switch.

    `parser` is vLLM's ``--reasoning-parser`` for them, empty where vLLM sets it itself.
    """

    pattern: str
    style: ThinkingStyle
    thinks: bool = True
    parser: str = ""


FAMILIES: tuple[Family, ...] = (
    Family(
        r"qwen3(\.\d+)?[-_](?!.*(coder|instruct|thinking|embedding|reranker|base))",
        "enable_thinking",
        parser="qwen3",
    ),
    Family(r"glm-4\.[567](?!\d|v)(?!.*base)", "enable_thinking", parser="glm45"),
    Family(r"deepseek-v3\.1(?!\d)(?!.*base)", "thinking", parser="deepseek_v3"),
    Family(r"granite-3\.[23](?!\d).*instruct", "thinking", parser="granite"),
    Family(r"gpt-oss[-_:]", "reasoning_effort"),
    Family(r"(o[134]|gpt-5(\.\d+)?)(-(?!.*(chat|pro|preview))|$)", "reasoning_effort"),
    Family(r"gpt-(3\.5|4)", "none", thinks=False),
)
"""Families with one way to switch, whoever serves them. Those with one fixed mode (Qwen3's Coder,
Instruct and Thinking variants) are not among them."""


def family_of(model: str) -> Family | None:
    """Return the family that a hub id, a folder or a served name belongs to, if it is known."""
    name = model.rsplit("/", 1)[-1].lower()
    return next((family for family in FAMILIES if re.match(family.pattern, name)), None)


def supports_thinking(model: str) -> bool:
    """Guess from the name whether the model has a reasoning mode that can be switched."""
    family = family_of(model)
    return family is not None and family.thinks


def style_of(model: str, owner: str | None = None) -> ThinkingStyle:
    """Return how the thinking of `model` is switched, as `owner` (``owned_by``) serves it.

    ``enable_thinking`` for an unknown one: chat templates that do not know it ignore it.
    """
    if owner == OLLAMA_OWNER:
        return "ollama"
    family = family_of(model)
    return family.style if family is not None else "enable_thinking"


def effort_of(style: ThinkingStyle, thinking: bool, wanted: str = "") -> str:
    """Return the effort to send: the `wanted` one, the style's own, or none (empty)."""
    if style not in EFFORTS:
        return ""
    return wanted or EFFORTS[style][thinking]


def switch_of(sampling: Sampling) -> dict[str, Any]:
    """Return the fields of a request's body that switch the thinking on or off."""
    if sampling.thinking_style in EFFORTS:
        return {"reasoning_effort": sampling.effort}
    if sampling.thinking_style == "none":
        return {}
    return {"chat_template_kwargs": {sampling.thinking_style: sampling.thinking}}


def thought_budget(limit: int, wanted: int | None = None) -> int:
    """Return how many of a call's `limit` tokens its thought may take.

    As many as `wanted` if that leaves any for the answer, otherwise three quarters.
    """
    return wanted if wanted is not None and wanted < limit else int(limit * THOUGHT_SHARE)


def budget_within(sampling: Sampling, max_tokens: int) -> int | None:
    """Return what to send as the thought's budget with `max_tokens`; ``None`` without a thought.

    A budget that was made for more tokens than fit into the context leaves a quarter of these.
    """
    budget = sampling.thinking_budget
    if not sampling.thinking or budget is None:
        return None
    if max_tokens < sampling.max_tokens:
        return min(budget, thought_budget(max_tokens))
    return thought_budget(max_tokens, budget)
