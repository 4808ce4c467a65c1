"""Read what a jailed child sends: frames, and values in the tagged format of `child.codec`.

Nothing here trusts its input. The decoder is plain Python over the few tags that are allowed
(never ``marshal.loads`` or ``pickle``), it bounds depth and size, and it builds no set or
dictionary from a child's values, since colliding integers would make that quadratic.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

MAX_FRAME = 80 << 20
MAX_DEPTH = 100
HEADER = 5


class BadFrame(Exception):
    """The child sent what no honest child sends."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that cannot cross the wall: equal to nothing, and not ``None``."""

    type_name: str

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class SetItems:
    """A child's set, as the list of its items; compares with a trusted set in linear time."""

    def __init__(self, items: list[Any], type_name: str = "set") -> None:
        self.items = items
        self.type_name = type_name

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SetItems):
            other = set(other.items)
        return isinstance(other, (set, frozenset)) and same_elements(self.items, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "{" + ", ".join(map(repr, self.items[:50])) + "}" if self.items else "set()"


class DictItems:
    """A child's dictionary, as the list of its pairs."""

    def __init__(self, pairs: list[tuple[Any, Any]], type_name: str = "dict") -> None:
        self.pairs = pairs
        self.type_name = type_name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, dict) or len(other) != len(self.pairs):
            return False
        try:
            return same_elements([key for key, _ in self.pairs], set(other)) and all(
                value == other[key] for key, value in self.pairs
            )
        except TypeError:
            return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{k!r}: {v!r}" for k, v in self.pairs[:50]) + "}"


class DerivedInt(int):
    """An instance of a subclass of int, by value; likewise the four below."""

    type_name = ""


class DerivedFloat(float):
    """By value."""

    type_name = ""


class DerivedStr(str):
    """By value."""

    type_name = ""


class DerivedTuple(tuple[Any, ...]):
    """By value: a named tuple equals a plain one."""

    type_name = ""


class DerivedList(list[Any]):
    """By value."""

    type_name = ""


class Iterated(list[Any]):
    """The items of an iterable (generator, dict view, array) that is no container itself."""

    type_name = ""


def same_elements(items: list[Any], trusted: set[Any] | frozenset[Any]) -> bool:
    """Whether ``set(items) == trusted``, without building ``set(items)``.

    Raises:
        TypeError: an item cannot be hashed, as in ``set(items)``.
    """
    own = {element: element for element in trusted}
    found = set()
    for item in items:
        if item not in own:
            hash(item)
            return False
        found.add(own[item])
    return len(found) == len(own)


def type_key(value: Any) -> str:
    """Return a name of the value's type that is the same for both sides of the wall."""
    name = getattr(value, "type_name", "")
    return str(name) if name else type(value).__name__


_DERIVED: dict[type, type] = {
    int: DerivedInt,
    float: DerivedFloat,
    str: DerivedStr,
    tuple: DerivedTuple,
    list: DerivedList,
}
_NUMPY_SCALARS = frozenset((
    "bool_", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "longlong", "ulonglong", "float16", "float32", "float64", "complex64", "complex128", "str_",
))  # fmt: skip
# Names, not beginnings of names: "int8,(9999,9999)int8" is a dtype, and 100 MB for each item.
_NUMBER_ARRAYS = frozenset((
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
))  # fmt: skip


def _derive(name: str, base: Any) -> Any:
    """Rebuild an instance of a subclass from its type's name and its built-in value."""
    if name.startswith("numpy."):
        return _numpy_scalar(name[6:], base)
    if name == "fractions.Fraction" and _is_ratio(base):
        return Fraction(*base)
    if name == "decimal.Decimal" and isinstance(base, str):
        return _decimal(base)
    if isinstance(base, (SetItems, DictItems)):
        base.type_name = name
        return base
    kind = _DERIVED.get(type(base))
    if kind is None:
        return Opaque(name)
    derived = kind(base)
    derived.type_name = name
    return derived


def _numpy_scalar(name: str, base: Any) -> Any:
    if name not in _NUMPY_SCALARS or not isinstance(base, (bool, int, float, complex, str)):
        return Opaque(f"numpy.{name}")
    try:
        with np.errstate(all="ignore"):
            return getattr(np, name)(base)
    except (OverflowError, TypeError, ValueError, AttributeError):
        return Opaque(f"numpy.{name}")


def _is_ratio(base: Any) -> bool:
    return (
        type(base) is tuple and len(base) == 2 and all(type(n) is int for n in base) and base[1] > 0
    )


def _decimal(text: str) -> Any:
    """Rebuild a Decimal of ordinary size; huge exponents would make comparing it costly."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        return Opaque("decimal.Decimal")
    return value if not value.is_finite() or abs(value.adjusted()) < 1000 else Opaque("Decimal")


def _array(name: str, items: Any) -> Any:
    """Rebuild a numpy array from its dtype's name and its nested list; without shape, its item."""
    try:
        if name == "object":
            array = np.empty((), dtype=object)
            array[()] = items
            return np.array(items, dtype=object) if isinstance(items, list) else array
        if name.startswith("<U") and _text_array_bytes(items) <= MAX_FRAME:
            return np.array(items, dtype=str)
        if name in _NUMBER_ARRAYS:
            return np.array(items, dtype=name)
    except (OverflowError, TypeError, ValueError):
        pass
    return Opaque("numpy.ndarray")


