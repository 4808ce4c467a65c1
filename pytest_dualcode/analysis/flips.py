"""How often a repeated run disagrees with itself: what greedy decoding under load is worth.

Temperature 0 is not deterministic under continuous batching: the order in which a batch adds up
its numbers depends on what else is in it. ``--repeat N`` measures what that does to verdicts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_dualcode.types import Record


@dataclass(frozen=True, slots=True)
class Flips:
    """One pipeline on one dataset: `flipped` of `problems` had both outcomes in `repeats` runs."""

    pipeline: str
    dataset: str
    flipped: tuple[str, ...]
    problems: int
    repeats: int

    def in_words(self) -> str:
        """The count, and the problems by name if they are few."""
        named = f": {', '.join(self.flipped)}" if 0 < len(self.flipped) <= 8 else ""
        return (
            f"{self.pipeline} on {self.dataset}: {len(self.flipped)} of {self.problems} verdicts "
            f"flip in {self.repeats} greedy runs{named}"
        )


def count_flips(records: Iterable[Record]) -> tuple[Flips, ...]:
    """Count flips per pipeline and dataset. Errors are no verdicts and cannot flip.

    Problems with fewer than two verdicts are left out.
    """
    outcomes: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        if record.outcome != "error":
            outcomes[record.pipeline, record.dataset][record.task_id].append(record.outcome)
    return tuple(
        Flips(
            pipeline,
            dataset,
            tuple(task for task, seen in tasks.items() if len(set(seen)) > 1),
            len(tasks),
            max(map(len, tasks.values())),
        )
        for (pipeline, dataset), found in outcomes.items()
        if (tasks := {task: seen for task, seen in found.items() if len(seen) > 1})
    )
