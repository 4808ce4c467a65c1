"""The EvalPlus files: their formats, padding, and the same pass@1."""

from __future__ import annotations

import json

import pytest
from sample_records import make_record

from pytest_dualcode.analysis.summary import summarise
from pytest_dualcode.errors import StoreError
from pytest_dualcode.report.evalplus_export import export_evalplus

ALL = {"humaneval": [f"HumanEval/{n}" for n in range(5)]}


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_samples_hold_one_line_for_each_solution_in_order(tmp_path):
    records = [make_record(10, solution="ten"), make_record(2, solution="two")]
    (export,) = export_evalplus(tmp_path, records)
    assert export.samples == tmp_path / "evalplus" / "raw-coder-humaneval" / "samples.jsonl"
    assert lines_of(export.samples) == [
        {"task_id": "HumanEval/2", "solution": "two"},
        {"task_id": "HumanEval/10", "solution": "ten"},
    ]


def test_results_have_evalplus_fields_and_our_pass_at_1(tmp_path):
    records = [
        make_record(1, solution="one"),
        make_record(2, "pass", "timeout", failing_input="[3]"),
        make_record(3, "fail", "fail", failing_input="[4]"),
    ]
    (export,) = export_evalplus(tmp_path, records, hashes={"humaneval": "fe585eb4"})
    results = json.loads((export.folder / "eval_results.json").read_text())
    assert results["hash"] == "fe585eb4"
    assert results["eval"]["HumanEval/1"] == [
        {
            "task_id": "HumanEval/1", "solution": "one", "base_status": "pass",
            "plus_status": "pass", "base_fail_tests": [], "plus_fail_tests": [],
        }
    ]  # fmt: skip
    assert results["eval"]["HumanEval/2"][0]["plus_fail_tests"] == ["[3]"]
    assert results["eval"]["HumanEval/3"][0]["base_fail_tests"] == ["[4]"]
    (row,) = summarise(records).rows
    assert results["pass_at_k"]["base"]["pass@1"] == pytest.approx(row.base.low)
    assert results["pass_at_k"]["plus"]["pass@1"] == pytest.approx(row.plus.low)


def test_a_subset_is_padded_to_the_whole_dataset_and_this_is_said(tmp_path):
    records = [make_record(3), make_record(4, base=None, solution="half done")]
    (export,) = export_evalplus(tmp_path, records, ALL)
    samples = lines_of(export.samples)
    assert [line["task_id"] for line in samples] == ALL["humaneval"]
    assert [line["solution"] for line in samples if line["solution"]] == [
        "def f():\n    return 1\n"
    ]
    assert "5 problems, 3 not run and 1 with errors among them" in export.message()
    assert "counts those as wrong" in export.message()


def test_a_complete_run_needs_no_warning(tmp_path):
    (export,) = export_evalplus(tmp_path, [make_record(n) for n in range(5)], ALL)
    assert export.message() == f"{export.samples}: 5 problems"


def test_each_pipeline_and_dataset_has_its_folder_and_samples_stay_together(tmp_path):
    records = [make_record(1, sample=1, solution="b"), make_record(1, sample=0, solution="a")]
    records += [make_record(1, pipeline="review-fix+retry"), make_record(2, dataset="mbpp")]
    exports = export_evalplus(tmp_path, records)
    assert [export.folder.name for export in exports] == [
        "raw-coder-humaneval", "raw-coder-mbpp", "review-fix+retry-humaneval"
    ]  # fmt: skip
    assert [line["solution"] for line in lines_of(exports[0].samples)] == ["a", "b"]


def test_lone_surrogates_survive(tmp_path):
    (export,) = export_evalplus(tmp_path, [make_record(1, solution="x = '\ud800'")])
    assert lines_of(export.samples)[0]["solution"] == "x = '\ud800'"


def test_other_datasets_are_nothing_for_evalplus(tmp_path):
    with pytest.raises(StoreError, match="nothing for EvalPlus") as caught:
        export_evalplus(tmp_path, [make_record(dataset="own")])
    assert "--dataset=humaneval" in str(caught.value)


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "evalplus").write_text("in the way")
    with pytest.raises(StoreError, match="Cannot create"):
        export_evalplus(tmp_path, [make_record()])
