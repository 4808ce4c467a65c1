"""Text to chunks: top-level statements, found without parsing all of the text.

A chunk is one logical line that starts in column 0 with all that belongs to it (indented
lines, ``else``, decorators, comments above it). Code and prose both fall into chunks; only the
chunks that may matter are ever parsed, so prose, tests and a cut-off end cost and harm nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from pytest_dualcode.extraction import statements
from pytest_dualcode.extraction.characters import STRING_OR_COMMENT
from pytest_dualcode.extraction.scopes import Scope, module_scope

_TOKEN = re.compile(rf"({STRING_OR_COMMENT})|([(\[{{])|([)\]}}])|(\\?\n)", re.DOTALL)
# A line that can only start a statement ends an unclosed bracket (mostly one in prose).
_HARD_START = re.compile(
    r"(?:async[ \t]+def|def|class)[ \t]+\w|@[A-Za-z_]|import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b"
)
_ASSIGNMENT = re.compile(r"[^\W\d]\w*[ \t]*(?::[^=\n]+)?=(?!=)")
_DECORATOR = re.compile(r"@[^\W\d][\w.]*[ \t]*(?:[(\[#]|$)", re.MULTILINE)
_DECORATED = re.compile(r"@|(?:async|def|class)\b")
_CONTINUES = re.compile(r"(?:else|elif|except|finally)\b")
_COMPOUND = re.compile(r"(?:if|for|while|try|with|async|elif|else|except)\b")
_WORD = re.compile(r"[^\W\d]\w*")
_DEFINITION = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+([^\W\d]\w*)", re.MULTILINE)

# Compiling doubles the time, and a very long function is right or wrong in other ways.
_MAX_COMPILED = 100_000

_NO_NAMES = Scope()

PARSE_ERRORS = (SyntaxError, ValueError, RecursionError, MemoryError)


# Readings of one reply share most of their text: what is known of a text is kept until the
# reply is done (`forget`), or 1 MB that is one broken function would be parsed a dozen times.


@dataclass(frozen=True, slots=True)
class Parsed:
    """A syntax tree, which nobody may change, or the line (from 1) where Python gave up."""

    tree: ast.Module | None
    error_line: int | None = None


@cache
def parsed(text: str) -> Parsed:
    """Parse `text`. Without tree and line it is nested too deeply, or holds a NUL."""
    try:
        return Parsed(ast.parse(text))
    except SyntaxError as error:
        return Parsed(None, error.lineno or 1)
    except PARSE_ERRORS:
        return Parsed(None)


def parse(text: str) -> ast.Module | None:
    """Return the syntax tree of `text`, or None if it is not Python."""
    return parsed(text).tree


def forget() -> None:
    """Free what is kept of the reply's texts and trees: a large tree takes 200 times its text."""
    for kept in (parsed, _chunk_starts, module_scope, statements.changed_in_place):
        kept.cache_clear()


@dataclass(eq=False, slots=True)
class Chunk:
    """One top-level statement of a region, with its comments; parsed when first asked for.

    What is known of it is kept by its text: a reply in a loop has the same chunk 100,000 times.
    """

    text: str
    region: int = 0
    step: str = field(default="", repr=False)

    @property
    def tree(self) -> ast.Module | None:
        """The syntax tree, or None if this is prose or broken."""
        return parse(self.text)

    @property
    def _scope(self) -> Scope:
        tree = self.tree
        return module_scope(tree) if tree else _NO_NAMES

    @property
    def binds(self) -> set[str]:
        """Module-level names that running the chunk gives a value."""
        return self._scope.binds

    @property
    def needs(self) -> set[str]:
        """Module-level and builtin names that the chunk, or a function in it, reads."""
        return self._scope.needs

    @property
    def compiles(self) -> bool:
        """Whether it is a valid program: ``ast.parse`` accepts more, as a stray ``await``."""
        if self.tree is None or len(self.text) > _MAX_COMPILED:
            return self.tree is not None
        try:
            compile(self.text, "<reply>", "exec", dont_inherit=True)
        except PARSE_ERRORS:
            return False
        return True

    @property
    def all_words(self) -> set[str]:
        """Every identifier and keyword in the text."""
        return set(_WORD.findall(self.text))

    @property
    def words(self) -> frozenset[str]:
        """A cheap superset of `binds`: known without parsing."""
        if self.is_definition:
            return frozenset(_DEFINITION.findall(self.text))
        return frozenset(self.all_words)

    @property
    def is_definition(self) -> bool:
        """Whether the chunk starts as a function or a class (perhaps decorated)."""
        if "def" not in self.text and "class" not in self.text and "@" not in self.text:
            return False  # most chunks of a reply that repeats itself
        first = _first_code(self.text)
        return bool(_HARD_START.match(first)) and not first.startswith(("import", "from"))

    @property
    def is_import(self) -> bool:
        """Whether the chunk starts as an import."""
        return "import" in self.text and _first_code(self.text).startswith(
            ("import ", "from ", "import\t", "from\t")
        )


def _first_code(text: str) -> str:
    position = 0
    while text.startswith(("#", "\n"), position):
        position = text.find("\n", position) + 1
        if not position:
            return ""
    return text[position : position + 200]


def split_chunks(text: str, region: int = 0, step: str = "") -> list[Chunk]:
    """Split `text` into chunks; joined, they give `text` back."""
    starts = list(_chunk_starts(text))
    if not starts:
        return [Chunk(text, region, step)] if text.strip() else []
    if text[: starts[0]].strip():
        starts.insert(0, 0)
    else:
        starts[0] = 0
    ends = [*starts[1:], len(text)]
    return [Chunk(text[a:b], region, step) for a, b in zip(starts, ends, strict=True)]


@cache
def _chunk_starts(text: str) -> tuple[int, ...]:
    return tuple(_find_starts(text))


def _find_starts(text: str) -> Iterator[int]:
    comment: int | None = None  # where comments that belong to the next chunk begin
    head = ""
    for position in logical_lines(text):
        first = text[position : position + 1]
        if first == "#":
            comment = position if comment is None else comment
        elif first in (" ", "\t", "\f"):
            comment = None
        elif first not in ("", "\n"):
            line = text[position : position + 200]
            if not _joins(head, line):
                yield position if comment is None else comment
            head, comment = line, None
    if comment is not None:
        yield comment


def _joins(head: str, line: str) -> bool:
    """Whether `line` goes on with the statement that `head` begins."""
    if _DECORATOR.match(head):
        return bool(_DECORATED.match(line))
    return bool(_CONTINUES.match(line) and _COMPOUND.match(head))


def _must_start(text: str, position: int) -> bool:
    if _HARD_START.match(text, position):
        return True
    return text[position - 2 : position] == "\n\n" and bool(_ASSIGNMENT.match(text, position))


def logical_lines(text: str) -> Iterator[int]:
    """Offsets at which a logical line of Python may begin."""
    yield 0
    depth = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastindex
        if kind == 2:
            depth += 1
        elif kind == 3:
            depth = max(0, depth - 1)
        elif kind == 4:
            end = match.end()
            whole = depth == 0 and end - match.start() == 1
            if whole or (depth and _must_start(text, end)):
                depth = 0
                yield end
