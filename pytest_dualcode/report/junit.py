"""Properties for JUnit XML: of one item, and of the whole suite. Pure; the plugin writes them."""

from __future__ import annotations

from pytest_dualcode.analysis.summary import Rate, Row, RunSummary
from pytest_dualcode.errors import printable
from pytest_dualcode.types import Record


def item_properties(record: Record) -> list[tuple[str, str]]:
    """Name and value of each property of a test case. An error has empty statuses."""
    found: dict[str, object] = {
        "task_id": record.task_id,
        "pipeline": record.pipeline,
        "dataset": record.dataset,
        "sample": record.sample,
        "outcome": record.outcome,
        "base_status": record.base_status or "",
        "plus_status": record.plus_status or "",
        "llm_calls": record.llm_calls,
        "prompt_tokens": record.prompt_tokens,
        "completion_tokens": record.completion_tokens,
        "llm_seconds": f"{record.llm_seconds:.3f}",
        "judge_seconds": f"{record.judge_seconds:.3f}",
        "isolation": record.isolation,
        "truncated_calls": record.truncated_calls,
    }
    return [(name, printable(str(value))) for name, value in found.items()]


def suite_properties(summary: RunSummary) -> list[tuple[str, str]]:
    """pass@1 (a share, or ``low..high`` while there are errors) and its counts, for each row.

    Names are ``pass_at_1.<pipeline>.<dataset>.base`` and ``.plus``, and ``problems.``,
    ``of_problems.``, ``errors.<pipeline>.<dataset>``.
    """
    return [pair for row in summary.rows for pair in _row_properties(row)]


def _row_properties(row: Row) -> list[tuple[str, str]]:
    name = f"{row.pipeline}.{row.dataset}"
    return [
        (f"pass_at_1.{name}.base", _share(row.base)),
        (f"pass_at_1.{name}.plus", _share(row.plus)),
        (f"problems.{name}", str(row.ran)),
        (f"of_problems.{name}", str(row.size)),
        (f"errors.{name}", str(row.errors)),
    ]


def _share(rate: Rate) -> str:
    return f"{rate.low:.4f}" if rate.exact else f"{rate.low:.4f}..{rate.high:.4f}"
