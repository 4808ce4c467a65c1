"""The cost of a run in its reports, where the profile says what the servers cost."""

from __future__ import annotations

import json
from pathlib import Path

from sample_runs import reviewed_run

from pytest_dualcode.report.writing import write_reports

SERVERS = [{"roles": ["coder", "planner"], "price_per_hour": 3600.0, "gpus": 2, "cards": []}]


def reports(directory: Path, servers: list[dict[str, object]]) -> tuple[str, str]:
    """Write the reports of a small run on these servers; return Markdown and HTML."""
    run = reviewed_run(directory)
    settings = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**settings, "models": {"servers": servers}}))
    written = write_reports(run)
    return (run / "summary.md").read_text(), written.report.read_text()


def test_price_and_gpus_of_the_profile_are_in_both_reports(tmp_path: Path) -> None:
    markdown, page = reports(tmp_path / "run", SERVERS)
    assert "| what | tokens | servers | GPU hours | money | for a passing problem |" in markdown
    assert "| the run |" in markdown
    assert "GPU hours" in page
    assert "as if it had run alone" in page


def test_without_a_price_nothing_is_said_of_money(tmp_path: Path) -> None:
    markdown, page = reports(tmp_path / "run", [])
    assert "money" not in markdown
    assert "GPU hours" not in page


def test_cards_without_a_price_give_hours_only(tmp_path: Path) -> None:
    markdown, _ = reports(tmp_path / "run", [{**SERVERS[0], "price_per_hour": None}])
    assert "| what | tokens | servers | GPU hours |" in markdown
    assert "money" not in markdown
