"""The entry point and what it needs: a program out of the chunks of a reply.

Kept are the last complete entry point, the definitions, constants and imports that it needs
(directly or through others) and top-level code that fills or configures these. Left out is all
else: tests, prints, ``__main__`` blocks, earlier versions, code for other problems.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from pytest_dualcode.extraction import statements
from pytest_dualcode.extraction.chunks import Chunk

# Versions of the entry point that are looked at, from the last; bounds the time only.
_MAX_CANDIDATES = 200
_BUILTINS = frozenset(dir(builtins))
_HARMLESS_MODULES = sys.stdlib_module_names - {"doctest", "unittest", "antigravity", "this"}
# Reading names by strings defeats the analysis: such programs keep every definition.
_DYNAMIC = frozenset(["eval", "exec", "globals", "locals", "vars", "__import__"])


class Slicer:
    """Answers for one reply which chunks a program needs.

    `chunks` are those of all regions of the reply, in order; `fallback` are the spec's, which
    are asked last (its imports and helper functions; the entry point's stub is not among them).
    """

    def __init__(self, chunks: list[Chunk], fallback: Iterable[Chunk], entry_point: str) -> None:
        self.chunks = chunks
        self.entry_point = entry_point
        self._order = {id(chunk): n for n, chunk in enumerate(chunks)}
        self._by_word: dict[str, list[int]] = defaultdict(list)
        self._users: dict[str, list[Chunk]] = defaultdict(list)
        self._fallback = list(fallback)

    def slice(self, entry: Chunk) -> tuple[list[Chunk], list[Chunk]]:
        """Return (chunks of the reply, chunks of the spec) that `entry` needs, in order."""
        kept = _Kept(entry)
        if entry.needs & _DYNAMIC:
            self._keep_all(entry, kept)
        for chunk in self._own_imports(entry):
            kept.add(chunk)
        size = 0
        while size < len(kept.chunks):
            size = len(kept.chunks)
            while kept.pending:
                self._satisfy(kept.pending.pop(), entry, kept)
            self._add_effects(kept)
        mine = sorted((c for c in kept.chunks if id(c) in self._order), key=self._place)
        spec = [c for c in self._fallback if c in kept.chunks]
        return mine, spec

    def _place(self, chunk: Chunk) -> int:
        return self._order[id(chunk)]

    def mentioning(self, word: str) -> list[Chunk]:
        """Chunks that may bind `word` (or, unless they are definitions, that mention it)."""
        if not self._by_word:
            for number, chunk in enumerate(self.chunks):
                for each in chunk.words:
                    self._by_word[each].append(number)
        return [self.chunks[number] for number in self._by_word.get(word, ())]

    def _satisfy(self, name: str, entry: Chunk, kept: _Kept) -> None:
        found = self._providers(name, entry)
        if not found:
            found = [c for c in self._fallback if name in c.binds][-1:]
        if not found and name not in _BUILTINS:
            found = self._star_imports(entry)
        for chunk in found:
            kept.add(chunk)

    def _star_imports(self, entry: Chunk) -> list[Chunk]:
        """``from m import *`` beside the entry point may give any name."""
        return [c for c in self.chunks if c.region == entry.region and "*" in c.binds]

    def _providers(self, name: str, entry: Chunk) -> list[Chunk]:
        binding = [
            c for c in self.mentioning(name) if name in c.binds and not self._is_test(c, name)
        ]
        for region in self._regions_by_distance(entry, binding):
            if region != entry.region and name in _BUILTINS:
                break
            found = list(_effective([c for c in binding if c.region == region], name))
            if found:
                return found
        return []

    def _regions_by_distance(self, entry: Chunk, binding: list[Chunk]) -> list[int]:
        """The entry point's own region, then earlier ones from the nearest, then later ones."""
        regions = {chunk.region for chunk in binding}
        home = entry.region
        return sorted(regions, key=lambda r: (r > home, abs(r - home)))

    def _is_test(self, chunk: Chunk, name: str) -> bool:
        assert chunk.tree is not None
        if statements.is_main_guard(chunk.tree):
            return True
        if chunk.is_import:
            return self.entry_point in chunk.binds
        if chunk.is_definition or name == self.entry_point:
            return False
        # ``result = solve(3)`` binds a name, but only to try the entry point.
        return self.entry_point in chunk.needs and not statements.is_lambda(chunk.tree)

    def _own_imports(self, entry: Chunk) -> Iterator[Chunk]:
        """Standard imports beside the entry point: harmless, and the author wants them."""
        for chunk in self.chunks:
            if chunk.region == entry.region and chunk.is_import and self._is_safe_import(chunk):
                yield chunk

    def _is_safe_import(self, chunk: Chunk) -> bool:
        if chunk.tree is None or self.entry_point in chunk.binds:
            return False
        return all(m.split(".")[0] in _HARMLESS_MODULES for m in _modules(chunk.tree))

    def _keep_all(self, entry: Chunk, kept: _Kept) -> None:
        for chunk in self.chunks:
            if chunk.region != entry.region or not chunk.binds:
                continue
            if not self._is_test(chunk, "") and self.entry_point not in chunk.binds:
                kept.add(chunk)

    def _add_effects(self, kept: _Kept) -> None:
        """Add top-level code that changes a kept object, or calls a function that does."""
        regions = {chunk.region for chunk in kept.chunks if id(chunk) in self._order}
        for name in sorted(kept.names - kept.searched):
            kept.searched.add(name)
            for chunk in self.mentioning(name):
                if chunk.region in regions and chunk not in kept.chunks:
                    self._add_effect(chunk, name, kept)
        self._add_filling_calls(regions, kept)

    def _add_effect(self, chunk: Chunk, name: str, kept: _Kept) -> None:
        tree = chunk.tree
        if tree is None or not tree.body or chunk.is_definition or chunk.is_import:
            return
        if name == self.entry_point:
            wanted = statements.sets_attributes(tree, name)
        elif name in kept.modules:
            wanted = statements.configures_module(tree, name)
        else:
            wanted = name in statements.changed_in_place(tree)
        if wanted and (name == self.entry_point or not self._is_test(chunk, "")):
            kept.add(chunk)

    def _add_filling_calls(self, regions: set[int], kept: _Kept) -> None:
        for name in sorted(kept.data - kept.filled):
            kept.filled.add(name)
            for chunk in self._functions_using(name):
                if chunk.region in regions:
                    self._add_filling_call(chunk, name, kept)

    def _functions_using(self, name: str) -> list[Chunk]:
        if not self._users:
            for chunk in self.chunks:
                if chunk.is_definition:
                    for word in chunk.all_words:
                        self._users[word].append(chunk)
        return self._users.get(name, [])

    def _add_filling_call(self, filler: Chunk, name: str, kept: _Kept) -> None:
        if filler in kept.fillers:
            return  # with all its calls, for another name
        if filler.tree is None or self.entry_point in filler.binds | filler.needs:
            return
        if name not in filler.needs | filler.binds or name not in statements.side_effects(
            filler.tree
        ):
            return
        kept.fillers.add(filler)
        for function in filler.binds:
            # A definition may call it too, as its decorator: ``@register("add")``.
            for call in [*self.mentioning(function), *self._functions_using(function)]:
                if call.region == filler.region and self._calls(call, function):
                    kept.add(filler)
                    kept.add(call)

    def _calls(self, chunk: Chunk, function: str) -> bool:
        tree = chunk.tree
        if tree is None or self._is_test(chunk, ""):
            return False
        return function in statements.called_bare(tree)


class _Kept:
    """The chunks kept so far, the names still to satisfy, and what kind of names they bind."""

    def __init__(self, entry: Chunk) -> None:
        self.chunks: set[Chunk] = set()
        self.pending: set[str] = set()
        self.names: set[str] = set()
        self.modules: set[str] = set()
        self.data: set[str] = set()
        self.searched: set[str] = set()
        self.filled: set[str] = set()
        self.fillers: set[Chunk] = set()
        self._seen: set[str] = set()
        self.add(entry)
        # Bindings of the entry point itself may be several, as ``f = cache(f)`` after ``def f``.
        self.pending |= entry.binds - self._defined_whole(entry)

    def _defined_whole(self, entry: Chunk) -> set[str]:
        return set(entry.binds) if entry.is_definition else set()

    def add(self, chunk: Chunk) -> None:
        if chunk in self.chunks:
            return
        self.chunks.add(chunk)
        self.names |= chunk.binds
        if chunk.is_import:
            self.modules |= chunk.binds
        elif not chunk.is_definition:
            self.data |= chunk.binds
        if chunk.is_definition:
            self._seen |= chunk.binds
        fresh = chunk.needs - self._seen
        self._seen |= fresh
        self.pending |= fresh


def _effective(binding: list[Chunk], name: str) -> Iterator[Chunk]:
    """From the chunks that bind `name` in one region, those whose binding can still be seen."""
    for chunk in reversed(binding):
        assert chunk.tree is not None
        yield chunk
        if not statements.is_conditional(chunk.tree) and (
            chunk.is_definition or chunk.is_import or name not in chunk.needs
        ):
            return


def _modules(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else node.module or "."


def entry_candidates(chunks: list[Chunk], entry_point: str) -> Iterator[Chunk]:
    """Chunks that bind the entry point and compile, the last first, better kinds before others.

    A function that gives a value comes before one that does not, and these before a name that
    is only assigned or imported.
    """
    lesser: list[tuple[int, Chunk]] = []
    for chunk in islice(_binding(chunks, entry_point), _MAX_CANDIDATES):
        rank = _rank(chunk, entry_point)
        if rank == 0:
            yield chunk
        elif rank is not None:
            lesser.append((rank, chunk))
    yield from (chunk for _, chunk in sorted(lesser, key=lambda pair: pair[0]))


def _binding(chunks: list[Chunk], name: str) -> Iterator[Chunk]:
    form = re.compile(
        rf"^[ \t]*(?:async[ \t]+)?def[ \t]+{re.escape(name)}\b"
        rf"|^[ \t]*{re.escape(name)}[ \t]*(?::[^=\n]*)?=(?!=)",
        re.MULTILINE,
    )
    for chunk in reversed(chunks):
        if form.search(chunk.text) or (chunk.is_import and name in chunk.words):
            yield chunk


def _rank(chunk: Chunk, name: str) -> int | None:
    if name not in chunk.binds or not chunk.compiles:
        return None
    assert chunk.tree is not None
    if statements.is_main_guard(chunk.tree):
        return None
    if chunk.is_import:
        return 3
    if statements.wraps_or_is_lambda(chunk.tree, name):
        return 0
    node = statements.definition_of(chunk.tree, name)
    if node is None:
        return 2 if not chunk.is_definition else None
    if statements.is_stub(node):
        return None
    return 0 if statements.returns(node) else 1
