"""What a run cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_records import make_record

from pytest_dualcode.analysis.cost import Rates, busy_seconds, costs
from pytest_dualcode.analysis.summary import summarise


def call(started, seconds, tokens=0):
    return {"started": started, "seconds": seconds, "prompt_tokens": tokens}


def test_calls_side_by_side_are_busy_once_and_pauses_do_not_count():
    assert busy_seconds([call(0, 10), call(5, 10), call(2, 1), call(100, 5)]) == 20
    assert busy_seconds([]) == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=12))
def test_busy_time_is_the_union_of_the_calls(times):
    seconds = {s for start, length in times for s in range(start, start + length)}
    assert busy_seconds([call(*pair) for pair in times]) == len(seconds)


def test_money_is_price_times_busy_hours_and_rows_have_their_part():
    calls = {"a": call(0, 1800, 100), "b": call(1800, 1800, 200)}
    one = make_record(1, llm_seconds=1800, prompt_tokens=100)
    two = make_record(1, "fail", "fail", pipeline="review-fix", llm_seconds=3600, prompt_tokens=300)
    run, raw, review = costs(summarise([one, two]), calls, Rates(2.0, 3))
    assert (run.tokens, run.hours, run.money) == (300, 1.0, 2.0)
    assert (raw.name, raw.hours, raw.for_a_pass) == ("raw-coder on humaneval", 0.5, 1.0)
    assert (run.gpu_hours, raw.gpu_hours) == (3.0, 1.5)
    assert (review.money, review.for_a_pass) == (pytest.approx(2.0), None)


def test_a_run_without_calls_costs_nothing():
    assert all(cost.money == 0 for cost in costs(summarise([make_record()]), {}, Rates(2.0)))


def server(price=None, gpus=None, cards=()):
    return {"price_per_hour": price, "gpus": gpus, "cards": list(cards)}


@pytest.mark.parametrize(
    ("servers", "known"),
    [
        ([server(1.5, 1, ["0"]), server(0.5, 2, ["1", "2"])], Rates(2.0, 3)),
        ([server(1.5, 1, ["0"]), server(0.5, 1, ["0"])], Rates(2.0, 1)),  # one card for both
        ([server(1.5, 1), server(0.5, 2)], Rates(2.0, 3)),
        ([server(1.5, 1), server()], Rates()),  # half a price is none
        ([], Rates()),
    ],
)
def test_rates_are_those_of_the_servers_in_the_settings(servers, known):
    assert Rates.of({"models": {"servers": servers}}) == known


def test_a_given_price_goes_before_the_profiles():
    assert Rates.of({"models": {"servers": [server(1.5)]}}, 7.0).price_per_hour == 7.0
    assert Rates.of({}) == Rates()
