"""JUnit properties: the contract's names, and values that XML can hold."""

from __future__ import annotations

from sample_records import make_record

from pytest_dualcode.analysis.summary import DatasetCount, summarise
from pytest_dualcode.report.junit import item_properties, suite_properties

CONTRACT = {
    "task_id", "pipeline", "dataset", "base_status", "plus_status", "llm_calls",
    "prompt_tokens", "completion_tokens", "llm_seconds", "judge_seconds", "isolation",
}  # fmt: skip


def test_an_item_has_every_property_of_the_contract():
    found = dict(item_properties(make_record(7, llm_calls=2, llm_seconds=1.23456)))
    assert found.keys() >= CONTRACT
    assert found["task_id"] == "HumanEval/7"
    assert (found["base_status"], found["llm_calls"], found["llm_seconds"]) == (
        "pass",
        "2",
        "1.235",
    )


def test_an_error_has_no_status():
    found = dict(item_properties(make_record(base=None)))
    assert (found["outcome"], found["base_status"], found["plus_status"]) == ("error", "", "")


def test_a_suite_has_pass_at_1_of_each_pipeline_and_dataset():
    records = [make_record(1), make_record(2, plus="fail"), make_record(1, dataset="mbpp")]
    counts = {"humaneval": DatasetCount(2, 164), "mbpp": DatasetCount(1, 378)}
    found = dict(suite_properties(summarise(records, counts)))
    assert found["pass_at_1.raw-coder.humaneval.base"] == "1.0000"
    assert found["pass_at_1.raw-coder.humaneval.plus"] == "0.5000"
    assert found["problems.raw-coder.humaneval"] == "2"
    assert found["of_problems.raw-coder.mbpp"] == "378"


def test_with_errors_a_suite_gives_the_range():
    records = [make_record(n) for n in range(3)] + [make_record(3, base=None)]
    found = dict(suite_properties(summarise(records)))
    assert found["pass_at_1.raw-coder.humaneval.plus"] == "0.7500..1.0000"
    assert found["errors.raw-coder.humaneval"] == "1"


def test_control_characters_never_reach_the_xml():
    found = dict(item_properties(make_record(pipeline="a\x00\ud800b")))
    assert found["pipeline"].isprintable()
