"""Tables of what went on inside the pipelines: reviews, fixes, failures, richness.

Each function returns rows of text, so that Markdown and HTML show the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pytest_dualcode.analysis.detector import (
    Detection,
    Known,
    choices,
    detection,
    effects,
    known_verdicts,
    share,
)
from pytest_dualcode.analysis.gain import gain_by_richness, trend, trend_in_words
from pytest_dualcode.analysis.paired import (
    SIGNIFICANCE,
    Comparison,
    first_samples,
    judged_pairs,
    natural_key,
    p_phrase,
)
from pytest_dualcode.analysis.summary import REFERENCE_PIPELINE, grouped
from pytest_dualcode.analysis.taxonomy import (
    KINDS,
    PAPER_REGRESSIONS,
    Cause,
    Causes,
    Kind,
    classify,
    tally,
)
from pytest_dualcode.analysis.twins import twin_gain, twins_in_words
from pytest_dualcode.problems.richness import LEAN_UP_TO
from pytest_dualcode.report.context import Context
from pytest_dualcode.report.markdown import markdown_table
from pytest_dualcode.types import Record

Groups = Mapping[tuple[str, str], Sequence[Record]]
Changes = Mapping[str, tuple[bool, bool]]
"""By task id, whether it passes before and after."""

DETECTION = (
    "pipeline", "dataset", "reviews", "hits", "misses", "false alarms", "all-clears",
    "no verdict", "wrong drafts found", "false alarm rate",
)  # fmt: skip
DETECTION_NOTE = (
    "A hit is a wrong draft that the review called wrong, a miss a wrong draft that it called "
    "correct; a false alarm is a right draft called wrong. A review without a verdict finds "
    "nothing. Rates have Wilson's 95 % interval. A useful reviewer finds a larger share of wrong "
    "drafts than it raises false alarms on right ones."
)
EFFECT = (
    "pipeline",
    "stage",
    "dataset",
    "mended",
    "broke",
    "stayed right",
    "stayed wrong",
    "unjudged",
)
EFFECT_NOTE = (
    "What each change of a program did to its verdict. For choice: how often the program that "
    "passes was taken, where exactly one of the two passes."
)
FAILURE_NOTE = (
    "Failures are of all pipelines. Lost are the problems that raw-coder (or the run's first "
    "pipeline) passes and the named one does not. The paper's figures are of plan-code on "
    "HumanEval: 7 missing imports, 1 renamed variable, 5 algorithms, 2 over-engineered."
)
RICHNESS = ("richness", "problems", "won", "lost", "gain", "95 % interval")

MEANINGS = {
    "truncation": "the reply was cut off by max_tokens",
    "extraction": "no program was found in the reply",
    "syntax": "the program does not compile",
    "missing import": "a name of a module is used and not imported",
    "renamed": "a name, a parameter or the entry point was changed",
    "timeout": "a test was stopped",
    "example ignored": "a visible example of the spec fails",
    "crash": "a test raised or ended the process",
    "over-engineering": "much larger than a program that passes",
    "algorithm": "it runs and a result is wrong",
}


def detection_rows(
    records: Sequence[Record], known: Known, scores: Mapping[str, float] | None = None
) -> list[list[str]]:
    """One row for each pipeline and dataset that has reviews; with `scores` lean and rich apart."""
    rows = []
    for (pipeline, dataset), group in _by_richness(records, scores or {}).items():
        found = detection(group, known)
        if not found.reviews:
            continue
        unparsed = found.unparsed_wrong + found.unparsed_right
        counts = (found.hits, found.misses, found.false_alarms, found.all_clears, unparsed)
        rows.append(
            [
                pipeline,
                dataset,
                _reviews(found.reviews, found.unjudged),
                *map(str, counts),
                _rate(found.sensitivity),
                _rate(found.false_alarm_rate),
            ]
        )
    return rows


def detection_words(records: Sequence[Record], known: Known) -> list[str]:
    """For each pipeline and dataset with judged reviews, whether the reviewer does not guess."""
    found = {key: detection(group, known) for key, group in grouped(records).items()}
    return [
        f"{pipeline} on {dataset}: {_reviewer(one)}"
        for (pipeline, dataset), one in found.items()
        if one.sensitivity[1] and one.false_alarm_rate[1]
    ]


def _reviewer(found: Detection) -> str:
    """What the alarms of one reviewer are worth, in words."""
    hit, false = share(found.sensitivity)[0] or 0.0, share(found.false_alarm_rate)[0] or 0.0
    rates = (
        f"the review called {100 * hit:.0f} % of the wrong drafts wrong and {100 * false:.0f} % of "
        f"the right ones (Fisher's exact test, {p_phrase(found.p_value)})"
    )
    if found.p_value >= SIGNIFICANCE:
        return f"{rates}: it cannot be told from guessing."
    better = "it sees a difference" if hit > false else "it is worse than guessing"
    return f"{rates}: {better}."


def _by_richness(records: Sequence[Record], scores: Mapping[str, float]) -> Groups:
    """Records by pipeline and dataset, and again by lean and rich where a dataset has both."""
    found: dict[tuple[str, str], list[Record]] = {}
    for (pipeline, dataset), group in grouped(records).items():
        found[pipeline, dataset] = group
        scored = [record for record in group if record.task_id in scores]
        lean = [record for record in scored if scores[record.task_id] <= LEAN_UP_TO]
        rich = [record for record in scored if scores[record.task_id] > LEAN_UP_TO]
        if lean and rich:
            found |= {
                (pipeline, f"{dataset}, lean specs"): lean,
                (pipeline, f"{dataset}, rich specs"): rich,
            }
    return found


def effect_rows(records: Sequence[Record], known: Known) -> list[list[str]]:
    """One row for each pipeline, dataset and kind of change, and one for adversarial's choice."""
    rows = []
    for (pipeline, dataset), group in grouped(records).items():
        for stage, effect in sorted(effects(group, known).items()):
            counts = (effect.mended, effect.broke, effect.kept_right, effect.kept_wrong)
            rows.append([pipeline, stage, dataset, *map(str, (*counts, effect.unjudged))])
        right, total = choices(group, known)
        if total:
            rows.append([pipeline, "choice", dataset, f"{right} of {total} right", "", "", "", ""])
    return rows


