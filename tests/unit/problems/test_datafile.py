"""Reading data files: lines stay unparsed until used, whatever they hold."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_tasks import task

from pytest_dualcode.errors import DatasetError
from pytest_dualcode.problems.datafile import HEAD, Line, problem_at, read_data_file

NAME = st.from_regex(r"[a-zA-Z_]\w*", fullmatch=True)


def line(text: str) -> Line:
    return Line(Path("set.jsonl"), 3, text.encode())


@settings(deadline=None)  # A busy machine is not a failure.
@given(prompt=st.text(), task_id=st.text(min_size=1), entry_point=NAME, ascii=st.booleans())
def test_the_scan_finds_what_the_parser_finds(prompt, task_id, entry_point, ascii) -> None:
    fields = task(task_id, prompt=prompt, entry_point=entry_point)
    text = json.dumps(fields, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    problem = problem_at(Line(Path("set.jsonl"), 1, text), "set", "0")
    assert (problem.task_id, problem.entry_point) == (task_id, entry_point)


@settings(deadline=None)  # A busy machine is not a failure.
@given(order=st.permutations(sorted(task())))
def test_the_order_of_the_fields_does_not_matter(order) -> None:
    fields = task("Mine/4")
    text = json.dumps({name: fields[name] for name in order})
    problem = problem_at(line(text), "set", "0")
    assert (problem.task_id, problem.entry_point) == ("Mine/4", "double")
    assert problem.spec.prompt == fields["prompt"]


def test_a_released_line_is_not_parsed_before_it_is_used() -> None:
    text = json.dumps(task())[:-1] + ", broken"
    assert HEAD.match(text.encode())
    problem = problem_at(line(text), "set", "0")
    assert problem.entry_point == "double"
    with pytest.raises(DatasetError, match=r"set\.jsonl, line 3: not JSON"):
        _ = problem.spec


def test_a_problem_has_spec_reference_and_tests() -> None:
    problem = problem_at(line(json.dumps(task(atol=1))), "set", "hash")
    assert problem.dataset_hash == "hash"
    assert problem.spec.dataset == "set"
    assert problem.reference == problem.spec.prompt + "    return 2 * x\n"
    assert problem.tests.base_inputs == [[1]]
    assert problem.tests.plus_inputs == [[2], [0]]
    assert problem.tests.atol == 1.0


def test_a_missing_field_is_named() -> None:
    problem = problem_at(line(json.dumps(task(plus_input=None))), "set", "0")
    with pytest.raises(DatasetError, match="line 3: the field 'plus_input' is missing"):
        _ = problem.tests
    with pytest.raises(DatasetError, match="line 3: the field 'entry_point' is missing"):
        problem_at(line(json.dumps(task(entry_point=None))), "set", "0")


def test_blank_lines_count_but_hold_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(b'\r\n{"a": 1}\r\n\n  \n{"b": 2}')
    file = read_data_file(path)
    assert [(line.number, line.parse()) for line in file.lines] == [(2, {"a": 1}), (5, {"b": 2})]


def test_the_hash_is_of_the_uncompressed_content(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    plain.write_bytes(b'{"a": 1}\n')
    packed.write_bytes(gzip.compress(b'{"a": 1}\n', mtime=0))
    assert read_data_file(plain).md5 == read_data_file(packed).md5


def test_compression_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(gzip.compress(b'{"a": 1}\n'))
    assert [line.parse() for line in read_data_file(path).lines] == [{"a": 1}]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n')
    before = read_data_file(path).md5
    path.write_text('{"a": 2}\n')
    os.utime(path, (1, 1))
    assert read_data_file(path).md5 != before


CUT_OFF = gzip.compress(b"x" * 999, mtime=0)[:-9]


@pytest.mark.parametrize("content", [CUT_OFF, b"\x1f\x8b\x08rubbish"])
def test_a_damaged_archive_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"a\.jsonl\.gz cannot be read"):
        read_data_file(path)


def test_a_folder_is_no_data_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_data_file(tmp_path)


@pytest.mark.parametrize("text", ["[1]", "3", '"x"', "null"])
def test_a_line_must_be_an_object(text: str) -> None:
    with pytest.raises(DatasetError, match="line 3: not a JSON object"):
        line(text).parse()


@pytest.mark.parametrize("text", [b"{", b"", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_line_must_be_json(text: bytes) -> None:
    with pytest.raises(DatasetError, match="line 3: not JSON"):
        Line(Path("set.jsonl"), 3, text).parse()
