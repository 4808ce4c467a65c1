"""CPU time to extract from 1 MB of each of many shapes of reply, the worst shapes among them.

The last column is the ratio to what Python's own parser takes for 1 MB of ordinary code in the
same run. What is linear in one size and not in the next shows with `--size`.

    python benchmarks/extraction_time.py
    python benchmarks/extraction_time.py --size 4000000 --shape "one function, cut off"
"""

from __future__ import annotations

import argparse
import ast
import gc
import time
from collections.abc import Callable

from pytest_dualcode.extraction import extract_program
from pytest_dualcode.types import Spec

SPEC = Spec(
    "bench/0",
    "bench",
    "f",
    "import math\n\n\ndef helper(x):\n    return 2 * x\n\n\ndef f(xs):\n"
    '    """Sum of doubles.\n    >>> f([1, 2])\n    6\n    """\n',
)
ANSWER = "def f(xs):\n    return sum(2 * x for x in xs)\n"
FENCED = f"```python\n{ANSWER}```\n"
PROSE = "The quick brown (fox jumps over it's lazy dog.\n"


def repeat(text: str, size: int) -> str:
    """Return `text` over and over, up to `size` characters."""
    return text * (size // len(text))


def numbered(line: str, size: int) -> str:
    """Return copies of `line` that differ in their number, up to `size` characters."""
    lines = []
    while size > 0:
        lines.append(line.replace("N", str(len(lines))))
        size -= len(lines[-1])
    return "".join(lines)


def body(size: int) -> str:
    """Return the lines of a long function."""
    return numbered("    xN = [v * N for v in xs if v > N]  # step N\n", size)


SHAPES: dict[str, Callable[[int], str]] = {
    "prose": lambda n: repeat(PROSE, n),
    "prose, then the answer": lambda n: repeat(PROSE, n) + FENCED,
    "other blocks, then the answer": lambda n: (
        repeat("Text\n```python\ndef g(x):\n    return x\n```\n", n) + FENCED
    ),
    "the answer over and over": lambda n: repeat("Text\n" + FENCED, n),
    "functions without a fence": lambda n: (
        numbered("def gN(x):\n    return g0(x) + 1\n\n", n) + "def f(xs):\n    return g9(xs)\n"
    ),
    "one function": lambda n: f"```python\ndef f(xs):\n{body(n)}    return 0\n```",
    "one function, cut off": lambda n: f"```python\ndef f(xs):\n{body(n)}    return (0\n",
    "one function, its last line cut": lambda n: (
        f"```python\ndef f(xs):\n    if not xs:\n        return 1\n{body(n)}    return (0\n"
    ),
    "f": lambda n: repeat("f\n", n),
    "f(": lambda n: repeat("f(\n", n),
    "def f": lambda n: repeat("def f(xs):\n", n),
    "indented def f": lambda n: repeat("  def f(xs):\n", n),
    "decorators": lambda n: repeat("@f\n", n),
    "quotes": lambda n: repeat('\\"""', n) + "f",
    "triple quotes": lambda n: repeat("'''\"\"\"", n) + "f",
    "brackets": lambda n: repeat("(", n) + "f",
    "minus signs": lambda n: "f = " + repeat("-", n) + "1",
    "fence marks": lambda n: repeat("```\n", n) + "f",
    "think tags": lambda n: repeat("<think>\n", n) + "f",
    "returns": lambda n: repeat("    return f(x)\n", n),
    "assignments to f": lambda n: repeat("f = f(f)\n", n),
    "assignments": lambda n: repeat("x = 1\n", n) + "def f(xs):\n    return x\n",
    "imports": lambda n: repeat("import math\n", n) + ANSWER,
    "empty lines": lambda n: repeat("\n", n) + "f",
    "tabs": lambda n: repeat("\tf\n", n),
    "full-width": lambda n: repeat("ｆ（", n) + "f",
    "colours": lambda n: repeat("\x1b[0mf", n),
    "a session": lambda n: repeat(">>> def f(x): return 1\n", n),
    "if and else": lambda n: repeat("if f:\n    pass\nelse:\n    pass\n", n),
}


def parser_seconds(size: int) -> float:
    """Return the CPU time of `ast.parse` for a function of `size` characters."""
    text = f"def f(xs):\n{body(size)}"
    gc.disable()
    began = time.process_time()
    ast.parse(text)
    seconds = time.process_time() - began
    gc.enable()
    return seconds


def main() -> None:
    """Print one row for each shape."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", type=int, default=1_000_000, help="characters (1000000)")
    parser.add_argument("--shape", choices=SHAPES, action="append", help="only this shape")
    options = parser.parse_args()
    limit = parser_seconds(options.size)
    print(f"ast.parse of {options.size:,} characters: {limit:.2f} s\n")
    print(f"{'shape':34} {'CPU s':>6} {'ratio':>6}  found")
    for name in options.shape or SHAPES:
        reply = SHAPES[name](options.size)
        began = time.process_time()
        found = extract_program(reply, SPEC)
        seconds = time.process_time() - began
        print(
            f"{name:34} {seconds:6.2f} {seconds / limit:6.1f}  {'yes' if found.program else 'no'}"
        )


if __name__ == "__main__":
    main()
