"""MBPP's inputs as Python values: JSON has no tuples, sets or complex numbers.

The released MBPP+ file stores tuples as lists and complex numbers as text, and EvalPlus
(``evalplus.data.mbpp.mbpp_deserialize_inputs``, 0.3.1) turns them back by task number. Importing
that module costs over a second, since its package imports pandas and datasets; so the table stands
here, and a test holds it against EvalPlus's function on all 378 problems.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Arguments = list[Any]
Conversion = Callable[[Arguments], Any]


def _rows(value: list[Any]) -> list[Any]:
    return [tuple(row) for row in value]


def _deep(value: Any) -> Any:
    return tuple(map(_deep, value)) if isinstance(value, list) else value


def _every_tuple(args: Arguments) -> Arguments:
    return [tuple(arg) for arg in args]


def _every_rows(args: Arguments) -> Arguments:
    return [_rows(arg) for arg in args]


def _every_tuple_of_rows(args: Arguments) -> Arguments:
    return [tuple(_rows(arg)) for arg in args]


def _first_tuple(args: Arguments) -> Arguments:
    return [tuple(args[0]), *args[1:]]


def _first_rows(args: Arguments) -> Arguments:
    return [_rows(args[0]), *args[1:]]


def _second_tuple(args: Arguments) -> Arguments:
    return [args[0], tuple(args[1])]


def _sets(args: Arguments) -> Arguments:
    # An empty list stands for the empty dict here: Mbpp/115 asks whether all dicts are empty.
    return [[set(item) if isinstance(item, list) and item else {} for item in args[0]]]


def _mixed_tuple(args: Arguments) -> Arguments:
    return [tuple(tuple(item) if isinstance(item, list) else item for item in args[0])]


def _dict_of_tuples(args: Arguments) -> Arguments:
    return [{key: tuple(value) for key, value in args[0].items()}, *args[1:]]


def _complex(args: Arguments) -> Arguments:
    return [complex(args[0])]


def _float_and_complex(args: Arguments) -> tuple[float, complex]:
    return float(args[0]), complex(args[1])


TASKS: dict[Conversion, str] = {
    _every_tuple: "2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 "
    "744 809",
    _every_rows: "63 64 70 94 120 237 272 299 400 409 417 438 473 614 780",
    _every_tuple_of_rows: "259 401 445",
    _first_tuple: "250 307 405 446 617 720 763 808",
    _first_rows: "75 413 444 753",
    _second_tuple: "106 750",
    _sets: "115",
    _mixed_tuple: "278",
    _dict_of_tuples: "722",
    _complex: "252",
    _float_and_complex: "124",
    _deep: "580 615 791",
}

CONVERSIONS = {
    f"Mbpp/{number}": convert for convert, numbers in TASKS.items() for number in numbers.split()
}


def decode_inputs(task_id: str, inputs: list[Any]) -> list[Any]:
    """Return `inputs` (each the positional arguments of one call) with MBPP's types restored.

    Ids that are not MBPP's, and MBPP's whose inputs are plain JSON, come back unchanged.
    """
    convert = CONVERSIONS.get(task_id)
    return inputs if convert is None else [convert(args) for args in inputs]
