"""Requests and replies in JSON: every form that servers are known to use."""

from __future__ import annotations

import json
from typing import Any

import pytest
from endpoints import ask
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.models.faults import Fault
from pytest_dualcode.models.limits import Load
from pytest_dualcode.models.wire import (
    ENDS,
    ServerTraits,
    body_of,
    read_load,
    read_reply,
    read_traits,
    refused_field,
    split_reasoning,
)
from pytest_dualcode.types import Request, Sampling


def reply(message: dict[str, Any], **fields: Any) -> bytes:
    """Return a chat completion with this message."""
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], **fields}).encode()


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_read_under_both_names(name: str) -> None:
    read = read_reply(reply({"content": "a", name: "thought"}), thinking=True)
    assert (read.text, read.reasoning) == ("a", "thought")


def test_a_thought_that_was_cut_off_has_no_text() -> None:
    read = read_reply(reply({"content": None, "reasoning": "thought"}), thinking=True)
    assert (read.text, read.reasoning) == ("", "thought")


def test_tags_in_an_answer_stay_if_the_server_parsed_the_thought() -> None:
    read = read_reply(reply({"content": "use </think>", "reasoning": "t"}), thinking=True)
    assert read.text == "use </think>"


@pytest.mark.parametrize(
    ("text", "thinking", "expected"),
    [
        ("plain", True, ("", "plain")),
        ("<think>a</think>b", True, ("a", "b")),
        ("<think>a</think>b", False, ("a", "b")),
        ("\n<think>\na\n</think>\n\nb\n", True, ("a", "b\n")),
        ("<think>never closed", True, ("never closed", "")),
        ("<think></think>b", False, ("", "b")),
        ("a</think>b", True, ("a", "b")),
        ("print('</think>')", False, ("", "print('</think>')")),
        ("see <think> here", True, ("", "see <think> here")),
        ("", True, ("", "")),
    ],
)
def test_a_thought_is_split_off(text: str, thinking: bool, expected: tuple[str, str]) -> None:
    assert split_reasoning(text, thinking) == expected


@given(st.text(), st.text())
def test_any_closed_thought_is_split_off_whole(thought: str, answer: str) -> None:
    if "</think>" in thought:
        return
    assert split_reasoning(f"<think>{thought}</think>{answer}", thinking=True) == (
        thought.strip(),
        answer.lstrip(),
    )


def test_usage_is_read_and_may_be_missing() -> None:
    usage = {
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    read = read_reply(reply({"content": "a"}, usage=usage), thinking=False)
    assert (read.prompt_tokens, read.completion_tokens, read.cached_tokens) == (5, 2, 4)
    read = read_reply(reply({"content": "a"}), thinking=False)
    assert (read.prompt_tokens, read.completion_tokens, read.cached_tokens) == (0, 0, None)


def ended(reason: object) -> bytes:
    """Return a chat completion with this finish reason."""
    choice = {"message": {"content": "def f("}, "finish_reason": reason}
    return json.dumps({"choices": [choice]}).encode()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "function_call"),
        ("eos_token", "stop"),
        ("stop_sequence", "stop"),
        ("eos", "stop"),
        ("end", "stop"),
        ("end_turn", "stop"),
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("repetition", "length"),
        ("repeat", "length"),
    ],
)
def test_every_servers_word_for_the_models_own_end_is_kept_as_openai_spells_it(
    said: str, kept: str
) -> None:
    assert read_reply(ended(said), thinking=False).finish_reason == kept


@pytest.mark.parametrize(
    ("reason", "kind", "words"),
    [
        ("abort", "reset", "broke its reply off: abort"),
        ("error", "reset", "broke its reply off: error"),
        ("insufficient_system_resource", "busy", "broke its reply off: insufficient_system_resour"),
        ("content_filter", "rejected", "a content filter stopped the reply: content_filter"),
        ("sensitive", "rejected", "a content filter stopped the reply: sensitive"),
        ("SAFETY", "rejected", "a content filter stopped the reply: SAFETY"),
        (None, "unended", "it has no finish reason"),
        ("", "unended", "it has no finish reason"),
        ("network_error", "unended", "unknown finish reason: 'network_error'"),
        ({"type": "stop"}, "unended", "unknown finish reason: \"{'type': 'stop'}\""),
    ],
)
def test_a_reply_that_has_no_end_of_its_own_is_none(reason: object, kind: str, words: str) -> None:
    with pytest.raises(Fault) as raised:
        read_reply(ended(reason), thinking=False)
    assert raised.value.kind == kind
    assert words in raised.value.detail


