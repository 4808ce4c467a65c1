"""The reviewer as a detector of wrong drafts, and what each change of a program did.

Drafts are judged too, after the pipeline has ended, so that every review is a hit (a wrong draft
called so), a miss (a wrong draft called correct), a false alarm (a right draft called wrong) or
a true all-clear. A review without a verdict is none of these and is counted apart. The verdict
of a stage's program comes from the record's `stage_verdicts`, else from any item of the run that
handed in the same program for the same problem (raw-coder shares its draft with review-fix).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_dualcode.analysis.intervals import Interval, wilson
from pytest_dualcode.analysis.paired import passes
from pytest_dualcode.analysis.summary import REVIEW_OUTCOMES
from pytest_dualcode.types import Record, Stage

Known = Mapping[tuple[str, str], bool]
"""Whether a program passes (plus), by task id and stripped program."""

CHANGES = ("fix", "retry", "synthesis")


@dataclass(frozen=True, slots=True)
class Detection:
    """Reviews by what they said of which drafts. `unjudged` drafts have no verdict."""

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    all_clears: int = 0
    unparsed_wrong: int = 0
    unparsed_right: int = 0
    unjudged: int = 0

    @property
    def reviews(self) -> int:
        """All reviews, whatever came of them."""
        return (
            self.hits
            + self.misses
            + self.false_alarms
            + self.all_clears
            + self.unparsed_wrong
            + self.unparsed_right
            + self.unjudged
        )

    @property
    def sensitivity(self) -> tuple[int, int]:
        """Wrong drafts found, of all wrong drafts reviewed; no verdict finds nothing."""
        return self.hits, self.hits + self.misses + self.unparsed_wrong

    @property
    def false_alarm_rate(self) -> tuple[int, int]:
        """Right drafts called wrong, of all right drafts reviewed."""
        return self.false_alarms, self.false_alarms + self.all_clears + self.unparsed_right

    @property
    def precision(self) -> tuple[int, int]:
        """Alarms that were right, of all alarms."""
        return self.hits, self.hits + self.false_alarms

    @property
    def p_value(self) -> float:
        """Fisher's exact test (two-sided) of whether an alarm tells wrong drafts from right ones.

        A reviewer that guesses raises as many alarms on right drafts as on wrong ones.
        """
        found, wrong = self.sensitivity
        false, right = self.false_alarm_rate
        if not wrong or not right:
            return 1.0
        import numpy as np
        from scipy.stats import fisher_exact

        table = np.array([[found, wrong - found], [false, right - false]])
        return float(fisher_exact(table).pvalue)


@dataclass(frozen=True, slots=True)
class Effect:
    """What the programs of a kind of stage did to the program before them.

    ``mended`` wrong to right, ``broke`` right to wrong, ``kept_right`` and ``kept_wrong`` no
    change of the verdict; ``unjudged`` has no verdict on one side.
    """

    mended: int = 0
    broke: int = 0
    kept_right: int = 0
    kept_wrong: int = 0
    unjudged: int = 0


def known_verdicts(records: Iterable[Record]) -> Known:
    """Every program of the run whose verdict is known."""
    known: dict[tuple[str, str], bool] = {}
    for record in records:
        passed = passes(record, "plus")
        if passed is not None:
            known[record.task_id, record.solution.strip()] = passed
        for verdict in record.stage_verdicts:
            program = _program_at(record.stages, verdict.stage)
            if program is not None:
                passed = verdict.base_status == verdict.plus_status == "pass"
                known[record.task_id, program.strip()] = passed
    return known


def detection(records: Iterable[Record], known: Known) -> Detection:
    """Sort every review of `records` by its verdict and by the draft's."""
    counts: dict[str, int] = defaultdict(int)
    for record in records:
        for stage, draft in reviews(record):
            counts[_cell(stage.outcome, known.get((record.task_id, draft.strip())))] += 1
    return Detection(**counts)


def reviews(record: Record) -> Iterator[tuple[Stage, str]]:
    """Each review of a record with the program that it was of."""
    program = ""
    for stage in record.stages:
        if stage.outcome in REVIEW_OUTCOMES:
            yield stage, program
        program = stage.program or program


def effects(records: Iterable[Record], known: Known) -> dict[str, Effect]:
    """What each kind of change did, by stage name: ``fix``, ``retry-1``, ``synthesis``."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for record in records:
        for stage, before, after in _changed(record):
            was = known.get((record.task_id, before.strip()))
            now = known.get((record.task_id, after.strip()))
            counts[stage.name][_effect(was, now)] += 1
    return {name: Effect(**cells) for name, cells in counts.items()}


def choices(records: Iterable[Record], known: Known) -> tuple[int, int]:
    """Right choices, of all choices between one right and one wrong program (adversarial)."""
    right = total = 0
    for record in records:
        drafts = [s.program for s in record.stages if s.name.startswith("draft") and s.program]
        chosen = any(s.name == "choice" for s in record.stages)
        if len(drafts) != 2 or not chosen or passes(record, "plus") is None:
            continue
        verdicts = [known.get((record.task_id, draft.strip())) for draft in drafts]
        if set(verdicts) == {True, False}:
            total += 1
            right += passes(record, "plus") is True
    return right, total


def share(counts: tuple[int, int]) -> tuple[float | None, Interval]:
    """A share (None without cases) with Wilson's interval."""
    found, total = counts
    return (found / total if total else None), wilson(found, total)


def _cell(outcome: str, right: bool | None) -> str:
    if right is None:
        return "unjudged"
    if outcome == "review_unparsed":
        return "unparsed_right" if right else "unparsed_wrong"
    if outcome == "bugs":
        return "false_alarms" if right else "hits"
    return "all_clears" if right else "misses"


def _effect(was: bool | None, now: bool | None) -> str:
    if was is None or now is None:
        return "unjudged"
    if was == now:
        return "kept_right" if was else "kept_wrong"
    return "mended" if now else "broke"


def _changed(record: Record) -> Iterator[tuple[Stage, str, str]]:
    """Each changing stage with the program before and after it."""
    program = ""
    for stage in record.stages:
        if stage.program and stage.name.startswith(CHANGES):
            yield stage, program, stage.program
        program = stage.program or program


def _program_at(stages: Sequence[Stage], place: int) -> str | None:
    return stages[place].program if 0 <= place < len(stages) else None
