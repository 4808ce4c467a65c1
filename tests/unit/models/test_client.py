"""The client against a scripted server: what it sends, what it repeats, what it gives up."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from endpoints import SWIFT, TestEndpoint, ask
from scripted_server import Reply, ScriptedServer

from pytest_dualcode.errors import CallError, ServerError
from pytest_dualcode.models.client import OpenAIModels, _Pool
from pytest_dualcode.models.faults import Fault, RetryPolicy
from pytest_dualcode.models.limits import HIGHEST_LIMIT, Load
from pytest_dualcode.types import Call

Serve = Callable[..., ScriptedServer]


def models_at(*urls: str, **settings: Any) -> OpenAIModels:
    """Return a client of one coder that retries without pauses."""
    endpoint = {k: settings.pop(k) for k in ("thinking", "launched", "model") if k in settings}
    coder = TestEndpoint(urls=urls, **endpoint)
    return OpenAIModels({"coder": coder}, **{"retries": SWIFT, **settings})


def run(models: OpenAIModels, *work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run `work` at the same time and close the client."""

    async def all_of_it() -> list[Any]:
        try:
            return await asyncio.gather(*work)
        finally:
            await models.aclose()

    return asyncio.run(all_of_it())


def complete(server: ScriptedServer, text: str = "hello", **settings: Any) -> Call:
    """Ask one question and return the call."""
    call_settings = {k: settings.pop(k) for k in ("max_tokens",) if k in settings}
    models = models_at(server.url, **settings)
    thinking = settings.get("thinking", False)
    return run(models, models.complete("coder", ask(text), thinking=thinking, **call_settings))[0]


def faulty(*faults: str) -> Callable[[Any, int], str | None]:
    """Return a plan: these faults first, then none."""
    return lambda _, number: faults[number] if number < len(faults) else None


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_call_holds_the_reply_and_its_cost(serve: Serve) -> None:
    server = serve(lambda _: Reply("world", prompt_tokens=7, completion_tokens=3))
    call = complete(server)
    assert (call.text, call.reasoning, call.finish_reason) == ("world", "", "stop")
    assert (call.prompt_tokens, call.completion_tokens, call.attempts) == (7, 3, 1)
    assert call.request.messages == ask("hello")


def test_vllm_gets_every_sampling_field_in_its_neutral_value(serve: Serve) -> None:
    server = serve(lambda _: "x")
    complete(server, max_tokens=99)
    assert server.requests == [
        {
            "model": "scripted",
            "messages": [{"role": "user", "content": "hello"}],
            "max_tokens": 99,
            "temperature": 0.0,
            "top_p": 1.0,
            "top_k": 0,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "chat_template_kwargs": {"enable_thinking": False},
        }
    ]


QWENS_ADVICE = {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "presence_penalty": 0.5, "seed": 1}


def test_a_roles_own_sampling_goes_into_its_requests(serve: Serve) -> None:
    server = serve(lambda _: "x")
    places = {
        "coder": TestEndpoint((server.url,)),
        "planner": TestEndpoint((server.url,), sampling=QWENS_ADVICE),
    }
    models = OpenAIModels(places)
    run(models, models.complete("coder", ask("a")), models.complete("planner", ask("b")))
    sent = {body["messages"][0]["content"]: body for body in server.requests}
    assert {name: sent["b"][name] for name in QWENS_ADVICE} == QWENS_ADVICE
    assert (sent["a"]["temperature"], sent["a"]["top_k"], "seed" in sent["a"]) == (0.0, 0, False)


def test_a_temperature_that_was_asked_for_wins(serve: Serve) -> None:
    server = serve(lambda _: "x")
    place = TestEndpoint((server.url,), sampling=QWENS_ADVICE)
    models = OpenAIModels({"coder": place}, temperature=0.0)
    run(models, models.complete("coder", ask("a")))
    assert (server.requests[0]["temperature"], server.requests[0]["top_p"]) == (0.0, 0.95)