@given(st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()))
def test_only_known_ends_are_ends(reason: object) -> None:
    if isinstance(reason, str) and reason.lower() in ENDS:
        return
    with pytest.raises(Fault):
        read_reply(ended(reason), thinking=False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"<html>bad gateway</html>",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": [{}]}',
        b'{"choices": [{"finish_reason": null}]}',
        b'{"choices": [{"message": null, "finish_reason": "stop"}]}',
        reply({"content": 3}),
        reply({"content": "a"}, usage={"prompt_tokens": "many"}),
        reply({"content": "a"}, usage={"completion_tokens": float("inf")}),
        reply({"content": "a"}, usage={"prompt_tokens_details": {"cached_tokens": "many"}}),
        b"\xff\xfe",
    ],
)
def test_anything_else_is_damaged(content: bytes) -> None:
    with pytest.raises(Fault, match="no complete chat completion") as raised:
        read_reply(content, thinking=False)
    assert raised.value.kind == "damaged"


@given(st.integers(0, 10_000))
def test_no_beginning_of_a_reply_passes_for_a_whole_one(length: int) -> None:
    whole = reply({"content": "def f():\n    return 1", "reasoning": None}, usage={})
    cut = whole[: length % len(whole)]
    with pytest.raises(Fault):
        read_reply(cut, thinking=False)


def test_traits_are_read_from_the_models_card() -> None:
    cards = [{"id": "other"}, {"id": "m", "owned_by": "vllm", "max_model_len": 4096}]
    traits = read_traits(json.dumps({"data": cards}).encode(), "m")
    assert traits == ServerTraits(is_vllm=True, max_model_len=4096)


def test_a_bare_list_of_models_is_one_too() -> None:
    assert read_traits(b'[{"id": "m", "owned_by": "vllm"}]', "m") == ServerTraits(is_vllm=True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"null",
        b"3",
        b'"text"',
        b"{}",
        b"[]",
        b"[1]",
        b'{"data": null}',
        b'{"data": []}',
        b'{"data": [1]}',
    ],
)
def test_what_is_no_list_of_models_tells_nothing_of_a_server(content: bytes) -> None:
    with pytest.raises(Fault, match="GET /v1/models gave no list of models") as raised:
        read_traits(content, "m")
    assert raised.value.kind == "damaged"


@given(st.integers(0, 200))
def test_no_beginning_of_a_list_of_models_passes_for_a_whole_one(length: int) -> None:
    whole = json.dumps({"data": [{"id": "m", "owned_by": "vllm"}, {"id": "other"}]}).encode()
    with pytest.raises(Fault):
        read_traits(whole[: length % len(whole)], "m")


def test_a_field_once_refused_is_left_out() -> None:
    request = Request("coder", "m", ask("a"), Sampling(max_tokens=9, seed=3))
    traits = ServerTraits(is_vllm=True).without("seed").without("top_k")
    body = body_of(request, traits, 9)
    assert "seed" not in body
    assert "top_k" not in body
    assert body["repetition_penalty"] == 1.0


def test_other_servers_get_a_rarer_field_only_where_it_is_not_neutral() -> None:
    request = Request("coder", "m", ask("a"), Sampling(max_tokens=9, top_k=20))
    body = body_of(request, ServerTraits(), 9)
    assert body["top_k"] == 20
    assert not {"min_p", "repetition_penalty", "presence_penalty"} & set(body)


def test_only_a_400_that_names_an_optional_field_refuses_it() -> None:
    body = {"seed": 1, "temperature": 0.0}
    assert refused_field(Fault("rejected", "HTTP 400: unknown field seed"), body) == "seed"
    assert refused_field(Fault("rejected", "HTTP 400: temperature must be 1"), body) is None
    assert refused_field(Fault("rejected", "HTTP 401: seed"), body) is None
    assert refused_field(Fault("server", "HTTP 500: seed"), body) is None


def test_load_is_summed_over_engines() -> None:
    metrics = (
        "# HELP vllm:num_requests_running x\n"
        'vllm:num_requests_running{engine="0",model_name="m"} 3.0\n'
        'vllm:num_requests_running{engine="1",model_name="m"} 4.0\n'
        'vllm:num_requests_waiting{engine="0",model_name="m"} 1.0\n'
        'vllm:num_requests_waiting_by_reason{engine="0"} 9.0\n'
    )
    metrics += 'vllm:generation_tokens_total{engine="0"} 1200.0\n'
    assert read_load(metrics) == Load(7, 1, 1200.0)
    assert read_load("other 1.0\n") is None
