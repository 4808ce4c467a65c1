"""The prompts, as text files beside this module: one file a prompt, `$name` for what is filled in.

In each prompt the problem comes first and what varies (a draft, a review) last, so that a server
with a prefix cache computes the problem's part once for all calls about it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template


@cache
def template(name: str) -> Template:
    """Return the prompt `name` (the file name without ``.txt``)."""
    return Template((files(__name__) / f"{name}.txt").read_text("utf-8").strip())


def render(name: str, **values: str) -> str:
    """Fill in prompt `name`. Raises `KeyError` for a value that the prompt needs and lacks.

    Values are taken literally: a ``$`` in a program stays as it is.
    """
    return template(name).substitute(values)
