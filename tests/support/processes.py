"""Finds the processes of one test, whatever started them and whoever their parent is by now."""

from __future__ import annotations

import time
from pathlib import Path

MARKER = "DUALCODE_TEST_MARKER"
"""An environment variable that a test sets and every descendant inherits."""


def marked_processes(mark: str) -> dict[int, str]:
    """Process ids and command lines of those that inherited `mark`; zombies have none."""
    entry = f"{MARKER}={mark}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes()
                found[int(folder.name)] = command.replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def left_after(mark: str, seconds: float, word: str = "") -> dict[int, str]:
    """What is left of the marked processes with `word` in their command line.

    Returns as soon as that is nothing.
    """
    deadline = time.monotonic() + seconds
    while True:
        left = {pid: line for pid, line in marked_processes(mark).items() if word in line}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)
