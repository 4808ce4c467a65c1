"""What is said of workers that fail, and what becomes of the specs of lost ones."""

from __future__ import annotations

import execnet
import pytest

from pytest_dualcode.plugin.xdist_hooks import bring_home, elsewhere, explained, place

SSH = "execmodel=main_thread_only//ssh=me@host//python=/opt/python//chdir=/tmp/x//env:KEY=secret"


@pytest.mark.parametrize(
    ("spec", "away"),
    [
        ("popen", False),
        ("popen//chdir=/tmp", False),
        ("popen//via=proxy", True),
        ("socket=host:1", True),
        (SSH, True),
    ],
)
def test_which_workers_may_be_elsewhere(spec: str, away: bool) -> None:
    assert elsewhere(execnet.XSpec(spec)) is away


def test_a_place_is_named_without_what_its_environment_holds() -> None:
    assert place(execnet.XSpec(SSH)) == "me@host"
    assert place(execnet.XSpec("execmodel=main_thread_only//socket=host:1")) == "host:1"
    assert place(execnet.XSpec("execmodel=main_thread_only//popen//via=x")) == "popen//via=x"


def test_what_is_brought_home_keeps_nothing_of_the_other_machine() -> None:
    spec = execnet.XSpec(SSH)
    spec.id = "gw1"
    bring_home(spec)
    assert spec.popen
    assert spec.execmodel == "main_thread_only"
    assert (spec.ssh, spec.python, spec.chdir, spec.id, spec.env) == (None, None, None, None, {})


def test_a_message_for_users_stands_without_the_traceback() -> None:
    assert explained("Traceback\n  File x\npytest.UsageError: No data.\nGet them.\n") == (
        "No data.\nGet them."
    )


@pytest.mark.parametrize(
    "last",
    ["ModuleNotFoundError: No module named 'pytest'", "x: error: unrecognized arguments: --limit"],
)
def test_what_is_not_installed_there_is_to_be_installed(last: str) -> None:
    said = explained(f"Traceback\n  File x\nUsageError: usage\n{last}\n  rootdir: /x\n")
    assert said.startswith(last)
    assert "install pytest-dualcode==" in said


def test_an_unknown_failure_is_shown_whole() -> None:
    assert explained("Traceback\n  File x\nKeyError: 3\n") == "Traceback\n  File x\nKeyError: 3"
