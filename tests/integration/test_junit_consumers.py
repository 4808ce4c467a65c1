"""The JUnit file as its consumers read it: names and places that they know, whatever the text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable

import pytest
from scripted_server import Reply, ScriptedServer
from sums import COUNT, write_sums

KNOWN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "testcase": {"properties", "failure", "error", "system-out", "system-err"},
    "properties": {"property"},
}
"""Children that Jenkins, GitLab and pytest itself know."""

HOSTILE = "no \x1b[31m <&> ]]> \N{SNOWMAN} \x00"


def answer(body: dict[str, object]) -> Reply | str:
    """A call that is refused, a program that raises odd text, and programs that are wrong."""
    text = str(body["messages"])
    if "add_2" in text:
        return Reply(None, status=400, error=HOSTILE)
    if "add_3" in text:
        return "```python\ndef add_3(x):\n    raise ValueError('\\ud800 \\x00 ]]> <&>')\n```"
    return "no program"


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_errors_failures_and_odd_text_are_well_formed(
    pytester: pytest.Pytester, serve: Callable[..., ScriptedServer], workers: str
) -> None:
    sums = write_sums(pytester.path)
    url = serve(answer).url
    pytester.runpytest_subprocess(
        "--pipeline=raw-coder",
        f"--dataset={sums}",
        f"--coder-url={url}",
        "--junitxml=junit.xml",
        workers,
    )
    root = ET.parse(pytester.path / "junit.xml").getroot()
    for element in root.iter():
        assert {child.tag for child in element} <= KNOWN.get(element.tag, set())
    suite = root.find("testsuite")
    assert suite is not None
    outcomes = Counter(child.tag for case in suite.iter("testcase") for child in case)
    assert outcomes == {"properties": COUNT, "failure": COUNT - 1, "error": 1}
    counts = (suite.get("tests"), suite.get("failures"), suite.get("errors"))
    assert counts == (str(COUNT), str(COUNT - 1), "1")
    error = suite.find(".//error")
    assert error is not None
    assert "\N{SNOWMAN}" in (error.text or "")
