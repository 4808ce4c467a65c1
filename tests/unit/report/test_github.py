"""GitHub's step summary."""

from __future__ import annotations

import pytest

from pytest_dualcode.errors import StoreError
from pytest_dualcode.report.github import LIMIT, append_step_summary


def test_the_text_is_appended_to_the_file_that_github_names(tmp_path):
    path = tmp_path / "summary"
    path.write_text("before\n")
    assert append_step_summary("# results", {"GITHUB_STEP_SUMMARY": str(path)}) == path
    assert path.read_text() == "before\n# results\n"


def test_elsewhere_nothing_happens():
    assert append_step_summary("text", {}) is None


def test_a_text_over_the_limit_is_cut_at_a_line_and_says_so(tmp_path):
    path = tmp_path / "summary"
    append_step_summary("ä line of text\n" * 100_000, {"GITHUB_STEP_SUMMARY": str(path)})
    lines = path.read_text().splitlines()
    assert path.stat().st_size < LIMIT + 200
    assert set(lines[:-2]) == {"ä line of text"}
    assert lines[-1] == "(cut: the whole text is summary.md of the run directory)"


def test_a_file_that_cannot_be_written_is_explained(tmp_path):
    with pytest.raises(StoreError, match="Cannot write the step summary") as caught:
        append_step_summary("text", {"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert "Unset GITHUB_STEP_SUMMARY" in str(caught.value)
