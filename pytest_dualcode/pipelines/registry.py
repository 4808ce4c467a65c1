"""Names to recipes: the built-in ones, a user's own, and ``+retry`` after any of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from pytest_dualcode.errors import UsageError
from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.types import BUILT_IN_PIPELINES, GIVEN_PIPELINES, ROLES, Role, Spec

Recipe = Callable[[Spec, Attempt], Awaitable[str]]
"""From a spec to the program for the judge, through an attempt."""

ENTRY_POINT_GROUP = "pytest_dualcode.pipelines"
RETRY = "+retry"
GIVEN = GIVEN_PIPELINES

PAPER_RETRY = "review-fix" + RETRY
_BUILT_IN = ("raw", "plan_code", "review_fix", "adversarial", "gated_review", "enriched_review")


@dataclass(frozen=True, slots=True)
class Registered:
    """One recipe under its name.

    `roles` are those that it may ask, so that a run of a baseline alone starts one server;
    `paper` says whether ``--pipeline=all`` includes it.
    """

    name: str
    recipe: Recipe
    roles: tuple[Role, ...]
    paper: bool


_registered: dict[str, Registered] = {}


def pipeline(
    name: str, *, roles: tuple[Role, ...] = ROLES, paper: bool = False
) -> Callable[[Recipe], Recipe]:
    """Register the decorated coroutine function as pipeline `name`, which may ask `roles`.

    Put it in a ``conftest.py``, or in a module that an entry point of the group
    ``pytest_dualcode.pipelines`` names. Raises `UsageError` for a name that is taken or that
    could not stand in an option.
    """

    def register(recipe: Recipe) -> Recipe:
        check_name(name, recipe)
        _registered[name] = Registered(name, recipe, roles, paper)
        return recipe

    return register


def check_name(name: str, recipe: Recipe) -> None:
    """Raise `UsageError` unless `name` is free (or is this same recipe, loaded again)."""
    if not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError(
            f"{name!r} cannot be the name of a pipeline.",
            "Use letters, digits, '-' and '_'; '+retry' is added by the user of a name.",
        )
    taken = _registered.get(name)
    same = taken is not None and identity(taken.recipe) == identity(recipe)
    ours = recipe.__module__.startswith(f"{__package__}.")
    if name in ("all", *GIVEN, *([] if ours else BUILT_IN_PIPELINES)) or (taken and not same):
        raise UsageError(f"There is a pipeline {name!r} already.", "Register another name.")


def identity(recipe: Recipe) -> tuple[str, str]:
    """Return what tells recipes apart when a module is loaded twice."""
    return recipe.__module__, recipe.__qualname__


@cache
def load_all() -> None:
    """Import the built-in recipes and those of installed packages."""
    for module in _BUILT_IN:
        import_module(f"pytest_dualcode.pipelines.{module}")
    for point in entry_points(group=ENTRY_POINT_GROUP):
        point.load()


def pipeline_names() -> tuple[str, ...]:
    """Return every name that `find_recipe` accepts, ``+retry`` apart, then the given ones."""
    load_all()
    return (*_registered, *GIVEN)


def paper_names() -> tuple[str, ...]:
    """Return what ``--pipeline=all`` stands for: the rows of the paper's table."""
    load_all()
    return (*(name for name, found in _registered.items() if found.paper), PAPER_RETRY)


def expand_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return `names` with ``all`` expanded and doubles dropped. Raises `UsageError` if unknown."""
    wanted = [one for name in names for one in (paper_names() if name == "all" else (name,))]
    for name in wanted:
        check_known(name)
    return tuple(dict.fromkeys(wanted))


def check_known(name: str) -> None:
    """Raise `UsageError`, with the valid names, unless `name` is a pipeline."""
    base = name.removesuffix(RETRY)
    known = pipeline_names()
    if base not in known or (name.endswith(RETRY) and base in GIVEN):
        raise UsageError(
            f"There is no pipeline {name!r}.",
            f"Valid names: {', '.join(known)}, all; '{RETRY}' after any that generates.",
        )


def roles_of(names: tuple[str, ...]) -> tuple[Role, ...]:
    """Return the roles that the pipelines `names` may ask; ``+retry`` asks the coder."""
    asked: set[Role] = set()
    for name in names:
        check_known(name)
        if name not in GIVEN:
            asked.update(_registered[name.removesuffix(RETRY)].roles)
            asked.update(("coder",) if name.endswith(RETRY) else ())
    return tuple(role for role in ROLES if role in asked)


def find_recipe(name: str) -> Recipe:
    """Return the recipe called `name`, wrapped for ``+retry``. Raises `UsageError` if unknown."""
    from pytest_dualcode.pipelines.retry import with_retry

    check_known(name)
    recipe = _registered[name.removesuffix(RETRY)].recipe
    return with_retry(recipe) if name.endswith(RETRY) else recipe
