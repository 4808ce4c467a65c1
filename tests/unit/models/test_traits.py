"""What the client learns of a server before its first call, and what it takes for no answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from endpoints import SWIFT, TestEndpoint, ask
from scripted_server import ScriptedServer

from pytest_dualcode.errors import CallError
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.types import Call

Serve = Callable[..., ScriptedServer]

LIST = json.dumps({"object": "list", "data": [{"id": "scripted", "owned_by": "vllm"}]}).encode()


def calls_at(server: ScriptedServer, *texts: str) -> list[Call | BaseException]:
    """Ask `texts` one after the other, in one session."""

    async def one_after_the_other() -> list[Call | BaseException]:
        models = OpenAIModels({"coder": TestEndpoint((server.url,))}, retries=SWIFT)
        work = (models.complete("coder", ask(text)) for text in texts)
        try:
            return [(await asyncio.gather(w, return_exceptions=True))[0] for w in work]
        finally:
            await models.aclose()

    return asyncio.run(one_after_the_other())


@pytest.mark.parametrize(
    "listing",
    [
        (200, LIST[: len(LIST) // 2]),
        (200, b""),
        (200, b"<html>starting</html>"),
        (200, b'{"detail": "starting"}'),
        (200, b'{"object": "list", "data": []}'),
        (429, b"busy"),
        (500, b"broken"),
        (503, b"starting"),
    ],
)
def test_a_server_that_cannot_say_yet_what_it_is_is_asked_again(
    serve: Serve, listing: tuple[int, bytes]
) -> None:
    server = serve(lambda _: "x", listings=[listing, listing])
    (call,) = calls_at(server, "a")
    assert isinstance(call, Call)
    assert call.attempts == 3
    assert ["top_k" in body for body in server.requests] == [True]


def test_a_server_that_does_not_say_what_it_is_is_asked_nothing_else(serve: Serve) -> None:
    server = serve(lambda _: "x", listings=[(200, LIST[:-1])] * 8)
    failed, call = calls_at(server, "a", "b")
    assert isinstance(failed, CallError)
    assert "asked 8 times: GET /v1/models gave no list of models" in str(failed)
    assert "base URL" in failed.remedy
    assert isinstance(call, Call), "it was not remembered"
    assert ["top_k" in body for body in server.requests] == [True]


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_server_that_lists_no_models_is_one_of_any_kind(serve: Serve, status: int) -> None:
    server = serve(lambda _: "x", listings=[(status, b"no such path")])
    calls = calls_at(server, "a", "b")
    assert all(isinstance(call, Call) and call.attempts == 1 for call in calls)
    assert ["top_k" in body for body in server.requests] == [False, False]


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_refuses_the_key_is_not_taken_for_another(serve: Serve, status: int) -> None:
    server = serve(lambda _: "x", listings=[(status, b"no")])
    failed, call = calls_at(server, "a", "b")
    assert isinstance(failed, CallError)
    assert f"asked once: HTTP {status}: no" in str(failed)
    assert "DUALCODE_API_KEY" in failed.remedy
    assert isinstance(call, Call)
    assert ["top_k" in body for body in server.requests] == [True]
