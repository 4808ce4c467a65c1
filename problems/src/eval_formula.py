"""A formula with names, as a spreadsheet's cell holds it."""

import random
from typing import Any

LEAN = (
    "Evaluate an integer formula with +, -, *, unary minus, parentheses, spaces between tokens, "
    "decimal numbers and names ([a-z]+) from `values`; the usual precedence. Return None if it is "
    "malformed or a name is unknown."
)


def eval_formula(text: str, values: dict[str, int]) -> int | None:
    """Return the value of a formula, or ``None`` if it has none.

    A formula consists of whole numbers, names (small letters ``a`` to ``z`` only) that stand for
    the numbers in `values`, the operators ``+``, ``-`` and ``*``, and parentheses. ``*`` binds
    stronger than ``+`` and ``-``, and operators of the same strength go from left to right. A
    minus may also stand before any number, name, parenthesis or other minus (``2*--3``). Spaces
    may stand between these parts, but not within a number or a name. There is no unary plus.
    Anything else is malformed and gives ``None``, as does a name that `values` does not hold.

    >>> eval_formula("2 + 3 * (x - 1)", {"x": 5})
    14
    >>> eval_formula("10-4-3", {})
    3
    >>> eval_formula("-x*-2", {"x": 4})
    8
    >>> eval_formula("2 +", {}) is None
    True
    """
    import re

    tokens = [*re.findall("[0-9]+|[a-z]+|[^ ]", text), "end of text"]

    def factor() -> int:
        token = tokens.pop(0)
        if token == "-":
            return -factor()
        if token != "(":
            return int(token) if token[0] in "0123456789" else values[token]
        value = total()
        if tokens.pop(0) != ")":
            raise ValueError("missing parenthesis")
        return value

    def product() -> int:
        value = factor()
        while tokens[0] == "*":
            tokens.pop(0)
            value *= factor()
        return value

    def total() -> int:
        value = product()
        while tokens[0] in ("+", "-"):
            sign = 1 if tokens.pop(0) == "+" else -1
            value += sign * product()
        return value

    try:
        value = total()
    except (ValueError, KeyError, IndexError):
        return None
    return value if len(tokens) == 1 else None


def contract(text: str, values: dict[str, int]) -> None:
    assert isinstance(text, str)
    assert text.isascii()
    assert all(name.isalpha() and name.islower() for name in values)
    assert all(isinstance(value, int) for value in values.values())


BASE: list[list[Any]] = [
    ["2 + 3 * (x - 1)", {"x": 5}],
    ["10-4-3", {}],
    ["-x*-2", {"x": 4}],
    ["2 +", {}],
    ["(1))", {}],
]
EDGES: list[list[Any]] = [
    ["", {}],
    ["  ", {}],
    ["7", {}],
    ["y", {"x": 1}],
    ["x y", {"x": 1, "y": 2}],
    ["1 2", {}],
    ["2x", {"x": 3}],
    ["x2", {"x": 3}],
    ["X", {"x": 3}],
    ["()", {}],
    ["(1", {}],
    [")(", {}],
    ["+1", {}],
    ["1++1", {}],
    ["1+-1", {}],
    ["2--3", {}],
    ["2*--3", {}],
    ["- 3", {}],
    ["-2-3", {}],
    ["-(2+3)*2", {}],
    ["2**3", {}],
    ["7/2", {}],
    ["1.5", {}],
    ["2(3)", {}],
    ["(2)(3)", {}],
    ["((((5))))", {}],
    ["1-(2-(3-4))", {}],
    ["2*3+4*5", {}],
    ["2*(3+4)*5", {}],
    ["ab*a", {"a": 2, "ab": 7, "b": 9}],
    ["1\t+1", {}],
    ["x=1", {"x": 1}],
    ["007", {}],
    ["*2", {}],
    ["a-b-c", {"a": -1, "b": -2, "c": -3}],
    ["__import__", {}],
]
NAMES = {"a": 3, "b": -2, "ab": 10, "zero": 0}


def generate(rng: random.Random, size: int) -> list[Any]:
    def formula(depth: int) -> str:
        if depth <= 0 or rng.random() < 0.1:
            return rng.choice([str(rng.randint(0, 20)), rng.choice(list(NAMES))])
        left, right = formula(depth - 1), formula(depth - 1)
        form = rng.choice(["{}+{}", "{} - {}", "{}*{}", "{}-{}", "({} + {})", "-{}*({})"])
        return form.format(left, right)

    text = formula(min(1 + size // 8, 7))
    if rng.random() < 0.1:
        at = rng.randint(0, len(text) - 1)
        text = text[:at] + text[at + 1 :]
    return [text, NAMES]


def brute(text: str, values: dict[str, int]) -> int | None:
    """Check the form with regular expressions, then let Python compute."""
    import re

    shape = re.sub("[0-9]+|[a-z]+", "n", text)
    names = re.findall("[a-z]+", text)
    if any(name not in values for name in names) or not re.fullmatch("[-n+*() ]*", shape):
        return None
    if re.search("n *n", shape):
        return None
    shape, before = shape.replace(" ", ""), ""
    while shape != before:
        before = shape
        shape = re.sub(r"\(n\)|(?<![n)])-n|n[-+*]n", "n", shape)
    if shape != "n":
        return None
    plain = re.sub("[0-9]+", lambda match: str(int(match[0])), text.strip())
    return int(eval(plain, {}, dict(values)))


MUTANTS = [
    ("return -factor()", "return -total()"),
    ("[0-9]+|[a-z]+|[^ ]", "[0-9]|[a-z]+|[^ ]"),
    ("if len(tokens) == 1 else None", ""),
    ('if tokens.pop(0) != ")":', 'if tokens[0] == ")" and tokens.pop(0) == "":'),
    ("value += sign * product()", "value += sign * (product() if sign > 0 else total())"),
    ("tokens.pop(0)\n            value *= factor()", "tokens.pop(0)\n            value *= total()"),
]
