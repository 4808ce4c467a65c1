"""vLLM's counters: read, summed over labels, and compared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.models.metrics import COUNTED, read_metrics, work_done

PAGE = """
# HELP vllm:generation_tokens_total Number of generation tokens processed.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="m"} 120.0
vllm:generation_tokens_total{engine="1",model_name="m"} 3.0
vllm:request_success_total{engine="0",finished_reason="stop"} 4.0
vllm:request_success_total{engine="0",finished_reason="length"} 1.0
vllm:request_queue_time_seconds_sum{engine="0"} 0.25
vllm:request_queue_time_seconds_count{engine="0"} 5.0
vllm:prefix_cache_hits_total{engine="0"} NaN
vllm:num_preemptions_total{engine="0"} many
python_gc_objects_collected_total 7.0
"""


def test_counters_are_summed_over_their_labels() -> None:
    assert read_metrics(PAGE) == {
        "completion_tokens": 123.0,
        "requests": 5.0,
        "queue_seconds": 0.25,
    }


@given(st.text())
def test_any_page_is_read(page: str) -> None:
    assert set(read_metrics(page)) <= set(COUNTED.values())


def test_work_is_the_increase_and_a_restart_counts_from_zero() -> None:
    assert work_done({"a": 5.0, "b": 9.0}, {"a": 7.0, "b": 2.0, "c": 1.0}) == {
        "a": 2.0,
        "b": 2.0,
        "c": 1.0,
    }
