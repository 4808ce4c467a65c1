"""Tables of what went on inside pipelines, the same in Markdown and HTML."""

from __future__ import annotations

from sample_records import make_record
from sample_runs import reviewed_run

from pytest_dualcode.analysis.detector import known_verdicts
from pytest_dualcode.analysis.summary import compare_within
from pytest_dualcode.report.context import Context
from pytest_dualcode.report.loading import load_run
from pytest_dualcode.report.mechanism import (
    DETECTION,
    EFFECT,
    all_causes,
    detection_rows,
    detection_words,
    effect_rows,
    failure_table,
    markdown_sections,
    richness_parts,
)
from pytest_dualcode.types import Stage, StageVerdict


def test_a_review_of_a_shared_draft_is_a_hit_and_its_fix_mends(tmp_path):
    records = load_run(reviewed_run(tmp_path / "run")).records
    known = known_verdicts(records)
    (found,) = detection_rows(records, known)
    assert dict(zip(DETECTION, found, strict=True)) == {
        "pipeline": "review-fix", "dataset": "humaneval", "reviews": "1", "hits": "1",
        "misses": "0", "false alarms": "0", "all-clears": "0", "no verdict": "0",
        "wrong drafts found": "100 % of 1 (21 to 100)", "false alarm rate": "",
    }  # fmt: skip
    (changed,) = effect_rows(records, known)
    assert dict(zip(EFFECT, changed, strict=True))["mended"] == "1"


def reviews(pipeline, outcome, plus, count, first):
    stages = (Stage("draft", "ok", program="x"), Stage("review", outcome))
    verdicts = (StageVerdict(0, "pass", plus),)
    return [
        make_record(
            n, plus=plus, pipeline=pipeline, stages=stages, stage_verdicts=verdicts, solution="x"
        )
        for n in range(first, first + count)
    ]


def test_a_reviewer_that_guesses_is_called_so_and_one_that_sees_is_not():
    guesses = reviews("a", "bugs", "fail", 5, 0) + reviews("a", "correct", "fail", 5, 5)
    guesses += reviews("a", "bugs", "pass", 5, 10) + reviews("a", "correct", "pass", 5, 15)
    sees = reviews("b", "bugs", "fail", 10, 20) + reviews("b", "correct", "pass", 10, 30)
    wrong = reviews("c", "correct", "fail", 10, 40) + reviews("c", "bugs", "pass", 10, 50)
    records = guesses + sees + wrong
    first, second, third = detection_words(records, known_verdicts(records))
    assert first == (
        "a on humaneval: the review called 50 % of the wrong drafts wrong and 50 % of the right "
        "ones (Fisher's exact test, p = 1.00): it cannot be told from guessing."
    )
    assert second.endswith("p < 0.001): it sees a difference.")
    assert third.endswith("it is worse than guessing.")


def test_failures_and_regressions_stand_beside_the_papers_figure():
    reason = "test 0: raised NameError: name 'math' is not defined"
    records = [
        make_record(1),
        make_record(2, "fail", "fail"),
        make_record(1, "fail", "fail", pipeline="plan-code", reason=reason),
    ]
    header, rows = failure_table(records, compare_within(records))
    assert header[2:] == ("failures", "plan-code lost", "paper's plan-code lost")
    table = {row[0]: tuple(row[2:]) for row in rows}
    assert table == {
        "missing import": ("1", "1", "7"),
        "renamed": ("", "", "1"),
        "over-engineering": ("", "", "2"),
        "algorithm": ("1", "", "5"),
    }


def test_over_engineering_is_seen_beside_raw_coders_program_first():
    long = "def f(a):\n" + "".join(f"    x{n} = [a, {n}, a + {n}]\n" for n in range(12))
    records = [
        make_record(1, pipeline="review-fix", solution=long),
        make_record(1, "fail", "fail", pipeline="plan-code", solution=long),
        make_record(1),
    ]
    causes = all_causes(records)
    assert list(causes) == [("plan-code", "HumanEval/1", 0)]
    assert "raw-coder's program" in causes["plan-code", "HumanEval/1", 0].evidence


def test_a_reference_solution_is_no_measure_of_size():
    long = "def f(a):\n" + "".join(f"    x{n} = [a, {n}, a + {n}]\n" for n in range(12))
    records = [make_record(1, pipeline="canonical"), make_record(1, "fail", "fail", solution=long)]
    assert [cause.kind for cause in all_causes(records).values()] == ["algorithm"]


def test_a_run_without_failures_has_no_table():
    assert failure_table([make_record()], ())[1] == []


def test_richness_is_shown_across_and_within_datasets():
    records = [
        make_record(n, plus="fail", dataset=d) for n in range(4) for d in ("humaneval", "mbpp")
    ]
    records += [
        make_record(n, plus="pass" if n > 1 else "fail", dataset=d, pipeline="review-fix")
        for n in range(4)
        for d in ("humaneval", "mbpp")
    ]
    scores = {f"{name}/{n}": n / 4 for n in range(4) for name in ("HumanEval", "Mbpp")}
    parts = richness_parts(records, compare_within(records), scores)
    assert [words.split(":")[0] for words, _, _ in parts] == [
        "review-fix against raw-coder on all datasets",
        "review-fix against raw-coder on humaneval",
        "review-fix against raw-coder on mbpp",
    ]
    assert len(parts[0][2]) == 8
    text = "\n".join(markdown_sections(records, compare_within(records), Context(richness=scores)))
    assert "## Gain and richness of the spec" in text
    assert richness_parts(records, compare_within(records), {}) == []


def test_sections_without_rows_are_left_out():
    assert markdown_sections([make_record()], [], Context()) == []


def test_lean_and_rich_specs_are_told_apart_where_a_dataset_has_both(tmp_path):
    records = load_run(reviewed_run(tmp_path / "run")).records
    known = known_verdicts(records)
    scores = {"HumanEval/0": 0.5, "HumanEval/1": 0.6}
    rows = detection_rows(records, known, scores)
    assert [row[1] for row in rows] == ["humaneval", "humaneval, lean specs"]
    assert len(detection_rows(records, known, {"HumanEval/0": 0.5})) == 1
