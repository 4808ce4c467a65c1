"""Which part this process plays, and what it therefore registers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_dualcode.config import RunConfig
from pytest_dualcode.plugin.collection import ITEMS_FILE, choose_arguments
from pytest_dualcode.plugin.keys import RUNTIME
from pytest_dualcode.plugin.runtime import Runtime

RUN_DIR = "dualcode_run_dir"


def set_up(config: pytest.Config, settings: RunConfig) -> None:
    """Make the runtime and register the hooks of a worker or of the controller."""
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        settings = replace(settings, run_dir=Path(worker_input[RUN_DIR]))
    runtime = config.stash[RUNTIME] = Runtime(settings)
    choose_arguments(config, runtime)
    if worker_input is None and runs_problems(config):
        set_up_controller(config, settings, runtime)
    config.add_cleanup(runtime.close)


RUNS_NOTHING = (
    "help",
    "version",
    "markers",
    "showfixtures",
    "show_fixtures_per_test",
    "setupplan",
    "cacheshow",
)
"""pytest's options with which no test runs, so no server may start."""


def runs_problems(config: pytest.Config) -> bool:
    """Return whether this session will run problems: a pipeline may be set in an ini file."""
    if any(getattr(config.option, name, False) for name in RUNS_NOTHING):
        return False
    return any(argument.startswith(str(ITEMS_FILE)) for argument in config.args)


def set_up_controller(config: pytest.Config, settings: RunConfig, runtime: Runtime) -> None:
    """Get the data, start the servers, and register what runs in the controller alone.

    Collecting only needs the data. Servers load while pytest collects.
    """
    from pytest_dualcode.problems import prepare_datasets

    datasets = prepare_datasets(settings.datasets)
    if config.option.collectonly:
        return
    from pytest_dualcode.plugin.controller import Controller
    from pytest_dualcode.plugin.controller_hooks import ControllerHooks

    controller = Controller(settings, runtime, datasets, config.invocation_params.args)
    config.add_cleanup(controller.stop)
    controller.check()
    hooks = ControllerHooks(config, controller)
    controller.generation.launch(hooks.progress.say)
    config.pluginmanager.register(hooks, "dualcode_controller")
    if config.getoption("dist", "no") != "no":
        from pytest_dualcode.plugin.xdist_hooks import XdistHooks

        config.pluginmanager.register(XdistHooks(hooks), "dualcode_xdist")
    else:
        hooks.judge_here()
