"""The run directory: what is written is read back, and damage loses one line at most."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_records import make_record

from pytest_dualcode.errors import StoreError
from pytest_dualcode.store import (
    RECORDS_FILE,
    SETTINGS_FILE,
    RunStore,
    record_from_json,
    record_to_json,
    write_atomically,
)
from pytest_dualcode.types import Record, Stage, StageVerdict

any_text = st.text(st.characters(exclude_categories=()))
seconds = st.floats(0, 1e6)
statuses = st.sampled_from(["pass", "fail", "timeout"])
stages = st.builds(
    Stage,
    name=any_text,
    outcome=any_text,
    call_id=st.none() | any_text,
    program=st.none() | any_text,
    steps=st.lists(any_text, max_size=3).map(tuple),
    detail=any_text,
)
records = st.builds(
    Record,
    task_id=any_text,
    dataset=any_text,
    pipeline=any_text,
    sample=st.integers(0, 9),
    outcome=st.sampled_from(["passed", "failed", "error"]),
    base_status=st.none() | statuses,
    plus_status=st.none() | statuses,
    reason=any_text,
    solution=any_text,
    call_ids=st.lists(any_text, max_size=3).map(tuple),
    finish_reasons=st.lists(any_text, max_size=3).map(tuple),
    stages=st.lists(stages, max_size=3).map(tuple),
    llm_seconds=seconds,
    judge_seconds=seconds,
    stage_verdicts=st.lists(
        st.builds(StageVerdict, st.integers(0, 5), statuses, statuses), max_size=2
    ).map(tuple),
    examples_passed=st.lists(st.booleans(), max_size=3).map(tuple),
)


@given(records)
def test_any_record_survives_json_as_one_ascii_line(record):
    line = record_to_json(record)
    assert line.isascii()
    assert "\n" not in line
    assert record_from_json(line) == record


def test_unknown_fields_of_a_later_version_are_ignored():
    data = {**json.loads(record_to_json(make_record())), "invented_later": 1}
    assert record_from_json(json.dumps(data)) == make_record()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outcome", "skipped"),
        ("base_status", "passed"),
        ("solution", None),
        ("llm_calls", "3"),
        ("llm_seconds", "fast"),
        ("stages", [{"name": "draft"}]),
        ("stages", 3),
        ("examples_passed", ["f(1)"]),
    ],
)
def test_a_field_of_the_wrong_kind_is_no_record(field, value):
    data = {**json.loads(record_to_json(make_record())), field: value}
    with pytest.raises(StoreError, match="Not a record"):
        record_from_json(json.dumps(data))


def test_not_a_number_is_refused_with_the_item_named():
    with pytest.raises(StoreError, match=r"HumanEval/7 \(raw-coder\) cannot be stored"):
        record_to_json(make_record(7, llm_seconds=float("nan")))


def test_records_come_back_in_order_and_the_last_of_an_item_wins(tmp_path):
    with RunStore.create(tmp_path / "new" / "run") as store:
        for record in (make_record(1, base=None), make_record(2), make_record(1)):
            store.append(record)
        assert store.records() == (make_record(1), make_record(2))
    assert RunStore.open(tmp_path / "new" / "run").damage() is None


def test_each_record_is_on_the_disk_when_append_returns(tmp_path):
    store = RunStore.create(tmp_path / "run")
    store.append(make_record(1))
    assert (tmp_path / "run" / RECORDS_FILE).read_bytes().endswith(b"}\n")
    store.close()


@given(cut=st.integers(1, 60))
def test_a_half_written_last_line_costs_one_record_and_is_said(tmp_path_factory, cut):
    run = tmp_path_factory.mktemp("run")
    with RunStore.create(run / "r") as store:
        store.append(make_record(1))
        store.append(make_record(2))
    path = run / "r" / RECORDS_FILE
    path.write_bytes(path.read_bytes()[: -1 - cut])

    with RunStore.open(run / "r") as store:
        store.append(make_record(3))
        assert [record.task_id for record in store.records()] == ["HumanEval/1", "HumanEval/3"]
        message = store.damage()
    assert message is not None
    assert "1 damaged line(s)" in message
    assert "(line 2)" in message
    assert "--resume=" in message


@pytest.mark.parametrize("line", [b"{}", b"[1]", b"nonsense", b"\xff\xfe", b"[" * 100_000])
def test_corrupt_lines_are_skipped_and_counted(tmp_path, line):
    good = record_to_json(make_record(1)).encode()
    (tmp_path / RECORDS_FILE).write_bytes(b"\n".join([line, b"", good, line, b""]))
    found = RunStore.open(tmp_path).read()
    assert found.records == (make_record(1),)
    assert found.damaged == (1, 4)


def test_many_damaged_lines_are_not_all_listed(tmp_path):
    (tmp_path / RECORDS_FILE).write_bytes(b"x\n" * 7)
    message = RunStore.open(tmp_path).damage()
    assert message is not None
    assert "7 damaged line(s)" in message
    assert "(line 1, 2, 3, 4, 5, ...)" in message


def test_settings_are_replaced_whole(tmp_path):
    store = RunStore.create(tmp_path / "run")
    assert store.settings() == {}
    store.write_settings({"pipelines": ["raw-coder"], "run_dir": Path("reports")})
    store.write_settings({"pipelines": ["review-fix"]})
    assert store.settings() == {"pipelines": ["review-fix"]}
    assert [path.name for path in (tmp_path / "run").iterdir()] == [SETTINGS_FILE]


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "summary.md"
    write_atomically(path, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match="the disk is full"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["{", "[]"])
def test_damaged_settings_name_the_way_out(tmp_path, content):
    (tmp_path / SETTINGS_FILE).write_text(content)
    with pytest.raises(StoreError, match="is damaged") as caught:
        RunStore.open(tmp_path).settings()
    assert "reports will do with results.jsonl alone" in str(caught.value)


def test_a_new_run_does_not_overwrite_an_old_one(tmp_path):
    with RunStore.create(tmp_path) as store:
        store.append(make_record())
    with pytest.raises(StoreError, match="already holds a run") as caught:
        RunStore.create(tmp_path)
    assert f"--resume={tmp_path}" in str(caught.value)


def test_opening_what_is_not_there_says_what_to_give(tmp_path):
    with pytest.raises(StoreError, match="There is no run directory") as caught:
        RunStore.open(tmp_path / "nowhere")
    assert "reports/<date-time>-<pipelines>" in str(caught.value)
    with pytest.raises(StoreError, match="is not a run directory") as caught:
        RunStore.open(tmp_path)
    assert "not the folder of all runs" in str(caught.value)


def test_a_run_that_was_killed_before_it_had_settings_can_be_opened(tmp_path):
    (tmp_path / "calls.jsonl").write_text("")
    assert RunStore.open(tmp_path).settings() == {}


def test_a_path_that_is_a_file_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"Cannot create .*file") as caught:
        RunStore.create(tmp_path / "file" / "run")
    assert "--run-dir" in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_full_disk_is_said_with_the_way_on(tmp_path):
    (tmp_path / RECORDS_FILE).symlink_to("/dev/full")
    with (
        RunStore(tmp_path) as store,
        pytest.raises(StoreError, match="the disk is full") as caught,
    ):
        store.append(make_record())
    assert f"--resume={tmp_path}" in str(caught.value)
    assert "Free some space" in str(caught.value)


def test_after_a_failed_write_the_next_record_starts_a_new_line(tmp_path):
    store = RunStore.create(tmp_path / "run")
    store.append(make_record(1))

    class Broken:
        def write(self, data: bytes) -> int:
            working.write(data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    working, store._out = store._out, Broken()
    with pytest.raises(StoreError):
        store.append(make_record(2))
    store._out = working
    store.append(make_record(3))
    store.close()
    assert [r.task_id for r in store.records()] == ["HumanEval/1", "HumanEval/3"]
