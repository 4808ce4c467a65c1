"""How each family's thinking is switched, what servers refuse of it, and who is told."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from endpoints import SWIFT, TestEndpoint, ask
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import Reply, ScriptedServer

from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.models.endpoints import attach, endpoint
from pytest_dualcode.models.faults import Fault
from pytest_dualcode.models.profiles import ATTACHED, RoleProfile
from pytest_dualcode.models.thinking import (
    budget_within,
    family_of,
    style_of,
    supports_thinking,
    thought_budget,
)
from pytest_dualcode.models.wire import refused_field
from pytest_dualcode.types import Request, Sampling, ThinkingStyle

Serve = Callable[..., ScriptedServer]

NO_MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)
NO_TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0 with this model. "
    "Only the default (1) value is supported."
)


@pytest.mark.parametrize(
    ("model", "thinks", "style"),
    [
        ("Qwen/Qwen3-32B-AWQ", True, "enable_thinking"),
        ("/models/qwen3-0.6b", True, "enable_thinking"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", False, "enable_thinking"),
        ("Qwen/Qwen3-4B-Thinking-2507", False, "enable_thinking"),
        ("Qwen/Qwen2.5-Coder-14B-Instruct-AWQ", False, "enable_thinking"),
        ("meta-llama/Llama-3.1-8B-Instruct", False, "enable_thinking"),
        ("zai-org/GLM-4.6-FP8", True, "enable_thinking"),
        ("zai-org/GLM-4.5V", False, "enable_thinking"),
        ("deepseek-ai/DeepSeek-V3.1", True, "thinking"),
        ("deepseek-ai/DeepSeek-V3.1-Base", False, "enable_thinking"),
        ("deepseek-ai/DeepSeek-V3", False, "enable_thinking"),
        ("ibm-granite/granite-3.3-8b-instruct", True, "thinking"),
        ("openai/gpt-oss-20b", True, "reasoning_effort"),
        ("gpt-oss:20b", True, "reasoning_effort"),
        ("o3-mini", True, "reasoning_effort"),
        ("gpt-5", True, "reasoning_effort"),
        ("gpt-5.1-2025-11-13", True, "reasoning_effort"),
        ("gpt-5-chat-latest", False, "enable_thinking"),
        ("gpt-4.1-mini", False, "none"),
    ],
)
def test_the_switch_is_known_by_the_name(model: str, thinks: bool, style: str) -> None:
    assert (supports_thinking(model), style_of(model)) == (thinks, style)


def test_vllms_parser_belongs_to_the_family() -> None:
    names = ["Qwen3-8B", "GLM-4.5-Air", "DeepSeek-V3.1", "granite-3.2-8b-instruct"]
    parsers = [family.parser for name in names if (family := family_of(name))]
    assert parsers == ["qwen3", "glm45", "deepseek_v3", "granite"]


def sent_for(serve: Serve, thinking: bool, **settings: Any) -> dict[str, Any]:
    """Return the body of one call to an endpoint with these settings, without usual fields."""
    server = serve(lambda _: Reply("yes"), owned_by="somebody")
    place = TestEndpoint((server.url,), thinking=True, **settings)
    models = OpenAIModels({"planner": place})
    asyncio.run(one_call(models, thinking))
    usual = {"model", "messages", "max_tokens", "temperature", "top_p"}
    return {name: value for name, value in server.requests[0].items() if name not in usual}


async def one_call(models: OpenAIModels, thinking: bool = False, calls: int = 1) -> None:
    """Make so many calls, one after the other, and close the client."""
    try:
        for number in range(calls):
            await models.complete("planner", ask(str(number)), thinking=thinking)
    finally:
        await models.aclose()


@pytest.mark.parametrize(
    ("style", "without", "with_thought"),
    [
        (
            "enable_thinking",
            {"chat_template_kwargs": {"enable_thinking": False}},
            {"chat_template_kwargs": {"enable_thinking": True}},
        ),
        (
            "thinking",
            {"chat_template_kwargs": {"thinking": False}},
            {"chat_template_kwargs": {"thinking": True}},
        ),
        ("reasoning_effort", {"reasoning_effort": "low"}, {"reasoning_effort": "medium"}),
        ("ollama", {"reasoning_effort": "none"}, {"reasoning_effort": "medium"}),
        ("none", {}, {}),
    ],
)
def test_each_style_sends_its_own_field(
    serve: Serve, style: ThinkingStyle, without: object, with_thought: object
) -> None:
    assert sent_for(serve, False, thinking_style=style) == without
    assert sent_for(serve, True, thinking_style=style) == with_thought


def test_a_profiles_efforts_replace_the_styles_own(serve: Serve) -> None:
    efforts = {"thinking_effort": "high", "answer_effort": "minimal"}
    settings = {"thinking_style": "reasoning_effort", **efforts}
    assert sent_for(serve, True, **settings) == {"reasoning_effort": "high"}
    assert sent_for(serve, False, **settings) == {"reasoning_effort": "minimal"}
    assert "reasoning_effort" not in sent_for(serve, True, **efforts)


def test_style_and_effort_are_part_of_a_calls_identity_but_the_old_style_is_not() -> None:
    def key(**fields: Any) -> str:
        return Request("coder", "m", ask("a"), Sampling(9, **fields)).key

    asked = '{"max_tokens":9,"seed":null,"temperature":0.0,"thinking":false,"thinking_budget":null'
    before = (
        '{"messages":[{"content":"a","role":"user"}],"model":"m","role":"coder","sample":0,'
        f'"sampling":{asked},"top_p":1.0}}}}'
    )
    assert key() == hashlib.sha256(before.encode()).hexdigest()
    keys = {key(), key(thinking_style="thinking"), key(effort="low"), key(effort="high")}
    assert len(keys) == 4


def test_ollama_is_known_by_the_owner_of_its_models(serve: Serve) -> None:
    server = serve(lambda _: "x", owned_by="library", models=("qwen3:8b",))
    assert attach("planner", (server.url,), None, ATTACHED).thinking_style == "ollama"
    named = RoleProfile(model="", thinking_style="none")
    assert attach("planner", (server.url,), None, named).thinking_style == "none"


def test_an_attached_servers_root_tells_the_family(serve: Serve) -> None:
    server = serve(lambda _: "x", models=("deepseek-ai/DeepSeek-V3.1",))
    place = attach("planner", (server.url,), None, ATTACHED)
    assert (place.thinking, place.thinking_style) == (True, "thinking")


def test_an_endpoint_carries_the_profiles_efforts() -> None:
    role = RoleProfile(model="m", thinking_effort="high", answer_effort="minimal")
    place = endpoint("coder", (), "m", None, role, False, "reasoning_effort", launched=True)
    assert (place.thinking_effort, place.answer_effort) == ("high", "minimal")


def refusing(name: str, message: str) -> Callable[[dict[str, Any]], Reply]:
    """Return a script that refuses requests with the field `name`."""
    return lambda body: Reply(None, status=400, error=message) if name in body else Reply("x")


def calls_to(serve: Serve, script: Any, **settings: Any) -> tuple[ScriptedServer, list[str]]:
    """Make three calls to a hosted server; return it and what was said."""
    server = serve(script, owned_by="openai")
    place = TestEndpoint((server.url,), thinking_style="none", **settings)
    told: list[str] = []
    models = OpenAIModels({"planner": place}, retries=SWIFT, say=told.append)
    asyncio.run(one_call(models, calls=3))
    return server, told


def test_max_tokens_is_sent_under_its_newer_name_once_that_is_asked_for(serve: Serve) -> None:
    server, told = calls_to(serve, refusing("max_tokens", NO_MAX_TOKENS))
    sent = [(b.get("max_tokens"), b.get("max_completion_tokens")) for b in server.requests]
    assert sent == [(512, None), (None, 512), (None, 512), (None, 512)]
    assert told == [f"planner: {server.url} takes max_completion_tokens in place of max_tokens"]


def test_a_temperature_that_a_model_does_not_take_is_left_out_and_said_once(serve: Serve) -> None:
    server, told = calls_to(serve, refusing("temperature", NO_TEMPERATURE))
    assert ["temperature" in body for body in server.requests] == [True, False, False, False]
    assert told == [
        f"planner: {server.url} does not take temperature; asked without it (it would have been "
        "0.0), so its replies may differ from run to run"
    ]


def test_all_calls_in_flight_are_refused_and_it_is_said_once(serve: Serve) -> None:
    server = serve(lambda _: "x", owned_by="openai", rejects=("chat_template_kwargs",))
    told: list[str] = []
    models = OpenAIModels({"planner": TestEndpoint((server.url,))}, say=told.append)

    async def together() -> None:
        await asyncio.gather(*(models.complete("planner", ask(str(n))) for n in range(5)))
        await models.aclose()

    asyncio.run(together())
    assert len(told) == 1
    assert 'it would have been {"enable_thinking": false}' in told[0]


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        (NO_MAX_TOKENS, "max_tokens"),
        (NO_TEMPERATURE, "temperature"),
        ("Unsupported parameter: 'top_p' is not supported with this model.", "top_p"),
        ("temperature must be at most 2", None),
        ("max_tokens must be at least 1", None),
        ("Unsupported value: 'reasoning_effort' does not support 'none'", "reasoning_effort"),
    ],
)
def test_what_a_refusal_names(message: str, refused: str | None) -> None:
    body = {"max_tokens": 9, "temperature": 0.0, "top_p": 1.0, "reasoning_effort": "none"}
    assert refused_field(Fault("rejected", f"HTTP 400: {message}"), body) == refused


@given(st.integers(1, 1 << 20), st.none() | st.integers(1, 1 << 21), st.integers(1, 1 << 20))
def test_a_thought_leaves_room_for_the_answer(limit: int, wanted: int | None, fits: int) -> None:
    asked = Sampling(limit, thinking=True, thinking_budget=thought_budget(limit, wanted))
    whole, lowered = budget_within(asked, limit), budget_within(asked, min(fits, limit))
    assert whole is not None
    assert lowered is not None
    assert whole == wanted or whole <= limit * 3 / 4
    assert whole < limit
    if fits < limit:
        assert lowered <= min(whole, fits * 3 / 4)


def test_no_thought_has_no_budget() -> None:
    assert budget_within(Sampling(100, thinking_budget=75), 100) is None
    assert budget_within(Sampling(100, thinking=True), 100) is None
