"""Servers of one test: started, changed, and stopped whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_dualcode.config import RunConfig
from pytest_dualcode.models.servers import Servers


@contextmanager
def running(config: RunConfig, logs: Path, **arguments: Any) -> Iterator[Servers]:
    """Servers that are stopped at the end."""
    servers = Servers(config, logs, **arguments)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


def changed(config: RunConfig, **changes: Any) -> RunConfig:
    """`config` with other settings."""
    given = {name: getattr(config, name) for name in RunConfig.__dataclass_fields__}
    return RunConfig(**(given | changes))
