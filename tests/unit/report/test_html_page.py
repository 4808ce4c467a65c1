"""The page without a browser: what is embedded, and how."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_records import make_record
from sample_runs import DRAFT, FIXED, reviewed_run, write_run

from pytest_dualcode.report.context import Context
from pytest_dualcode.report.html.data import LONGEST_TEXT, embedded, page_index, problem_block
from pytest_dualcode.report.html.figures import Bar, Flips, flip_bars, scatter, share_bars
from pytest_dualcode.report.html.page import html_report
from pytest_dualcode.report.loading import compare_loaded, load_run
from pytest_dualcode.report.mechanism import all_causes
from pytest_dualcode.types import Stage


@pytest.fixture
def run(tmp_path):
    return load_run(reviewed_run(tmp_path / "run"))


def block(page: str, name: str):
    """The embedded data of one name, as the page's script reads them."""
    match = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page)
    assert match is not None
    return json.loads(match[1])


@given(
    st.recursive(
        st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_embedded_data_come_back_and_cannot_end_their_element(data):
    text = embedded(data)
    assert json.loads(text) == data
    assert not set("<>&") & set(text)
    assert text.isascii()


def test_the_index_has_each_problem_with_outcomes_flips_and_causes(run):
    index = page_index(run, all_causes(run.records))
    assert index["pipelines"] == ["raw-coder", "review-fix"]
    assert index["kinds"] == ["algorithm"]
    assert index["problems"][0] == {
        "id": "HumanEval/0",
        "dataset": "humaneval",
        "cells": [
            {"outcome": "failed", "kind": "algorithm"},
            {"outcome": "passed", "flip": "improved"},
        ],
    }
    assert index["problems"][2]["cells"][1] == {"outcome": "error"}


def test_a_problem_flips_against_what_its_dataset_is_compared_with(tmp_path):
    """As when raw-coder was deselected for one dataset: the comparisons take plan-code there."""
    records = [make_record(1), make_record(1, plus="fail", pipeline="review-fix")]
    records += [
        make_record(1, plus="fail", dataset="mbpp", pipeline="plan-code"),
        make_record(1, dataset="mbpp", pipeline="review-fix"),
    ]
    run = load_run(write_run(tmp_path / "run", records))
    compared = {c.dataset: (c.baseline, c.improvements, c.regressions) for c in run.comparisons()}
    assert compared == {
        "humaneval": ("raw-coder", (), ("HumanEval/1",)),
        "mbpp": ("plan-code", ("Mbpp/1",), ()),
    }
    index = page_index(run, {})
    flips = {
        problem["id"]: [cell.get("flip") for cell in problem["cells"] if cell]
        for problem in index["problems"]
    }
    assert flips == {"HumanEval/1": [None, "regressed"], "Mbpp/1": [None, "improved"]}


def test_samples_of_a_problem_are_counted_in_its_cell(tmp_path):
    records = [make_record(1, sample=n, plus="pass" if n else "fail") for n in range(3)]
    run = load_run(write_run(tmp_path / "run", records))
    cell = page_index(run, {})["problems"][0]["cells"][0]
    assert cell == {"outcome": "failed", "samples": "2/3"}


def test_a_block_shares_calls_and_shows_changes_as_diffs(run):
    page = html_report(run, Context(prompts={"HumanEval/0": "\ndef add(a, b):\n"}))
    data = block(page, "problem-0")
    assert data["spec"] == "def add(a, b):"
    assert len(data["calls"]) == 3
    raw, reviewed = data["stories"]
    assert raw["input"] == "[1, 2]"
    assert "solution" not in raw
    draft, review, fix = reviewed["stages"]
    assert (draft["program"], draft["judged"]) == (DRAFT, "fails")
    assert "program" not in review
    assert fix["judged"] == "passes"
    assert fix["diff"][-2:] == ["-    return a - b", "+    return a + b"]
    assert "program" not in fix


def test_a_solution_that_no_stage_made_is_shown(tmp_path):
    run = load_run(write_run(tmp_path / "run", [make_record(1, solution=FIXED)]))
    assert block(html_report(run), "problem-0")["stories"][0]["solution"] == FIXED


def test_the_final_programs_examples_are_told():
    record = make_record(1, plus="fail", examples_passed=(True, False))
    (story,) = problem_block([record], {}, {}, {}, None)["stories"]
    assert story["examples"] == "visible examples, run afterwards: 1 of 2 pass, not 2"


def test_a_second_draft_is_shown_whole(tmp_path):
    stages = (Stage("draft", "ok", program=DRAFT), Stage("draft-planner", "ok", program=FIXED))
    run = load_run(write_run(tmp_path / "run", [make_record(1, stages=stages)]))
    shown = block(html_report(run), "problem-0")["stories"][0]["stages"]
    assert [stage["program"] for stage in shown] == [DRAFT, FIXED]


def test_very_long_texts_are_cut_and_say_so(tmp_path):
    long = "x = 1\n" * 20_000
    record = make_record(1, stages=(Stage("draft", "ok", program=long),), solution=long)
    page = html_report(load_run(write_run(tmp_path / "run", [record])))
    shown = block(page, "problem-0")["stories"][0]["stages"][0]["program"]
    assert len(shown) < LONGEST_TEXT + 100
    assert shown.endswith("(120,000 characters)")


def test_the_page_names_no_other_place(run):
    page = html_report(run)
    assert "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)


def test_damage_and_settings_are_shown(tmp_path):
    directory = reviewed_run(tmp_path / "run")
    with (directory / "results.jsonl").open("a") as file:
        file.write("half")
    page = html_report(load_run(directory))
    assert "1 damaged line(s)" in page
    assert "datasets.humaneval.hash" in page


def test_a_baseline_has_its_own_section(run):
    page = html_report(run, None, compare_loaded(run, run))
    assert "<h2>Against the baseline</h2>" in page
    assert "<h2>Against the baseline</h2>" not in html_report(run)


@given(
    st.lists(st.tuples(st.text("ab<&é", max_size=9), *[st.floats(0, 1)] * 3), max_size=5),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([-1, 0, 1])), max_size=30),
)
def test_figures_are_well_formed_whatever_the_labels(bars, points):
    figures = [
        share_bars("a <b>", [Bar(label, *values, label, 0.5) for label, *values in bars]),
        flip_bars("a & b", [Flips(label, 3, 0) for label, *_ in bars]),
        scatter("c", points),
    ]
    for figure in figures:
        svg = ElementTree.fromstring(figure).find(".//svg")
        assert svg is not None
        assert svg.get("viewBox")


def test_points_of_a_scatter_stay_inside_and_apart():
    figure = ElementTree.fromstring(scatter("many", [(0.5, 0)] * 10 + [(0.2, 1), (0.9, -1)]))
    circles = [(c.get("cx"), c.get("cy")) for c in figure.iter("circle")]
    assert len(set(circles)) == 10
    kinds = [path.get("class") for path in figure.iter("path")]
    assert kinds == ["won", "lost"]
