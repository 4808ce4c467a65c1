"""Which server a call goes to."""

from __future__ import annotations

import pytest

from pytest_dualcode.models.faults import Fault
from pytest_dualcode.models.replicas import (
    Replica,
    all_gone,
    choose,
    key_for,
    note_fault,
    note_success,
)


def three() -> list[Replica]:
    return [Replica(f"http://host{n}/v1", "EMPTY") for n in range(3)]


def test_the_least_busy_server_is_chosen() -> None:
    replicas = three()
    for replica, load in zip(replicas, (2, 1, 3), strict=True):
        replica.in_flight = load
    assert choose(replicas, 0.0, priority=0) is replicas[1]


def test_equally_busy_servers_keep_an_items_calls_together() -> None:
    replicas = three()
    assert [choose(replicas, 0.0, priority) for priority in (0, 1, 2, 3)] == [
        replicas[0],
        replicas[1],
        replicas[2],
        replicas[0],
    ]


def test_a_failing_server_rests_longer_each_time_and_a_success_forgives() -> None:
    first, second, _ = replicas = three()
    rests, now = [], 100.0
    for _ in range(8):
        note_fault(first, Fault("reset", ""), now)
        rests.append(first.rests_until - now)
        assert choose(replicas, now, priority=0) is second
        now = first.rests_until
    assert rests == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert choose(replicas, now, priority=0) is first
    note_fault(first, Fault("reset", ""), now)
    note_success(first)
    assert choose(replicas, 100.0, priority=0) is first


def test_calls_that_fail_together_are_one_failure() -> None:
    first = three()[0]
    for now in (100.0, 100.0, 100.5):
        note_fault(first, Fault("reset", ""), now)
    assert first.rests_until == 101.0
    note_fault(first, Fault("busy", "", retry_after=9.0), now=100.5)
    assert first.rests_until == 109.5


def test_servers_are_gone_when_all_have_refused_for_long() -> None:
    first, second = three()[:2]
    for now in (100.0, 150.0):
        note_fault(first, Fault("refused", ""), now)
        note_fault(second, Fault("refused", ""), now)
    assert all_gone([first, second], 160.0, patience=60)
    assert not all_gone([first, second], 159.0, patience=60)
    note_fault(second, Fault("rejected", "HTTP 400"), 155.0)
    assert not all_gone([first, second], 1000.0, patience=60), "it answers"
    note_success(first)
    assert not all_gone([first], 1000.0, patience=60)


def test_a_gateway_without_its_server_counts_as_gone() -> None:
    first = three()[0]
    for now in (100.0, 170.0):
        note_fault(first, Fault("busy", "HTTP 503", away=True), now)
    assert all_gone([first], 170.0, patience=60)
    note_fault(first, Fault("busy", "HTTP 429"), 171.0)
    assert not all_gone([first], 300.0, patience=60)


def test_if_all_rest_the_one_that_rests_shortest_is_tried() -> None:
    replicas = three()
    for replica, until in zip(replicas, (9.0, 5.0, 7.0), strict=True):
        replica.rests_until = until
    assert choose(replicas, 1.0, priority=0) is replicas[1]


def test_a_request_that_the_server_rejects_is_not_the_servers_fault() -> None:
    replica = three()[0]
    note_fault(replica, Fault("rejected", "HTTP 400"), now=1.0)
    note_fault(replica, Fault("too_long", "HTTP 400"), now=1.0)
    assert replica.rests_until == 0.0


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUALCODE_API_KEY", "OPENAI_API_KEY", "DUALCODE_CODER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert key_for("coder", launched=False) == "EMPTY"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-open")
    assert key_for("coder", launched=False) == "sk-open"
    monkeypatch.setenv("DUALCODE_API_KEY", "sk-own")
    assert key_for("coder", launched=False) == "sk-own"
    assert key_for("coder", launched=True) == "EMPTY"


def test_a_key_is_not_part_of_what_is_shown() -> None:
    assert "sk-secret" not in repr(Replica("http://h/v1", "sk-secret"))
