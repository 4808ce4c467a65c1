"""What a session with a pipeline registers, unless this process is an xdist worker."""

from __future__ import annotations

from functools import partial

import pytest

from pytest_dualcode.config import RunConfig
from pytest_dualcode.plugin.catalogue import build_catalogue
from pytest_dualcode.plugin.collection import ITEMS_FILE, choose_arguments
from pytest_dualcode.plugin.keys import RUNTIME
from pytest_dualcode.plugin.runtime import Runtime


def set_up(config: pytest.Config, settings: RunConfig) -> None:
    """Make the runtime; register the controller's hooks if problems will run."""
    runtime = Runtime(
        partial(build_catalogue, settings), settings.judge, settings.allow_unsafe_judge
    )
    config.stash[RUNTIME] = runtime
    config.add_cleanup(runtime.close)
    choose_arguments(config, runtime)
    if runs_problems(config):
        set_up_controller(config, settings, runtime)


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
    if settings.dry_run:
        from pytest_dualcode.plugin.dry_run import DryRun

        config.pluginmanager.register(DryRun(settings, runtime), "dualcode_dry_run")
        return
    from pytest_dualcode.plugin.controller import Controller
    from pytest_dualcode.plugin.controller_hooks import ControllerHooks

    controller = Controller(settings, runtime, datasets, config.invocation_params.args)
    config.add_cleanup(controller.stop)
    controller.check()
    hooks = ControllerHooks(config, controller)
    controller.generation.launch(hooks.progress.say)
    config.pluginmanager.register(hooks, "dualcode_controller")
    if config.getoption("dist", "no") != "no" and config.getoption("tx"):
        from pytest_dualcode.plugin.xdist_hooks import XdistHooks

        config.pluginmanager.register(XdistHooks(config, hooks), "dualcode_xdist")
    else:
        hooks.judge_here()
