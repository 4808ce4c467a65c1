"""Reading expressions out of prose: where a value or a call in a spec begins and ends.

A value counts only if it is written out (literals, operators, plain constructors): then it can
be evaluated anywhere and means one thing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_STRING = r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""
_LEXEME = re.compile(rf"{_STRING}|[(\[{{]|[)\]}}]|[\w.]+|\S", re.DOTALL)
_CLOSERS = {"(": ")", "[": "]", "{": "}"}

# What may follow a value; anything else (``returns 5 elements``) means it is no value.
_END_OF_VALUE = re.compile(
    r"[ \t]*(?:$|\#|//|=|[.,;)(]|-+>|because\b|since\b|as\b|and\b|or\b|if\b|--)", re.MULTILINE
)
_SEPARATOR = re.compile(r"[\s,;]*(?:and\b)?\s*")

_MAX_PREFIXES = 200
_MAX_CALL = 5000

SPELLINGS = {
    "true": True,
    "false": False,
    "null": None,
    "none": None,
    "TRUE": True,
    "FALSE": False,
}
_CONSTRUCTORS = frozenset(
    f.__name__
    for f in (
        *(set, frozenset, dict, list, tuple, str, int, float, complex, bool, bytes, range),
        *(sorted, abs, round, sum, len, min, max, bin, hex, oct, chr, ord),
    )
)


def parse(text: str) -> ast.expr | None:
    """Return the expression `text`, or None if it is not one."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class Spelling(ast.NodeTransformer):
    """Puts Python's spelling for ``true``, ``false`` and ``null``."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in SPELLINGS:
            return ast.copy_location(ast.Constant(SPELLINGS[node.id]), node)
        return node


def written_out(text: str) -> str | None:
    """Return the expression `text` in Python's spelling if it is a written-out value."""
    tree = parse(text)
    if tree is None or not is_closed(tree):
        return None
    return text.strip() if _is_python(tree) else ast.unparse(Spelling().visit(tree))


def _is_python(tree: ast.expr) -> bool:
    return not any(isinstance(n, ast.Name) and n.id in SPELLINGS for n in ast.walk(tree))


def is_closed(tree: ast.expr) -> bool:
    """Whether the expression stands for itself: no unknown names, no calls but constructors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in _CONSTRUCTORS | SPELLINGS.keys():
            return False
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return False
        if isinstance(node, ast.Lambda | ast.Await | ast.NamedExpr):
            return False
    return not isinstance(tree, ast.Name) or tree.id in SPELLINGS


def spans(text: str, start: int, *, stop_at_comma: bool = False) -> Iterator[int]:
    """Yield the ends of the prefixes of text[start:] that may be one expression.

    The text ends with its line, or with the line on which its last bracket closes.
    """
    depth, position = 0, start
    for match in _LEXEME.finditer(text, start):
        if depth == 0 and "\n" in text[position : match.start()]:
            return
        lexeme, position = match.group(), match.end()
        if lexeme in _CLOSERS:
            depth += 1
        elif lexeme in _CLOSERS.values():
            depth -= 1
        elif lexeme == "#" or (lexeme == "," and depth == 0 and stop_at_comma):
            return
        if depth < 0:
            return
        if depth == 0:
            yield position


def read_value(text: str, start: int) -> tuple[str, int] | None:
    """Return (value, its end) for the longest written-out value at `start`."""
    for end in reversed(list(spans(text, start))[:_MAX_PREFIXES]):
        candidate = text[start:end]
        if candidate.endswith("."):
            candidate, end = candidate[:-1], end - 1  # the full stop of the sentence
        if candidate.rstrip().endswith(",") or not _END_OF_VALUE.match(text, end):
            continue
        if (value := written_out(candidate)) is not None:
            return value, end
    return None


def call_end(text: str, start: int) -> int | None:
    """Return where the call that begins at `start` (a name and a bracket) ends."""
    depth = 0
    for match in _LEXEME.finditer(text, start):
        depth += match.group() in _CLOSERS
        depth -= match.group() in _CLOSERS.values()
        if depth == 0 and match.group() in _CLOSERS.values():
            return match.end()
        if match.end() - start > _MAX_CALL:
            break
    return None


def without_comment(code: str) -> str:
    """Return `code` up to a ``#`` outside its strings."""
    for match in _LEXEME.finditer(code):
        if match.group() == "#":
            return code[: match.start()]
    return code


def read_assignments(text: str, start: int) -> tuple[dict[str, str], int]:
    """Read ``a = 1, b = 2`` (or with colons); return the values by name and where they end."""
    values: dict[str, str] = {}
    pattern = re.compile(r"([A-Za-z_]\w*)\s*(?:=(?!=)|:)\s*")
    position = start
    while name := pattern.match(text, position):
        read = _read_any(text, name.end())
        if read is None:
            break
        values[name[1]] = read[0]
        position = read[1]
        separator = _SEPARATOR.match(text, position)
        if separator is None or not pattern.match(text, separator.end()):
            break
        position = separator.end()
    return values, position


def _read_any(text: str, start: int) -> tuple[str, int] | None:
    """Like `read_value`, whatever follows: a sentence may go on after an argument."""
    for end in reversed(list(spans(text, start, stop_at_comma=True))[:_MAX_PREFIXES]):
        if (value := written_out(text[start:end])) is not None:
            return value, end
    return None


def read_arguments(text: str) -> dict[str, str]:
    """Read the text after ``Input:``: named values, or bare ones in order."""
    values, _ = read_assignments(text, blank_length(text, 0))
    if values:
        return values
    tree = parse(re.sub(r"\s*\n\s*", " ", text.strip()))
    if tree is None or not is_closed(tree):
        return {}
    # "Input: 1, 2" is two arguments, "Input: (1, 2)" is one.
    bare_tuple = isinstance(tree, ast.Tuple) and not text.strip().startswith("(")
    parts = tree.elts if isinstance(tree, ast.Tuple) and bare_tuple else [tree]
    return {str(number): ast.unparse(part) for number, part in enumerate(parts)}


def blank_length(text: str, start: int) -> int:
    """Length of the white space at `start`."""
    return len(text[start:]) - len(text[start:].lstrip())
