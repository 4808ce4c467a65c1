"""Compare what a solution returned with the expected value, as EvalPlus does.

Follows ``unsafe_execute`` in evalplus/eval/__init__.py of EvalPlus's repository (main), special
oracles included. Both sides are values that this process built itself, so no method of the
solution is ever called. docs/judge.md lists where we differ on purpose.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pytest_dualcode.judge.protocol import DictItems, Opaque, SetItems, same_elements, type_key

NOT_NONE_TASKS = frozenset(("check_str", "text_match_three", "text_starta_endb"))
"""MBPP tasks whose outputs count only as None or not."""

SET_TASKS = frozenset((
    "similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly",
    "larg_nnum", "intersection_array", "find_dissimilar", "Diff",
))  # fmt: skip
"""MBPP tasks whose outputs are compared as sets."""

FLOAT_TOLERANCE = 1e-6
RELATIVE_TOLERANCE = 1e-07

MOST_COMPARED = 10_000_000
"""Pairs of numbers: a column against a row of 100,000 would be 10 billion, and 80 GB."""


def as_set(dataset: str, entry_point: str) -> bool:
    """Whether the outputs are compared as sets."""
    return dataset == "mbpp" and entry_point in SET_TASKS


def only_not_none(dataset: str, entry_point: str) -> bool:
    """Whether the outputs count only as None or not."""
    return dataset == "mbpp" and entry_point in NOT_NONE_TASKS


class Oracle:
    """The comparison for one suite of one problem.

    It has a state, as EvalPlus has: from the first expected float on, a tolerance of 1e-6
    holds for all later inputs of the suite (where the dataset gives none).
    """

    def __init__(self, dataset: str, entry_point: str, atol: float) -> None:
        self.atol = atol
        self._entry_point = entry_point
        self._special = dataset == "mbpp" and entry_point in SPECIAL_TASKS
        self._as_set = as_set(dataset, entry_point)
        self._not_none = only_not_none(dataset, entry_point)
        self._root = (dataset, entry_point) == ("humaneval", "find_zero")

    @property
    def bytes_decide(self) -> bool:
        """Whether equal encodings mean a right answer, so that decoding can be skipped."""
        return not self._root and not self._not_none

    def saw(self, floats: bool) -> None:
        """Note that an expected value was met; `floats` as EvalPlus's ``is_floats``."""
        if self.atol == 0 and floats and not self._root:
            self.atol = FLOAT_TOLERANCE

    def accepts(self, out: Any, expected: Any, arguments: list[Any], floats: bool) -> bool:
        """Whether `out` is right for `arguments`; never raises."""
        try:
            with np.errstate(all="ignore"):
                return self._accepts(out, expected, arguments, floats)
        except Exception:
            return False

    def _accepts(self, out: Any, expected: Any, arguments: list[Any], floats: bool) -> bool:
        if self._root:
            return bool(abs(_polynomial(arguments[0], out)) <= self.atol)
        exact = self._exact(out, expected, arguments)
        self.saw(floats)
        if not exact and self.atol != 0:
            return _close(out, expected, self.atol)
        return bool(exact)

    def _exact(self, out: Any, expected: Any, arguments: list[Any]) -> Any:
        exact = out == expected
        if self._special:
            return exact or _special_task(self._entry_point, out, arguments, self.atol)
        if self._as_set:
            return same_elements(_iterate(out), set(expected))
        if self._not_none:
            wanted = expected is not None
            return out == wanted if isinstance(out, bool) else wanted == (out is not None)
        return exact


def _iterate(out: Any) -> list[Any]:
    """Return the items that ``set(out)`` would look at."""
    if isinstance(out, SetItems):
        return out.items
    if isinstance(out, DictItems):
        return [key for key, _ in out.pairs]
    return list(out)


def _close(out: Any, expected: Any, atol: float) -> bool:
    """EvalPlus's ``np.allclose`` between values of the same type and length."""
    if type_key(out) != type_key(expected) or isinstance(out, (Opaque, SetItems, DictItems)):
        return False
    if isinstance(expected, (list, tuple)) and len(out) != len(expected):
        return False
    if _holds_text(out):
        return False  # numpy says so too, after making each item as long as the longest
    if np.broadcast(np.asarray(out), np.asarray(expected)).size > MOST_COMPARED:
        return False
    return bool(np.allclose(out, expected, rtol=RELATIVE_TOLERANCE, atol=atol))


def _holds_text(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_text, value))
    return isinstance(value, (str, bytes))


def _polynomial(coefficients: list[float], x: float) -> float:
    """HumanEval/32: the value at `x`; a root makes it (nearly) zero."""
    return sum(c * math.pow(x, power) for power, c in enumerate(coefficients))


def _surface_area(base: float, height: float) -> int:
    """Mbpp/581, with `height` measured from the base to the apex."""
    slant = math.sqrt((base / 2) ** 2 + height**2)
    return round(base**2 + 4 * (base * slant) / 2)


def _digit_distance(first: int, second: int) -> int:
    """Mbpp/558: the sum of the digits' distances, the shorter number padded with zeros."""
    texts = str(first), str(second)
    width = max(map(len, texts))
    pairs = zip(texts[0].zfill(width), texts[1].zfill(width), strict=True)
    return sum(abs(int(a) - int(b)) for a, b in pairs)


def _special_task(entry_point: str, out: Any, arguments: list[Any], atol: float) -> bool:
    """The MBPP tasks that accept more than the reference's output."""
    if entry_point == "are_equivalent":  # Mbpp/164
        return True
    if entry_point == "sum_div":  # Mbpp/295
        return bool(out == 0)
    if entry_point == "surface_Area":  # Mbpp/581
        return bool(abs(out - _surface_area(*arguments)) <= atol)
    return bool(out == _digit_distance(*arguments))  # Mbpp/558


SPECIAL_TASKS = frozenset(("are_equivalent", "sum_div", "surface_Area", "digit_distance_nums"))
