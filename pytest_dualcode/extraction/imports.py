"""The imports of a program, and names that it uses but never binds."""

from __future__ import annotations

import ast
import builtins
import sys
import warnings

from pytest_dualcode.extraction.chunks import PARSE_ERRORS, Chunk, parse

_IMPLICIT = frozenset(dir(builtins)) | {"__file__", "__name__", "__doc__", "__builtins__"}

# Where names that programs forget to import come from, for names with one plausible home.
_HOMES = {
    "collections": "Counter OrderedDict defaultdict deque namedtuple",
    "copy": "deepcopy",
    "dataclasses": "dataclass",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "functools": "cache cmp_to_key lru_cache partial reduce",
    "heapq": "heapify heappop heappush heappushpop heapreplace nlargest nsmallest",
    "bisect": "bisect_left bisect_right insort",
    "itertools": "accumulate chain combinations combinations_with_replacement groupby "
    "permutations zip_longest",
    "typing": "Any Callable Dict Iterable Iterator List Optional Sequence Set Tuple Union",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}
_ALIASES = {"np": "import numpy as np", "pd": "import pandas as pd"}


def import_inventory(program: str) -> tuple[str, ...]:
    """Return the import statements of `program` in order, each once, in Python's own spelling.

    Imports inside functions count too. A program that is not Python has none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = parse(program)
    if tree is None:
        return ()
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    nodes.sort(key=lambda n: (n.lineno, n.col_offset))
    return tuple(dict.fromkeys(ast.unparse(n) for n in nodes))


def unbound_names(program: str) -> tuple[str, ...]:
    """Return, sorted, the global names that `program` reads but neither binds nor has built in.

    A program with a star import may get any name from it, so it has none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chunk = Chunk(program)
        if chunk.tree is None or has_star_import(chunk.tree):
            return ()
        return tuple(sorted(chunk.needs - chunk.binds - _IMPLICIT))


def has_star_import(tree: ast.Module) -> bool:
    """Whether the names that the program binds cannot be known."""
    return any(
        isinstance(n, ast.ImportFrom) and any(a.name == "*" for a in n.names)
        for n in ast.walk(tree)
    )


def missing_imports(program: str) -> tuple[str, ...]:
    """Return import statements for unbound names of `program` that have one plausible home."""
    used_as_module = _names_with_attributes(program)
    found = (_import_for(name, name in used_as_module) for name in unbound_names(program))
    return tuple(statement for statement in found if statement)


def _import_for(name: str, has_attribute: bool) -> str:
    if has_attribute and name in sys.stdlib_module_names:
        return f"import {name}"
    if has_attribute and name in _ALIASES:
        return _ALIASES[name]
    return f"from {_HOME_OF[name]} import {name}" if name in _HOME_OF else ""


def _names_with_attributes(program: str) -> frozenset[str]:
    try:
        tree = ast.parse(program)
    except PARSE_ERRORS:
        return frozenset()
    return frozenset(
        n.value.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
    )
