"""Visible examples: the tests that a spec itself shows, in every form that specs use.

The forms: doctests, ``assert`` statements, a call with an arrow, an equals sign or words between
it and its value, ``For x = 1 the output should be 2``, and ``Input:`` / ``Output:`` pairs.
Only what the spec says is taken: a value that is not written out, or that can be read in two
ways, gives no example.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_dualcode.problems.example_text import (
    SPELLINGS,
    Spelling,
    blank_length,
    call_end,
    parse,
    read_arguments,
    read_assignments,
    read_value,
    spans,
    without_comment,
    written_out,
)
from pytest_dualcode.types import Example, Spec

# What may stand between a call and its value. Words may be broken over lines, signs may not.
_SIGN = r"[ \t]*(?:\#[ \t]*)?(?:=+>|-+>|➞|→|⇒|==?(?!=)|:)"
_WORDS = (
    r"\s*(?:\#\s*)?(?:(?:should|must|will|would)\s+(?:return|be|give|equal|yield|output)"
    r"|returns?|gives|yields|equals|outputs|evaluates\s+to|is)(?:\s+equal\s+to)?\b"
)
_MARKER = re.compile(rf"(?:{_SIGN}|{_WORDS})[ \t]*:?\s*", re.IGNORECASE)
_RAISES = re.compile(
    rf"(?:{_SIGN})?\s*(?:(?:should|must|will|would)\s+)?(?:raises?|throws?)\s+(?:an?\s+)?"
    r"(?P<name>[A-Z]\w*(?:Error|Exception|Iteration|Interrupt|Exit))\b",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"[^\n]*?\b(?:output|result|answer|value)\s+(?:should|must|will|would)\s+be\s+", re.IGNORECASE
)
_FOR = re.compile(r"\b(?:For|If|With|When)\s+(?=\w+\s*=[^=])", re.IGNORECASE)
_INPUT = re.compile(r"^[ \t*\-]*inputs?[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE)
_OUTPUT = re.compile(r"^[ \t*\-]*(?:outputs?|returns?)[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE)
_RETURN_LINE = re.compile(r"^[ \t]*return[ \t]*=?[ \t]*(?=[\w\"'(\[{-])", re.MULTILINE)
_PROMPT = re.compile(r"^(?P<margin>[ \t]*)>>>[ \t]?(?P<code>[^\n]*)", re.MULTILINE)
_ENDS_LINE = re.compile(r"[ \t]*(?:#|,|$)", re.MULTILINE)
_OPERATORS = tuple("+-*/%^|&<([{,=")
_BUILTINS = frozenset(dir(builtins))


def visible_examples(spec: Spec) -> tuple[Example, ...]:
    """Return the examples of `spec` in the order of the text, each once.

    Examples of other functions of the spec are not among them. Never raises: a spec without
    readable examples has none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\\d" in a spec's string is the spec's matter
        try:
            found = _find(_subject(spec))
        except (RecursionError, MemoryError):
            return ()  # an expression nested too deeply to be an example
    unique: dict[tuple[str, str | None, str | None], Example] = {}
    for example in found:
        unique.setdefault((example.call, example.expected, example.raises), example)
    return tuple(unique.values())


def _find(subject: _Subject) -> list[Example]:
    found = _Finder(subject).find()
    if not found and (other := _misspelt_name(subject)):
        return _Finder(subject, other).find()
    return found


# --- what the examples are about -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Subject:
    """The entry point, its parameters (empty if unknown), and the text to read."""

    name: str
    parameters: tuple[str, ...]
    text: str
    others: frozenset[str]


def _subject(spec: Spec) -> _Subject:
    try:
        tree = ast.parse(spec.prompt)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _Subject(spec.entry_point, (), spec.prompt, frozenset())
    defined = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    others = frozenset(n.name for n in defined) - {spec.entry_point}
    for node in defined:
        if node.name == spec.entry_point and node.body:
            parameters = tuple(a.arg for a in (*node.args.posonlyargs, *node.args.args))
            text = _source(spec.prompt, node.body[0])
            return _Subject(spec.entry_point, parameters, text, others)
    return _Subject(spec.entry_point, (), spec.prompt, others)


