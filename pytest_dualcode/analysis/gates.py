"""Whether a run is good enough for CI: ``--min-pass-at-1`` and ``--max-regressions``.

A gate never passes on what is not known: with errors a pass@1 is a range, and while the range
contains the limit the gate does not hold, saying that the errors are why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_dualcode.analysis.paired import Comparison
from pytest_dualcode.analysis.summary import Row, RunSummary

_UNKNOWN = "cannot be decided, so it does not hold; mend the servers and continue with --resume"


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether every limit held, and one line for each limit and what it was applied to."""

    passed: bool
    lines: tuple[str, ...]


def gate(
    summary: RunSummary,
    comparisons: Iterable[Comparison] = (),
    min_pass_at_1: float | None = None,
    max_regressions: int | None = None,
    missing: int = 0,
) -> GateResult:
    """Apply the given limits.

    `min_pass_at_1` (a share) applies to pass@1 on plus of every pipeline and dataset.
    `max_regressions` applies to each pipeline's regressions against the baseline, summed over
    datasets. A limit that has nothing to apply to does not hold. No limit does while `missing`
    selected items have no result.
    """
    checks: list[tuple[bool, str]] = []
    if min_pass_at_1 is not None:
        checks += [_least(row, min_pass_at_1) for row in summary.rows] or [
            (False, "gate --min-pass-at-1: no problem has a result, so it does not hold.")
        ]
        checks += [_absent(*key, n, min_pass_at_1) for key, n in summary.absent.items()]
    if max_regressions is not None:
        checks += _most(summary, list(comparisons), max_regressions)
    if missing and checks and all(held for held, _ in checks):
        items = "item has" if missing == 1 else "items have"
        checks.append((False, f"gate: {missing} selected {items} no result: {_UNKNOWN}."))
    return GateResult(all(held for held, _ in checks), tuple(line for _, line in checks))


def _least(row: Row, limit: float) -> tuple[bool, str]:
    held = row.plus.low >= limit and not row.unfinished
    head = f"gate --min-pass-at-1={limit:g}: {row.pipeline} on {row.dataset} has {row.plus}"
    if row.unfinished:
        return False, f"{head}, but only {row.ran} of {row.selected} problems ran: {_UNKNOWN}."
    if held:
        return True, f"{head}: holds."
    if row.plus.high >= limit:
        return False, f"{head}: {_UNKNOWN}."
    return False, f"{head}: does not hold."


def _absent(pipeline: str, dataset: str, selected: int, limit: float) -> tuple[bool, str]:
    head = f"gate --min-pass-at-1={limit:g}: {pipeline} on {dataset}"
    return False, f"{head}: only 0 of {selected} problems ran: {_UNKNOWN}."


def _most(
    summary: RunSummary, comparisons: Iterable[Comparison], limit: int
) -> list[tuple[bool, str]]:
    unfinished = {(row.pipeline, row.dataset): row.unfinished for row in summary.rows}
    absent: Counter[str] = Counter()
    for (pipeline, _), selected in summary.absent.items():
        absent[pipeline] += selected
    groups: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for comparison in comparisons:
        groups[comparison.candidate, comparison.baseline].append(comparison)
    name = f"gate --max-regressions={limit}"
    if not groups:
        return [(False, f"{name}: there is nothing to compare with, so it does not hold.")]
    return [
        _few_regressions(name, limit, group, unfinished, absent[group[0].candidate])
        for group in groups.values()
    ]


def _few_regressions(
    name: str,
    limit: int,
    group: list[Comparison],
    unfinished: Mapping[tuple[str, str], int],
    absent: int,
) -> tuple[bool, str]:
    candidate, baseline = group[0].candidate, group[0].baseline
    lost = sum(len(comparison.regressions) for comparison in group)
    errors = sum(comparison.errors for comparison in group)
    missing = absent + sum(unfinished.get((candidate, c.dataset), 0) for c in group)
    head = f"{name}: {candidate} against {baseline} has {lost}"
    if lost > limit:
        return False, f"{head}: does not hold."
    if lost + errors + missing > limit:
        unknown = [f"{_problems(errors)} with errors"] if errors else []
        unknown += [f"{_problems(missing)} that did not run"] if missing else []
        return False, f"{head}, and {' and '.join(unknown)}: {_UNKNOWN}."
    return True, f"{head}: holds."


def _problems(number: int) -> str:
    return "1 problem" if number == 1 else f"{number} problems"
