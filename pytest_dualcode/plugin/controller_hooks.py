"""pytest hooks of the controller process: start, progress, records, reports, exit status."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_dualcode.errors import DualcodeError
from pytest_dualcode.plugin.controller import Controller
from pytest_dualcode.plugin.ending import Ending
from pytest_dualcode.plugin.progress import Progress
from pytest_dualcode.report.junit import item_properties

EXIT_INFRASTRUCTURE = 3
"""Exit status when nothing could be run: pytest's own for an internal error."""


class ControllerHooks:
    """One instance a session; holds the controller and what it shows."""

    def __init__(self, config: pytest.Config, controller: Controller) -> None:
        self.controller = controller
        self.progress = Progress(config, controller)
        self.ending = Ending(config, controller)

    def judge_here(self) -> None:
        """Without workers: this process judges, waiting for each solution in turn."""
        controller, tick = self.controller, self.progress.tick
        controller.runtime.receive = lambda key: controller.wait(key, tick)
        self.runs_items = True

    runs_items = False

    def begin(self, node_ids: Sequence[str]) -> None:
        """Start solving. Ends the session, with the message alone, if that is impossible."""
        try:
            self.controller.begin(node_ids, self.progress.say)
        except DualcodeError as error:
            self.progress.complain(str(error))
            pytest.exit("dualcode: nothing was run", EXIT_INFRASTRUCTURE)
        if not self.runs_items:
            self.progress.start_ticking()

    @pytest.hookimpl
    def pytest_report_header(self) -> list[str]:
        """Say what will run, and how well hostile code is jailed."""
        return self.progress.header()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Start solving once it is known which items were selected (no xdist)."""
        blocked = session.testsfailed and not session.config.option.continue_on_collection_errors
        if self.runs_items and not blocked:
            self.begin([item.nodeid for item in session.items])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the item; give its properties to JUnit, which reads them at teardown."""
        record = self.controller.take_report(report)
        if record is not None and report.when == "teardown":
            report.user_properties.extend(item_properties(record))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Stop generating, write the reports, and decide the exit status."""
        self.progress.stop_ticking()
        errors = self.controller.end_generation()
        self.progress.say_notes()
        self.ending.finish(session, errors)

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show pass@1, cost, and what went wrong."""
        for line in self.ending.lines:
            terminalreporter.write_line(line)
        self.ending.urgent.clear()

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """Show what must be seen where pytest had no summary, as after an internal error."""
        for line in self.ending.urgent:
            self.progress.complain(line)
