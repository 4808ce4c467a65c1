"""Take away, in Python, the functions that EvalPlus takes away.

This is no protection (the walls in `jail` are); it is here because a program that calls
``open`` or ``os.kill`` gets a TypeError under EvalPlus, and should get the same under us.
"""

from __future__ import annotations

import builtins
import faulthandler
import os
import shutil
import subprocess
import sys
from typing import Any

OS_NAMES = (
    "kill", "system", "putenv", "remove", "removedirs", "rmdir", "fchdir", "setuid", "fork",
    "forkpty", "killpg", "rename", "renames", "truncate", "replace", "unlink", "fchmod",
    "fchown", "chmod", "chown", "chroot", "lchflags", "lchmod", "lchown", "getcwd", "chdir",
)  # fmt: skip
MODULES = ("ipdb", "joblib", "resource", "psutil", "tkinter")


def disable() -> None:
    """Set the names to None in this process."""
    faulthandler.disable()
    namespaces: list[tuple[Any, tuple[str, ...]]] = [
        (builtins, ("exit", "quit", "open", "help")),
        (os, OS_NAMES),
        (shutil, ("rmtree", "move", "chown")),
        (subprocess, ("Popen",)),
    ]
    for module, names in namespaces:
        for name in names:
            setattr(module, name, None)
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
