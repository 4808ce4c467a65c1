"""A run without the benchmark's text."""

from __future__ import annotations

import pytest
from sample_records import make_record
from sample_runs import DRAFT, FIXED, reviewed_run

from pytest_dualcode.errors import StoreError
from pytest_dualcode.report.context import Context
from pytest_dualcode.report.loading import compare_loaded, load_run
from pytest_dualcode.report.publish import publish, without_folders, without_text


@pytest.fixture
def run(tmp_path):
    return load_run(reviewed_run(tmp_path / "run"))


@pytest.fixture
def published(run, tmp_path):
    return publish(run, tmp_path / "public", Context()).directory


def test_no_program_reason_or_input_is_left(published):
    text = "".join(path.read_text() for path in published.iterdir())
    for secret in (DRAFT[:10], FIXED[-10:], "[1, 2]", "input 0 gave", "the server died"):
        assert secret not in text
    assert sorted(path.name for path in published.iterdir()) == [
        "results.jsonl",
        "run.json",
        "summary.md",
    ]


def test_verdicts_kinds_stages_and_costs_remain(run, published):
    found = load_run(published)
    assert found.summary == run.summary
    first = found.records[0]
    assert (first.base_status, first.reason) == ("fail", "algorithm")
    assert found.records[-1].reason == "error"
    assert [stage.outcome for stage in found.records[3].stages] == ["ok", "bugs", "ok"]


def test_it_can_be_compared_with(run, published):
    assert all(comparison.flips == 0 for comparison in compare_loaded(load_run(published), run))


def test_the_summary_still_knows_what_the_programs_told(published):
    assert "| review-fix | humaneval | 1 | 1 | 0 |" in (published / "summary.md").read_text()


def test_an_existing_run_is_not_overwritten(run, published):
    with pytest.raises(StoreError, match="already holds a run"):
        publish(run, published, Context())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/me/models/qwen", "qwen"),
        ("--model=/data/x/qwen05 --port 8000", "--model=qwen05 --port 8000"),
        ("../shared/data/a.jsonl.gz", "a.jsonl.gz"),
        ("~/venv/bin/python", "python"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://host/a/b", "https://host/a/b"),
        ("Qwen/Qwen2.5-Coder-0.5B", "Qwen/Qwen2.5-Coder-0.5B"),
        ("2 / 3", "2 / 3"),
    ],
)
def test_folders_are_private_and_addresses_and_model_names_are_not(text, shown):
    assert without_folders({"a": [text, 3]}) == {"a": [shown, 3]}


def test_of_the_examples_only_whether_they_pass_is_left():
    record = make_record(1, plus="fail", examples_passed=(True, False))
    assert without_text(record, "example ignored").examples_passed == (True, False)
