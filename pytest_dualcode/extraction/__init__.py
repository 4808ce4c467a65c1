"""From a model's reply to the program in it: pure, and linear in the length of the reply.

The rule is *repair, never guess*: each step keeps the meaning of the program that the model
wrote, and each is named in `Extraction.steps`. Nothing here runs the program.
"""

from __future__ import annotations

from pytest_dualcode.extraction.imports import import_inventory, unbound_names
from pytest_dualcode.extraction.program import extract_program

__all__ = ["extract_program", "import_inventory", "unbound_names"]
