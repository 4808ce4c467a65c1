"""Every kind of reply that models write, and the program that comes out."""

from __future__ import annotations

import pytest
from sample_specs import CODE_SPEC, FENCED, GOOD, PROMPT, TEXT_SPEC, answer, extract, tree

BROKEN = "def f(xs):\n    return (\n"
OLD = "def f(xs):\n    return 0\n"

DRESSED = {
    "bare": GOOD,
    "fenced": FENCED,
    "prose around": f"It's simple (see below:\n\n{FENCED}\nThat's O(n).\n",
    "upper case language": FENCED.replace("python", "Python3"),
    "no language": FENCED.replace("python", ""),
    "tildes": FENCED.replace("```", "~~~"),
    "other language after": f"{FENCED}Run it:\n```bash\npython f.py\n```\n",
    "other language before": f"```text\nf([1])\n```\n{FENCED}",
    "unclosed": f"Sure:\n```python\n{GOOD}",
    "closed on the last line of code": f"```python\n{GOOD.rstrip()}```",
    "opened after prose": f"The code: ```python\n{GOOD}```",
    "nested in a longer fence": f"````markdown\n# Title\n{FENCED}````\n",
    "nested in a fence of the same length": f"```markdown\n# Title\n{FENCED}more\n```\n",
    "first fence never closed": f"```python\nx = (\n{FENCED}",
    "in a list": "1. Code:\n" + "".join(f"   {line}\n" for line in FENCED.splitlines()),
    "all indented": "".join(f"\t{line}\n" for line in FENCED.splitlines()),
    "Markdown code block": "So:\n\n" + "".join(f"    {line}\n" for line in GOOD.splitlines()),
    "block quote": "".join(f"> {line}\n" for line in FENCED.splitlines()),
    "quoted code in a fence": "```\n" + "".join(f"> {x}\n" for x in GOOD.splitlines()) + "```\n",
    "numbered lines": "".join(f"{n}: {x}\n" for n, x in enumerate(GOOD.splitlines(), 1)),
    "interactive session": ">>> def f(xs):\n...     return sum(2 * x for x in xs)\n...\n"
    ">>> f([1])\n2\n",
    "prose without fences": f"Here's f (it adds up:\n\n{GOOD}\nThis function's fine.\n",
    "stray triple quote": f'He wrote """ and then\n\n{GOOD}\nDone.\n',
    "HTML tags": f"<code>\n{GOOD}</code>\n",
    "earlier version in another block": f"```python\n{OLD}```\nBetter:\n{FENCED}",
    "earlier version in the same block": f"```python\n{OLD}\n\n{GOOD}```",
    "stub after": f"{FENCED}Fill it in:\n```python\ndef f(xs):\n    pass\n```\n",
    "stub with a docstring after": f'{FENCED}```python\ndef f(xs):\n    """Doc."""\n    ...\n```\n',
    "broken version after": f"{FENCED}Or:\n```python\n{BROKEN}```\n",
    "version that does not compile after": f"{FENCED}```python\ndef f(xs):\n    await xs\n```\n",
    "tests at top level": f"```python\n{GOOD}\nassert f([1]) == 3\nprint(f(input()))\n```",
    "test classes": f"```python\nimport unittest\n{GOOD}\nclass T(unittest.TestCase):\n"
    "    def test(self):\n        assert f([]) == 0\n\nunittest.main()\n```",
    "main block": f"```python\n{GOOD}\nif __name__ == '__main__':\n    print(f([1]))\n```",
    "tests that import the solution": f"{FENCED}```python\nfrom solution import f\nf([1])\n```\n",
    "import of itself above": f"```python\nfrom solution import f\n{GOOD}```\n",
    "think text": f"<think>\nMaybe\n```python\n{OLD}```\n</think>\n\n{FENCED}",
    "stray closing tag": f"Maybe\n```python\n{OLD}```\n</think>\n\n{FENCED}",
    "closing tag at the end of a line": f"Maybe {OLD} so be it.</think>\n{GOOD}",
    "two think texts": f"<think>a</think>\n<think>\n{OLD}</think>\n{GOOD}",
    "unclosed think text after the answer": f"{FENCED}\n<think>\n```python\n{OLD}```\n",
    "stray opening tag": f"<think>\n{FENCED}",
    "ANSI codes": "\x1b[32m```python\x1b[0m\n\x1b[1mdef\x1b[0m f(xs):\n"
    "    return sum(2 * x for x in xs)\n```",
    "Windows newlines": FENCED.replace("\n", "\r\n"),
    "old Mac newlines": FENCED.replace("\n", "\r"),
    "zero-width characters": GOOD.replace("return", "\u200breturn\u2060").replace("2 ", "2\ufeff "),
    "byte order mark": "\ufeff" + GOOD,
    "no-break spaces": GOOD.replace("    ", "\u00a0" * 4).replace(" in ", "\u3000in "),
    "full-width characters": GOOD.replace("(", "（").replace(")", "）").replace(":", "："),
    "model tokens": GOOD.rstrip() + "<|im_end|>\n",
    "cut off in the tests": f"```python\n{GOOD}\n# try it\nprint(f([1, 2,",
    "cut off in the next function": f"```python\n{GOOD}\ndef main():\n    for x in",
    "cut off in prose": f"{FENCED}This works beca",
}


