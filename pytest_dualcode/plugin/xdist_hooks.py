"""The controller's side of pytest-xdist. Registered only when items are distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_dualcode.plugin.controller_hooks import ControllerHooks
from pytest_dualcode.plugin.scheduler import ReadyScheduling
from pytest_dualcode.plugin.setup import RUN_DIR

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController


class XdistHooks:
    """Gives workers the run directory, and items when they are ready."""

    def __init__(self, hooks: ControllerHooks) -> None:
        self.hooks = hooks

    @pytest.hookimpl
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell a worker where solutions lie; its own default would bear another time."""
        node.workerinput[RUN_DIR] = str(self.hooks.controller.config.run_dir)

    @pytest.hookimpl
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> ReadyScheduling:
        """Schedule by readiness, whatever ``--dist`` says: the other modes would only wait."""
        controller = self.hooks.controller
        workers = len(config.option.tx)
        scheduler = ReadyScheduling(config, workers, self.hooks.begin, controller.weight)
        controller.announce = scheduler.ready
        return scheduler
