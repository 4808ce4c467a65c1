"""Exceptions that carry their wording and the remedy.

Whoever catches one prints ``str(error)``: what happened, then what to do about it. Model text
never enters a message unescaped (`printable`), since a lone surrogate would break the wire
between pytest-xdist's processes.
"""

from __future__ import annotations


def printable(text: str, limit: int = 2000) -> str:
    """Return `text` without lone surrogates and control characters, at most `limit` long."""
    kept = text if len(text) <= limit else text[:limit] + f"... ({len(text)} characters)"
    kept = kept.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c in "\n\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in kept)


class DualcodeError(Exception):
    """Base of all errors of this package: `what` happened, and the `remedy`."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = printable(what, 8000)
        self.remedy = printable(remedy, 8000)
        super().__init__(self.what, self.remedy)

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}" if self.remedy else self.what


class UsageError(DualcodeError):
    """An option or a setting is wrong; nothing was run."""


class DatasetError(DualcodeError):
    """A benchmark is missing, damaged, or not the version that was asked for."""


class InfrastructureError(DualcodeError):
    """Something around the models broke: the item becomes ``error``, never ``failed``."""


class ServerError(InfrastructureError):
    """A model server could not be started or reached, or died (with its last log lines)."""


class CallError(InfrastructureError):
    """One chat completion could not be had, after the retries that made sense."""


class ReplayMiss(InfrastructureError):
    """A replayed run does not hold the call that a pipeline asks for."""


class JudgeError(InfrastructureError):
    """The judge itself broke: says nothing about the solution."""


class StoreError(DualcodeError):
    """The run directory cannot be read or written."""