@pytest.mark.parametrize(("budget", "sent"), [(100, 100), (1023, 1023), (1024, 768), (5000, 768)])
def test_a_profiles_thinking_budget_is_sent_if_it_leaves_room_for_an_answer(
    serve: Serve, budget: int, sent: int
) -> None:
    server = serve(lambda _: Reply("yes", reasoning="hm"))
    place = TestEndpoint((server.url,), thinking=True, thinking_budget=budget)
    models = OpenAIModels({"planner": place})
    run(models, models.complete("planner", ask("a"), thinking=True))
    assert server.requests[0]["thinking_token_budget"] == sent


def test_other_servers_get_no_fields_of_vllm(serve: Serve) -> None:
    server = serve(lambda _: "x", owned_by="somebody")
    complete(server, seed=5)
    sent = server.requests[0]
    assert not {"top_k", "min_p", "repetition_penalty"} & set(sent)
    assert sent["seed"] == 5


def test_a_field_that_is_refused_by_name_is_not_sent_again(serve: Serve) -> None:
    server = serve(lambda _: "x", owned_by="openai", rejects=("chat_template_kwargs",))
    models = models_at(server.url)

    async def twice() -> None:
        await models.complete("coder", ask("one"))
        await models.complete("coder", ask("two"))

    run(models, twice())
    sent = ["chat_template_kwargs" in body for body in server.requests]
    assert sent == [True, False, False]


def test_thinking_is_switched_on_with_a_budget_that_leaves_room_for_an_answer(
    serve: Serve,
) -> None:
    server = serve(lambda _: Reply("yes", reasoning="hm"))
    call = complete(server, thinking=True)
    sent = server.requests[0]
    assert sent["chat_template_kwargs"] == {"enable_thinking": True}
    assert sent["max_tokens"] == 1024
    assert sent["thinking_token_budget"] == 768
    assert call.reasoning == "hm"


def test_thinking_is_ignored_for_a_model_that_cannot(serve: Serve) -> None:
    server = serve(lambda _: "x")
    models = models_at(server.url)
    run(models, models.complete("coder", ask("a"), thinking=True))
    assert server.requests[0]["chat_template_kwargs"] == {"enable_thinking": False}
    assert not models.supports_thinking("coder")


@pytest.mark.parametrize(
    "fault", ["429", "500", "503", "reset", "truncated", "cut", "empty", "abort", "unended"]
)
def test_a_passing_fault_is_repeated(serve: Serve, fault: str) -> None:
    server = serve(lambda _: "answer", faults=faulty(fault, fault))
    call = complete(server)
    assert (call.text, call.attempts) == ("answer", 3)


@pytest.mark.parametrize(
    ("fault", "times"),
    [("429", 8), ("500", 8), ("reset", 8), ("truncated", 8), ("empty", 8), ("unended", 3)],
)
def test_a_lasting_fault_ends_after_bounded_attempts(serve: Serve, fault: str, times: int) -> None:
    server = serve(lambda _: "x", faults=lambda *_: fault)
    with pytest.raises(CallError, match=rf"gave no usable reply, asked {times} times"):
        complete(server)
    assert len(server.requests) == times


@pytest.mark.parametrize(
    ("reason", "times", "remedy"),
    [
        ("abort", 8, "Check that the server runs"),
        ("insufficient_system_resource", 8, "--max-in-flight"),
        ("out_of_ideas", 3, "please report it"),
    ],
)
def test_a_reply_without_an_end_of_its_own_is_asked_for_again_and_names_its_reason(
    serve: Serve, reason: str, times: int, remedy: str
) -> None:
    server = serve(lambda _: Reply("def f(", finish_reason=reason))
    with pytest.raises(CallError, match=rf"asked {times} times: .*{reason}.*\n.*{remedy}"):
        complete(server)
    assert len(server.requests) == times


def test_a_reply_that_a_content_filter_stopped_is_not_asked_for_again(serve: Serve) -> None:
    server = serve(lambda _: Reply("def f(", finish_reason="content_filter"))
    with pytest.raises(CallError, match=r"asked once: .*content_filter\n.*without this filter"):
        complete(server)
    assert len(server.requests) == 1


