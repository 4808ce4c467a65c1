"""Parcels survive the way to the worker, whatever text they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.errors import InfrastructureError, StoreError
from pytest_dualcode.plugin.handover import Handover, Parcel, parcel_of
from pytest_dualcode.plugin.records import unjudged
from pytest_dualcode.types import ItemKey, Solution, Stage, SuiteResult, Verdict

KEY = ItemKey("review-fix", "HumanEval/0", 1)
TEXT = st.text(st.characters(), max_size=50)
SUITES = st.builds(SuiteResult, st.sampled_from(["pass", "fail", "timeout"]), TEXT)


@given(
    st.builds(
        Parcel,
        TEXT,
        st.none() | st.tuples(TEXT, TEXT),
        st.none() | st.builds(Verdict, SUITES, SUITES, st.just("L2")),
        st.lists(st.tuples(st.integers(0, 9), TEXT), max_size=3).map(tuple),
    )
)
def test_what_is_put_is_got(tmp_path_factory: pytest.TempPathFactory, parcel: Parcel) -> None:
    handover = Handover(tmp_path_factory.mktemp("run") / ".handover")
    handover.put(KEY, parcel)
    assert handover.get(KEY) == parcel


def test_lone_surrogates_survive(tmp_path: Path) -> None:
    handover = Handover(tmp_path)
    handover.put(KEY, Parcel("x = '\ud800'"))
    assert handover.get(KEY).program == "x = '\ud800'"


def test_keys_do_not_collide(tmp_path: Path) -> None:
    handover = Handover(tmp_path)
    keys = [
        ItemKey("a", "b", 0),
        ItemKey("a", "b", 1),
        ItemKey("a", "b/c", 0),
        ItemKey("ab", "", 0),
    ]
    for number, key in enumerate(keys):
        handover.put(key, Parcel(str(number)))
    assert [handover.get(key).program for key in keys] == ["0", "1", "2", "3"]


def test_a_missing_parcel_is_infrastructure(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="did not reach the worker") as error:
        Handover(tmp_path).get(KEY)
    assert "--run-dir" in error.value.remedy


def test_a_full_disk_names_the_remedy(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match="could not be written") as error:
        Handover(blocked / "inside").put(KEY, Parcel("x"))
    assert "--resume" in error.value.remedy


def test_only_other_programs_are_judged_as_stages() -> None:
    stages = (
        Stage("draft", "ok", program="a"),
        Stage("review", "bugs"),
        Stage("fix", "ok", program="b"),
    )
    parcel = parcel_of(unjudged(KEY, "humaneval", Solution("b", stages)), None, None)
    assert parcel.stages == ((0, "a"),)
    assert parcel.program == "b"


def test_clear_leaves_nothing(tmp_path: Path) -> None:
    handover = Handover(tmp_path / "h")
    handover.put(KEY, Parcel("x"))
    handover.clear()
    handover.clear()
    assert not list(tmp_path.iterdir())