def failure_table(
    records: Sequence[Record], comparisons: Sequence[Comparison]
) -> tuple[tuple[str, ...], list[list[str]]]:
    """Header and rows: kinds of failures, of the comparisons' regressions, and the paper's.

    No rows if nothing failed.
    """
    causes = all_causes(records)
    failed = tally(causes.values())
    lost_causes = regression_causes(records, comparisons, causes)
    lost = {name: tally(found) for name, found in lost_causes.items()}
    header = ("kind", "what it means", "failures", *(f"{name} lost" for name in lost))
    rows = [
        [kind, MEANINGS[kind], _count(failed, kind)]
        + [_count(counts, kind) for counts in lost.values()]
        + [_count(PAPER_REGRESSIONS, kind)]
        for kind in KINDS
        if kind in failed or (failed and kind in PAPER_REGRESSIONS)
    ]
    return (*header, "paper's plan-code lost"), rows


def all_causes(records: Iterable[Record]) -> Causes:
    """The cause of each failed item; over-engineering is seen beside a program that passes."""
    found = {}
    for of_task in records_by_task(records).values():
        passing = [r for r in of_task if r.outcome == "passed" and r.pipeline in _models(of_task)]
        beside = min(passing, key=lambda r: r.pipeline != REFERENCE_PIPELINE, default=None)
        for record in of_task:
            cause = classify(record, beside)
            if cause:
                found[record.pipeline, record.task_id, record.sample] = cause
    return found


def _models(records: Iterable[Record]) -> set[str]:
    """The pipelines whose programs models wrote."""
    return {record.pipeline for record in records} - {"canonical", "samples"}


def regression_causes(
    records: Sequence[Record], comparisons: Sequence[Comparison], causes: Causes
) -> dict[str, list[Cause]]:
    """Why each compared pipeline's regressions failed; none for a pipeline without any."""
    groups = grouped(records)
    found: dict[str, list[Cause]] = {}
    for comparison in comparisons:
        after = first_samples(groups[comparison.candidate, comparison.dataset])
        keys = [(comparison.candidate, task, after[task].sample) for task in comparison.regressions]
        found.setdefault(comparison.candidate, []).extend(causes[key] for key in keys)
    return found


