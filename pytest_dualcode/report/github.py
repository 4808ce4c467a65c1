"""GitHub's step summary: one Markdown text for each step, not an annotation for each failure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pytest_dualcode.errors import StoreError

VARIABLE = "GITHUB_STEP_SUMMARY"
LIMIT = 1_000_000
"""GitHub drops a summary of more than 1 MiB altogether."""


def append_step_summary(text: str, environment: Mapping[str, str] | None = None) -> Path | None:
    """Append `text` to the file that GitHub names; None where there is none.

    A text over GitHub's limit is cut and says so. Raises `StoreError` if the file is not writable.
    """
    name = (os.environ if environment is None else environment).get(VARIABLE)
    if not name:
        return None
    try:
        with Path(name).open("a", encoding="utf-8") as summary:
            summary.write(_cut(text) + "\n")
    except OSError as error:
        raise StoreError(
            f"Cannot write the step summary {name}: {error.strerror}.",
            f"Unset {VARIABLE}, or point it to a file that can be written.",
        ) from error
    return Path(name)


def _cut(text: str) -> str:
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= LIMIT:
        return data.decode("utf-8")
    kept = data[:LIMIT].decode("utf-8", "ignore").rsplit("\n", 1)[0]
    return f"{kept}\n\n(cut: the whole text is summary.md of the run directory)"
