"""Import inventory, unbound names, and the option to add imports."""

from __future__ import annotations

import pytest
from sample_specs import CODE_SPEC, TEXT_SPEC, answer

from pytest_dualcode.extraction import extract_program, import_inventory, unbound_names


def test_the_inventory_lists_each_import_once_in_order():
    program = (
        "import os.path as p, sys\nfrom typing import (List,\n    Dict)\n"
        "def f():\n    import math\n    import math\n    from . import x\n"
    )
    assert import_inventory(program) == (
        "import os.path as p, sys",
        "from typing import List, Dict",
        "import math",
        "from . import x",
    )


@pytest.mark.parametrize("program", ["", "x = 1", "def f(:", "\0", '"\\d"'])
def test_no_imports(program):
    assert import_inventory(program) == ()


@pytest.mark.parametrize(
    ("program", "names"),
    [
        ("def f(xs: List[int]):\n    return math.sqrt(xs[0])\n", ("List", "math")),
        ("import math\ndef f(x):\n    return math.sqrt(len(x))\n", ()),
        ("from math import *\ndef f(x):\n    return sqrt(x)\n", ()),
        ("def f(x):\n    y = [z for z in x]\n    return z\n", ("z",)),
        ("def f(x):\n    return __name__\n", ()),
        ("def f(:", ()),
    ],
)
def test_unbound_names(program, names):
    assert unbound_names(program) == names


def test_imports_are_added_only_on_request_and_recorded():
    reply = (
        "from __future__ import annotations\n\n@cache\ndef g(x):\n    return math.floor(2 * x)\n\n"
        "def f(xs):\n    return sum(map(g, xs)) + len(Counter())\n"
    )
    plain = extract_program(reply, TEXT_SPEC)
    assert "import math" not in plain.program
    added = extract_program(reply, TEXT_SPEC, add_imports=True)
    assert answer(added.program) == 6
    assert added.steps[-3:] == (
        "added: from collections import Counter",
        "added: from functools import cache",
        "added: import math",
    )


def test_names_without_one_plausible_home_are_not_imported():
    reply = "def f(xs):\n    return sqrt(foo.bar(xs))\n"
    assert extract_program(reply, TEXT_SPEC, add_imports=True).program == reply


def test_the_specs_import_comes_before_an_added_one():
    reply = "def f(xs):\n    return math.floor(6.5)\n"
    found = extract_program(reply, CODE_SPEC, add_imports=True)
    assert found.program.count("import math") == 1
    assert "added from the spec: math" in found.steps
