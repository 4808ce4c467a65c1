"""Write a solution's return value as tagged bytes.

The format is CPython's marshal format, version 2, which is written in C and canonical: equal
values of equal exact types give equal bytes, so the trusted side compares most outputs by
comparing bytes, without decoding them. Values that marshal does not know follow the same
grammar with four tags of our own:

``@`` name value    an instance of a subclass (or a numpy scalar, Fraction, Decimal), by value
``#`` name value    a numpy array: its dtype's name and the nested list of its items
``*`` name list     an iterable whose items were asked for (set comparison)
``?`` name          anything else: equal to nothing, but not ``None``
"""

from __future__ import annotations

import collections
import collections.abc
import hashlib
import marshal
import struct
import sys
from collections.abc import Iterator
from typing import Any

VERSION = 2
MAX_DEPTH = 90
MAX_BYTES = 64 << 20
SLICE = 4096
"""Items of a long list that are written at a time, so that 1 GB is never held twice."""

EXACT = (bool, int, float, complex, str, tuple, list, dict, set, frozenset, type(None))
BUFFER_WORDS = (
    "numpy", "pandas", "scipy", "sympy", "sklearn", "torch", "array", "bytes", "memoryview",
    "mmap", "ctypes", "import_module", "__import__", "exec", "eval",
)  # fmt: skip
"""Words without which a program hardly gets hold of an object with a buffer."""

_dumps = marshal.dumps
_type_name = type.__dict__["__name__"].__get__


class Unmarshallable(Exception):
    """The value cannot be written: too deep, too big, or of an unknown kind."""


def needs_care(program: str) -> bool:
    """Whether the program may return objects with a buffer (numpy scalars, arrays, bytes).

    marshal writes those as if they were ``bytes``, so each value must then be looked through
    before marshal may write it, which costs more than the writing.
    """
    return any(word in program for word in BUFFER_WORDS)


def encode(value: Any, careful: bool) -> Iterator[bytes]:
    """Yield `value` as tagged bytes, in pieces of bounded size."""
    if careful and not is_plain(value):
        yield extended(value)
    elif type(value) in (list, tuple) and len(value) > SLICE:
        yield from _encode_long(value)
    else:
        yield _encode_short(value)


def _encode_short(value: Any) -> bytes:
    try:
        return _dumps(value, VERSION)
    except (ValueError, MemoryError):
        return extended(value)


def _encode_long(value: list[Any] | tuple[Any, ...]) -> Iterator[bytes]:
    """Slices of a sequence marshal to the sequence's own bytes after a header of five."""
    yield (b"[" if type(value) is list else b"(") + struct.pack("<i", len(value))
    for start in range(0, len(value), SLICE):
        part = value[start : start + SLICE]
        try:
            yield _dumps(part, VERSION)[5:]
        except ValueError:
            for item in part:
                yield extended(item)


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether marshal would write `value` truthfully, or refuse to."""
    kind = type(value)
    if kind is dict:
        return is_plain(list(value.values()), depth) and is_plain(list(value), depth)
    if kind not in CONTAINERS:
        return kind in KNOWN
    kinds = set(map(type, value))
    if not kinds <= KNOWN:
        return False
    if kinds.isdisjoint(CONTAINERS):
        return True
    return depth < MAX_DEPTH and all(is_plain(item, depth + 1) for item in value)


CONTAINERS = {list, tuple, dict, set, frozenset}
KNOWN = set(EXACT)


def extended(value: Any) -> bytes:
    """Write any value, with the tags of our own where marshal has none."""
    out = bytearray()
    _write(value, out, 0)
    return bytes(out)


def _write(value: Any, out: bytearray, depth: int) -> None:
    if len(out) > MAX_BYTES:
        raise Unmarshallable("the returned value is too big")
    kind = type(value)
    if depth > MAX_DEPTH:
        _named(b"?", "nested too deeply", out)
    elif kind in CONTAINERS:
        _write_container(value, kind, out, depth)
    elif kind in KNOWN:
        out += _dumps(value, VERSION)
    elif kind in (bytes, bytearray):
        out += _dumps(bytes(value), VERSION)
    else:
        _write_other(value, kind, out, depth)


def _write_container(value: Any, kind: type, out: bytearray, depth: int) -> None:
    if kind is dict:
        out += b"{"
        for key, item in dict.items(value):
            _write(key, out, depth + 1)
            _write(item, out, depth + 1)
        out += b"0"
        return
    tags: dict[type, bytes] = {list: b"[", tuple: b"(", set: b"<", frozenset: b">"}
    items = list(value)
    out += tags[kind] + struct.pack("<i", len(items))
    for item in items:
        _write(item, out, depth + 1)


def _write_other(value: Any, kind: type, out: bytearray, depth: int) -> None:
    name = f"{getattr(kind, '__module__', '?')}.{_type_name(kind)}"
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        _named(b"#", str(value.dtype), out)
        _write(value.tolist(), out, depth + 1)
    elif numpy is not None and isinstance(value, numpy.generic):
        item = value.item()
        _write_named(name, item if type(item) in KNOWN else None, out, depth)
    else:
        _write_named(name, _base_value(value, name), out, depth)


def _write_named(name: str, base: Any, out: bytearray, depth: int) -> None:
    if base is None:
        _named(b"?", name, out)
    else:
        _named(b"@", name, out)
        _write(base, out, depth + 1)


def _named(tag: bytes, name: str, out: bytearray) -> None:
    out += tag + _dumps(str.__str__(name)[:200], VERSION)


def _base_value(value: Any, name: str) -> Any:
    """Return the built-in value that an instance of a subclass holds, or None."""
    if isinstance(value, int):
        return int.__add__(value, 0)
    if isinstance(value, float):
        return float.__add__(value, 0.0)
    if isinstance(value, complex):
        return complex.__add__(value, 0j)
    if isinstance(value, str):
        return str.__str__(value)
    for base in (list, tuple, set, frozenset):
        if isinstance(value, base):
            return base(value)
    if isinstance(value, dict):
        return dict(dict.items(value))
    return _special_value(value, name)


def _special_value(value: Any, name: str) -> Any:
    if name in ("builtins.dict_keys", "builtins.dict_items"):
        return set(value)
    if isinstance(value, collections.abc.Mapping):  # compares as the dictionary of its items
        return dict(value.items())
    if isinstance(value, (collections.UserList, collections.UserString)):
        return value.data
    if name == "fractions.Fraction":
        return (value.numerator, value.denominator)
    if name == "decimal.Decimal":
        return str(value)
    return None


def iterated(value: Any) -> bytes:
    """Write the items of an iterable that is no built-in container, for set comparison."""
    if isinstance(value, (list, tuple, set, frozenset, dict, str)) or value is None:
        return extended(value)
    out = bytearray()
    _named(b"*", type(value).__name__, out)
    _write(list(value), out, 1)
    return bytes(out)


def digest(pieces: list[bytes], rest: Iterator[bytes]) -> tuple[bytes, int]:
    """Return SHA-256 and length of a value that is too long to send unasked."""
    hasher = hashlib.sha256()
    length = 0
    for piece in pieces:
        hasher.update(piece)
        length += len(piece)
    for piece in rest:
        hasher.update(piece)
        length += len(piece)
    return hasher.digest(), length


def is_floats(value: Any) -> bool:
    """Whether EvalPlus would compare with `value` within a tolerance."""
    if isinstance(value, float):
        return True
    if isinstance(value, (list, tuple)) and value:
        return all(isinstance(item, float) for item in value)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return value.dtype in (numpy.float64, numpy.float32)
    return False