@pytest.mark.parametrize("reply", DRESSED.values(), ids=DRESSED.keys())
@pytest.mark.parametrize("spec", [CODE_SPEC, TEXT_SPEC], ids=["code", "text"])
def test_the_same_program_from_every_dressing(reply, spec):
    found = extract(reply, spec)
    assert found.failure is None
    assert tree(found.program) == tree(GOOD)
    assert found.steps


BODY = "    total = 0\n    for x in xs:\n        total += twice(x)\n    return total\n"
FLAT = "total = 0\nfor x in xs:\n    total += twice(x)\nreturn total\n"
BODIES = {
    "as completion": BODY,
    "leading newline": "\n" + BODY,
    "fenced": f"```python\n{BODY}```",
    "fenced, not indented": f"```python\n{FLAT}```",
    "first line stripped": BODY.lstrip(),
    "deeper": "".join(f"    {line}\n" for line in BODY.splitlines()),
    "tabs": BODY.replace("    ", "\t"),
    "in prose": f"The body is:\n\n{BODY}\nThat is all.\n",
    "with a main block": f"{BODY}\nif __name__ == '__main__':\n    print(f([1]))\n",
    "with more functions": f"{BODY}\n\ndef main():\n    return f([1])\n",
}


@pytest.mark.parametrize("reply", BODIES.values(), ids=BODIES.keys())
def test_a_body_alone_goes_under_the_specs_signature(reply):
    found = extract(reply)
    assert answer(found.program) == 6
    assert "put the body under the spec's signature" in found.steps
    assert tree(found.program).endswith(tree(PROMPT + BODY)[-200:])


def test_the_text_in_a_body_keeps_its_margin():
    found = extract('s = """a\n  b\n"""\nreturn s\n')
    assert answer(found.program) == "a\n  b\n"


def test_a_body_without_a_signature_in_the_spec_is_no_program():
    assert extract(BODY, TEXT_SPEC).failure == "no definition of f and no body that returns"


