"""Repairs of the layout of code: margins, tabs, prompts of an interactive session, cut-off ends.

None changes what the code says. Where two readings are possible (how wide is a tab?) and they
differ, there is no repair.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_dualcode.extraction import statements
from pytest_dualcode.extraction.chunks import logical_lines, parse, parsed

_STATEMENT = re.compile(
    r"^(?:async\s+)?(?:def|class|if|for|while|with|try|else|elif|except|finally|match)\b[^\n]*:"
    r"[ \t]*(?:#[^\n]*)?$",
    re.MULTILINE,
)
_GIVES_VALUE = re.compile(r"\b(?:return|yield)\b")
_MAX_CUTS = 40
_PARSE_BUDGET = 1_000_000  # characters
_INDENT = re.compile(r"^[ \t]*(?=\S)", re.MULTILINE)
_AT_MARGIN = re.compile(r"^\S", re.MULTILINE)
_QUOTED = re.compile(r"^[ \t]*>(?: |$)")
_NUMBERED = re.compile(r"^[ \t]*\d+(?:[.:|)] ?|  ?|$)")
_SESSION = re.compile(r"^[ \t]*>>>[ \t](?:def|class|import|from|@|async)\b", re.MULTILINE)


def dedent(text: str) -> str:
    """Return `text` without the margin that all its lines share; other white space stays."""
    if _AT_MARGIN.search(text):
        return text
    margins = [m.group() for m in _INDENT.finditer(text)]
    low, high = min(margins, default=""), max(margins, default="")
    shared = [a == b for a, b in zip(low, high, strict=False)]
    margin = low[: shared.index(False) if False in shared else len(shared)]
    if not margin:
        return text
    return "\n".join(line.removeprefix(margin) for line in text.split("\n"))


def relayouts(text: str) -> Iterator[tuple[str, str]]:
    """Yield (step, text) for each other layout that `text` may have been meant to have."""
    if _SESSION.search(text):
        yield "removed >>> prompts", _without_prompts(text)
    if (bare := _without_line_marks(text)) != text:
        yield "removed marks before each line", bare
    if (lifted := _lift_first_line(text)) != text and parse(lifted) and not parse(text):
        yield "restored the first line's indentation", lifted
    if "\t" in text and (spaced := _without_tabs(text)) is not None:
        yield "replaced tabs", spaced


def _without_prompts(text: str) -> str:
    lines = []
    for line in text.split("\n"):
        match = re.match(r"^[ \t]*(?:>>>|\.\.\.)(?: (.*)|)$", line)
        if match:
            lines.append(match[1] or "")
    return "\n".join(lines)


def _without_line_marks(text: str) -> str:
    """Undo Markdown's quoting (``> ``) or line numbers, where every line has them."""
    lines = [line for line in text.split("\n") if line.strip()]
    for pattern in (_QUOTED, _NUMBERED):
        if lines and all(pattern.match(line) for line in lines):
            return "\n".join(pattern.sub("", line) for line in text.split("\n"))
    return text


def _lift_first_line(text: str) -> str:
    """Undo a ``strip()`` of an indented block, which takes the indentation of one line only."""
    body = text.strip("\n")
    first, _, rest = body.partition("\n")
    indents = [m.group() for m in _INDENT.finditer(rest)]
    if not indents or first[:1] in (" ", "\t"):
        return text
    margin = min(indents, key=len)
    if not margin or (indents[0] == margin and first.rstrip().endswith(":")):
        return text
    return dedent(margin + body)


def _without_tabs(text: str) -> str | None:
    readings = [text.expandtabs(width) for width in (4, 8)]
    trees = [parse(reading) for reading in readings]
    shapes = {ast.dump(tree) for tree in trees if tree is not None}
    if len(shapes) != 1:
        return None
    return next(r for r, tree in zip(readings, trees, strict=True) if tree is not None)


def cut_tail(text: str, entry_point: str) -> str | None:
    """Return the longest valid beginning of a function that was cut off, or None.

    Whole lines go from where Python reports the error; what is left must still return.
    """
    lines = text.split("\n")
    for _ in range(min(_MAX_CUTS, 2 + _PARSE_BUDGET // (len(text) + 1))):
        kept = "\n".join(lines)
        if not _GIVES_VALUE.search(kept):
            return None
        result = parsed(kept)
        if result.tree is not None:
            node = statements.definition_of(result.tree, entry_point)
            whole = node and statements.returns(node) and not statements.is_stub(node)
            return kept if whole else None
        if result.error_line is None:
            return None
        lines = lines[: max(0, min(result.error_line, len(lines)) - 1)]
    return None


def indent(text: str, margin: str) -> str:
    """Put `margin` before each line of `text` that begins outside a string or bracket."""
    starts = list(logical_lines(text))
    pieces = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    return "".join(margin + piece if piece.strip() else piece for piece in pieces)


def indented_runs(text: str) -> Iterator[str]:
    """Yield each stretch of consecutive indented (or blank) lines that returns something.

    Only in prose: below a statement, indented lines belong to that statement.
    """
    if _STATEMENT.search(text):
        return
    for match in re.finditer(r"(?:^(?:[ \t]+\S[^\n]*|[ \t]*)(?:\n|\Z))+", text, re.MULTILINE):
        if "return" in match.group() or "yield" in match.group():
            yield match.group()


def bodies(text: str) -> Iterator[str]:
    """Yield readings of `text` as the body of a function, indented by four or more spaces."""
    text = text.strip("\n")
    yield text
    first, newline, rest = text.partition("\n")
    if first[:1] not in (" ", "\t"):
        if rest.lstrip("\n").startswith((" ", "\t")):
            yield f"    {first}{newline}{rest}"
        yield indent(text, "    ")
    for run in indented_runs(text):
        yield indent(dedent(run.strip("\n")), "    ")
