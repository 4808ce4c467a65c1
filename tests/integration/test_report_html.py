"""`report.html` in a real browser: open, filter, expand, keyboard, dark mode, phone width."""

from __future__ import annotations

import pytest
from browser import Browser, browser, missing_browser
from sample_records import make_record
from sample_runs import DRAFT, make_call, reviewed_run, write_run

from pytest_dualcode.report.writing import write_reports
from pytest_dualcode.types import Stage

pytestmark = pytest.mark.skipif(missing_browser() is not None, reason=str(missing_browser()))

FIRST = "#problems li:first-child"


@pytest.fixture(scope="module")
def chrome():
    with browser() as session:
        yield session


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_reports(reviewed_run(tmp_path_factory.mktemp("runs") / "run")).report


@pytest.fixture
def opened(chrome: Browser, page) -> Browser:
    """The page of a small run, light, at the size of a desktop."""
    chrome.prefer("light")
    chrome.resize(1280, 900)
    chrome.open(page)
    return chrome


def visible(chrome: Browser) -> list[str]:
    """Task ids of the problems that the list shows."""
    script = "return [...document.querySelectorAll('#problems > li:not([hidden]) .task')]"
    return chrome.run(script + ".map(node => node.textContent)")


def text(chrome: Browser, selector: str) -> str:
    return chrome.run("return document.querySelector(arguments[0]).innerText", selector)


def choose(chrome: Browser, name: str, value: str) -> None:
    """Set one filter, as a user does."""
    chrome.run(
        "const field = document.forms.filters[arguments[0]]; field.value = arguments[1];"
        "field.dispatchEvent(new Event('input', {bubbles: true}))",
        name,
        value,
    )


def background(chrome: Browser) -> str:
    return chrome.run("return getComputedStyle(document.body).backgroundColor")


def test_it_opens_with_all_problems_and_no_story_built(opened):
    assert visible(opened) == ["HumanEval/0", "HumanEval/1", "HumanEval/2"]
    assert text(opened, "#count") == "3 of 3 problems"
    assert opened.run("return document.querySelectorAll('.story *').length") == 0
    assert opened.console_errors() == []


def test_nothing_is_loaded_from_anywhere(opened):
    assert opened.run("return performance.getEntriesByType('resource').length") == 0


def test_the_headline_has_the_range_and_the_papers_number(opened):
    table = text(opened, "main table")
    assert "66.7 to 100.0 %" in table
    assert "87.8 %" in table
    assert "3 of 164" in table


def test_filters_narrow_the_list(opened):
    choose(opened, "text", "eval/2")
    assert visible(opened) == ["HumanEval/2"]
    assert text(opened, "#count") == "1 of 3 problems"
    choose(opened, "text", "")
    choose(opened, "what", "improved")
    assert visible(opened) == ["HumanEval/0"]
    choose(opened, "what", "error")
    assert visible(opened) == ["HumanEval/2"]
    choose(opened, "pipeline", "raw-coder")
    assert visible(opened) == []


def test_a_cause_can_be_filtered_for(opened):
    choose(opened, "kind", "algorithm")
    assert visible(opened) == ["HumanEval/0"]


def test_a_problem_opens_into_its_whole_story(opened):
    opened.click(f"{FIRST} .head")
    opened.run("document.querySelectorAll('.story details').forEach(box => box.open = true)")
    story = text(opened, f"{FIRST} .story")
    for part in (
        "draft: ok (this program fails)",
        "extraction: fence",
        "review: bugs",
        "a - b subtracts.",
        "Hm, minus?",
        "fix: ok (this program passes)",
        "First failing input:",
        "[1, 2]",
        "coder coder-model: 10 + 20 tokens, 1.5 s, ended with stop",
        "Cause: algorithm.",
    ):
        assert part in story
    assert "\nstop\n" not in story
    assert text(opened, ".diff .del") == "-    return a - b"
    assert text(opened, ".diff .add") == "+    return a + b"
    opened.click(f"{FIRST} .head")
    assert opened.run("return document.querySelector('.story').hidden")


def test_an_error_is_said_not_to_be_an_answer(opened):
    chip = "return document.querySelector('#problems li:nth-child(3) .error').textContent"
    assert opened.run(chip) == "! review-fixreview-fix error, not an answer; "


def test_a_link_opens_its_problem(chrome, page):
    chrome.open(page, "#HumanEval%2F1")
    expanded = "document.querySelector('[aria-expanded=true] .task').textContent"
    assert chrome.run(f"return {expanded}") == "HumanEval/1"


def test_the_keyboard_is_enough(opened):
    opened.press("/")
    assert opened.run("return document.activeElement.name") == "text"
    opened.press("Escape", "j", "j")
    focused = "return document.activeElement.querySelector('.task').textContent"
    assert opened.run(focused) == "HumanEval/1"
    opened.press("k", "Enter")
    assert opened.run(focused) == "HumanEval/0"
    assert opened.run("return document.activeElement.getAttribute('aria-expanded')") == "true"


def test_typing_in_the_filter_is_no_command(opened):
    before = background(opened)
    opened.press("/", "d", "j")
    assert opened.run("return document.forms.filters.text.value") == "dj"
    assert background(opened) == before


def test_dark_mode_follows_the_system_and_the_button(opened, page):
    assert background(opened) == "rgb(255, 255, 255)"
    opened.click("#theme")
    dark = background(opened)
    assert dark != "rgb(255, 255, 255)"
    opened.prefer("dark")
    opened.open(page)
    assert background(opened) == dark
    opened.press("d")
    assert background(opened) == "rgb(255, 255, 255)"


def test_a_phone_needs_no_sideways_scrolling(opened):
    opened.resize(360, 740)
    opened.click(f"{FIRST} .head")
    assert opened.run("return document.documentElement.scrollWidth") <= 360


def test_outcomes_differ_by_more_than_colour(opened):
    signs = opened.run(
        "return [...document.querySelectorAll('.chip')].map(c => c.className[5] + c.textContent[0])"
    )
    assert set(signs) == {"p✓", "f✗", "e!"}


def test_what_a_model_writes_never_becomes_markup(chrome, tmp_path):
    evil = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    call = make_call("coder", evil, reasoning=evil)
    stages = (Stage("draft", "ok", call.id, DRAFT + f"# {evil}\n", (evil,), evil),)
    record = make_record(1, "fail", "fail", reason=evil, stages=stages, failing_input=evil)
    run = write_run(tmp_path / "run", [record], [call], {"note": evil, "pipelines": [evil]})
    chrome.open(write_reports(run).report)
    chrome.click(f"{FIRST} .head")
    assert evil in text(chrome, f"{FIRST} .story")
    assert chrome.run("return document.title") == "run"
    assert chrome.run("return document.images.length") == 0
    assert chrome.console_errors() == []


def test_many_problems_are_listed_and_parsed_only_when_opened(chrome, tmp_path):
    names = ["raw-coder", "plan-code", "review-fix"]
    records = [
        make_record(n, plus="pass" if n % 3 else "fail", pipeline=name)
        for n in range(542)
        for name in names
    ]
    chrome.open(write_reports(write_run(tmp_path / "run", records)).report)
    assert text(chrome, "#count") == "542 of 542 problems"
    assert chrome.run("return document.querySelectorAll('.story *').length") == 0
    chrome.press("j", "Enter")
    pipelines = "document.querySelectorAll('.story[id] > details:not(.more)')"
    assert chrome.run(f"return {pipelines}.length") == 3
