"""The wire format: what an honest child writes is read back, and nothing else does harm."""

from __future__ import annotations

import marshal
import math
from collections import ChainMap, Counter, OrderedDict, UserList, namedtuple
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_dualcode.judge import protocol
from pytest_dualcode.judge.child import codec

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**200), max_value=2**200),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.text(st.characters()),  # lone surrogates included
)
HASHABLE = st.one_of(SCALARS, st.tuples(SCALARS, SCALARS))
VALUES = st.recursive(
    SCALARS | st.sets(HASHABLE) | st.frozensets(HASHABLE),
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(HASHABLE, inner),
    ),
    max_leaves=20,
)


def encode(value: Any, careful: bool = True) -> bytes:
    return b"".join(codec.encode(value, careful))


@given(VALUES)
def test_built_in_values_survive(value: object) -> None:
    for data in (encode(value), encode(value, careful=False), codec.extended(value)):
        assert protocol.decode(data) == value
        assert protocol.trusted(protocol.decode(data)) == value


@given(VALUES)
def test_plain_values_are_written_by_marshal(value: object) -> None:
    assert encode(value) == marshal.dumps(value, 2)


@given(st.lists(st.integers() | st.text(), min_size=1, max_size=5))
@settings(max_examples=20)
def test_slices_of_a_long_list_are_the_bytes_of_the_whole(part: list[object]) -> None:
    values = (part * (codec.SLICE + 5))[: codec.SLICE + 5]
    assert len(list(codec.encode(values, False))) > 1
    assert encode(values) == marshal.dumps(values, 2)
    assert encode(tuple(values)) == marshal.dumps(tuple(values), 2)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_raise(data: bytes) -> None:
    protocol.decode(data)


@given(VALUES, st.data())
def test_a_damaged_value_does_not_make_the_decoder_raise(
    value: object, data: st.DataObject
) -> None:
    good = bytearray(encode(value))
    at = data.draw(st.integers(0, len(good) - 1))
    good[at] = data.draw(st.integers(0, 255))
    protocol.decode(bytes(good))
    assert protocol.decode(bytes(encode(value)[:-1])) != value


def test_a_count_that_lies_is_refused_at_once() -> None:
    assert isinstance(protocol.decode(b"[" + (2**31 - 1).to_bytes(4, "little")), protocol.Opaque)


def test_integers_beyond_the_digits_that_python_prints_survive() -> None:
    value = -(7**20_000)
    assert protocol.decode(encode(value)) == value


class Colour(IntEnum):
    RED = 1


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "equal_to"),
    [
        (np.int64(5), 5),
        (np.float64(0.5), 0.5),
        (np.float32(0.1), 0.1),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        ([np.int64(5), 2], [5, 2]),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (Point(1, 2), (1, 2)),
        (Colour.RED, 1),
        (Fraction(1, 2), 0.5),
        (Decimal("1.5"), 1.5),
        ({1: 0}.keys(), {1}),
        (bytearray(b"x"), b"x"),
        (np.array([7]), 7),
        (np.array("a"), "a"),
        (ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
        (UserList([1, 2]), [1, 2]),
    ],
)
def test_values_of_other_types_compare_as_they_do_in_python(value: Any, equal_to: Any) -> None:
    assert value == equal_to
    assert protocol.decode(encode(value)) == equal_to


@pytest.mark.parametrize(
    "value",
    [
        object(),
        iter([1]),
        range(3),
        len,
        type,
        np.array([1, 2]).dtype,
        np.longdouble(1),
        ...,
        (1).bit_count,
    ],
)
def test_other_objects_equal_nothing_but_are_not_none(value: object) -> None:
    decoded = protocol.decode(encode(value))
    assert isinstance(decoded, protocol.Opaque)
    assert decoded != value
    assert decoded != protocol.decode(encode(value))
    assert decoded is not None


