"""The sentences that go with a summary, the same in the terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_dualcode.analysis.summary import Row, RunSummary
from pytest_dualcode.report.tables import counted, duration

PRICED_NOTE = (
    "Servers: hours in which at least one call was under way. Calls that pipelines share count in "
    "each of them, as if it had run alone."
)
SPENT = (
    "pipeline", "dataset", "calls", "prompt tokens", "completion tokens", "model time",
    "judge time", "tokens for one passing problem",
)  # fmt: skip


def notes(summary: RunSummary) -> list[str]:
    """One sentence for each row that needs one, and one for the run where calls are shared."""
    found = [
        f"{row.pipeline} on {row.dataset}: {note}" for row in summary.rows if (note := _of(row))
    ]
    if summary.errors:
        found.append(
            "Errors are broken servers or a broken judge, not wrong answers: pass@1 is given as "
            "the range from all of them wrong to all of them right."
        )
    return found + _shared_calls(summary)


def spent_rows(summary: RunSummary) -> list[list[str]]:
    """One row for each pipeline and dataset, under `SPENT`; sums over items."""
    return [
        [
            row.pipeline,
            row.dataset,
            f"{row.llm_calls:,}",
            f"{row.prompt_tokens:,}",
            f"{row.completion_tokens:,}",
            duration(row.llm_seconds),
            duration(row.judge_seconds),
            _tokens_for_a_pass(row),
        ]
        for row in summary.rows
    ]


def _tokens_for_a_pass(row: Row) -> str:
    tokens = row.prompt_tokens + row.completion_tokens
    return f"{tokens / row.plus_passes:,.0f}" if tokens and row.plus_passes else ""


def origin(settings: Mapping[str, Any], summary: RunSummary) -> str:
    """Where the numbers come from, in one line: version, start, models, isolation of the judge."""
    parts = [
        f"pytest-dualcode {settings['version']}" if "version" in settings else "",
        f"started {settings['started']}" if "started" in settings else "",
        *(
            f"{role}: {place.get('model', '?')}"
            for role, place in sorted(_served(settings).items())
        ),
        f"judge isolation {', '.join(summary.isolation)}" if summary.isolation else "",
        *_served_otherwise(settings),
    ]
    return "; ".join(part for part in parts if part)


SERVED_AS = ("model", "root", "vllm", "revision", "quantization", "max_model_len")
"""What a role's servers say of themselves that can change replies."""


def _served_otherwise(settings: Mapping[str, Any]) -> list[str]:
    """How the servers of the sessions that this run resumed differ from the last one's."""
    now = _served(settings)
    found = []
    sessions = settings.get("earlier_sessions")
    for session in sessions if isinstance(sessions, list) else ():
        for role, then in sorted(_served(session).items()):
            differ = [
                f"{name} {then[name]}, then {now[role].get(name)}"
                for name in SERVED_AS
                if role in now and name in then and then[name] != now[role].get(name)
            ]
            found += [f"{role} served otherwise before a resume: {', '.join(differ)}"] * bool(
                differ
            )
    return list(dict.fromkeys(found))


def _served(settings: object) -> dict[str, Mapping[str, Any]]:
    """The servers of each role; empty where ``run.json`` does not know them."""
    models = settings.get("models") if isinstance(settings, Mapping) else None
    roles = models.get("roles") if isinstance(models, Mapping) else None
    places = roles.items() if isinstance(roles, Mapping) else ()
    return {role: place for role, place in places if isinstance(place, Mapping)}


def _of(row: Row) -> str:
    parts = [
        counted(row.errors, "error") if row.errors else "",
        f"{row.unfinished:,} of {row.selected:,} selected problems have no result yet "
        "(continue with --resume)"
        if row.unfinished
        else "",
        counted(row.timeouts, "solution") + " timed out" if row.timeouts else "",
        counted(row.truncated_calls, "reply", "replies")
        + f" cut off by max_tokens (in {counted(row.truncated_items, 'item')})"
        if row.truncated_calls
        else "",
        f"{row.reviews_unparsed:,} of {counted(row.reviews, 'review')} without a verdict "
        "(the draft was kept)"
        if row.reviews_unparsed
        else "",
        f"{row.records / row.ran:.3g} samples a problem; pass@1 is their mean"
        if row.records > row.ran
        else "",
        f"{row.choices_unparsed:,} choices without an answer (the coder's program was kept)"
        if row.choices_unparsed
        else "",
        "".join(f"pass@{k} {100 * share:.1f} % " for k, share in row.pass_at_k.items() if k > 1),
    ]
    return "; ".join(part.strip() for part in parts if part)


def _shared_calls(summary: RunSummary) -> list[str]:
    counted_calls = sum(row.llm_calls for row in summary.rows)
    if not summary.distinct_calls or counted_calls <= summary.distinct_calls:
        return []
    return [
        f"{summary.distinct_calls:,} different calls were made; a call that several pipelines "
        "share is counted in each of them."
    ]
