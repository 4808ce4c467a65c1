"""A problem's story in plain text."""

from __future__ import annotations

from sample_records import make_record
from sample_runs import reviewed_run

from pytest_dualcode.report.loading import load_run
from pytest_dualcode.report.story import changes, story_lines, verdict_text


def test_the_story_goes_from_draft_over_review_and_fix_to_the_verdict(tmp_path):
    run = load_run(reviewed_run(tmp_path / "run"))
    records = [r for r in run.records if r.task_id == "HumanEval/0"]
    assert story_lines(records, run.calls()) == [
        "HumanEval/0 (humaneval) with raw-coder",
        "======================================",
        "failed: base fail, plus fail: input 0 gave -1, expected 3",
        "first failing input: [1, 2]",
        "",
        "1. draft: ok",
        "   coder coder-model: 10 + 20 tokens, 1.5 s, finish reason stop",
        "   extraction: fence",
        "   | def add(a, b):",
        "   |     return a - b",
        "",
        "solution",
        "--------",
        "def add(a, b):\n    return a - b\n",
        "",
        "",
        "HumanEval/0 (humaneval) with review-fix",
        "=======================================",
        "passed: base pass, plus pass",
        "",
        "1. draft: ok",
        "   coder coder-model: 10 + 20 tokens, 1.5 s, finish reason stop",
        "   extraction: fence",
        "   | def add(a, b):",
        "   |     return a - b",
        "",
        "2. review: bugs",
        "   planner planner-model: 10 + 20 tokens, 1.5 s, finish reason stop",
        "   > a - b subtracts.",
        "   > VERDICT: bugs",
        "",
        "3. fix: ok",
        "   coder coder-model: 10 + 20 tokens, 1.5 s, finish reason stop",
        "   extraction: fence",
        "   | @@ -1,2 +1,2 @@",
        "   |  def add(a, b):",
        "   | -    return a - b",
        "   | +    return a + b",
        "",
        "solution",
        "--------",
        "def add(a, b):\n    return a + b\n",
    ]


def test_an_error_is_not_called_a_wrong_answer():
    assert verdict_text(make_record(base=None, reason="the server died")) == (
        "error (not a wrong answer): the server died"
    )


def test_model_text_cannot_drive_the_terminal():
    record = make_record(solution="x = 1\x1b[31m\ud800")
    text = "\n".join(story_lines([record], {}))
    assert "\x1b" not in text
    text.encode("utf-8")


def test_a_record_whose_calls_are_lost_still_has_its_story(tmp_path):
    run = load_run(reviewed_run(tmp_path / "run"))
    lines = story_lines(run.records, {})
    assert "2. review: bugs" in lines


def test_equal_programs_have_no_diff():
    assert changes("a\nb\n", "a\nb\n") == []


def test_examples_are_counted_and_the_failing_ones_named():
    record = make_record(1, plus="fail", examples_passed=(True, False, False))
    line = "visible examples, run afterwards: 1 of 3 pass, not 2, 3"
    assert line in story_lines([record], {})
    all_well = make_record(1, plus="fail", examples_passed=(True,))
    assert "visible examples, run afterwards: 1 of 1 pass" in story_lines([all_well], {})
    assert not any("examples" in line for line in story_lines([make_record()], {}))
