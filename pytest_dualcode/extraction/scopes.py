"""Which names a piece of code binds at module level, and which it reads from there.

The standard `symtable` tells the same, but in time quadratic in the number of nested scopes.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache

_COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
# An expression may nest deeper than Python may recurse, so nodes of a scope are walked with a
# stack; only scopes recurse, and the parser bounds how deep these nest.


@dataclass(slots=True)
class Scope:
    """The names of one scope: `reads` include the free names of the scopes inside it."""

    is_class: bool = False
    is_comprehension: bool = False
    binds: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    declared_global: set[str] = field(default_factory=set)
    inner_reads: set[str] = field(default_factory=set)
    global_reads: set[str] = field(default_factory=set)
    walrus: set[str] = field(default_factory=set)  # bound in the scope around a comprehension
    needs: set[str] = field(default_factory=set)  # of a module: names it or a function in it reads

    def free(self) -> set[str]:
        """Names that an enclosing scope (or the module) has to give."""
        own = self.reads - self.binds
        # Functions in a class body do not see the names of the class.
        return own | (self.inner_reads if self.is_class else self.inner_reads - self.binds)

    def close(self) -> None:
        """Settle ``global`` declarations, once all of the scope is read."""
        for name in self.declared_global:
            if name in self.reads or name in self.binds:
                self.global_reads.add(name)
            self.reads.discard(name)
            self.binds.discard(name)


@cache
def module_scope(tree: ast.Module) -> Scope:
    """Return the names that `tree` binds, and in `Scope.needs` those that it needs."""
    scope = _scope(tree.body, Scope())
    scope.needs = scope.reads | scope.inner_reads | scope.global_reads
    return scope


def _scope(nodes: list[ast.stmt] | list[ast.AST], scope: Scope) -> Scope:
    stack: list[ast.AST] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            (scope.reads if isinstance(node.ctx, ast.Load) else scope.binds).add(node.id)
        elif isinstance(node, _FUNCTION | ast.Lambda):
            stack.extend(_enter_function(node, scope))
        elif isinstance(node, ast.ClassDef):
            stack.extend(_enter_class(node, scope))
        elif isinstance(node, _COMPREHENSION):
            stack.append(_enter_comprehension(node, scope))
        elif isinstance(node, ast.NamedExpr) and scope.is_comprehension:
            scope.walrus.add(node.target.id)
            stack.append(node.value)
        else:
            _note_names(node, scope)
            stack.extend(ast.iter_child_nodes(node))
    scope.close()
    return scope


def _note_names(node: ast.AST, scope: Scope) -> None:
    """Record names that are not `ast.Name` nodes, and targets that are read as well."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        scope.binds.update(a.asname or a.name.split(".")[0] for a in node.names)
    elif isinstance(node, ast.Global):
        scope.declared_global.update(node.names)
    elif isinstance(node, ast.Nonlocal):
        scope.reads.update(node.names)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        scope.reads.add(node.target.id)
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        scope.binds.update([node.name] if node.name else [])
    elif isinstance(node, ast.MatchMapping):
        scope.binds.update([node.rest] if node.rest else [])


def _enter_function(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope
) -> list[ast.AST]:
    """Read the function's own scope; return the parts that are evaluated in `scope`."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a]
    inner = Scope(binds={a.arg for a in every} | _type_parameters(node))
    outside: list[ast.AST] = [*arguments.defaults, *(d for d in arguments.kw_defaults if d)]
    annotations: list[ast.AST] = [a.annotation for a in every if a.annotation]
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    if not isinstance(node, ast.Lambda):
        scope.binds.add(node.name)
        outside += node.decorator_list
        annotations += [node.returns] if node.returns else []
    if _type_parameters(node):
        body += [*annotations, *getattr(node, "type_params", [])]
    else:
        outside += annotations
    _leave(_scope(body, inner), scope)
    return outside


def _enter_class(node: ast.ClassDef, scope: Scope) -> list[ast.AST]:
    scope.binds.add(node.name)
    bases: list[ast.AST] = [*node.bases, *(k.value for k in node.keywords)]
    # Type parameters are seen by the bases and the body, but not around the class.
    around = Scope(binds=_type_parameters(node))
    _scope([*bases, *getattr(node, "type_params", [])], around)
    _leave(_scope(node.body, Scope(is_class=True)), around)
    _leave(around, scope)
    return list(node.decorator_list)


def _enter_comprehension(
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope
) -> ast.AST:
    first = node.generators[0]
    parts: list[ast.AST] = [first.target, *first.ifs, *node.generators[1:]]
    parts += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    _leave(_scope(parts, Scope(is_comprehension=True)), scope)
    return first.iter


def _leave(inner: Scope, outer: Scope) -> None:
    (outer.walrus if outer.is_comprehension else outer.binds).update(inner.walrus)
    outer.inner_reads |= inner.free()
    outer.global_reads |= inner.global_reads


def _type_parameters(node: ast.AST) -> set[str]:
    """Names in ``def f[T]`` (Python 3.12 and later)."""
    return {parameter.name for parameter in getattr(node, "type_params", [])}
