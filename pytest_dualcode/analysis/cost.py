"""What a run cost: tokens, the hours in which the servers worked, and money at a given price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_dualcode.analysis.summary import Row, RunSummary


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of costs. `hours` are hours of the servers, `money` in the unit of the price."""

    name: str
    tokens: int
    hours: float
    money: float
    passes: int

    @property
    def for_a_pass(self) -> float | None:
        """Money for one problem that passes; None if none does."""
        return self.money / self.passes if self.passes else None


def busy_seconds(calls: Iterable[Mapping[str, Any]]) -> float:
    """Seconds in which at least one call was under way: the union of their times.

    Pauses between an interrupted run and its resumption do not count.
    """
    times = sorted((float(c["started"]), float(c["started"]) + float(c["seconds"])) for c in calls)
    total, until = 0.0, float("-inf")
    for start, end in times:
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def costs(
    summary: RunSummary, calls: Mapping[str, Mapping[str, Any]], price_per_hour: float
) -> list[Cost]:
    """The whole run, then each row. `price_per_hour` is for all servers of the run together.

    A row's part of the busy hours is its part of all call seconds. Shared calls count in each row
    that used them, as if it had run alone, so rows can add up to more than the run.
    """
    timed = [call for call in calls.values() if "started" in call and "seconds" in call]
    hours = busy_seconds(timed) / 3600
    seconds = sum(float(call["seconds"]) for call in timed)
    tokens = sum(int(c.get("prompt_tokens", 0)) + int(c.get("completion_tokens", 0)) for c in timed)
    passes = sum(row.plus_passes for row in summary.rows)
    found = [Cost("the run", tokens, hours, hours * price_per_hour, passes)]
    for row in summary.rows:
        part = hours * row.llm_seconds / seconds if seconds else 0.0
        found.append(_row_cost(row, part, price_per_hour))
    return found


def _row_cost(row: Row, hours: float, price_per_hour: float) -> Cost:
    return Cost(
        f"{row.pipeline} on {row.dataset}",
        row.prompt_tokens + row.completion_tokens,
        hours,
        hours * price_per_hour,
        row.plus_passes,
    )