def test_a_hanging_attempt_is_repeated_once(serve: Serve) -> None:
    server = serve(lambda _: "x", faults=faulty("hang"))
    assert complete(server, call_timeout=1.0).attempts == 2


def test_a_server_that_always_hangs_is_given_up(serve: Serve) -> None:
    server = serve(lambda _: "x", faults=lambda *_: "hang")
    with pytest.raises(CallError, match=r"no reply within .*\n.*--call-timeout"):
        complete(server, call_timeout=1.0)
    assert len(server.requests) == 2


@pytest.mark.parametrize(("status", "remedy"), [(401, "DUALCODE_API_KEY"), (403, "API_KEY")])
def test_a_4xx_that_will_not_change_is_not_repeated(serve: Serve, status: int, remedy: str) -> None:
    server = serve(lambda _: Reply("", status=status, error="no"))
    with pytest.raises(CallError, match=rf"HTTP {status}[^\n]*no[^\n]*\n.*{remedy}"):
        complete(server)
    assert len(server.requests) == 1


def test_a_wrong_model_is_named(serve: Serve) -> None:
    server = serve(lambda _: "x", models=("other",))
    with pytest.raises(CallError, match=r"serves a model named 'scripted'"):
        complete(server)


def test_an_exhausted_quota_is_not_repeated(serve: Serve) -> None:
    server = serve(lambda _: Reply("", status=429, error="insufficient_quota"))
    with pytest.raises(CallError, match="insufficient_quota"):
        complete(server)
    assert len(server.requests) == 1


def test_nobody_listening_is_a_call_error_once_the_deadline_has_come() -> None:
    models = models_at(f"http://127.0.0.1:{closed_port()}/v1", call_timeout=0.3)
    with pytest.raises(CallError, match=r"The coder at http.*\nCheck that the server runs"):
        run(models, models.complete("coder", ask("a")))


def test_a_server_that_comes_back_is_waited_for(serve: Serve) -> None:
    server = serve(lambda _: "back")
    server.refuse()
    failed = threading.Event()

    class Noticing(RetryPolicy):
        def pause(self, faults: Sequence[Fault]) -> float | None:
            failed.set()
            return super().pause(faults)

    def come_back() -> None:
        failed.wait(60)
        server.accept()

    models = models_at(server.url, retries=Noticing(first_pause=0.001, longest_pause=0.01))
    thread = threading.Thread(target=come_back)
    thread.start()
    call = run(models, models.complete("coder", ask("a")))[0]
    thread.join()
    assert call.text == "back"
    assert call.attempts > 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_pod_that_restarts_behind_its_gateway_is_waited_for(serve: Serve, status: int) -> None:
    answered: list[int] = []

    def gateway(_: object) -> Reply:
        answered.append(status)
        return Reply("back") if len(answered) > 20 else Reply(None, status=status, error="no pod")

    server = serve(gateway)
    assert complete(server, launched=False).attempts == 21
    answered.clear()
    with pytest.raises(CallError, match=f"asked 8 times: HTTP {status}: no pod"):
        complete(server, launched=True)


def test_a_pod_that_stays_away_ends_the_call_at_its_deadline(serve: Serve) -> None:
    server = serve(lambda _: Reply(None, status=503, error="no pod"))
    with pytest.raises(CallError, match=r"HTTP 503: no pod\nThe gateway answers"):
        complete(server, launched=False, call_timeout=0.3)


def test_a_dead_server_is_revived_once_for_all_that_miss_it(serve: Serve) -> None:
    server = serve(lambda _: "x")
    server.refuse()
    revived: list[str] = []

    async def revive(_: str, url: str) -> bool:
        revived.append(url)
        await asyncio.to_thread(server.accept)
        return True

    models = models_at(server.url, revive=revive)
    work = [models.complete("coder", ask(str(n))) for n in range(8)]
    assert len(run(models, *work)) == 8
    assert revived == [server.url], "also those that saw the death late asked for no second one"