def _source(prompt: str, docstring: ast.stmt) -> str:
    # The source and not the value: "\\n" in an example means the escape that is written there.
    text = ast.get_source_segment(prompt, docstring) or ""
    text = " " * docstring.col_offset + text
    return re.sub(r'^([ \t]*)[rRuU]?("""|\'\'\')|("""|\'\'\')[ \t]*$', r"\1", text)


def _misspelt_name(subject: _Subject) -> str | None:
    """The one unknown function that the text shows examples of, where the entry point has none."""
    names = set(re.findall(r"(?<![\w.])([A-Za-z_]\w*)\(", subject.text))
    names -= _BUILTINS | subject.others | {subject.name}
    shown = [name for name in sorted(names) if _Finder(subject, name).find()]
    return shown[0] if len(shown) == 1 and subject.parameters else None


# --- finding examples ------------------------------------------------------------------------


class _Finder:
    """Finds the examples in a subject's text, under the entry point's or another `name`."""

    def __init__(self, subject: _Subject, name: str | None = None) -> None:
        self.subject = subject
        self.written_name = name or subject.name
        self.text = subject.text
        self.found: list[tuple[int, Example]] = []
        self.mention = re.compile(rf"(?<![\w.]){re.escape(self.written_name)}(?=[ \t]*\()")

    def find(self) -> list[Example]:
        self._doctests()
        self._assertions()
        self._calls()
        if self.written_name == self.subject.name and self.subject.parameters:
            self._sentences()
            self._input_output()
            self._assigned_then_returned()
        return [example for _, example in sorted(self.found, key=lambda pair: pair[0])]

    def _add(self, start: int, end: int, call: str, **outcome: str) -> None:
        source = re.sub(r"\n[ \t]*", "\n", self.text[start:end].strip())
        self.found.append((start, Example(source, call, **outcome)))
        self._consume(start, end)

    def _consume(self, start: int, end: int) -> None:
        """Blank a stretch out, so that no other form reads it again."""
        blank = re.sub(r"[^\n]", " ", self.text[start:end])
        self.text = self.text[:start] + blank + self.text[end:]

    def _call(self, text: str) -> str | None:
        """Return `text` as an expression to evaluate, or None if it is not closed."""
        tree = parse(text)
        if tree is None:
            return None
        tree = Spelling().visit(_Quoting(self.subject, self.written_name).visit(tree))
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        if self.subject.name not in names or names - _BUILTINS - {
            self.subject.name,
            *_modules(tree),
        }:
            return None
        if any(isinstance(n, ast.Constant) and n.value is Ellipsis for n in ast.walk(tree)):
            return None
        return ast.unparse(_Importing(_modules(tree)).visit(tree))

    # doctests ---------------------------------------------------------------

    def _doctests(self) -> None:
        for match in list(_PROMPT.finditer(self.text)):
            code, end = _continued(self.text, match)
            if not self.mention.search(code):
                continue
            want, end_of_want = _want(self.text, end)
            call = self._call(without_comment(code))
            if call is None or not self._doctest(match.start(), end, call, want, end_of_want):
                self._doctest_without_output(match.start(), end, code, call, want)
            self._consume(match.start(), end)

    def _doctest(self, start: int, end: int, call: str, want: str, end_of_want: int) -> bool:
        """Add the doctest if its output can be read."""
        tree = parse(call)
        is_print = isinstance(tree, ast.Call) and ast.unparse(tree.func) == "print"
        if want.startswith("Traceback (most recent call last)"):
            names = re.findall(r"^\s*([A-Za-z_][\w.]*)(?::|$)", want, re.MULTILINE)
            self._add(start, end_of_want, call, raises=names[-1].rpartition(".")[2])
        elif isinstance(tree, ast.Call) and is_print and len(tree.args) == 1:
            printed = f"str({ast.unparse(tree.args[0])})"
            self._add(start, end_of_want, printed, expected=repr(want))
        elif (value := written_out(want)) is not None:
            self._add(start, end_of_want, call, expected=value)
        elif want and (read := read_value(self.text, end + blank_length(self.text, end))):
            self._add(start, read[1], call, expected=read[0])
        else:
            return False
        return True

    def _doctest_without_output(
        self, start: int, end: int, code: str, call: str | None, want: str
    ) -> None:
        """Add ``f(1) == 2`` on one line, or a call that gives None."""
        inline = self._inline(code)
        if inline is not None:
            self._add(start, end, inline[0], expected=inline[1])
        elif call is not None and not want:
            is_call = isinstance(parse(call), ast.Call)
            self._add(start, end, call, expected="None" if is_call else "True")

    def _inline(self, code: str) -> tuple[str, str] | None:
        """Split ``f(1) == 2``, ``f(1) => 2`` or ``f([1]) [2]`` into a call and its value."""
        mention = self.mention.search(code)
        end = call_end(code, mention.start()) if mention else None
        if mention is None or end is None or code[: mention.start()].strip():
            return None
        call = self._call(code[:end])
        marker = _MARKER.match(code, end)
        after = marker.end() if marker else end + len(code[end:]) - len(code[end:].lstrip())
        read = read_value(code, after)
        return (call, read[0]) if call and read else None

    # assertions -------------------------------------------------------------

    def _assertions(self) -> None:
        for match in list(re.finditer(r"^[ \t]*assert\b", self.text, re.MULTILINE)):
            for end in reversed(list(spans(self.text, match.start()))):
                pair = self._assertion(self.text[match.start() : end].strip())
                if pair is not None and _ENDS_LINE.match(self.text, end):
                    self._add(match.start(), end, pair[0], expected=pair[1])
                    break

    def _assertion(self, text: str) -> tuple[str, str] | None:
        try:
            statement = ast.parse(text).body[0]
        except (SyntaxError, ValueError, RecursionError, MemoryError, IndexError):
            return None
        if not isinstance(statement, ast.Assert) or not self.mention.search(text):
            return None
        test = statement.test
        if isinstance(test, ast.Compare) and [type(op) for op in test.ops] == [ast.Eq]:
            sides = ast.unparse(test.left), ast.unparse(test.comparators[0])
            for call, value in (sides, sides[::-1]):
                closed, written = self._call(call), written_out(value)
                if closed is not None and written is not None:
                    return closed, written
        condition = self._call(ast.unparse(test))
        is_bool = isinstance(test, ast.Compare | ast.UnaryOp)
        return (
            None if condition is None else (condition if is_bool else f"bool({condition})", "True")
        )

    # a call and its value ---------------------------------------------------

    def _calls(self) -> None:
        for match in list(self.mention.finditer(self.text)):
            end = call_end(self.text, match.start())
            if end is None or self._is_part(match.start()):
                continue
            call = self._call(self.text[match.start() : end])
            if call is not None:
                self._outcome(match.start(), end, call)

    def _is_part(self, start: int) -> bool:
        """Whether the call is a term of a longer expression, as in a recurrence."""
        before = self.text[self.text.rfind("\n", 0, start) + 1 : start].strip()
        return before not in ("*", "-", "+") and before.endswith(_OPERATORS)

    def _outcome(self, start: int, end: int, call: str) -> None:
        if raises := _RAISES.match(self.text, end):
            self._add(start, raises.end(), call, raises=raises["name"])
        elif marker := _MARKER.match(self.text, end):
            read = read_value(self.text, marker.end())
            if read is not None:
                self._add(start, read[1], call, expected=read[0])

    # values for the parameters ----------------------------------------------

    def _sentences(self) -> None:
        """``For lst = [1, 2] the output should be 3``."""
        for match in list(_FOR.finditer(self.text)):
            values, end = read_assignments(self.text, match.end())
            result = _RESULT.match(self.text, end)
            read = read_value(self.text, result.end()) if result else None
            call = self._call_with(values)
            if read and call:
                self._add(match.start(), read[1], call, expected=read[0])

    def _input_output(self) -> None:
        """``Input: n = 5`` and ``Output: 1``; the value may be on the next line."""
        for match in list(_INPUT.finditer(self.text)):
            output = _OUTPUT.search(self.text, match.end())
            if output is None:
                return
            given = self.text[match.end() : output.start()]
            read = read_value(self.text, output.end() + blank_length(self.text, output.end()))
            call = self._call_with(read_arguments(given))
            if read and call:
                self._add(match.start(), read[1], call, expected=read[0])

    def _assigned_then_returned(self) -> None:
        """``arr = [1, 2]`` on one line and ``return [2, 1]`` on a later one."""
        first = re.escape(self.subject.parameters[0])
        line = re.compile(rf"^[ \t]*({first})[ \t]*=(?!=)", re.MULTILINE)
        starts = [match.start(1) for match in line.finditer(self.text)]
        limits = [*starts[1:], len(self.text)][: len(starts)]
        for start, limit in zip(starts, limits, strict=True):
            values, end = read_assignments(self.text, start)
            result = _RETURN_LINE.search(self.text, end, limit)
            read = read_value(self.text, result.end()) if result else None
            call = self._call_with(values)
            if read and call:
                self._add(start, read[1], call, expected=read[0])

    def _call_with(self, values: Mapping[str, str]) -> str | None:
        parameters = self.subject.parameters
        if len(values) != len(parameters):
            return None
        # Specs rename parameters in their examples; the order then decides.
        in_order = list(values.values())
        arguments = [values[p] for p in parameters] if set(values) == set(parameters) else in_order
        return self._call(f"{self.written_name}({', '.join(arguments)})")


