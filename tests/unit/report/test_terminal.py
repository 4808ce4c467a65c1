"""The terminal summary: 80 columns, no bare pass@1 with errors, the report named."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sample_records import make_record

from pytest_dualcode.analysis.summary import DatasetCount, compare_within, summarise
from pytest_dualcode.report.terminal import summary_lines
from pytest_dualcode.types import Stage


def run(pipeline="raw-coder", passed=82, failed=82, errors=0, **fields):
    statuses = ["pass"] * passed + ["fail"] * failed + [None] * errors
    return [
        make_record(n, s and "pass", s, pipeline=pipeline, **fields) for n, s in enumerate(statuses)
    ]


def test_the_table_reads_without_colour():
    records = run(llm_calls=1, prompt_tokens=1000, completion_tokens=300, llm_seconds=4.0)
    lines = summary_lines(summarise(records), report="reports/x/summary.md")
    assert lines == [
        "pass@1",
        "pipeline   dataset      problems  base %  plus %  errors",
        "raw-coder  humaneval  164 of 164   100.0    50.0       0",
        "",
        "cost: calls, tokens, and seconds summed over items",
        "pipeline   dataset    calls  prompt  completion    models  judge",
        "raw-coder  humaneval    164    164k         49k  10.9 min  0.0 s",
        "",
        "Report: reports/x/summary.md",
    ]


def test_errors_turn_pass_at_1_into_a_range_and_are_explained():
    text = "\n".join(summary_lines(summarise(run(passed=80, failed=80, errors=4))))
    assert "48.8 to 51.2" in text
    assert "- raw-coder on humaneval: 4 errors" in text
    assert "not wrong answers" in text


def test_what_a_reader_must_know_stands_below_the_table():
    review = (Stage("review", "review_unparsed"),)
    records = [
        make_record(1, "timeout", "timeout", finish_reasons=("length", "length"), stages=review),
        make_record(2, sample=0),
        make_record(2, sample=1),
    ]
    lines = summary_lines(summarise(records, {"humaneval": DatasetCount(8, 164)}))
    text = " ".join(line.strip() for line in lines)
    assert "2 of 164" in text
    assert "6 of 8 selected problems have no result yet (continue with --resume)" in text
    assert "1 solution timed out" in text
    assert "2 replies cut off by max_tokens (in 1 item)" in text
    assert "1 of 1 review without a verdict (the draft was kept)" in text
    assert "1.5 samples a problem; pass@1 is their mean" in text


def test_shared_calls_are_said_to_be_counted_in_each_pipeline():
    records = run(passed=1, failed=0, call_ids=("a",), llm_calls=1)
    records += run("review-fix", 1, 0, call_ids=("a", "b"), llm_calls=2)
    text = " ".join(summary_lines(summarise(records)))
    assert "2 different calls were made" in text


def test_comparisons_follow_in_words():
    records = run() + run("review-fix", 98, 66)
    lines = summary_lines(summarise(records), comparisons=compare_within(records))
    text = " ".join(line.strip() for line in lines)
    assert "review-fix against raw-coder on humaneval (plus tests): +16 of 164 problems" in text


def test_many_comparisons_become_a_table():
    records = run() + [record for name in ("a", "b", "c", "d") for record in run(name, 98, 66)]
    lines = summary_lines(summarise(records), comparisons=compare_within(records))
    assert "Against raw-coder, plus tests" in lines
    assert any(line.startswith("a ") and line.endswith("better") for line in lines)


names = st.text(st.sampled_from("abcdefgh-+0"), min_size=1, max_size=60)


@given(st.lists(names, min_size=1, max_size=4, unique=True), st.integers(0, 3), names)
def test_no_line_is_wider_than_80_columns_whatever_the_names(pipelines, errors, dataset):
    records = [
        make_record(
            n, None if n < errors else "pass", pipeline=name, llm_calls=99, prompt_tokens=10**9,
            completion_tokens=10**8, llm_seconds=1e5, judge_seconds=1e4, finish_reasons=("length",),
            call_ids=(str(n),),
        )
        for name in pipelines
        for n in range(12)
    ]  # fmt: skip
    renamed = [_with_dataset(record, dataset) for record in records]
    lines = summary_lines(summarise(renamed), comparisons=compare_within(renamed))
    assert max(map(len, lines)) <= 80


def _with_dataset(record, dataset):
    from dataclasses import replace

    return replace(record, dataset=dataset)


def test_long_pipeline_names_get_a_line_of_their_own():
    name = "my-own-very-long-pipeline-name+retry"
    lines = summary_lines(summarise(run(name)))
    assert name in lines
    assert any(line.startswith("  humaneval") and "50.0" in line for line in lines)


def test_an_empty_run_says_so():
    assert summary_lines(summarise([])) == ["No problem has a result yet."]
