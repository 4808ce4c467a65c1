"""The scope analysis, against Python's own on the standard library and on new syntax."""

from __future__ import annotations

import ast
import symtable
import sys
from pathlib import Path

import pytest

from pytest_dualcode.extraction.chunks import Chunk, split_chunks

LIBRARY = Path(ast.__file__).parent
MODULES = ["ast", "argparse", "dataclasses", "enum", "functools", "inspect", "statistics", "typing"]


def names_by_symtable(text: str) -> tuple[set[str], set[str]]:
    """Return (bound, read) module-level names as `symtable` sees them."""
    top = symtable.symtable(text, "text", "exec")
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    read = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        tables += table.get_children()
        read |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    return bound, read


@pytest.mark.parametrize("module", MODULES)
def test_it_agrees_with_symtable(module):
    text = (LIBRARY / f"{module}.py").read_text(encoding="utf-8")
    bound, read = names_by_symtable(text)
    chunk = Chunk(text)
    # From Python 3.12 on, symtable lists the variables of module-level comprehensions too.
    inlined = bound - chunk.binds if sys.version_info >= (3, 12) else set()
    assert chunk.binds - {"*"} == bound - inlined
    assert read - inlined - {"__class__", "__conditional_annotations__"} <= chunk.needs
    # Names that functions declare global and only assign count as read: they tie to a global.
    assert chunk.needs - read <= bound


SNIPPETS = {
    "[a for a in b if (c := a)]": ({"c"}, {"a", "b"} - {"a"}),
    "def f(a, *b, c=d, **e): return a, b, c, e, g": ({"f"}, {"d", "g"}),
    "class A(B, k=C):\n    x = y\n    def m(self): return x": ({"A"}, {"B", "C", "x", "y"}),
    "lambda a: a + b": (set(), {"b"}),
    "def f():\n    global g\n    g = 1": ({"f"}, {"g"}),
    "def f():\n    x = 1\n    def h():\n        nonlocal x\n        x = y\n    return h": (
        {"f"},
        {"y"},
    ),
    "try:\n    a\nexcept E as e:\n    pass": ({"e"}, {"a", "E"}),
    "match a:\n    case {'k': b, **c}: pass\n    case [d, *e]: pass\n    case F() as g: pass": (
        {"b", "c", "d", "e", "g"},
        {"a", "F"},
    ),
    "x += 1": ({"x"}, {"x"}),
    "import a.b as c, d.e": ({"c", "d"}, set()),
    "for i, (j, *k) in z: del i": ({"i", "j", "k"}, {"z"}),
    "with o as (p, q.r): pass": ({"p"}, {"o", "q"}),
}


@pytest.mark.parametrize(("text", "names"), SNIPPETS.items(), ids=SNIPPETS.keys())
def test_snippets(text, names):
    chunk = Chunk(text)
    assert (chunk.binds, chunk.needs) == names


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs Python 3.12's syntax")
def test_type_parameters_are_local():
    chunk = Chunk("def f[T](x: T) -> list[T]:\n    return g(x)\n")
    assert chunk.needs == {"g", "list"}
    chunk = Chunk(
        "class A[T: B](C[T]):\n    x: T\n    def m[U: D](self, u: U) -> T:\n        return u\n"
    )
    assert chunk.needs == {"B", "C", "D"}


@pytest.mark.parametrize("module", MODULES)
def test_chunks_join_to_the_text_and_hold_one_statement_each(module):
    text = (LIBRARY / f"{module}.py").read_text(encoding="utf-8")
    chunks = split_chunks(text)
    assert "".join(chunk.text for chunk in chunks) == text
    assert all(chunk.tree is not None for chunk in chunks)
    assert sum(bool(chunk.tree and chunk.tree.body) for chunk in chunks) == len(
        ast.parse(text).body
    )
