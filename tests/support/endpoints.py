"""Endpoints and messages for tests of the client, the store and the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_dualcode.models.faults import RetryPolicy
from pytest_dualcode.types import Message, ThinkingStyle


@dataclass(frozen=True)
class TestEndpoint:
    """A `models.base.Endpoint` with short replies."""

    __test__ = False

    urls: tuple[str, ...] = ()
    model: str = "scripted"
    draft_tokens: int = 512
    review_tokens: int = 1024
    thinking: bool = False
    launched: bool = True
    max_in_flight: int = 8
    sampling: Mapping[str, float] = field(default_factory=dict)
    thinking_budget: int | None = None
    thinking_style: ThinkingStyle = "enable_thinking"
    thinking_effort: str = ""
    answer_effort: str = ""


SWIFT = RetryPolicy(first_pause=0.001, longest_pause=0.01)
"""The client's own rules of repetition without its pauses."""


def ask(text: str) -> tuple[Message, ...]:
    """Return a conversation of one user message."""
    return (Message("user", text),)
