"""`extract_program`: the order in which readings of a reply are tried.

From the most to the least literal: the reply as a program, its Python fences, everything in it,
relaid-out code; then the same with characters repaired; then a cut-off function; then a body
without its signature. The first reading that holds the entry point wins.
"""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pytest_dualcode.extraction import repair, statements
from pytest_dualcode.extraction.characters import repair_characters, unify_newlines
from pytest_dualcode.extraction.chunks import Chunk, forget, parse, split_chunks
from pytest_dualcode.extraction.diagnosis import why_nothing
from pytest_dualcode.extraction.fences import Block, split_fences
from pytest_dualcode.extraction.imports import missing_imports
from pytest_dualcode.extraction.slicing import Slicer, entry_candidates
from pytest_dualcode.extraction.thinking import split_thinking
from pytest_dualcode.types import Extraction, Spec

_LONG_REPLY = 100_000  # characters
_MAX_RESTARTS = 8
_RESTART_BUDGET = 100_000  # characters
_MARKS = re.compile(r"```|~~~|</?(?:think|reason|thought)", re.IGNORECASE)
_IN_BLOCK = re.compile(r"(?:^|\n)[ \t]*(?:class|def|async)\b[^\n]*:\s*\Z")
_MAX_CUT_FUNCTIONS = 4
_MAX_BODIES = 60


@dataclass(frozen=True, slots=True)
class _Text:
    """A reading of the reply, with the steps that led to it."""

    text: str
    steps: tuple[str, ...]
    is_program: bool = False


def extract_program(reply: str, spec: Spec, *, add_imports: bool = False) -> Extraction:
    """Return the program in `reply`, complete in itself, or the reason why there is none.

    Imports and helper functions of the spec that the program needs and does not define are put
    before it. With `add_imports`, imports that the program forgot are added where the name has
    one plausible home (off by default: it changes what the program does). Never raises.
    """
    with warnings.catch_warnings(), _collector_paused(len(reply)):
        # Python warns of "\\d" in a model's string; that is the model's matter.
        warnings.simplefilter("ignore")
        try:
            return _extract(reply, spec, add_imports)
        except (RecursionError, MemoryError) as error:
            return Extraction("", (), f"the reply is nested too deeply ({type(error).__name__})")
        finally:
            forget()


@contextmanager
def _collector_paused(length: int) -> Iterator[None]:
    """Keep the garbage collector from walking a large syntax tree again and again while it grows.

    It takes three quarters of the time to parse 1 MB; short replies do not notice.
    """
    if length < _LONG_REPLY or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _extract(reply: str, spec: Spec, add_imports: bool) -> Extraction:
    readings = list(_readings(reply))
    for finder in (_find_intact, _find_cut, _find_body):
        for reading in readings:
            found = finder(reading, spec)
            if found is not None:
                return _finish(found, reading, add_imports)
    return Extraction("", readings[0].steps if readings else (), why_nothing(reply, spec))


def _finish(found: _Text, reading: _Text, add_imports: bool) -> Extraction:
    program, steps = found.text, (*reading.steps, *found.steps)
    if add_imports and (missing := missing_imports(program)):
        future, rest = _split_future(program)
        program = future + "\n".join(missing) + "\n" + rest
        steps += tuple(f"added: {statement}" for statement in missing)
    return Extraction(program, steps)


def _readings(reply: str) -> Iterator[_Text]:
    text = unify_newlines(reply)
    steps = ("unified newlines",) if text != reply else ()
    if _MARKS.search(text) and parse(text) is not None:
        # A whole program: its strings may hold fences and tags, which are then not markup.
        yield _Text(text, steps, is_program=True)
    thinking = split_thinking(text)
    seen = set()
    for part, why in ((thinking.answer, ()), (thinking.unclosed, ("read unclosed <think> text",))):
        clean, repairs = repair_characters(part)
        for candidate, more in ((part, ()), (clean, repairs)):
            if candidate.strip() and candidate not in seen:
                seen.add(candidate)
                yield _Text(candidate, (*steps, *thinking.steps, *why, *more))


def _find_intact(reading: _Text, spec: Spec) -> _Text | None:
    if spec.entry_point not in reading.text:
        return None
    seen: set[tuple[str, ...]] = set()
    for blocks in _divisions(reading, spec.entry_point):
        texts = tuple(block.text for block in blocks)
        if texts in seen:
            continue
        seen.add(texts)
        chunks = _chunks(blocks)
        for entry in entry_candidates(chunks, spec.entry_point):
            return _assemble(entry, chunks, spec)
    return None


def _chunks(blocks: list[Block]) -> list[Chunk]:
    return [c for n, b in enumerate(blocks) for c in split_chunks(b.text, n, b.step)]


def _divisions(reading: _Text, entry_point: str) -> Iterator[list[Block]]:
    """Yield ways to divide a reading into stretches of code, the most literal first."""
    text = reading.text
    if reading.is_program:
        yield [Block(text, fenced=False)]
        return
    blocks = _dedented(split_fences(text, trust_strings=True))
    naive = _dedented(split_fences(text, trust_strings=False))
    yield [b for b in blocks if b.is_python]
    yield [b for b in naive if b.is_python]
    yield blocks
    yield naive
    for block in reversed(blocks):
        for step, relaid in repair.relayouts(block.text):
            yield [Block(relaid, fenced=False, note=step)]
    yield from _restarts(text, entry_point)


def _dedented(blocks: list[Block]) -> list[Block]:
    return [replace(b, text=repair.dedent(b.text)) for b in blocks]