KEPT = {
    "docstring with fences": '```python\ndef f(xs):\n    """Doc.\n\n    ```python\n    f([1])\n'
    '    ```\n    """\n    return 6\n```',
    "docstring with fences in column 0": '```python\ndef f(xs):\n    """Doc.\n\n```\nf([1])\n```\n'
    '    """\n    return 6\n```',
    "helper above": "def g(x):\n    return 2 * x\n\ndef f(xs):\n    return sum(map(g, xs))\n",
    "helper below": "def f(xs):\n    return sum(map(g, xs))\n\ndef g(x):\n    return 2 * x\n",
    "helper in another block": "```python\ndef g(x):\n    return 2 * x\n```\nThen\n```python\n"
    "def f(xs):\n    return sum(map(g, xs))\n```",
    "helper in a later block": "```python\ndef f(xs):\n    return sum(map(g, xs))\n```\nwith\n"
    "```python\ndef g(x):\n    return 2 * x\n```",
    "class": "class A:\n    def go(self, x):\n        return 2 * x\n\n"
    "def f(xs):\n    return sum(A().go(x) for x in xs)\n",
    "decorated helper": "from functools import lru_cache\n\n@lru_cache(\n    None\n)\ndef g(x):\n"
    "    return 2 * x\n\ndef f(xs):\n    return sum(map(g, xs))\n",
    "decorated entry point": "import functools\n\ndef d(g):\n    @functools.wraps(g)\n"
    "    def h(*a):\n        return g(*a)\n    return h\n\n@d\ndef f(xs):\n    return 6\n",
    "wrapped after its definition": "from functools import partial\ndef f(a, xs):\n    return a\n"
    "f = partial(f, 6)\n",
    "lambda": "f = lambda xs: sum(2 * x for x in xs)\n",
    "imported": "from math import fsum\nf = lambda xs: 2 * fsum(xs)\n",
    "constants and what fills them": "N = 3\ntable = []\nfor i in range(N):\n"
    "    table.append(2 * i)\nnames = {}\nnames[0] = 1\n"
    "def f(xs):\n    return sum(table[x] for x in xs) * names[0]\n",
    "function that fills a table": "table = []\ndef fill():\n    for i in range(9):\n"
    "        table.append(2 * i)\nfill()\ndef f(xs):\n    return sum(table[x] for x in xs)\n",
    "global counter": "n = 0\ndef add(x):\n    global n\n    n += 2 * x\ndef f(xs):\n    global n\n"
    "    n = 0\n    for x in xs:\n        add(x)\n    return n\n",
    "attribute of the function": "def f(xs):\n    return f.k * sum(xs)\nf.k = 2\n",
    "configuration": "import sys\nsys.setrecursionlimit(5000)\ndef f(xs):\n"
    "    return 6 if sys.getrecursionlimit() == 5000 else 0\n",
    "attribute of a module's object": "from decimal import Decimal, getcontext\n"
    "getcontext().prec = 1\ndef f(xs):\n    return int(Decimal('5.6') * 1)\n",
    "imported setter": "from sys import getrecursionlimit, setrecursionlimit\n"
    "setrecursionlimit(4999)\ndef f(xs):\n    return 6 if getrecursionlimit() == 4999 else 0\n",
    "function that changes its argument": "import heapq\nheap = [6]\nheapq.heappush(heap, 0)\n"
    "heapq.heappop(heap)\nheapq.heappush(heap, 1)\ndef f(xs):\n    return heap[0] * heap[1]\n",
    "attribute set by name": "class A:\n    pass\nsetattr(A, 'v', 6)\ndef f(xs):\n    return A.v\n",
    "method of what a method returns": "d = {}\nd.setdefault(1, []).append(6)\n"
    "def f(xs):\n    return d[1][0]\n",
    "functions that register themselves": "table = {}\ndef register(name):\n    def keep(g):\n"
    "        table[name] = g\n        return g\n    return keep\n@register('twice')\ndef g(x):\n"
    "    return 2 * x\ndef f(xs):\n    return sum(table['twice'](x) for x in xs)\n",
    "future import below another block": "```python\ndef g(x):\n    return 2 * x\n```\n"
    "```python\nfrom __future__ import annotations\ndef f(xs):\n    return sum(map(g, xs))\n```",
    "definition under a condition": "try:\n    from fast import f\nexcept ImportError:\n"
    "    def f(xs):\n        return sum(2 * x for x in xs)\n",
    "names read by strings": "def g(x):\n    return 2 * x\ndef f(xs):\n"
    "    return sum(globals()['g'](x) for x in xs)\n",
    "spec helper": "def f(xs: List[int]) -> int:\n    return sum(twice(x) for x in xs)\n",
    "future import": "from __future__ import annotations\n\ndef f(xs: List[int]):\n"
    "    return sum(twice(x) for x in xs)\n",
    "own version of the spec's helper": "def twice(x):\n    return 3 * x\n\ndef f(xs):\n"
    "    return sum(twice(x) for x in xs) - 3\n",
    "constant below unclosed prose": f"The limit (see\n\nTWO = 2\n\n{GOOD.replace('2', 'TWO')}",
    "star import": "from math import *\nfrom operator import *\ndef f(xs):\n"
    "    return int(fsum(mul(2, x) for x in xs))\n",
    "constant below a stray bracket": f"1) Set it] up)\nTWO = 2\n{GOOD.replace('2', 'TWO')}",
    "builtin redefined": "def sum(x):\n    return 6\n\ndef f(xs):\n    return sum(xs)\n",
    "mutual recursion through a lambda": "def f(xs):\n"
    "    return 2 * xs[0] + g(xs[1:]) if xs else 0\ng = lambda xs: f(xs)\n",
}


@pytest.mark.parametrize("reply", KEPT.values(), ids=KEPT.keys())
def test_what_the_entry_point_needs_is_kept(reply):
    assert answer(extract(reply).program) == 6


def test_async_functions_are_found():
    assert tree(extract(f"```python\nasync {GOOD}```").program) == tree(f"async {GOOD}")


