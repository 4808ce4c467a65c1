"""A stored run in memory, complete or not."""

from __future__ import annotations

import pytest
from sample_records import make_record
from sample_runs import reviewed_run, write_run

from pytest_dualcode.analysis.summary import DatasetCount
from pytest_dualcode.errors import StoreError
from pytest_dualcode.report.html.data import page_index
from pytest_dualcode.report.loading import compare_loaded, dataset_counts, load_run
from pytest_dualcode.report.mechanism import failure_table
from pytest_dualcode.report.writing import write_reports


def test_a_run_has_its_summary_comparisons_and_calls(tmp_path):
    run = load_run(reviewed_run(tmp_path / "run"))
    assert [row.ran_of for row in run.summary.rows] == ["3 of 164", "3 of 164"]
    assert [c.improvements for c in run.comparisons()] == [("HumanEval/0",)]
    assert len(run.calls()) == 3
    assert run.dataset_hashes == {"humaneval": "fe585eb4"}
    assert compare_loaded(run, run)[0].flips == 0


def test_without_raw_coder_the_first_pipeline_of_the_command_line_is_the_one_to_beat(tmp_path):
    """The same in the tables, in the list of problems and in the causes of regressions."""
    records = [
        make_record(1, pipeline="review-fix"),
        make_record(1, "fail", "fail", pipeline="plan-code"),
    ]
    order = {"pipelines": ["review-fix", "plan-code"]}
    run = load_run(write_run(tmp_path / "run", records, settings=order))
    (found,) = run.comparisons()
    assert (found.baseline, found.candidate) == ("review-fix", "plan-code")
    assert found.regressions == ("HumanEval/1",)
    (entry,) = page_index(run, {})["problems"]
    assert [cell.get("flip") for cell in entry["cells"]] == [None, "regressed"]
    assert "plan-code lost" in failure_table(run.records, run.comparisons())[0]


def test_results_alone_are_enough(tmp_path):
    run = load_run(write_run(tmp_path / "run", [make_record()]))
    assert run.summary.rows[0].ran_of == "1 of 1"
    assert run.dataset_hashes == {}
    assert run.calls() == {}


def test_damaged_calls_are_left_out(tmp_path):
    directory = reviewed_run(tmp_path / "run")
    with (directory / "calls.jsonl").open("a") as file:
        file.write('[1]\n{"no": "id"}\n{"id": "half')
    assert len(load_run(directory).calls()) == 3


@pytest.mark.parametrize(
    "datasets", [None, [], {"humaneval": 3}, {"humaneval": {"selected": "8", "size": 164}}]
)
def test_settings_of_another_shape_are_ignored(datasets):
    assert dataset_counts({"datasets": datasets}) == {}


def test_settings_give_the_counts():
    settings = {"datasets": {"mbpp": {"selected": 8, "size": 378, "hash": "x"}}}
    assert dataset_counts(settings) == {"mbpp": DatasetCount(8, 378)}


def test_a_run_without_results_names_the_remedy(tmp_path):
    write_run(tmp_path / "run", [], settings={})
    with pytest.raises(StoreError, match="holds no results yet") as caught:
        load_run(tmp_path / "run")
    assert "pytest --resume=" in str(caught.value)


def test_reports_are_written_from_the_stored_run_alone(tmp_path):
    written = write_reports(reviewed_run(tmp_path / "run"))
    assert written.report.exists()
    summary = (tmp_path / "run" / "summary.md").read_text()
    assert "| review-fix | humaneval | 3 of 164 | 66.7 to 100.0 % |" in summary
    folders = sorted(path.name for path in (tmp_path / "run" / "evalplus").iterdir())
    assert folders == ["raw-coder-humaneval", "review-fix-humaneval"]


def test_a_run_of_other_datasets_has_no_evalplus_files(tmp_path):
    write_reports(write_run(tmp_path / "run", [make_record(dataset="own")]))
    assert not (tmp_path / "run" / "evalplus").exists()


def test_reports_can_compare_with_a_baseline(tmp_path):
    before = write_run(tmp_path / "before", [make_record(n, plus="fail") for n in range(3)])
    after = write_run(tmp_path / "after", [make_record(n) for n in range(3)])
    written = write_reports(after, baseline=before)
    assert written.against_baseline[0].gain == 3
    text = (after / "summary.md").read_text()
    assert "## Against the baseline" in text
    assert "- raw-coder on humaneval won: HumanEval/0, HumanEval/1, HumanEval/2" in text
    assert (
        "## Against the baseline"
        not in (write_reports(after).run.directory / "summary.md").read_text()
    )


def test_given_task_ids_pad_the_evalplus_files(tmp_path):
    run = write_run(tmp_path / "run", [make_record(1)])
    write_reports(run, {"humaneval": [f"HumanEval/{n}" for n in range(5)]})
    samples = run / "evalplus" / "raw-coder-humaneval" / "samples.jsonl"
    assert len(samples.read_text().splitlines()) == 5