def _restarts(text: str, entry_point: str) -> Iterator[list[Block]]:
    """Begin to read at each definition of the entry point, whatever stands before it.

    This finds functions after an unclosed quote, and indented ones (in a list, in a Markdown
    code block) that are not a method or a nested function.
    """
    pattern = rf"^([ \t]*)(?:async[ \t]+)?def[ \t]+{re.escape(entry_point)}\b"
    budget = len(text) + _RESTART_BUDGET
    for match in list(re.finditer(pattern, text, re.MULTILINE))[: -_MAX_RESTARTS - 1 : -1]:
        start = _above_decorators(text, match.start(), match[1])
        before = text[max(0, start - 400) : start]
        if match[1] and _IN_BLOCK.search(before):
            continue
        rest = _run(text[start:], match[1])
        budget -= len(rest)
        if budget < 0:
            return
        yield [Block(repair.dedent(rest), fenced=False, note="read on from the definition")]


def _above_decorators(text: str, start: int, margin: str) -> int:
    """Where the decorators begin that stand above the line at `start`."""
    while start and text.startswith(margin + "@", line := text.rfind("\n", 0, start - 1) + 1):
        start = line
    return start


def _run(text: str, margin: str) -> str:
    """The lines of `text` up to the first that is indented less than `margin`."""
    if not margin:
        return text
    end = re.search(rf"\n(?!{re.escape(margin)}|[ \t]*\n|[ \t]*\Z)", text)
    return text[: end.start()] if end else text


def _assemble(entry: Chunk, chunks: list[Chunk], spec: Spec) -> _Text:
    slicer = Slicer(chunks, _spec_chunks(spec), spec.entry_point)
    mine, added = slicer.slice(entry)
    steps = [*dict.fromkeys(c.step for c in mine if c.step)]
    kept = set(mine)
    if any(c.region == entry.region and c not in kept for c in chunks):
        steps.append("left out what the entry point does not need")
    if added:
        steps.append(
            "added from the spec: " + ", ".join(sorted(set().union(*(c.binds for c in added))))
        )
    return _Text(_join(added, mine), tuple(steps))


def _spec_chunks(spec: Spec) -> list[Chunk]:
    return [c for c in split_chunks(spec.prompt) if c.tree and spec.entry_point not in c.binds]


def _join(added: list[Chunk], mine: list[Chunk]) -> str:
    """Put the spec's chunks before the reply's, and ``from __future__`` before all others."""
    head = [c for c in mine if c.is_import and "__future__" in c.text]
    if not added and mine[: len(head)] == head:
        head = []  # they stand where they must, and the text stays as it is
    parts = [c.text.strip("\n") + "\n" for c in [*head, *(c for c in added if c.is_import)]]
    parts += ["\n\n" + c.text.strip("\n") + "\n" for c in added if not c.is_import]
    rest = [c for c in mine if c not in head]
    region = None
    for chunk in rest:
        seam = (
            "\n\n" if parts and region is None else "\n" if parts and chunk.region != region else ""
        )
        text = chunk.text if region is not None else chunk.text.lstrip("\n")
        parts.append(seam + text + ("" if text.endswith("\n") else "\n"))
        region = chunk.region
    return "".join(parts).strip("\n") + "\n"


def _split_future(program: str) -> tuple[str, str]:
    chunks = split_chunks(program)
    last = max(
        (n for n, c in enumerate(chunks) if "__future__" in c.text and c.is_import), default=-1
    )
    return "".join(c.text for c in chunks[: last + 1]), "".join(c.text for c in chunks[last + 1 :])


def _find_cut(reading: _Text, spec: Spec) -> _Text | None:
    """A function whose end is missing or broken: what of it is whole."""
    if spec.entry_point not in reading.text:
        return None
    chunks = _chunks(_dedented(split_fences(reading.text, trust_strings=False)))
    broken = [
        number
        for number, chunk in enumerate(chunks)
        if chunk.is_definition and spec.entry_point in chunk.words and not chunk.tree
    ]
    for number in broken[: -_MAX_CUT_FUNCTIONS - 1 : -1]:
        chunk = chunks[number]
        entry = Chunk(repair.cut_tail(chunk.text, spec.entry_point) or "", chunk.region, chunk.step)
        if entry.text and entry.compiles:
            found = _assemble(entry, [*chunks[:number], entry, *chunks[number + 1 :]], spec)
            return _Text(found.text, (*found.steps, "cut a broken end off the entry point"))
    return None


def _find_body(reading: _Text, spec: Spec) -> _Text | None:
    """A body alone, put under the spec's signature."""
    text = reading.text
    if not spec.has_signature or not ("return" in text or "yield" in text):
        return None
    header = spec.prompt.rstrip() + "\n"
    blocks = split_fences(text, trust_strings=True)
    for block in [*reversed([b for b in blocks if b.is_python]), Block(text, fenced=False)]:
        for number, body in enumerate(repair.bodies(block.text)):
            if number >= _MAX_BODIES:
                break
            if (found := _under_signature(header, body, spec)) is not None:
                return _Text(found, (block.step, "put the body under the spec's signature"))
    return None


def _under_signature(header: str, body: str, spec: Spec) -> str | None:
    chunks = split_chunks(header + body)
    for chunk in chunks:
        if not chunk.is_definition or spec.entry_point not in chunk.words or chunk.tree is None:
            continue
        node = statements.definition_of(chunk.tree, spec.entry_point)
        if node is None or statements.has_bare_name(node) or not statements.gives_value(node):
            continue
        if chunk.compiles:
            return _assemble(chunk, chunks, spec).text
    return None