LEFT_OUT = {
    "other functions": "def other(x: Missing):\n    return x\n",
    "imports of what may be missing": "import pytest_that_is_not_there\n",
    "results": "result = f(1 / 0)\n",
    "loops that print": "for x in [1]:\n    print(x / 0)\n",
    "input": "n = int(input())\n",
    "exits": "import sys\nsys.exit(0)\n",
    "files": "import sys\nsys.stdin = open('there/is/no/such/file')\n",
    "what a class of a test does": "class A:\n    pass\nA().go()\n",
    "broken statements": "x = = 1\n",
}


@pytest.mark.parametrize("junk", LEFT_OUT.values(), ids=LEFT_OUT.keys())
@pytest.mark.parametrize("above", [True, False], ids=["above", "below"])
def test_what_the_entry_point_does_not_need_is_left_out(junk, above):
    block = junk + GOOD if above else GOOD + junk
    found = extract(f"```python\n{block}```")
    assert answer(found.program) == 6
    assert "left out what the entry point does not need" in found.steps


def test_of_several_definitions_of_a_helper_the_last_counts():
    helpers = "".join(f"def g(x):\n    return {n} * x\n\n" for n in (5, 2))
    found = extract(f"{helpers}def f(xs):\n    return sum(map(g, xs))\n")
    assert answer(found.program) == 6
    assert found.program.count("def g") == 1


def test_comments_go_with_the_statement_below_them():
    helper = "# doubles\n# a number\ndef g(x):\n    return 2 * x\n\n"
    entry = "def f(xs):\n    return sum(map(g, xs))\n# not indented\n    # the end\n\n"
    tests = "# Example usage\nprint(f([1]))\n# done\n"
    found = extract(f"```python\n{helper}{entry}{tests}```")
    assert found.program == f"{helper}{entry.rstrip()}\n"


def test_a_builtin_is_not_taken_from_another_block():
    reply = f"```python\ndef sum(x):\n    return 0\n```\nAnd\n{FENCED}"
    assert answer(extract(reply).program) == 6


def test_the_helper_nearest_above_is_taken():
    blocks = [f"```python\ndef g(x):\n    return {n} * x\n```\n" for n in (5, 2)]
    last = "```python\ndef f(xs):\n    return sum(map(g, xs))\n```\n"
    assert answer(extract("".join(blocks) + last + blocks[0]).program) == 6


def test_what_comes_from_the_spec_is_named():
    found = extract(KEPT["spec helper"])
    assert "added from the spec: List, twice" in found.steps
    assert found.program.startswith("from typing import List\n\n\ndef twice(")


def test_signature_repeated_after_the_prompt():
    reply = f"Complete:\n```python\n{PROMPT}    return sum(twice(x) for x in xs)\n```"
    found = extract(reply)
    assert answer(found.program) == 6
    assert tree(found.program) == tree(f"{PROMPT}    return sum(twice(x) for x in xs)\n")


@pytest.mark.parametrize(
    "code",
    [
        "def f(xs):\n\tt = 0\n\tfor x in xs:\n        \tt += 2 * x\n\treturn t\n",
        "def f(xs):\n    t = 0\n\tfor x in xs:\n        t += 2 * x\n    return t\n",
        "def f(xs):\n            return sum(g(x) for x in xs)\n\n"
        "        def g(x):\n            return 2 * x\n",
    ],
    ids=["tabs Python accepts", "tabs of four", "first line stripped"],
)
def test_indentation_is_repaired_where_one_reading_is_possible(code):
    assert answer(extract(f"```python\n{code}```").program) == 6


def test_ambiguous_tabs_are_left_alone():
    code = "def f(xs):\n    if xs:\n        a = 1\n\ta = 2\n    return a\n"
    assert extract(f"```python\n{code}```").program == ""


def test_a_cut_off_function_keeps_its_whole_statements():
    found = extract(f"```python\n{GOOD}    if xs and (len(xs) >")
    assert answer(found.program) == 6
    assert "cut a broken end off the entry point" in found.steps


def test_typographic_quotes_become_plain_outside_strings_only():
    found = extract("def f(xs):\n    return [“a”, '“b”']  # it’s\n")
    assert answer(found.program) == ["a", "“b”"]


def test_characters_in_strings_stay():
    found = extract('def f(xs):\n    return "\u200b\u00a0（"  # x\n')
    assert answer(found.program) == "\u200b\u00a0（"
    assert not any(step.startswith(("removed", "replaced")) for step in found.steps)
