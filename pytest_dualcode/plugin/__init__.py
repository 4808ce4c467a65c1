"""All that knows pytest. This module holds the hooks; each hands over to a module beside it.

Every pytest session of an environment imports it, so what a session without ``--pipeline`` does
not need is imported late.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_dualcode.errors import DualcodeError
from pytest_dualcode.plugin.keys import JOB, RUNTIME
from pytest_dualcode.plugin.options import add_options, build_config

if TYPE_CHECKING:
    from pytest_dualcode.plugin.collection import ProblemsModule


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options."""
    add_options(parser)


def pytest_cmdline_main(config: pytest.Config) -> None:
    """Let a dry run collect in this process; xdist's hook for ``-n`` comes before this one."""
    if config.getoption("dualcode_dry_run"):
        from pytest_dualcode.plugin.dry_run import collect_here

        collect_here(config)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set this process up, if a pipeline is asked for. Wrong settings are usage errors."""
    try:
        worker_input = getattr(config, "workerinput", None)
        if worker_input is not None:
            if JOB in worker_input:
                from pytest_dualcode.plugin.worker import set_up_worker

                set_up_worker(config, worker_input)
        elif (settings := build_config(config)) is not None:
            from pytest_dualcode.plugin.setup import set_up

            set_up(config, settings)
    except DualcodeError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> ProblemsModule | None:
    """Collect the problems under their own node id."""
    if RUNTIME not in parent.config.stash:
        return None
    from pytest_dualcode.plugin.collection import ITEMS_FILE, ProblemsModule

    return ProblemsModule.at(parent, module_path) if module_path == ITEMS_FILE else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the verdict along with the report."""
    report = yield
    if RUNTIME in item.config.stash:
        from pytest_dualcode.plugin.runtime import attach_verdict

        attach_verdict(item, report)
    return report
