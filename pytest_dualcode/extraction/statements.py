"""What a statement means for extraction: completeness, tests, and what it changes in place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

Function = ast.FunctionDef | ast.AsyncFunctionDef

# Calls on an imported module that only set the program up; any other such call at top level
# (``sys.exit(main())``, ``random.choice(...)``) belongs to a script, not to the function.
_CONFIGURATION = frozenset(["seed", "filterwarnings", "simplefilter"])

# Functions that change their first argument.
_MUTATORS = frozenset([
    "heapify", "heappush", "heappop", "heapreplace", "heappushpop",
    "insort", "insort_left", "insort_right", "shuffle", "setattr", "delattr",
])  # fmt: skip


def definition_of(tree: ast.Module, name: str) -> Function | None:
    """Return the last top-level function called `name`."""
    for node in reversed(tree.body):
        if isinstance(node, Function) and node.name == name:
            return node
    return None


def is_stub(node: Function) -> bool:
    """Whether the body says nothing: docstring, ``pass``, ``...``, NotImplementedError."""
    return all(_says_nothing(statement) for statement in node.body)


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        return "NotImplementedError" in ast.dump(node)
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def gives_value(node: Function) -> bool:
    """Whether the function itself, not one nested in it, returns or yields a value."""
    return any(
        (isinstance(n, ast.Return) and n.value is not None)
        or isinstance(n, ast.Yield | ast.YieldFrom)
        for n in own_nodes(node)
    )


def returns(node: Function) -> bool:
    """Whether there is a ``return`` or ``yield`` anywhere in the function."""
    return any(isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in ast.walk(node))


def wraps_or_is_lambda(tree: ast.Module, name: str) -> bool:
    """Whether this is ``name = lambda ...`` or ``name = wrapper(name)``."""
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not any(root_name(t) == name for t in node.targets):
            continue
        if isinstance(node.value, ast.Lambda):
            return True
        if isinstance(node.value, ast.Call):
            return any(isinstance(a, ast.Name) and a.id == name for a in node.value.args)
    return False


def has_bare_name(node: Function) -> bool:
    """Whether a statement of the body is a lone name: a word of prose, and never code."""
    return any(isinstance(n, ast.Expr) and isinstance(n.value, ast.Name) for n in node.body)


def sets_attributes(tree: ast.Module, name: str) -> bool:
    """Whether the chunk only sets attributes of `name`, as ``f.cache = {}``, without using it."""
    return all(
        isinstance(node, ast.Assign)
        and all(isinstance(t, ast.Attribute) and root_name(t) == name for t in node.targets)
        and not any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node.value))
        for node in tree.body
    )


def is_lambda(tree: ast.Module) -> bool:
    """Whether the chunk only gives names to lambdas, whose bodies do not run yet."""
    return all(isinstance(n, ast.Assign) and isinstance(n.value, ast.Lambda) for n in tree.body)


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the nodes below `node` without entering nested functions and classes."""
    stack = list(ast.iter_child_nodes(node))
    while stack:
        child = stack.pop()
        yield child
        if not isinstance(child, Function | ast.Lambda | ast.ClassDef):
            stack.extend(ast.iter_child_nodes(child))


def is_main_guard(tree: ast.Module) -> bool:
    """Whether this is an ``if __name__ == ...`` block, which a judge never runs."""
    return any(
        isinstance(node, ast.If)
        and any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(node.test))
        for node in tree.body
    )


def is_conditional(tree: ast.Module) -> bool:
    """Whether the chunk's bindings depend on a condition, so that earlier ones may still hold."""
    return any(isinstance(n, ast.If | ast.Try | ast.For | ast.While | ast.With) for n in tree.body)


@cache
def changed_in_place(tree: ast.AST) -> frozenset[str]:
    """Names of objects that top-level code changes: ``a.append(1)``, ``a[0] = 1``, ``shuffle(a)``.

    Without the calls of functions of the reply, for which see `side_effects`.
    """
    return frozenset(name for node in own_nodes(tree) if (name := _changed(node)))


def _changed(node: ast.AST) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if node.value.args and _called_name(node.value) in _MUTATORS:
            return root_name(node.value.args[0])
        return root_name(function) if isinstance(function, ast.Attribute) else None
    if isinstance(node, ast.AugAssign):
        return root_name(node.target)
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(
        node.ctx, ast.Store | ast.Del
    ):
        return root_name(node)
    return None


def configures_module(tree: ast.Module, name: str) -> bool:
    """Whether the chunk only sets up what was imported as `name`.

    By a setter (``sys.setrecursionlimit(10**6)``) or an attribute (``getcontext().prec = 50``).
    """
    return all(_configures(node, name) for node in tree.body)


def _configures(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.Assign):
        if any(isinstance(n, ast.Call) for n in ast.walk(node.value)):
            return False  # ``sys.stdin = open("input.txt")`` is part of a script
        targets = node.targets
        return all(isinstance(t, ast.Attribute) and _imported_root(t) == name for t in targets)
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    setter = _called_name(node.value)
    is_setter = setter.startswith("set") or setter in _CONFIGURATION
    return is_setter and _imported_root(node.value.func) == name


def _called_name(call: ast.Call) -> str:
    """Return ``c`` of ``a.b.c()``, and ``f`` of ``f()``."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _imported_root(node: ast.AST) -> str | None:
    """Return ``a`` of ``a.b().c``; of a module, calls in between make no difference."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def root_name(node: ast.AST) -> str | None:
    """Return ``a`` of ``a.b[0].c``, of ``a.get(1).b`` and ``a`` itself; None for ``f(1).b``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        if not isinstance(node, ast.Call):
            node = node.value
        elif isinstance(node.func, ast.Attribute):
            node = node.func
        else:
            return None
    return node.id if isinstance(node, ast.Name) else None


def called_bare(tree: ast.Module) -> frozenset[str]:
    """Names of functions that top-level code calls for their effect: ``fill()``, ``@register``."""
    calls = [
        node.value
        for node in own_nodes(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    decorators = [
        decorator
        for node in tree.body
        if isinstance(node, Function | ast.ClassDef)
        for decorator in node.decorator_list
    ]
    functions = [c.func if isinstance(c, ast.Call) else c for c in (*calls, *decorators)]
    return frozenset(f.id for f in functions if isinstance(f, ast.Name))


def side_effects(tree: ast.Module) -> frozenset[str]:
    """Module-level names that functions defined here change when they are called."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found.update(node.names)
        elif name := _changed(node):
            found.add(name)
    return frozenset(found)