def test_a_server_that_cannot_be_revived_ends_the_call_with_the_reason() -> None:
    async def revive(_: str, url: str) -> bool:
        raise ServerError(f"{url} died twice.", "See its log.")

    models = models_at(f"http://127.0.0.1:{closed_port()}/v1", revive=revive)
    with pytest.raises(ServerError, match=r"died twice\.\nSee its log"):
        run(models, models.complete("coder", ask("a")))
    assert models.traffic()["coder"].failed == 1


def test_a_revival_is_waited_for_until_the_calls_deadline() -> None:
    async def revive(_: str, url: str) -> bool:  # noqa: ARG001
        return await asyncio.Event().wait()

    models = models_at(f"http://127.0.0.1:{closed_port()}/v1", revive=revive, call_timeout=0.3)
    with pytest.raises(CallError, match=r"The coder at http.*\nCheck that the server runs"):
        run(models, models.complete("coder", ask("a")))


def test_a_dead_server_that_nobody_can_start_again_is_left_out(serve: Serve) -> None:
    living, asked = serve(lambda _: "x"), list[str]()
    dead = f"http://127.0.0.1:{closed_port()}/v1"

    async def revive(_: str, url: str) -> bool:
        asked.append(url)
        return False

    models = models_at(dead, living.url, revive=revive, call_timeout=5.0)

    async def one_after_the_other() -> int:
        return sum([(await models.complete("coder", ask(str(n)))).attempts for n in range(20)])

    attempts = run(models, one_after_the_other())[0]
    assert set(asked) == {dead}
    assert attempts == 20 + len(asked)
    assert len(asked) < 20, "it rests, so most calls go to the other one at once"


def test_a_single_server_that_nobody_can_start_again_is_not_asked_without_pause() -> None:
    gate = asyncio.Event()
    asked: list[str] = []

    async def revive(_: str, url: str) -> bool:
        asked.append(url)
        gate.set()
        return False

    endless = RetryPolicy(first_pause=3600.0, longest_pause=3600.0)
    dead = f"http://127.0.0.1:{closed_port()}/v1"
    models = models_at(dead, revive=revive, retries=endless, call_timeout=1e6)

    async def until_it_pauses() -> None:
        call = asyncio.create_task(models.complete("coder", ask("a")))
        await gate.wait()
        for _ in range(1000):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    run(models, until_it_pauses())
    assert len(asked) == 1


def test_servers_that_are_gone_for_good_are_not_waited_for_by_each_call() -> None:
    models = models_at(f"http://127.0.0.1:{closed_port()}/v1", call_timeout=0.3)

    async def the_last_of_a_few() -> str:
        for number in range(5):
            with pytest.raises(CallError) as caught:
                await models.complete("coder", ask(str(number)))
        return str(caught.value)

    assert "asked once" in run(models, the_last_of_a_few())[0]


def test_a_roles_servers_together_may_get_as_many_calls_as_they_can_batch() -> None:
    two = _Pool.of("coder", TestEndpoint(("http://a/v1", "http://b/v1")), None)
    two.limit.reported(0.0, Load(running=2000, waiting=1000, generated=0))
    assert two.gate.limit == 2 * HIGHEST_LIMIT


def test_calls_are_spread_over_servers_and_a_dead_one_is_left_out(serve: Serve) -> None:
    barrier = threading.Barrier(2, timeout=20)  # both must be answering at the same time

    def together(_: Any) -> str:
        barrier.wait()
        return "x"

    first, second = serve(together), serve(together)
    dead = f"http://127.0.0.1:{closed_port()}/v1"
    models = models_at(first.url, dead, second.url)
    run(models, *(models.complete("coder", ask(str(n)), priority=n) for n in range(6)))
    assert len(first.requests) == len(second.requests) == 3


