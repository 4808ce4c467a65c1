"""``--dry-run``: say what would be started and how many items it would solve, and do neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import DualcodeError
from pytest_dualcode.models.servers import Servers
from pytest_dualcode.pipelines.registry import roles_of
from pytest_dualcode.plugin.provenance import without_secrets
from pytest_dualcode.plugin.runtime import Runtime


def collect_here(config: pytest.Config) -> None:
    """Have this process collect, whatever ``-n`` says; it must come after xdist's own hook."""
    if hasattr(config.option, "tx"):
        config.option.dist = "no"
        config.option.tx = []


class DryRun:
    """Stands in the place of the controller's hooks."""

    def __init__(self, settings: RunConfig, runtime: Runtime) -> None:
        self._settings = settings
        self._runtime = runtime

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Print instead of running."""
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        try:
            lines = [*self._servers(), *self._items([item.nodeid for item in session.items])]
        except DualcodeError as error:
            raise pytest.UsageError(str(error)) from None
        if reporter is not None:
            reporter.ensure_newline()
            for line in lines:
                reporter.write_line(f"dualcode: {line}")
        return True

    def _servers(self) -> Iterator[str]:
        """Say what would answer, with the exact commands."""
        settings = self._settings
        stored = settings.replay or settings.rejudge
        roles = roles_of(self._runtime.catalogue.pipelines)
        yield "dry run: nothing is started or written"
        if stored is not None:
            yield f"no server: {stored} answers"
        elif not roles:
            yield "no server: these pipelines ask no model"
        else:
            servers = Servers(settings, settings.run_dir / "logs", roles)
            plans = servers.plans()
            yield servers.explanation
            for role in roles:
                if servers.urls(role):
                    yield f"{role}: {', '.join(map(without_secrets, servers.urls(role)))}"
            for plan in plans:
                yield f"{plan.label}: {plan.shell()}"
            if servers.obstacle:
                yield f"this would not start here: {servers.obstacle}"

    def _items(self, node_ids: list[str]) -> Iterator[str]:
        """Count what was selected, by pipeline and dataset."""
        catalogue = self._runtime.catalogue
        keys = [key for i in node_ids if (key := catalogue.by_node_id.get(i))]
        yield f"{len(keys)} of {len(catalogue.keys)} items selected"
        counts = Counter((key.pipeline, catalogue.dataset(key)) for key in keys)
        for (pipeline, dataset), count in counts.items():
            yield f"  {pipeline} on {dataset}: {count}"
        if len(keys) < len(node_ids):
            yield f"  tests of your own: {len(node_ids) - len(keys)}"