class _Quoting(ast.NodeTransformer):
    """Calls the entry point by its name, and quotes words given to it bare: ``f(abc)``."""

    def __init__(self, subject: _Subject, written_name: str) -> None:
        self.subject, self.written_name = subject, written_name
        words = re.findall(rf"\b{re.escape(written_name)}\(([A-Za-z]\w*)\)", subject.text)
        self.words = set(words) - {*subject.parameters, *_BUILTINS, *SPELLINGS}
        # A single name may be a variable of the text; ``f(a)``, ``f(abc)`` are strings.
        if len(self.words) < 2 or max(map(len, self.words)) == 1 or not subject.parameters:
            self.words = set()

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Rename and quote in one call."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == self.written_name:
            node.func = ast.Name(self.subject.name, ast.Load())
            node.args = [self._quoted(argument) for argument in node.args]
        return node

    def _quoted(self, node: ast.expr) -> ast.expr:
        is_word = isinstance(node, ast.Name) and node.id in self.words
        return ast.Constant(node.id) if is_word and isinstance(node, ast.Name) else node


class _Importing(ast.NodeTransformer):
    """Makes an expression independent of what the program imports."""

    def __init__(self, modules: frozenset[str]) -> None:
        self.modules = modules

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.modules:
            return ast.Call(ast.Name("__import__", ast.Load()), [ast.Constant(node.id)], [])
        return node


def _modules(tree: ast.expr) -> frozenset[str]:
    """Standard modules that the expression takes attributes of, as ``math.isclose``."""
    return frozenset(
        n.value.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute)
        and isinstance(n.value, ast.Name)
        and n.value.id in sys.stdlib_module_names
    )


def _continued(text: str, prompt: re.Match[str]) -> tuple[str, int]:
    """Return the code of a doctest with its ``...`` lines, and where it ends."""
    code, end = [prompt["code"]], prompt.end()
    pattern = re.compile(rf"\n{re.escape(prompt['margin'])}\.\.\.(?: ([^\n]*)|(?=\n|\Z))")
    while more := pattern.match(text, end):
        code.append(more[1] or "")
        end = more.end()
    return "\n".join(code), end


def _want(text: str, start: int) -> tuple[str, int]:
    """Return the expected output after a doctest, without its margin, and where it ends."""
    match = re.compile(r"(?:\n(?![ \t]*>>>)[ \t]*[^\s][^\n]*)*").match(text, start)
    assert match is not None
    return "\n".join(line.strip() for line in match.group().split("\n")).strip(), match.end()
