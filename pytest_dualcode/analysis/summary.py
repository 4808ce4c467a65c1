"""What a run says, in numbers: one row for each pipeline and dataset.

A pass@1 is a `Rate`. Errors (a broken server, a broken judge) are not wrong answers, so while
there are any the rate is a range: all of them wrong, to all of them right.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_dualcode.analysis.intervals import Interval, wilson
from pytest_dualcode.analysis.paired import Comparison, Suite, compare, passes
from pytest_dualcode.analysis.passk import mean_pass_at_k
from pytest_dualcode.types import BUILT_IN_PIPELINES, GIVEN_PIPELINES, Record

PIPELINE_ORDER = (*GIVEN_PIPELINES, *BUILT_IN_PIPELINES)
REFERENCE_PIPELINE = "raw-coder"
REVIEW_OUTCOMES = ("correct", "bugs", "review_unparsed")
REPORTED_K = (1, 10, 100)


@dataclass(frozen=True, slots=True)
class DatasetCount:
    """How many problems of a dataset were selected for the run, and how many it has."""

    selected: int
    size: int


@dataclass(frozen=True, slots=True)
class Rate:
    """pass@1 as a share: exact when `low` equals `high`, else the bounds that errors leave."""

    low: float
    high: float
    errors: int = 0

    @property
    def exact(self) -> bool:
        """Whether there are no errors."""
        return self.errors == 0

    def percent(self) -> str:
        """``"50.0"``, or with errors ``"50.0 to 51.8"``."""
        if self.exact:
            return f"{100 * self.low:.1f}"
        return f"{100 * self.low:.1f} to {100 * self.high:.1f}"

    def __str__(self) -> str:
        if self.exact:
            return f"{self.percent()} %"
        return f"{self.percent()} %, {self.errors} error{'s' if self.errors > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Row:
    """One pipeline on one dataset. Counts are of records unless said otherwise.

    ``ran`` counts problems with a record, ``selected`` the problems asked for, ``size`` the
    dataset. ``timeouts`` are solutions that a suite stopped; ``reviews`` and
    ``reviews_unparsed`` count review steps, ``choices_unparsed`` choices of adversarial without
    an answer. Calls, tokens and seconds sum over items, so a call
    that several pipelines share counts in each. ``pass_at_k`` is of the plus tests.
    """

    pipeline: str
    dataset: str
    ran: int
    selected: int
    size: int
    records: int
    base_passes: int
    plus_passes: int
    base: Rate
    plus: Rate
    errors: int
    timeouts: int
    truncated_calls: int
    truncated_items: int
    reviews: int
    reviews_unparsed: int
    choices_unparsed: int
    llm_calls: int
    prompt_tokens: int
    completion_tokens: int
    llm_seconds: float
    judge_seconds: float
    pass_at_k: Mapping[int, float] = field(default_factory=dict)

    @property
    def ran_of(self) -> str:
        """``"164 of 164"``: problems that ran, of the whole dataset."""
        return f"{self.ran} of {self.size}"

    @property
    def unfinished(self) -> int:
        """Selected problems that have no record yet."""
        return max(0, self.selected - self.ran)

    def interval(self, suite: Suite) -> Interval | None:
        """Wilson's 95 % interval; None with errors or with several samples of a problem."""
        if self.errors or self.records != self.ran:
            return None
        return wilson(self.base_passes if suite == "base" else self.plus_passes, self.ran)

    def widest_interval(self, suite: Suite) -> Interval:
        """Wilson's interval of the lower bound to that of the upper: it takes errors along.

        With several samples of a problem only the bounds themselves, since samples of one problem
        are not independent.
        """
        bounds = self.base if suite == "base" else self.plus
        if self.records != self.ran:
            return Interval(bounds.low, bounds.high)
        passed = self.base_passes if suite == "base" else self.plus_passes
        return Interval(wilson(passed, self.ran).low, wilson(passed + self.errors, self.ran).high)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """All rows of a run, and what was spent. ``distinct_calls`` counts shared calls once.

    ``absent`` counts, by (pipeline, dataset), the selected problems where not one has a record, so
    that there is no row.
    """

    rows: tuple[Row, ...]
    distinct_calls: int
    isolation: tuple[str, ...] = ()
    absent: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """Items that are errors, over all rows."""
        return sum(row.errors for row in self.rows)


def summarise(
    records: Iterable[Record],
    selection: Mapping[str, DatasetCount] | None = None,
    pipelines: Sequence[str] = (),
) -> RunSummary:
    """Sum up `records`.

    `selection` tells, for each dataset, how many problems were selected and how many it has;
    without it the problems seen are taken for all. `pipelines` gives the order of rows, else
    the paper's order is used.
    """
    listed = list(records)
    groups = grouped(listed, pipelines)
    seen = _problems_seen(listed)
    counts = {name: DatasetCount(seen[name], seen[name]) for name in seen} | dict(selection or {})
    return RunSummary(
        rows=tuple(_row(*key, group, counts[key[1]]) for key, group in groups.items()),
        distinct_calls=len({call for record in listed for call in record.call_ids}),
        isolation=tuple(sorted({record.isolation for record in listed if record.isolation})),
        absent={
            (pipeline, dataset): count.selected
            for pipeline in dict.fromkeys(name for name, _ in groups)
            for dataset, count in (selection or {}).items()
            if count.selected and (pipeline, dataset) not in groups
        },
    )


