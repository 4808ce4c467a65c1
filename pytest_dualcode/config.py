"""`RunConfig`: every setting of a run, validated once, before anything starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Literal

from pytest_dualcode.errors import UsageError

JudgeName = Literal["dualcode", "evalplus"]
JUDGES: tuple[JudgeName, ...] = ("dualcode", "evalplus")
"""The project's own judge, and EvalPlus's verdicts bug for bug."""


ServersName = Literal["stop", "keep"]
SERVERS: tuple[ServersName, ...] = ("stop", "keep")
"""What becomes of launched servers at the end of a session."""


def cache_dir() -> Path:
    """What lasts from run to run: ``DUALCODE_CACHE_DIR``, or a folder in the user's cache."""
    from platformdirs import user_cache_dir  # not needed by a session without problems

    return Path(os.environ.get("DUALCODE_CACHE_DIR") or user_cache_dir("pytest-dualcode"))


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What the user asked for, in the units of the option help texts.

    URLs are base URLs of OpenAI-compatible servers (``http://host:8000/v1``). Deadlines are in
    seconds, ``servers_idle`` is in minutes. ``None`` means "not given": the profile or the engine
    decides.
    """

    pipelines: tuple[str, ...]
    datasets: tuple[str, ...] = ("humaneval", "mbpp")
    profile: str = "auto"
    profile_file: Path | None = None
    coder_urls: tuple[str, ...] = ()
    planner_urls: tuple[str, ...] = ()
    coder_model: str | None = None
    planner_model: str | None = None
    server_python: str | None = None
    max_in_flight: int | None = None
    retries: int = 3
    samples: Path | None = None
    run_dir: Path = Path("reports")
    resume: Path | None = None
    replay: Path | None = None
    rejudge: Path | None = None
    baseline: Path | None = None
    min_pass_at_1: float | None = None
    max_regressions: int | None = None
    limit: int | None = None
    samples_per_problem: int = 1
    temperature: float | None = None
    repeat: int = 1
    call_timeout: float = 600.0
    item_timeout: float = 3600.0
    allow_unsafe_judge: bool = False
    judge: JudgeName = "dualcode"
    servers: ServersName = "stop"
    servers_idle: float = 30.0
    dry_run: bool = False

    def __post_init__(self) -> None:
        at_least("--retries", self.retries, 0)
        at_least("--limit", self.limit, 1)
        at_least("--samples-per-problem", self.samples_per_problem, 1)
        at_least("--repeat", self.repeat, 1)
        self._check_sampling()
        at_least("--max-in-flight", self.max_in_flight, 1)
        at_least("--max-regressions", self.max_regressions, 0)
        if self.judge not in JUDGES:
            raise UsageError(
                f"There is no judge {self.judge!r}.", f"Valid names: {', '.join(JUDGES)}."
            )
        if self.servers not in SERVERS:
            raise UsageError(
                f"--servers={self.servers} is not known.", f"Valid: {', '.join(SERVERS)}."
            )
        positive("--servers-idle", self.servers_idle, "minutes")
        self._check_runs()
        positive("--call-timeout", self.call_timeout)
        positive("--item-timeout", self.item_timeout)
        if "samples" in self.pipelines and self.samples is None and self.rejudge is None:
            raise UsageError(
                "The pipeline samples needs the solutions to judge.",
                "Add --samples=FILE, an EvalPlus samples.jsonl.",
            )
        if self.min_pass_at_1 is not None and not 0 <= self.min_pass_at_1 <= 1:
            raise UsageError(
                f"--min-pass-at-1={self.min_pass_at_1} is not between 0 and 1.",
                "Give a share, for example --min-pass-at-1=0.85.",
            )
        if self.max_regressions is not None and self.baseline is None:
            raise UsageError(
                "--max-regressions needs something to compare with.",
                "Add --baseline=DIR, the run directory of an earlier run.",
            )

    def _check_runs(self) -> None:
        """A run goes on, or is repeated, or is judged again: one at a time."""
        given = [
            f"--{name}"
            for name in ("resume", "replay", "rejudge")
            if getattr(self, name) is not None
        ]
        if len(given) > 1:
            raise UsageError(
                f"{' and '.join(given)} do not go together.", "Use one of them at a time."
            )

    def _check_sampling(self) -> None:
        """Sampling needs a temperature, and repeating needs none."""
        if self.temperature is not None and not 0 <= self.temperature < inf:
            raise UsageError(
                f"--temperature={self.temperature:g} is no temperature.", "Give 0 (greedy) or more."
            )
        if self.samples_per_problem > 1 and not self.temperature:
            raise UsageError(
                "--samples-per-problem needs a temperature: greedy samples are all the same.",
                "Add --temperature=0.8, or use --repeat to see how often greedy verdicts flip.",
            )
        if self.repeat > 1 and self.samples_per_problem > 1:
            raise UsageError(
                "--repeat and --samples-per-problem do not go together.",
                "Use --repeat for greedy runs and --samples-per-problem for pass@k.",
            )

    @property
    def copies(self) -> int:
        """How many times each problem is solved: samples, or repeats."""
        return max(self.samples_per_problem, self.repeat)


def positive(option: str, value: float, unit: str = "seconds") -> None:
    """Raise `UsageError` unless `value` is finite and above 0."""
    if not 0 < value < inf:
        raise UsageError(f"{option}={value:g} is no time.", f"Give {unit}, more than 0.")


def at_least(option: str, value: int | None, lowest: int) -> None:
    """Raise `UsageError` if `value` is given and below `lowest`."""
    if value is not None and value < lowest:
        raise UsageError(f"{option}={value} is too small.", f"Give at least {lowest}.")
