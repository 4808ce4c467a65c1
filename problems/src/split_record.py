"""One line of a delimited file, split into its fields."""

import random
from typing import Any

LEAN = (
    "Split a CSV line at commas. A field that begins with a double quote runs to the next single "
    'one ("" inside stands for a quote) or to the line\'s end; text between its closing quote and '
    "the comma is appended as it is."
)


def split_record(line: str) -> list[str]:
    """Split one line of a comma-separated file into its fields.

    Fields are separated by commas; spaces belong to the fields. A field whose first character is a
    double quote is quoted: up to the closing quote, commas belong to the field, and two double
    quotes stand for one. A quoted field that is never closed runs to the end of the line. Text
    between the closing quote and the next comma is appended to the field as it is, also quotes.
    A double quote inside a field that did not begin with one is an ordinary character. The empty
    line has one empty field.

    >>> split_record('a,"b,c",d')
    ['a', 'b,c', 'd']
    >>> split_record('"say ""hi"" twice",')
    ['say "hi" twice', '']
    >>> split_record('5" disk,"x"y')
    ['5" disk', 'xy']
    >>> split_record('"open, end')
    ['open, end']
    """
    fields, i = [], 0
    while True:
        field = ""
        if line[i : i + 1] == '"':
            i += 1
            while i < len(line) and (line[i] != '"' or line[i : i + 2] == '""'):
                field += line[i]
                i += 2 if line[i] == '"' else 1
            i += 1
        end = line.find(",", i)
        if end < 0:
            return [*fields, field + line[i:]]
        fields.append(field + line[i:end])
        i = end + 1


def contract(line: str) -> None:
    assert isinstance(line, str)
    assert "\n" not in line


BASE: list[list[Any]] = [
    ['a,"b,c",d'],
    ['"say ""hi""",'],
    ['5" disk,"x"y'],
    ['"open, end'],
    [""],
]
EDGES: list[list[Any]] = [
    [","],
    ['""'],
    ['"'],
    ['"""'],
    ['""""'],
    ['"",""'],
    [' "a,b"'],
    ['"a" ,b'],
    ['"a"b"c,d'],
    ['"a"",b'],
    ['x"",y'],
    ["a,,b,"],
    ['"a"""'],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    return ["".join(rng.choice('ab ,,""') for _ in range(size + 1))]


def brute(line: str) -> list[str]:
    """A state machine, one character after the other."""
    fields, state = [""], "start"
    for char in line:
        if state == "maybe" and char == '"':
            fields[-1] += char
            state = "quoted"
        elif state == "quoted":
            if char == '"':
                state = "maybe"
            else:
                fields[-1] += char
        elif char == ",":
            fields.append("")
            state = "start"
        elif char == '"' and state == "start":
            state = "quoted"
        else:
            fields[-1] += char
            state = "plain"
    return fields


MUTANTS = [
    ("or line[i : i + 2] == '\"\"'", ""),
    ("i += 2 if line[i] == '\"' else 1", "i += 1"),
    ("field + line[i:]]", "field] if field else [*fields, line[i:]]"),
    ("field + line[i:end]", "(field + line[i:end]).strip()"),
    ("fields.append(field + line[i:end])", "fields.append(field or line[i:end])"),
]
