"""What is worth another attempt, when, and how often."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.models.faults import (
    Fault,
    RetryPolicy,
    advice,
    context_length,
    fault_of_connection,
    fault_of_status,
    prompt_length,
)

POLICY = RetryPolicy()


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "bad", "rejected"),
        (401, "", "rejected"),
        (404, "", "rejected"),
        (408, "", "server"),
        (422, "", "rejected"),
        (429, "", "busy"),
        (429, "insufficient_quota", "rejected"),
        (500, "", "server"),
        (501, "", "rejected"),
        (502, "", "server"),
        (503, "", "busy"),
        (504, "", "server"),
        (400, "This model's maximum context length is 10 tokens", "too_long"),
        (400, "context_length_exceeded", "too_long"),
        (400, "the request exceeds the available context size", "too_long"),
    ],
)
def test_status_codes(status: int, text: str, kind: str) -> None:
    assert fault_of_status(status, text, {}).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        '{"error": {"message": "no ☃", "type": "BadRequestError", "code": 400}}',
        '{"error": {"message": "no \\u2603"}}',
        '{"error": "no ☃"}',
        '{"object": "error", "message": "no ☃"}',
        '{"detail": "no ☃"}',
        " no ☃\n",
    ],
)
def test_the_message_is_told_without_the_json_around_it(text: str) -> None:
    assert fault_of_status(400, text, {}).detail == "HTTP 400: no ☃"


@pytest.mark.parametrize("text", ['{"detail": [{"loc": ["body"]}]}', "[1]", "{", "<html>"])
def test_an_unknown_form_is_told_as_it_is(text: str) -> None:
    assert fault_of_status(400, text, {}).detail == f"HTTP 400: {text}"


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("0.5", 0.5), ("9999", 120.0), ("-1", None), ("x", None)]
)
def test_retry_after(header: str, seconds: float | None) -> None:
    assert fault_of_status(429, "", {"retry-after": header}).retry_after == seconds


def test_connection_errors_are_told_apart_by_their_causes() -> None:
    def chain(*names: str) -> BaseException:
        error: BaseException | None = None
        for name in reversed(names):
            outer = type(name, (Exception,), {})("text")
            outer.__cause__ = error
            error = outer
        assert error is not None
        return error

    assert fault_of_connection(chain("APIConnectionError", "ConnectError")).kind == "refused"
    assert fault_of_connection(chain("APITimeoutError", "ConnectTimeout")).kind == "refused"
    assert fault_of_connection(chain("APITimeoutError", "ReadTimeout")).kind == "timeout"
    assert fault_of_connection(chain("APIConnectionError", "ReadError")).kind == "reset"


@given(st.integers(1, 40))
def test_pauses_double_up_to_a_bound(failed: int) -> None:
    pause = POLICY.pause([Fault("refused", "")] * failed)
    longest = min(30.0, 0.5 * 2 ** (failed - 1))
    assert pause is not None
    assert longest / 2 <= pause <= longest


@pytest.mark.parametrize(
    ("kind", "attempts"),
    [("server", 8), ("busy", 8), ("reset", 8), ("damaged", 8), ("timeout", 2), ("rejected", 1)],
)
def test_every_kind_is_bounded_but_a_refused_connection(kind: str, attempts: int) -> None:
    faults = [Fault(kind, "")] * attempts  # type: ignore[arg-type]
    assert POLICY.pause(faults) is None
    assert attempts == 1 or POLICY.pause(faults[:-1]) is not None
    assert POLICY.pause([Fault("refused", "")] * 1000) is not None


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_without_its_server_is_waited_for_where_the_server_is_not_ours(
    status: int,
) -> None:
    theirs = fault_of_status(status, "no endpoints", {}, attached=True)
    assert POLICY.pause([theirs] * 1000) is not None
    assert POLICY.pause([fault_of_status(status, "", {})] * 8) is None
    assert POLICY.pause([fault_of_status(500, "", {}, attached=True)] * 8) is None


def test_the_servers_own_wish_is_respected() -> None:
    pause = POLICY.pause([Fault("busy", "", retry_after=17.0)])
    assert pause == 17.0


VLLM_TOO_LONG = (
    "This model's maximum context length is 2048 tokens. However, your prompt contains {} input "
    "tokens, which exceeds this limit even without any output tokens."
)


def test_lengths_are_read_from_messages() -> None:
    assert context_length(VLLM_TOO_LONG) == 2048
    assert prompt_length(VLLM_TOO_LONG.format("2100")) == 2100
    assert prompt_length(VLLM_TOO_LONG.format("at least 2049")) is None
    assert prompt_length("you requested 500 tokens (400 in the messages, 100 in the reply)") == 400
    assert context_length("no such field") is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("refused", ""), "Check that the server runs"),
        (Fault("reset", ""), "--resume"),
        (Fault("timeout", ""), "--call-timeout"),
        (Fault("busy", ""), "--max-in-flight"),
        (Fault("server", "HTTP 504", away=True), "gateway"),
        (Fault("too_long", ""), "--max-model-len"),
        (Fault("rejected", "HTTP 404: x"), "model named 'm'"),
        (Fault("rejected", "HTTP 401: x"), "DUALCODE_API_KEY"),
        (Fault("rejected", "HTTP 400: x"), "Asking again will not help"),
        (Fault("rejected", "a content filter stopped the reply: x"), "without this filter"),
        (Fault("damaged", "GET /v1/models gave no list of models"), "base URL"),
        (Fault("unended", "the reply has an unknown finish reason: 'x'"), "please report it"),
        (Fault("server", "HTTP 500: x"), "The server's log"),
        (Fault("damaged", ""), "The server's log"),
    ],
)
def test_every_fault_has_a_remedy(fault: Fault, words: str) -> None:
    assert words in advice([fault], "m")
