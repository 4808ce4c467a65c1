"""Run a spec's visible examples against a program, in the same jail as the hidden tests.

The examples are the model's to see, so nothing needs to be kept from the child: one program,
made of the solution and a loop over the examples, evaluates and compares them there. It still
cannot lie its way to a verdict, since examples decide no verdict.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from pytest_dualcode.errors import printable
from pytest_dualcode.judge import protocol
from pytest_dualcode.judge.sandbox import Answer, Job, Zygote, describe_status
from pytest_dualcode.types import Example, ExampleResult, Spec

SECONDS = 4.0
"""CPU seconds for one example."""
DETAIL = 600
LONGEST = 1 << 16
"""Bytes of an honest result: whether it passed, and some hundred characters."""

# The builtins by name, since a program may have a ``list`` or a ``sum`` of its own.
HARNESS = """
def {name}(call, expected, raises, imports):
    import traceback
    from builtins import (
        BaseException, abs, all, bool, dict, eval, exec, float, globals, int, isinstance, len,
        list, repr, str, tuple, type, zip)
    namespace = dict(globals())
    exec(imports, namespace)
    try:
        value = eval(call, namespace)
    except BaseException as error:
        kind = type(error).__name__
        if raises is not None:
            return (kind == raises, "raised " + kind + ", expected " + raises)
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__)
                 if f.filename == "<string>"]
        where = " (line %d)" % lines[-1] if len(lines) > 2 else ""  # 2: this call, the example
        return (False, "raised %s: %s%s" % (kind, str(error)[:300], where))
    if raises is not None:
        return (False, "returned %s, expected %s" % (repr(value)[:200], raises))
    wanted = eval(expected, namespace)
    # As the oracle: floats, and lists and tuples of floats, within 1e-6 (and 1e-7 of the value).
    pair = [v if isinstance(v, (list, tuple)) else [v] for v in (value, wanted)]
    close = (
        type(value) is type(wanted) and len(pair[0]) == len(pair[1])
        and all(isinstance(v, float) for v in pair[1])
        and all(isinstance(v, (int, float)) and abs(v - w) <= 1e-6 + 1e-7 * abs(w)
                for v, w in zip(*pair)))
    same = value == wanted or close
    return (bool(same), "returned %s, expected %s" % (repr(value)[:200], repr(wanted)[:200]))
"""
ENTRY = "_dualcode_run_example_"


class _Receiver:
    """Collects one (passed, detail) pair for each example."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples
        self.results: list[ExampleResult] = []
        self.problem = ""
        self._loaded = False

    def __call__(self, tag: int, body: bytes) -> Answer:
        if tag == ord("P") and not self._loaded:
            self._loaded = True
            return "more"
        if tag not in b"VXE" or len(body) > LONGEST:
            self.problem = "sent what no program sends"
            return "stop"
        if tag != ord("V"):
            self.problem = body[:500].decode("utf-8", "replace")
            if tag != ord("X"):
                return "stop"
        self.results.append(self._result(tag, body))
        return "stop" if len(self.results) == len(self._examples) else "more"

    def _result(self, tag: int, body: bytes) -> ExampleResult:
        example = self._examples[len(self.results)]
        value: Any = protocol.decode(body) if tag == ord("V") else None
        if type(value) is tuple and len(value) == 2 and isinstance(value[1], str):
            passed = value[0] is True
            return ExampleResult(example, passed, "" if passed else printable(value[1], DETAIL))
        return ExampleResult(example, False, printable(self.problem or "no result", DETAIL))


def run(
    zygote: Zygote, spec: Spec, program: str, examples: Sequence[Example]
) -> tuple[ExampleResult, ...]:
    """Return one result for each example, in order.

    The imports at the top of the spec's prompt are available to the examples (not to the
    program), as they are when HumanEval's prompt is part of it.
    """
    imports = prompt_imports(spec.prompt)
    inputs = [[e.call, e.expected, e.raises, imports] for e in examples]
    seconds = [SECONDS] * len(examples)
    harness = HARNESS.format(name=ENTRY)
    job = Job(f"{program}\n{harness}", ENTRY, inputs, seconds, sum(seconds) + 1)
    receiver = _Receiver(examples)
    ending = zygote.run(job, receiver)
    why = receiver.problem
    if ending.kind in ("cpu", "idle", "wall"):
        why = f"timed out: {ending.detail}"
    elif ending.kind == "threads":
        why = ending.detail
    elif ending.kind == "exited":
        why = f"the process {describe_status(ending.status)}"
    left = examples[len(receiver.results) :]
    first = [ExampleResult(e, False, printable(why, DETAIL)) for e in left[:1]]
    rest = [ExampleResult(e, False, f"not run: {printable(why, DETAIL)}") for e in left[1:]]
    return (*receiver.results, *first, *rest)


def prompt_imports(prompt: str) -> str:
    """Return the import statements that begin the prompt, or nothing if it is no code."""
    try:
        body = ast.parse(prompt).body
    except (SyntaxError, ValueError):
        return "\n".join(
            line for line in prompt.splitlines() if line.startswith(("import ", "from "))
        )
    return "\n".join(ast.unparse(n) for n in body if isinstance(n, (ast.Import, ast.ImportFrom)))
