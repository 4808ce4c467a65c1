"""`summary.md`: tables that GitHub renders, and the judgement in words."""

from __future__ import annotations

import pytest
from sample_records import make_record

from pytest_dualcode.analysis.summary import DatasetCount, compare_within, summarise
from pytest_dualcode.report.markdown import flat, markdown_summary, markdown_table
from pytest_dualcode.report.wording import origin


def both_pipelines():
    statuses = ["pass"] * 5 + ["fail"] * 5
    records = [make_record(n, plus=s) for n, s in enumerate(statuses)]
    return records + [make_record(n, pipeline="review-fix") for n in range(10)]


def test_the_results_are_labelled_with_how_many_ran_and_have_an_interval():
    summary = summarise(both_pipelines(), {"humaneval": DatasetCount(10, 164)})
    text = markdown_summary(summary)
    assert "| raw-coder | humaneval | 10 of 164 | 100.0 % | 50.0 % | 23.7 to 76.3 % | 0 |" in text


def test_with_errors_there_is_a_range_and_no_interval():
    records = [make_record(1), make_record(2, base=None)]
    text = markdown_summary(summarise(records))
    assert "| 2 of 2 | 50.0 to 100.0 % | 50.0 to 100.0 % |  | 1 |" in text
    assert "- raw-coder on humaneval: 1 error" in text


def test_the_comparison_is_a_table_and_a_sentence():
    records = both_pipelines()
    text = markdown_summary(summarise(records), compare_within(records))
    assert "## Is the difference real?" in text
    assert "Against raw-coder, plus tests:" in text
    assert "| review-fix | humaneval | +5 of 10 | +11.7 to +76.3 | 5 | 0 | 0.062 | noise |" in text
    assert "- review-fix against raw-coder on humaneval (plus tests): +5 of 10" in text


def test_one_pipeline_has_nothing_to_compare():
    assert "Is the difference real" not in markdown_summary(summarise([make_record()]))


def test_settings_are_listed_by_dotted_name_and_empty_ones_left_out():
    settings = {"models": {"coder": {"name": "a|b"}}, "limit": None, "pipelines": ["x", "y"]}
    assert flat(settings) == [("models.coder.name", "a|b"), ("pipelines", "x, y")]
    assert "- `models.coder.name`: a|b" in markdown_summary(
        summarise([make_record()]), (), settings
    )


def test_where_the_numbers_come_from_stands_at_the_top():
    settings = {
        "version": "0.1.0",
        "started": "2026-01-02T03:04:05+00:00",
        "models": {"roles": {"coder": {"model": "C"}, "planner": {"model": "P"}}},
    }
    text = markdown_summary(summarise([make_record()]), (), settings)
    assert text.splitlines()[2] == (
        "pytest-dualcode 0.1.0; started 2026-01-02T03:04:05+00:00; coder: C; planner: P; "
        "judge isolation L3"
    )


@pytest.mark.parametrize("models", [None, [], {}, {"roles": 3}])
def test_settings_of_another_shape_have_no_models(models):
    assert origin({"models": models}, summarise([make_record()])) == "judge isolation L3"


def session(model: str, vllm: str) -> dict[str, object]:
    return {"models": {"roles": {"coder": {"model": model, "vllm": vllm}}}}


def test_servers_that_changed_between_sessions_are_said():
    settings = {
        **session("C", "0.32.0"),
        "earlier_sessions": [
            session("C", "0.31.1"),
            session("C", "0.31.1"),
            session("C", "0.32.0"),
        ],
    }
    assert origin(settings, summarise([make_record()])) == (
        "coder: C; judge isolation L3; "
        "coder served otherwise before a resume: vllm 0.31.1, then 0.32.0"
    )


@pytest.mark.parametrize("sessions", [None, 3, [None], [{}], [session("C", "0.32.0")]])
def test_sessions_that_were_alike_or_are_not_known_are_not_said(sessions):
    settings = {**session("C", "0.32.0"), "earlier_sessions": sessions}
    assert origin(settings, summarise([make_record()])) == "coder: C; judge isolation L3"


def test_sessions_are_numbered():
    sessions = [{"began": "1"}, {"began": "2", "models": {}}]
    assert flat({"s": sessions}) == [("s.0.began", "1"), ("s.1.began", "2")]


def test_the_command_reads_as_it_was_typed():
    assert flat({"command": ["pytest", "-n", "2"]}) == [("command", "pytest -n 2")]


def test_cells_cannot_break_the_table():
    assert markdown_table(["a"], [["x|y"]]).splitlines()[-1] == "| x\\|y |"