def _text_array_bytes(items: Any) -> int:
    """Memory of an array of these strings: each takes the room of the longest."""
    count = longest = 0
    stack = [items]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        else:
            count += 1
            longest = max(longest, len(item))
    return 4 * count * longest


class Decoder:
    """Decode one value from `data`; anything malformed or unknown becomes `BadFrame`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def decode(self) -> Any:
        """Return the value; `Opaque` if the child's bytes are no value at all."""
        try:
            value = self._value(0)
        except (BadFrame, UnicodeDecodeError, struct.error, RecursionError):
            return Opaque("a value that cannot be read")
        return value if self.at == len(self.data) else Opaque("a value that cannot be read")

    def _take(self, size: int) -> bytes:
        end = self.at + size
        if size < 0 or end > len(self.data):
            raise BadFrame("a value is cut off")
        part = self.data[self.at : end]
        self.at = end
        return part

    def _count(self) -> int:
        """Read a count of items or bytes, each of which takes at least a byte."""
        count = int.from_bytes(self._take(4), "little", signed=True)
        if not 0 <= count <= len(self.data) - self.at:
            raise BadFrame("a count is out of range")
        return count

    def _value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise BadFrame("nested too deeply")
        read = _READERS.get(self._take(1))
        if read is None:
            raise BadFrame("an unknown tag")
        return read(self, depth)

    def items(self, depth: int) -> list[Any]:
        """Read a count and that many values."""
        return [self._value(depth + 1) for _ in range(self._count())]

    def pairs(self, depth: int) -> DictItems:
        """Read keys and values up to the closing ``0``."""
        pairs = []
        while self.data[self.at : self.at + 1] != b"0":
            pairs.append((self._value(depth + 1), self._value(depth + 1)))
        self.at += 1
        return DictItems(pairs)

    def long(self, _depth: int) -> int:
        """Read an integer of 15-bit digits, low first, its count negative for a minus."""
        count = int.from_bytes(self._take(4), "little", signed=True)
        raw = self._take(2 * abs(count))
        digits = struct.unpack(f"<{abs(count)}H", raw)
        bits = "".join([f"{digit & 0x7FFF:015b}" for digit in reversed(digits)])
        value = int(bits or "0", 2)
        return -value if count < 0 else value

    def named(self, depth: int) -> tuple[str, Any]:
        """Read a type's name and a value."""
        return self.name(), self._value(depth + 1)

    def name(self) -> str:
        """Read a type's name."""
        name = self._value(MAX_DEPTH)
        if not isinstance(name, str):
            raise BadFrame("a type without a name")
        return name

    def text(self, _depth: int) -> str:
        """Read a string; lone surrogates are kept."""
        return self._take(self._count()).decode("utf-8", "surrogatepass")

    def floats(self, count: int) -> tuple[float, ...]:
        """Read `count` doubles."""
        return struct.unpack(f"<{count}d", self._take(8 * count))

    def iterated(self, depth: int) -> Iterated:
        """Read the items of an iterable."""
        name, items = self.named(depth)
        if not isinstance(items, list):
            raise BadFrame("items that are no list")
        result = Iterated(items)
        result.type_name = name
        return result


_READERS: dict[bytes, Callable[[Decoder, int], Any]] = {
    b"N": lambda *_: None,
    b"T": lambda *_: True,
    b"F": lambda *_: False,
    b"S": lambda *_: Opaque("StopIteration"),
    b".": lambda *_: Opaque("ellipsis"),
    b"i": lambda d, _: int.from_bytes(d._take(4), "little", signed=True),
    b"l": Decoder.long,
    b"g": lambda d, _: d.floats(1)[0],
    b"y": lambda d, _: complex(*d.floats(2)),
    b"s": lambda d, _: d._take(d._count()),
    b"u": Decoder.text,
    b"(": lambda d, depth: tuple(d.items(depth)),
    b"[": Decoder.items,
    b"<": lambda d, depth: SetItems(d.items(depth)),
    b">": lambda d, depth: SetItems(d.items(depth), "frozenset"),
    b"{": Decoder.pairs,
    b"@": lambda d, depth: _derive(*d.named(depth)),
    b"#": lambda d, depth: _array(*d.named(depth)),
    b"*": Decoder.iterated,
    b"?": lambda d, _: Opaque(d.name()),
}


def decode(data: bytes) -> Any:
    """Decode a value that a child sent; never raises."""
    return Decoder(data).decode()


def trusted(value: Any) -> Any:
    """Turn a decoded *reference* value into real sets and dictionaries, for comparing with."""
    if isinstance(value, SetItems):
        return {trusted(item) for item in value.items}
    if isinstance(value, DictItems):
        return {trusted(key): trusted(item) for key, item in value.pairs}
    if type(value) in (list, tuple):
        return type(value)(trusted(item) for item in value)
    return value


def split_frames(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take the complete frames (tag, body) off the front of `buffer`.

    Raises:
        BadFrame: a frame claims to be longer than `MAX_FRAME`.
    """
    frames = []
    at, end = 0, len(buffer)
    while end - at >= HEADER:
        length = int.from_bytes(buffer[at + 1 : at + HEADER], "little")
        if length > MAX_FRAME:
            raise BadFrame(f"a returned value of {length >> 20} MB")
        stop = at + HEADER + length
        if stop > end:
            break
        frames.append((buffer[at], bytes(buffer[at + HEADER : stop])))
        at = stop
    del buffer[:at]
    return frames
