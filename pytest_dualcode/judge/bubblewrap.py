"""The outermost wall: bubblewrap's namespaces around the zygote.

One sandbox for each zygote, not for each job, since it costs milliseconds to build. Inside
there are no other processes, no network, and no files but Python's own.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import numpy as np

CHILD = Path(__file__).parent / "child"
SYSTEM_PATHS = ("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime")


def command(path: str) -> tuple[str, ...]:
    """Return the command line that goes before the zygote's own; `path` is bubblewrap's.

    Not ``--die-with-parent``: it follows the thread that started the sandbox, not the process.
    The zygote ends when its control socket closes, and the sandbox with it.
    """
    binds = [word for place in visible_paths() for word in ("--ro-bind-try", place, place)]
    covers = [word for place in hidden_paths() for word in ("--tmpfs", place)]
    return (
        path,
        *("--unshare-all", "--cap-drop", "ALL", "--new-session"),
        *binds,
        *covers,
        *("--ro-bind", str(CHILD), str(CHILD)),
        *("--dev", "/dev", "--chdir", "/", "--"),
    )


def visible_paths() -> list[str]:
    """Return what is bound into the sandbox, parents before children."""
    places = {Path(p) for p in SYSTEM_PATHS}
    places |= {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent}
    places |= {Path(sys.executable).parent}
    places |= {Path(p) for p in sysconfig.get_paths().values()}
    places.add(Path(np.__file__).parent.parent)
    return sorted(str(place) for place in places if place.exists() and str(place) != "/")


def hidden_paths() -> list[str]:
    """Return the packages that hold problems, which Landlock hides too, where there is one."""
    folders = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    folders.add(Path(np.__file__).parent.parent)
    packages = [folder / name for folder in folders for name in ("pytest_dualcode", "evalplus")]
    return sorted(str(package) for package in packages if package.is_dir())
