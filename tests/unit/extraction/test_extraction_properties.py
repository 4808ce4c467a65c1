"""Rules that hold for all replies (Hypothesis)."""

from __future__ import annotations

import ast

from hypothesis import given, settings
from hypothesis import strategies as st
from sample_specs import CODE_SPEC, PROMPT, TEXT_SPEC, tree

from pytest_dualcode.extraction import extract_program

PROSE = (
    "The function it's (see below) returns: O(n) and for each if x 1. - # **bold** `g` class "
    "don't => [1, { else ] ) , \" ' 3.14 <= while return f f( lambda a.b x: y! step; Note @"
)
WORDS = PROSE.split(" ")
prose = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join), max_size=4)
prose_text = prose.map(lambda lines: "".join(f"{line}\n" for line in lines))

BODY_LINES = (
    "total = sum(xs) + 1",
    "for x in xs:\n    total = x\n    if x > 2:\n        break",
    'text = """a\n  (b\n"""',
    "table = {\n    'k': [1,\n2],\n}",
    "# a comment: it's (fine",
    "pair = 'it\\'s', \"(\"",
    "ys = [y for y in xs if y]",
    "def inner(a, *b):\n    return a or b",
    "with open('x') as h:\n    pass",
    "try:\n    z = 1 // 0\nexcept ZeroDivisionError:\n    z = 0\nelse:\n    z = 1",
    "return xs",
    "s = f'{xs!r:>{3}}'",
    "e = 'caf\u00e9\u200b（'",
)


def indented(lines: list[str]) -> str:
    return "".join(f"    {row}\n" if row else "\n" for row in "\n".join(lines).split("\n"))


@st.composite
def functions(draw, name: str, calls: list[str]) -> str:
    """A function whose body uses all of `calls`."""
    # Text inside multi-line strings moves with the body; the tree is compared as written.
    body = draw(st.lists(st.sampled_from(BODY_LINES), max_size=4))
    decorator = draw(st.sampled_from(["", "@staticmethod\n", "@wrap(\n    1\n)\n"]))
    head = draw(st.sampled_from(["def", "async def"])) + f" {name}(xs, k: int = 1):\n"
    doc = draw(st.sampled_from(["", '    """It\'s.\n\n    >>> f(1)\n    2\n    """\n']))
    uses = [f"{call}(xs)" for call in calls]
    end = f"return [{', '.join(['xs', *uses])}]"
    return decorator + head + doc + indented([*body, end])


@st.composite
def programs(draw) -> str:
    """A program in which the entry point ``f`` needs every statement."""
    parts = ["import functools\n\n\ndef wrap(n):\n    return functools.partial(print, n)\n"]
    names = ["wrap"]
    for number in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["function", "constant", "class", "import", "alias"]))
        name = f"g{number}"
        if kind == "function":
            parts.append(draw(functions(name, draw(st.lists(st.sampled_from(names), max_size=2)))))
        elif kind == "constant":
            parts.append(f"{name} = [\n    1, 2,\n]\n{name}.append(3)\n")
        elif kind == "class":
            parts.append(f"class {name}:\n    k = 1\n\n    def go(self):\n        return self.k\n")
        elif kind == "import":
            parts.append(f"from collections import (\n    deque as {name},\n)\n")
        else:
            parts.append(f"{name} = lambda x: x  # short\n")
        names.append(name)
    return "\n\n".join([*parts, draw(functions("f", names))])


@st.composite
def dressed(draw, program: str) -> str:
    """The program in a reply: fences, prose, other blocks, other versions, tests."""
    language = draw(st.sampled_from(["python", "py", "", "Python", "python3"]))
    mark = draw(st.sampled_from(["```", "~~~", "````"]))
    tests = draw(
        st.sampled_from(["", "\nprint(f([1]))\n", "\nassert f(1) == 2, 'no'\nresult = f(3)\n"])
    )
    guard = draw(st.sampled_from(["", "\nif __name__ == '__main__':\n    f([1])\n"]))
    block = f"{mark}{language}\n{program}{tests}{guard}{mark}\n"
    old = "```python\ndef f(xs):\n    return None\n```\n"
    before = draw(
        st.sampled_from(["", old, "```cpp\nint f() { return 1; }\n```\n", "```\n$ ls\n```\n"])
    )
    after = draw(
        st.sampled_from(["", "```text\n[1]\n```\n", "```python\ndef f(xs):\n    ...\n```\n"])
    )
    think = draw(st.sampled_from(["", f"<think>\n{old}</think>\n", f"{old}</think>\n"]))
    reply = think + draw(prose_text) + before + draw(prose_text) + block + draw(prose_text) + after
    change = draw(st.sampled_from(["none", "windows", "list", "unclosed"]))
    if change == "windows":
        return reply.replace("\n", "\r\n")
    if change == "unclosed" and not after:
        return reply[: reply.rindex(mark)]
    return reply


@given(st.data())
@settings(max_examples=150)
def test_the_program_survives_every_dressing(data):
    program = data.draw(programs())
    reply = data.draw(dressed(program))
    found = extract_program(reply, TEXT_SPEC)
    assert found.failure is None
    assert tree(found.program) == tree(program)


@given(st.data())
@settings(max_examples=60)
def test_a_program_in_prose_without_fences_survives(data):
    program = data.draw(programs())
    before, after = data.draw(prose_text), data.draw(prose_text)
    found = extract_program(f"{before}\n{program}\n{after}", TEXT_SPEC)
    assert tree(found.program) == tree(program)


@given(st.lists(st.sampled_from(BODY_LINES), max_size=4), prose_text, st.booleans())
@settings(max_examples=60)
def test_a_body_survives_under_the_signature(lines, after, fenced):
    body = indented([*lines, "return xs"])
    reply = f"```python\n{body}```\n{after}" if fenced else body
    found = extract_program(reply, CODE_SPEC)
    expected = ast.parse(PROMPT + body).body[-1]
    assert ast.dump(ast.parse(found.program).body[-1]) == ast.dump(expected)


FRAGMENTS = (
    "```",
    "```python\n",
    "~~~\n",
    "def f(",
    "xs):\n",
    "    return 1\n",
    "\treturn xs\n",
    '"""',
    "'''",
    "'",
    '"',
    "\\",
    "\n",
    "<think>",
    "</think>\n",
    "\r",
    "\x00",
    "\x1b[0m",
    "class A:\n",
    "import math\n",
    "from f import f\n",
    "f = f(f)\n",
    "@f\n",
    "(",
    "]",
    ">>> ",
    "... ",
    "> ",
    "1: ",
    "if f:\n",
    "else:\n",
    "\ud800",
    "\u200b",
    "（",
    "“",
    "#",
    "async ",
    "lambda: ",
    "global f\n",
    "f.a = 1\n",
)
fragments = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)


@given(st.one_of(st.text(), fragments, st.builds(str.__add__, fragments, st.text())))
@settings(max_examples=600)
def test_arbitrary_text_never_raises_and_its_program_is_stable(reply):
    for spec in (CODE_SPEC, TEXT_SPEC):
        found = extract_program(reply, spec, add_imports=True)
        assert bool(found.program) == (found.failure is None)
        if found.program:
            ast.parse(found.program)
            again = extract_program(found.program, spec, add_imports=True)
            assert again.program == found.program