def records_by_task(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Records of each problem, problems in natural order."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.task_id].append(record)
    return {task: found[task] for task in sorted(found, key=natural_key)}


def richness_parts(
    records: Sequence[Record], comparisons: Sequence[Comparison], scores: Mapping[str, float]
) -> list[tuple[str, list[list[str]], Changes]]:
    """For each pipeline, over all datasets together and within each: words, bins, changes."""
    if not scores:
        return []
    return [
        (trend_in_words(trend(changes, scores), title), _bins(changes, scores), changes)
        for title, changes in _changes(records, comparisons).items()
    ]


def twin_words(
    records: Sequence[Record], comparisons: Sequence[Comparison], twins: Sequence[tuple[str, str]]
) -> list[str]:
    """For each pipeline, what it gains with the rich and the lean spec of the same problem."""
    found = {
        title: twin_gain(_union(within), twins)
        for title, within in _changes_within(records, comparisons).items()
    }
    return [twins_in_words(gain, title) for title, gain in found.items() if gain.pairs]


def _changes(records: Sequence[Record], comparisons: Sequence[Comparison]) -> dict[str, Changes]:
    """Before and after of each problem, by the title of what is compared."""
    found: dict[str, Changes] = {}
    for title, within in _changes_within(records, comparisons).items():
        if len(within) > 1:
            found[f"{title} all datasets"] = _union(within)
        found |= {f"{title} {dataset}": changes for dataset, changes in within.items()}
    return found


def _changes_within(
    records: Sequence[Record], comparisons: Sequence[Comparison]
) -> dict[str, dict[str, Changes]]:
    """By pair of pipelines (as a title begins) and dataset."""
    groups = grouped(records)
    found: dict[str, dict[str, Changes]] = defaultdict(dict)
    for one in comparisons:
        title = f"{one.candidate} against {one.baseline} on"
        found[title][one.dataset] = _judged(one, groups)
    return found


def _union(within: Mapping[str, Changes]) -> Changes:
    return {task: change for changes in within.values() for task, change in changes.items()}


def _judged(comparison: Comparison, groups: Groups) -> dict[str, tuple[bool, bool]]:
    return judged_pairs(
        first_samples(groups[comparison.baseline, comparison.dataset]),
        first_samples(groups[comparison.candidate, comparison.dataset]),
    )


def _bins(changes: Mapping[str, tuple[bool, bool]], scores: Mapping[str, float]) -> list[list[str]]:
    """One row for each bin of richness that holds problems."""
    return [
        [
            f"{part.low:.2f} to {part.high:.2f}",
            str(part.problems),
            str(part.improvements),
            str(part.regressions),
            f"{part.points:+.1f} points",
            f"{100 * part.interval.low:+.1f} to {100 * part.interval.high:+.1f}",
        ]
        for part in gain_by_richness(changes, scores)
        if part.problems
    ]


def markdown_sections(
    records: Sequence[Record], comparisons: Sequence[Comparison], context: Context
) -> list[str]:
    """The tables as Markdown sections, each with its heading; empty ones left out."""
    known, scores = known_verdicts(records), context.richness
    tables = [
        (
            "The reviewer under the microscope",
            DETECTION,
            detection_rows(records, known, scores),
            "\n".join([DETECTION_NOTE, "", *(f"- {w}" for w in detection_words(records, known))]),
        ),
        ("What each change did", EFFECT, effect_rows(records, known), EFFECT_NOTE),
        ("Why solutions failed", *failure_table(records, comparisons), FAILURE_NOTE),
    ]
    found = [
        f"## {title}\n\n{markdown_table(header, rows, 3 if header is EFFECT else 2)}\n\n{note}"
        for title, header, rows, note in tables
        if rows
    ]
    return found + _richness_section(records, comparisons, context)


def _richness_section(
    records: Sequence[Record], comparisons: Sequence[Comparison], context: Context
) -> list[str]:
    parts = richness_parts(records, comparisons, context.richness)
    if not parts:
        return []
    twins = [f"- {words}" for words in twin_words(records, comparisons, context.twins)]
    texts = ["\n".join(twins)] if twins else []
    texts += [f"{words}\n\n{markdown_table(RICHNESS, rows, 1)}" for words, rows, _ in parts]
    return ["\n\n".join(["## Gain and richness of the spec", *texts])]


def _reviews(total: int, unjudged: int) -> str:
    return f"{total} ({unjudged} drafts unjudged)" if unjudged else str(total)


def _rate(counts: tuple[int, int]) -> str:
    value, interval = share(counts)
    if value is None:
        return ""
    low, high = 100 * interval.low, 100 * interval.high
    return f"{100 * value:.0f} % of {counts[1]} ({low:.0f} to {high:.0f})"


def _count(counts: Mapping[Kind, int], kind: Kind) -> str:
    return str(counts.get(kind, ""))
