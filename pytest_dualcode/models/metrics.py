"""What vLLM counts about its own work, read from ``/metrics`` (Prometheus' text format)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

COUNTED: Mapping[str, str] = {
    "vllm:prompt_tokens_total": "prompt_tokens",
    "vllm:generation_tokens_total": "completion_tokens",
    "vllm:prefix_cache_queries_total": "prefix_cache_queried_tokens",
    "vllm:prefix_cache_hits_total": "prefix_cache_hit_tokens",
    "vllm:num_preemptions_total": "preemptions",
    "vllm:request_success_total": "requests",
    "vllm:request_queue_time_seconds_sum": "queue_seconds",
}
"""vLLM's counters since its start, and their names in our records."""

LINE = re.compile(r"^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{.*\})?\s+(\S+)(?:\s+-?\d+)?$")


def read_metrics(text: str) -> dict[str, float]:
    """Sum each of the `COUNTED` counters over its labels; those that are absent are left out.

    Lines that are comments, or no numbers, are skipped: the page is the server's, not ours.
    """
    sums: dict[str, float] = {}
    for line in text.splitlines():
        match = LINE.match(line)
        if match is None or match[1] not in COUNTED:
            continue
        value = number(match[2])
        if value is not None:
            name = COUNTED[match[1]]
            sums[name] = sums.get(name, 0.0) + value
    return sums


def number(text: str) -> float | None:
    """A finite number, or ``None``."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def work_done(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """The counters' increase; one that fell (the server started anew) counts from zero."""
    done = {}
    for name, value in after.items():
        start = before.get(name, 0.0)
        done[name] = value - start if value >= start else value
    return done
