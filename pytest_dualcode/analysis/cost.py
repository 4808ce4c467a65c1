"""What a run cost: tokens, the hours in which the servers worked, and money at a given price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_dualcode.analysis.summary import RunSummary


@dataclass(frozen=True, slots=True)
class Rates:
    """What an hour of all servers of a run is: money, and GPUs; ``None`` where it is not known."""

    price_per_hour: float | None = None
    gpus: int | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any], price_per_hour: float | None = None) -> Rates:
        """Read the servers in ``run.json``; a given price goes before the profile's."""
        models = settings.get("models")
        servers = models.get("servers") if isinstance(models, Mapping) else None
        servers = servers if isinstance(servers, list) else []
        if price_per_hour is None:
            price_per_hour = _sum_known(server.get("price_per_hour") for server in servers)
        cards = [card for server in servers for card in server.get("cards") or ()]
        if cards and all(server.get("cards") for server in servers):
            return cls(price_per_hour, len(set(cards)))  # two servers may share a card
        gpus = _sum_known(server.get("gpus") for server in servers)
        return cls(price_per_hour, None if gpus is None else int(gpus))


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of costs. `hours` are hours of the servers, `money` in the unit of the price."""

    name: str
    tokens: int
    hours: float
    passes: int
    rates: Rates

    @property
    def money(self) -> float | None:
        """Price times hours; None without a price."""
        price = self.rates.price_per_hour
        return None if price is None else self.hours * price

    @property
    def gpu_hours(self) -> float | None:
        """Hours times GPUs; None where these are not known."""
        return None if self.rates.gpus is None else self.hours * self.rates.gpus

    @property
    def for_a_pass(self) -> float | None:
        """Money for one problem that passes; None without a price, or if none passes."""
        return self.money / self.passes if self.money is not None and self.passes else None


def _sum_known(values: Iterable[float | None]) -> float | None:
    """The sum, or None where nothing is known or one is not."""
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if known and len(known) == len(found) else None


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


def costs(summary: RunSummary, calls: Mapping[str, Mapping[str, Any]], rates: Rates) -> list[Cost]:
    """The whole run, then each row.

    A row's part of the busy hours is its part of all call seconds. Shared calls count in each row
    that used them, as if it had run alone, so rows can add up to more than the run.
    """
    timed = [call for call in calls.values() if "started" in call and "seconds" in call]
    hours = busy_seconds(timed) / 3600
    seconds = sum(float(call["seconds"]) for call in timed)
    tokens = sum(int(c.get("prompt_tokens", 0)) + int(c.get("completion_tokens", 0)) for c in timed)
    passes = sum(row.plus_passes for row in summary.rows)
    found = [Cost("the run", tokens, hours, passes, rates)]
    for row in summary.rows:
        part = hours * row.llm_seconds / seconds if seconds else 0.0
        used = row.prompt_tokens + row.completion_tokens
        found.append(Cost(f"{row.pipeline} on {row.dataset}", used, part, row.plus_passes, rates))
    return found
