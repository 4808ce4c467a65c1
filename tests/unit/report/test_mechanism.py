"""Tables of what went on inside pipelines, the same in Markdown and HTML."""

from __future__ import annotations

from sample_records import make_record
from sample_runs import reviewed_run

from pytest_dualcode.analysis.detector import known_verdicts
from pytest_dualcode.analysis.summary import compare_within
from pytest_dualcode.report.loading import load_run
from pytest_dualcode.report.mechanism import (
    DETECTION,
    EFFECT,
    FAILURE,
    detection_rows,
    effect_rows,
    failure_rows,
    markdown_sections,
    regression_causes,
    richness_parts,
)


def test_a_review_of_a_shared_draft_is_a_hit_and_its_fix_mends(tmp_path):
    records = load_run(reviewed_run(tmp_path / "run")).records
    known = known_verdicts(records)
    (found,) = detection_rows(records, known)
    assert dict(zip(DETECTION, found, strict=True)) == {
        "pipeline": "review-fix", "dataset": "humaneval", "reviews": "1", "hits": "1",
        "misses": "0", "false alarms": "0", "all-clears": "0", "no verdict": "0",
        "wrong drafts found": "100 % of 1 (20.7 to 100.0)", "false alarm rate": "",
    }  # fmt: skip
    (changed,) = effect_rows(records, known)
    assert dict(zip(EFFECT, changed, strict=True))["mended"] == "1"


def test_failures_and_regressions_stand_beside_the_papers_figure():
    lost = make_record(
        1, "fail", "fail", pipeline="plan-code", reason="test 0: raised NameError: name 'math' is"
    )
    rows = failure_rows([make_record(1), lost, make_record(2, "fail", "fail")])
    table = {row[0]: dict(zip(FAILURE, row, strict=True)) for row in rows}
    assert table["missing import"]["failures"] == "1"
    assert table["missing import"]["regressions"] == "1"
    assert table["missing import"]["paper's regressions"] == "7"
    assert table["algorithm"]["regressions"] == ""
    assert regression_causes([make_record(1), lost])["plan-code", "HumanEval/1"].kind == (
        "missing import"
    )


def test_a_run_without_failures_has_no_table():
    assert failure_rows([make_record()]) == []


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
    text = "\n".join(markdown_sections(records, compare_within(records), scores))
    assert "## Gain and richness of the spec" in text
    assert richness_parts(records, compare_within(records), {}) == []


def test_sections_without_rows_are_left_out():
    assert markdown_sections([make_record()], [], {}) == []


def test_lean_and_rich_specs_are_told_apart_where_a_dataset_has_both(tmp_path):
    records = load_run(reviewed_run(tmp_path / "run")).records
    known = known_verdicts(records)
    scores = {"HumanEval/0": 0.5, "HumanEval/1": 0.6}
    rows = detection_rows(records, known, scores)
    assert [row[1] for row in rows] == ["humaneval", "humaneval, lean specs"]
    assert len(detection_rows(records, known, {"HumanEval/0": 0.5})) == 1