def grouped(
    records: Iterable[Record], pipelines: Sequence[str] = ()
) -> dict[tuple[str, str], list[Record]]:
    """Records by (pipeline, dataset), in the order in which reports show them."""
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.pipeline, record.dataset].append(record)
    order = sorted(groups, key=lambda key: (*_rank(key[0], pipelines), key[1]))
    return {key: groups[key] for key in order}


def compare_within(
    records: Iterable[Record], suite: Suite = "plus", pipelines: Sequence[str] = ()
) -> tuple[Comparison, ...]:
    """Each pipeline against the run's raw-coder, or against its first pipeline without one.

    `pipelines` gives their order, as for `summarise`.
    """
    groups = grouped(records, pipelines)
    found = []
    for dataset, reference in references(groups).items():
        found += [
            compare(groups[reference, dataset], groups[name, dataset], suite)
            for name, of in groups
            if of == dataset and name != reference
        ]
    return tuple(found)


def references(groups: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By dataset, the pipeline that the others are compared with: raw-coder, or the first one.

    `groups` are (pipeline, dataset) in the order of `grouped`.
    """
    found: dict[str, str] = {}
    for pipeline, dataset in groups:
        if dataset not in found or pipeline == REFERENCE_PIPELINE:
            found[dataset] = pipeline
    return found


def compare_runs(
    baseline: Iterable[Record], candidate: Iterable[Record], suite: Suite = "plus"
) -> tuple[Comparison, ...]:
    """Each pipeline of `candidate` against the same one of `baseline`.

    If `baseline` does not have it, the only pipeline of `baseline` stands in, else its
    raw-coder. Datasets that the two do not share are left out.
    """
    before, after = grouped(baseline), grouped(candidate)
    found = []
    for (pipeline, dataset), records in after.items():
        partner = _partner(pipeline, [name for name, of in before if of == dataset])
        if partner is not None:
            found.append(compare(before[partner, dataset], records, suite))
    return tuple(found)


def _partner(pipeline: str, names: Sequence[str]) -> str | None:
    if pipeline in names:
        return pipeline
    if len(names) == 1:
        return names[0]
    return REFERENCE_PIPELINE if REFERENCE_PIPELINE in names else None


def _rank(pipeline: str, pipelines: Sequence[str]) -> tuple[int, int, str]:
    """Given order first; then the paper's, each `+retry` after its own pipeline; then by name."""
    if pipeline in pipelines:
        return (0, list(pipelines).index(pipeline), "")
    name, retry, _ = pipeline.partition("+retry")
    place = PIPELINE_ORDER.index(name) if name in PIPELINE_ORDER else len(PIPELINE_ORDER)
    return (1, 2 * place + bool(retry), pipeline)


def _problems_seen(records: Iterable[Record]) -> dict[str, int]:
    seen: dict[str, set[str]] = defaultdict(set)
    for record in records:
        seen[record.dataset].add(record.task_id)
    return {dataset: len(tasks) for dataset, tasks in seen.items()}


def _row(pipeline: str, dataset: str, records: Sequence[Record], count: DatasetCount) -> Row:
    ran = len({record.task_id for record in records})
    outcomes = Counter(stage.outcome for record in records for stage in record.stages)
    return Row(
        pipeline=pipeline,
        dataset=dataset,
        ran=ran,
        selected=max(count.selected, ran),
        size=max(count.size, ran),
        records=len(records),
        base_passes=sum(passes(record, "base") is True for record in records),
        plus_passes=sum(passes(record, "plus") is True for record in records),
        base=rate(records, "base"),
        plus=rate(records, "plus"),
        errors=sum(record.outcome == "error" for record in records),
        timeouts=sum("timeout" in (r.base_status, r.plus_status) for r in records),
        truncated_calls=sum(record.truncated_calls for record in records),
        truncated_items=sum(record.truncated_calls > 0 for record in records),
        reviews=sum(outcomes[outcome] for outcome in REVIEW_OUTCOMES),
        reviews_unparsed=outcomes["review_unparsed"],
        choices_unparsed=outcomes["choice_unparsed"],
        llm_calls=sum(record.llm_calls for record in records),
        prompt_tokens=sum(record.prompt_tokens for record in records),
        completion_tokens=sum(record.completion_tokens for record in records),
        llm_seconds=sum(record.llm_seconds for record in records),
        judge_seconds=sum(record.judge_seconds for record in records),
        pass_at_k=_pass_at_k(records),
    )


def rate(records: Iterable[Record], suite: Suite) -> Rate:
    """pass@1: the mean over problems of the share of their samples that pass, with bounds."""
    tallies: dict[str, Counter[bool | None]] = defaultdict(Counter)
    for record in records:
        tallies[record.task_id][passes(record, suite)] += 1
    if not tallies:
        return Rate(0.0, 1.0)
    low = sum(tally[True] / tally.total() for tally in tallies.values())
    high = sum((tally[True] + tally[None]) / tally.total() for tally in tallies.values())
    errors = sum(tally[None] for tally in tallies.values())
    return Rate(low / len(tallies), high / len(tallies), errors)


def _pass_at_k(records: Iterable[Record]) -> dict[int, float]:
    """pass@k on the plus tests for each reported k that all problems have samples for.

    Empty while there are errors, which are neither right nor wrong samples.
    """
    tallies: dict[str, list[bool | None]] = defaultdict(list)
    for record in records:
        tallies[record.task_id].append(passes(record, "plus"))
    if any(None in tally for tally in tallies.values()):
        return {}
    counts = [(len(tally), tally.count(True)) for tally in tallies.values()]
    found = {k: mean_pass_at_k(counts, k) for k in REPORTED_K}
    return {k: value for k, value in found.items() if value is not None}