def test_an_array_is_not_mistaken_for_bytes() -> None:
    array = np.array([1, 2], dtype=np.int64)
    assert list(protocol.decode(encode(array))) == [1, 2]
    assert protocol.decode(encode([array]))[0].tolist() == [1, 2]


@pytest.mark.parametrize("item", [2**90, {"a": 1}, {(1, 2): [3]}, None, [2**90, "x"], {1, 2}])
def test_an_array_of_objects_compares_as_its_items_do(item: Any) -> None:
    array = np.array(item, dtype=object)
    decoded = protocol.decode(encode(array))
    assert np.shape(decoded) == np.shape(array)
    assert np.all(decoded == item)
    assert not np.any(decoded == "something else")


@pytest.mark.parametrize(
    ("dtype", "items"),
    [
        ("<U9", ["a" * 100_000] + [""] * 1000),  # each item has the room of the longest: 400 MB
        ("int8,(3000,10000)int8", [(0, 0)]),
        ("float64,int8", [(0, 0)]),
    ],
)
def test_a_short_value_does_not_become_a_large_array(dtype: str, items: Any) -> None:
    forged = b"#" + marshal.dumps(dtype, 2) + marshal.dumps(items, 2)
    assert isinstance(protocol.decode(forged), protocol.Opaque)


def test_a_liar_is_read_by_value() -> None:
    class Liar(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    assert protocol.decode(encode(Liar(3))) != 4
    assert protocol.decode(encode(Liar(3))) == 3


def test_names_of_types_tell_values_apart() -> None:
    assert protocol.type_key(protocol.decode(encode(np.float64(1)))) == protocol.type_key(
        np.float64(2)
    )
    assert protocol.type_key(protocol.decode(encode(1.0))) == "float"
    assert protocol.type_key(protocol.decode(encode(Point(1, 2)))).endswith("Point")


def test_sets_with_colliding_integers_are_compared_in_linear_time() -> None:
    # Multiples of the modulus of int's hash all hash to zero: set() would take minutes.
    colliding = [k * (2**61 - 1) for k in range(200_000)]
    data = b"<" + marshal.dumps(colliding, 2)[1:]
    assert protocol.decode(data) != {1, 2, 3}
    pairs = b"{" + b"".join(marshal.dumps(k, 2) + b"N" for k in colliding[:1000]) + b"0"
    assert protocol.decode(pairs) != {1: 2}


def test_a_dictionary_with_a_key_twice_does_not_stand_for_another() -> None:
    forged = b"{" + (marshal.dumps("a", 2) + marshal.dumps(1, 2)) * 2 + b"0"
    assert protocol.decode(forged) != {"a": 1, "b": 2}


def test_nan_equals_nothing() -> None:
    assert protocol.decode(encode(math.nan)) != protocol.decode(encode(math.nan))
    assert protocol.decode(encode([math.nan])) != [math.nan]


def frame(tag: bytes, body: bytes) -> bytes:
    return tag + len(body).to_bytes(4, "little") + body


@given(st.lists(st.tuples(st.sampled_from(b"VXPDE"), st.binary(max_size=50))), st.integers(1, 20))
def test_frames_are_found_however_they_are_cut(frames: list[tuple[int, bytes]], step: int) -> None:
    wire = b"".join(frame(bytes([tag]), body) for tag, body in frames)
    buffer, found = bytearray(), []
    for at in range(0, len(wire), step):
        buffer += wire[at : at + step]
        found += protocol.split_frames(buffer)
    assert found == frames
    assert not buffer


def test_a_frame_that_is_too_long_is_refused_before_it_comes() -> None:
    with pytest.raises(protocol.BadFrame, match="4095 MB"):
        protocol.split_frames(bytearray(b"V" + b"\xff" * 4))


@pytest.mark.parametrize(
    ("program", "careful"),
    [("import math\ndef f(x): return x", False), ("import numpy as np", True), ("eval('1')", True)],
)
def test_care_is_taken_where_buffers_may_come(program: str, careful: bool) -> None:
    assert codec.needs_care(program) is careful
