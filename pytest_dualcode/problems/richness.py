"""How much a spec says: the score by which ``gated-review`` skips the review of lean specs.

A reviewer compares a draft with the spec; a spec of one sentence gives it nothing to find a bug
with. HumanEval's specs are rich in this sense and MBPP's are lean ("Review Beats Planning",
arXiv 2603.03406, calls spec richness the moderator of the review's gain, without a formula). The
formula here is our own:

    total = 0.5 examples + 0.1 types + 0.2 edge_cases + 0.2 length

where each part lies in 0..1 and grows linearly up to the amount that counts as full:

- ``examples``: visible examples, full at 2;
- ``types``: the share of parameters and return value that are annotated in the signature;
- ``edge_cases``: distinct words that tell cases apart (if, otherwise, empty, negative, ...),
  full at 3;
- ``length``: words of prose (signature and examples left out), full at 40.

A spec with a total of at most 0.5 is lean: one without an example always is, one with two examples
and anything else never. Weights and threshold were set on the texts alone, never on how pipelines
fared with them.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from pytest_dualcode.problems.examples import visible_examples
from pytest_dualcode.types import Spec

FULL_EXAMPLES = 2
FULL_EDGE_CASES = 3
FULL_WORDS = 40

LEAN_UP_TO = 0.5
"""Specs with at most this total are lean."""

_EDGE_CASE = re.compile(
    r"\b(if|unless|otherwise|except|only|empty|none|nothing|zero|negative|invalid|malformed|missing|"
    r"duplicates?|repeated|ties?|equal|exactly|inclusive|exclusive|at least|at most|ignored?|"
    r"unchanged|rounded|even|always|never|not|assume|guaranteed|note)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")


@dataclass(frozen=True, slots=True)
class Richness:
    """The parts of the score, each in 0..1."""

    examples: float
    types: float
    edge_cases: float
    length: float

    @property
    def total(self) -> float:
        """The weighted sum of the parts, in 0..1."""
        return 0.5 * self.examples + 0.1 * self.types + 0.2 * self.edge_cases + 0.2 * self.length


def richness(spec: Spec) -> Richness:
    """Score how much `spec` says; the module's docstring gives the formula."""
    examples = visible_examples(spec)
    prose = _prose(spec.prompt, [example.source for example in examples])
    cases = {match.lower() for match in _EDGE_CASE.findall(prose)}
    return Richness(
        examples=_share(len(examples), FULL_EXAMPLES),
        types=_annotated_share(spec),
        edge_cases=_share(len(cases), FULL_EDGE_CASES),
        length=_share(len(_WORD.findall(prose)), FULL_WORDS),
    )


def is_lean(spec: Spec) -> bool:
    """Say whether a review of a draft against `spec` has little to go by."""
    return richness(spec).total <= LEAN_UP_TO


def _share(amount: int, full: int) -> float:
    return min(amount / full, 1.0)


def _prose(prompt: str, examples: list[str]) -> str:
    """Return the words meant for a reader: no code, no doctest lines, no examples."""
    # An example's source is dedented, so its lines are compared one by one.
    shown = {line.strip() for example in examples for line in example.splitlines()}
    lines = [line.strip() for line in prompt.splitlines() if not _CODE_LINE.match(line)]
    prose = "\n".join(line for line in lines if line not in shown)
    for example in examples:
        prose = prose.replace(example, " ")
    return prose


_CODE_LINE = re.compile(r"\s*(def |import |from \S+ import|>>>|assert |@)")


def _annotated_share(spec: Spec) -> float:
    """Return the share of the entry point's parameters and return value that have a type."""
    function = _function(spec)
    if function is None:
        return 0.0
    args = function.args
    hints = [arg.annotation for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    hints.append(function.returns)
    return sum(hint is not None for hint in hints) / len(hints)


def _function(spec: Spec) -> ast.FunctionDef | None:
    if not spec.has_signature:
        return None
    try:
        body = ast.parse(spec.prompt).body
    except SyntaxError:
        return None
    found = (n for n in body if isinstance(n, ast.FunctionDef) and n.name == spec.entry_point)
    return next(found, None)
