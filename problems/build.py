"""Build own.jsonl and own-lean.jsonl from the modules in src/.

    python problems/build.py            # write the two files
    python problems/build.py --check    # only say whether they are up to date

Every module of src/ is one problem; README.md says what it holds. The files depend on nothing but
these modules: the random inputs are seeded with the problem's name.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import random
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent

# The order is part of the task ids: append, never insert. It runs from trivial to hard.
ORDER = (
    "seat_label",
    "count_late",
    "clamp_readings",
    "carton_check_digit",
    "on_call",
    "trim_middle",
    "config_changes",
    "page_ranges",
    "parse_duration",
    "title_slug",
    "league_table",
    "field_area",
    "loan_payment",
    "energy_used",
    "robust_mean",
    "cache_hits",
    "admit_requests",
    "fifo_cost",
    "door_states",
    "format_table",
    "number_headings",
    "edit_session",
    "split_record",
    "newest_version",
    "free_slots",
    "peak_load",
    "add_workdays",
    "build_order",
    "expand_hosts",
    "conveyor_steps",
    "runoff_winner",
    "best_bookings",
    "typo_cost",
    "make_change",
    "count_fillings",
    "cheapest_trip",
    "eval_formula",
)

# Growing sizes for the random inputs, the last few large.
SIZES = (*range(1, 49), 70, 100, 150, 200)

MARK = "  # $_CONTRACT_$"
"""EvalPlus's mark at the end of a contract's lines."""


@dataclass(frozen=True)
class Source:
    """One problem's module, loaded, and its function cut into EvalPlus's parts."""

    name: str
    module: ModuleType
    signature: str
    docstring: str
    body: str
    contract: str

    @property
    def rich_prompt(self) -> str:
        """Signature and full docstring."""
        return self.signature + self.docstring

    @property
    def lean_prompt(self) -> str:
        """Signature and the module's one or two sentences."""
        text = textwrap.fill(
            self.module.LEAN, 96, initial_indent=4 * " ", subsequent_indent=4 * " "
        )
        return f'{self.signature}    """{text.lstrip()}"""\n'

    @property
    def atol(self) -> float:
        """The absolute tolerance of the results; 0 for exact ones."""
        return float(getattr(self.module, "ATOL", 0))


def load_source(name: str) -> Source:
    """Load ``src/<name>.py``, which defines the function `name`."""
    path = HERE / "src" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"own_problem_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = path.read_text(encoding="utf-8")
    functions = {
        node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)
    }
    lines = text.splitlines(keepends=True)
    node = functions[name]
    doc = node.body[0]
    assert node.end_lineno is not None
    assert doc.end_lineno is not None
    return Source(
        name=name,
        module=module,
        signature=_with_imports("".join(lines[node.lineno - 1 : doc.lineno - 1])),
        docstring="".join(lines[doc.lineno - 1 : doc.end_lineno]),
        body="".join(lines[doc.end_lineno : node.end_lineno]),
        contract="".join(_contract_lines(functions["contract"], text)),
    )


def _with_imports(signature: str) -> str:
    """Add the import that the annotations need, since a spec has to run as it is."""
    return f"from typing import Any\n\n\n{signature}" if "Any" in signature else signature


def _contract_lines(contract: ast.FunctionDef, text: str) -> Iterator[str]:
    # From the source, not from `ast.unparse`, whose text differs between Python versions.
    for statement in contract.body:
        code = ast.get_source_segment(text, statement)
        message = ', "invalid inputs"' if isinstance(statement, ast.Assert) else ""
        yield f"    {code}{message}{MARK}\n"


def plus_inputs(source: Source) -> list[Any]:
    """Return the hand-picked edge cases, then random inputs of growing size, all distinct."""
    rng = random.Random(source.name)
    module = source.module
    seen = {json.dumps(args) for args in module.BASE}
    inputs = []
    candidates = [*module.EDGES, *(module.generate(rng, size) for size in SIZES)]
    for args in candidates:
        text = json.dumps(args)
        if text not in seen:
            seen.add(text)
            inputs.append(json.loads(text))
    return inputs


def task(source: Source, task_id: str, prompt: str) -> dict[str, Any]:
    """Return the problem in EvalPlus's schema."""
    return {
        "task_id": task_id,
        "prompt": prompt,
        "entry_point": source.name,
        "canonical_solution": source.body,
        "contract": source.contract,
        "base_input": source.module.BASE,
        "plus_input": plus_inputs(source),
        "atol": source.atol,
    }


def build() -> dict[str, str]:
    """Return the text of each file by its name."""
    rich, lean = [], []
    for number, name in enumerate(ORDER):
        source = load_source(name)
        rich.append(task(source, f"Own/{number}", source.rich_prompt))
        lean.append(task(source, f"OwnLean/{number}", source.lean_prompt))
    return {"own.jsonl": _jsonl(rich), "own-lean.jsonl": _jsonl(lean)}


def _jsonl(tasks: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(item) + "\n" for item in tasks)


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` only compare; the exit status is 1 if they differ."""
    stale = []
    for name, text in build().items():
        path = HERE / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    print("changed: " + ", ".join(stale) if stale else "up to date")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
