"""Why a solution failed, in the paper's kinds and a few more, each with its evidence.

The rules look at what is stored: the judge's reason, the stages and the program itself. The
first rule that finds evidence decides, from the plainest (there is no program) to the vaguest
(the algorithm is wrong). "Algorithm" is what remains: the program runs, and its result is wrong.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import re
import sys
import typing
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_dualcode.types import Record

Kind = Literal[
    "truncation",
    "extraction",
    "syntax",
    "missing import",
    "renamed",
    "timeout",
    "example ignored",
    "crash",
    "over-engineering",
    "algorithm",
]

KINDS: tuple[Kind, ...] = typing.get_args(Kind)

PAPER_REGRESSIONS: dict[Kind, int] = {
    "missing import": 7,
    "renamed": 1,
    "algorithm": 5,
    "over-engineering": 2,
}
"""The paper's kinds of plan-code's 15 regressions (arXiv 2603.03406)."""

TIMES_LARGER = 2.0
NODES_MORE = 40
"""A regression is over-engineered if its syntax tree is so much larger than the program that
passes: both limits together, so that a one-liner that became a loop does not count."""

SIMILAR = 0.75

COMMON_MODULES = frozenset({"np", "numpy", "pd", "pandas", "scipy", "sympy", "plt"})
_COMMON = """
List Dict Tuple Set Optional Union Any Callable Iterable Sequence Iterator
Counter defaultdict deque OrderedDict namedtuple reduce lru_cache cache partial cmp_to_key
permutations combinations product groupby accumulate chain zip_longest
sqrt ceil floor gcd factorial log pi inf heappush heappop heapify bisect_left bisect_right insort
dataclass Decimal Fraction datetime timedelta date ascii_lowercase ascii_uppercase md5 sha256
"""
COMMON_NAMES = frozenset(_COMMON.split())


@dataclass(frozen=True, slots=True)
class Cause:
    """The kind of a failure, and the words or figures that show it."""

    kind: Kind
    evidence: str


Causes = Mapping[tuple[str, str, int], Cause]
"""Causes of failures by pipeline, task id and sample."""

Rule = Callable[[Record, Record | None], Cause | None]


def classify(record: Record, passing: Record | None = None) -> Cause | None:
    """Why `record` failed; None if it passed or is an error, which is no answer at all.

    `passing` is another pipeline's record of the same problem that passes, if there is one:
    over-engineering is only seen beside it.
    """
    if record.outcome != "failed":
        return None
    found = (rule(record, passing) for rule in _RULES)
    return next((cause for cause in found if cause), _algorithm(record))


def tally(causes: Iterable[Cause]) -> dict[Kind, int]:
    """How often each kind occurs, in the order of `KINDS`, without those that do not."""
    counts = Counter(cause.kind for cause in causes)
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def _no_program(record: Record, _: Record | None) -> Cause | None:
    if record.solution.strip():
        return None
    last = next(
        (s for s in reversed(record.stages) if s.outcome in ("truncated", "no_program")), None
    )
    if (last and last.outcome == "truncated") or (last is None and record.truncated_calls):
        return Cause("truncation", "the reply was cut off before a program was complete")
    return Cause("extraction", (last and last.detail) or "no program was found in the reply")


def _syntax(record: Record, _: Record | None) -> Cause | None:
    match = re.search(r"^loading: ((?:Syntax|Indentation|Tab)Error.*)", record.reason)
    if not match:
        return None
    if record.truncated_calls:
        return Cause("truncation", f"a reply was cut off, and the program ends in {match[1]}")
    return Cause("syntax", match[1])


def _name(record: Record, _: Record | None) -> Cause | None:
    """A name that is not defined: an import that is missing, or a spelling that changed."""
    match = re.search(r"NameError: (?:name|free variable) '(\w+)'", record.reason)
    if not match:
        return None
    name = match[1]
    if _imported_elsewhere(name):
        return Cause("missing import", f"{name} is used and not imported")
    return _renamed_name(name, record.solution)


def _imported_elsewhere(name: str) -> bool:
    """Whether `name` is one that programs get by an import."""
    return name in sys.stdlib_module_names or name in COMMON_MODULES | COMMON_NAMES


def _renamed_name(name: str, program: str) -> Cause | None:
    others = _defined_names(program) - {name}
    near = difflib.get_close_matches(name, sorted(others), n=1, cutoff=SIMILAR)
    if not near:
        return None
    return Cause("renamed", f"{name} is used where the program defines {near[0]}")


def _entry_point(record: Record, _: Record | None) -> Cause | None:
    match = re.search(r"^loading: KeyError: '(\w+)'", record.reason)
    if not match or match[1] in _defined_names(record.solution):
        return None
    defined = ", ".join(sorted(_functions(record.solution))) or "no function"
    return Cause("renamed", f"the program defines {defined} instead of {match[1]}")


def _parameters(record: Record, _: Record | None) -> Cause | None:
    match = re.search(
        r"TypeError: .*?([\w<>]+)\(\) "
        r"((?:takes|missing|got an unexpected|got multiple).*argument.*)",
        record.reason,
    )
    if not match:
        return None
    # Without a line of the program it was the judge's own call; else it may be of ``max()``.
    in_program = re.search(r"\(line \d+\)$", record.reason)
    if in_program and match[1] not in _functions(record.solution):
        return None
    return Cause("renamed", f"the parameters changed: {match[2]}")


def _timeout(record: Record, _: Record | None) -> Cause | None:
    # The reason is of the first suite that did not pass, so that suite has to be the slow one.
    decisive = record.base_status if record.base_status != "pass" else record.plus_status
    if decisive != "timeout":
        return None
    return Cause("timeout", record.reason or "a test took too long")


def _example_ignored(record: Record, _: Record | None) -> Cause | None:
    if False in record.examples_passed:
        number = record.examples_passed.index(False) + 1
        of = len(record.examples_passed)
        return Cause("example ignored", f"fails visible example {number} of {of}")
    return None if record.examples_passed else _example_failed_on_the_way(record)


def _example_failed_on_the_way(record: Record) -> Cause | None:
    """What the pipeline saw itself, for records of versions that ran no example afterwards."""
    runs = [stage for stage in record.stages if stage.outcome.startswith("examples_")]
    if not runs or runs[-1].outcome != "examples_failed":
        return None
    after = record.stages[record.stages.index(runs[-1]) + 1 :]
    if any(stage.program for stage in after):
        return None  # the program changed since, so that run says nothing about it
    first = runs[-1].detail.strip().splitlines()
    return Cause(
        "example ignored", f"fails a visible example: {first[0] if first else ''}".rstrip(": ")
    )


def _crash(record: Record, _: Record | None) -> Cause | None:
    match = re.search(r"(?:raised |^loading: |the process ).*", record.reason)
    return Cause("crash", match[0]) if match else None


def _over_engineered(record: Record, passing: Record | None) -> Cause | None:
    if passing is None:
        return None
    ours, theirs = _size(record.solution), _size(passing.solution)
    if not theirs or ours < TIMES_LARGER * theirs or ours < theirs + NODES_MORE:
        return None
    return Cause(
        "over-engineering",
        f"{ours / theirs:.1f} times the syntax tree of {passing.pipeline}'s program, which passes",
    )


def _algorithm(record: Record) -> Cause:
    return Cause("algorithm", record.reason or "a wrong result")


def _size(program: str) -> int:
    tree = _tree(program)
    return sum(1 for _ in ast.walk(tree)) if tree else 0


def _functions(program: str) -> set[str]:
    tree = _tree(program)
    nodes = ast.walk(tree) if tree else ()
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _defined_names(program: str) -> set[str]:
    """Functions, parameters and assigned names."""
    tree = _tree(program)
    nodes = list(ast.walk(tree)) if tree else []
    names = {node.arg for node in nodes if isinstance(node, ast.arg)}
    names |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return (names | _functions(program)) - set(dir(builtins))


def _tree(program: str) -> ast.AST | None:
    try:
        return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


_RULES: tuple[Rule, ...] = (
    _no_program,
    _syntax,
    _name,
    _entry_point,
    _parameters,
    _timeout,
    _over_engineered,
    _crash,  # which a program that crashes does on the examples as well
    _example_ignored,
)