def test_the_limit_bounds_what_is_in_flight(serve: Serve) -> None:
    server = serve(lambda _: "x")
    models = models_at(server.url, max_in_flight=3)
    run(models, *(models.complete("coder", ask(str(n))) for n in range(20)))
    assert server.max_in_flight <= 3
    assert models.traffic()["coder"].done == 20
    assert models.traffic()["coder"].limit == 3


def test_the_lowest_priority_number_goes_first(serve: Serve) -> None:
    server = serve(lambda _: "x")
    models = models_at(server.url, max_in_flight=1)
    order = [5, 3, 9, 1]
    run(models, *(models.complete("coder", ask(str(n)), priority=n) for n in order))
    asked = [int(body["messages"][0]["content"]) for body in server.requests]
    assert asked == [5, 1, 3, 9]  # the first one found the gate open


def test_max_tokens_is_lowered_to_what_fits_behind_the_prompt(serve: Serve) -> None:
    server = serve(lambda _: "x", max_model_len=400)
    call = complete(server, " ".join(["word"] * 150), max_tokens=390)  # 200 tokens
    assert server.requests[-1]["max_tokens"] == 200
    assert call.request.sampling.max_tokens == 390


def test_a_thoughts_budget_is_lowered_with_max_tokens(serve: Serve) -> None:
    server = serve(lambda _: "x", max_model_len=400)
    call = complete(server, " ".join(["word"] * 150), max_tokens=390, thinking=True)
    assert server.requests[-1]["max_tokens"] == 200
    assert server.requests[-1]["thinking_token_budget"] == 150
    assert call.request.sampling.thinking_budget == 292


def test_a_prompt_that_is_too_long_says_so(serve: Serve) -> None:
    server = serve(lambda _: "x", max_model_len=400)
    with pytest.raises(CallError, match=r"maximum context length is 400.*\n.*--max-model-len"):
        complete(server, " ".join(["word"] * 300), max_tokens=390)
    assert len(server.requests) == 1


def test_a_reply_that_is_no_valid_unicode_can_be_asked_about(serve: Serve) -> None:
    server = serve(lambda _: "half a pair: \ud83d")
    text = complete(server).text
    assert text == "half a pair: ?"
    assert complete(server, text).text == text


def test_a_length_that_nobody_tells_leaves_the_servers_own_error(serve: Serve) -> None:
    message = "This model's maximum context length is 400 tokens."
    server = serve(lambda _: Reply("", status=400, error=message), owned_by="somebody")
    with pytest.raises(CallError, match="maximum context length is 400"):
        complete(server)
    assert len(server.requests) == 1


def test_a_launched_server_gets_no_key(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALCODE_API_KEY", "sk-secret")
    server = serve(lambda _: "x")
    complete(server, launched=True)
    assert server.headers[0]["authorization"] == "Bearer EMPTY"


def test_the_key_is_sent_and_never_shown(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALCODE_API_KEY", "sk-secret")
    server = serve(lambda _: Reply("", status=401, error="Incorrect key: sk-secret"))
    with pytest.raises(CallError) as raised:
        complete(server, launched=False)
    assert server.headers[0]["authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in str(raised.value)
    assert "Incorrect key: [key]" in str(raised.value)


def test_a_role_without_a_server_says_how_to_get_one() -> None:
    models = models_at()
    with pytest.raises(CallError, match="--coder-url"):
        run(models, models.complete("coder", ask("a")))
    with pytest.raises(CallError, match="This run has no planner"):
        models.supports_thinking("planner")


def test_traffic_counts_tokens_retries_and_failures(serve: Serve) -> None:
    server = serve(
        lambda _: Reply("x", prompt_tokens=10, completion_tokens=4), faults=faulty("500")
    )
    models = models_at(server.url)
    run(models, models.complete("coder", ask("a")))
    traffic = models.traffic()["coder"]
    assert (traffic.prompt_tokens, traffic.completion_tokens) == (10, 4)
    assert (traffic.done, traffic.retries, traffic.failed, traffic.in_flight) == (1, 1, 0, 0)
