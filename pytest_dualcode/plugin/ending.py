"""The end of a session: reports, suite properties, and an exit status that can be trusted."""

from __future__ import annotations

import shlex
import sys

import pytest
from _pytest.junitxml import xml_key

from pytest_dualcode.errors import DualcodeError
from pytest_dualcode.plugin.controller import Controller
from pytest_dualcode.report.junit import suite_properties
from pytest_dualcode.report.terminal import summary_lines
from pytest_dualcode.report.writing import write_reports

EARLY = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)


class Ending:
    """Filled by `finish`; `lines` are for the terminal summary."""

    def __init__(self, config: pytest.Config, controller: Controller) -> None:
        self._config = config
        self._controller = controller
        self.lines: list[str] = []

    def finish(self, session: pytest.Session) -> None:
        """Write what the run came to. A lost result makes the session fail."""
        if not self._controller.records:
            return
        try:
            self._report()
        except DualcodeError as error:
            self._fail(session, str(error))
        if self._controller.broken is not None:
            self._fail(session, str(self._controller.broken))
        self._complain_of_missing(session)

    def _report(self) -> None:
        catalogue = self._controller.catalogue
        tasks: dict[str, list[str]] = {}
        for problem in catalogue.every:
            tasks.setdefault(problem.dataset, []).append(problem.task_id)
        written = write_reports(self._controller.config.run_dir, tasks)
        summary = written.run.summary
        xml = self._config.stash.get(xml_key, None)
        if xml is not None:
            for name, value in suite_properties(summary):
                xml.add_global_property(name, value)
        width = min(80, self._config.get_terminal_writer().fullwidth)
        comparisons = written.run.comparisons()
        self.lines += [
            "",
            *summary_lines(summary, width, comparisons=comparisons, report=written.report),
        ]
        if summary.errors:
            self._suggest_resume(f"{summary.errors} errors remain; run just those again with")

    def _complain_of_missing(self, session: pytest.Session) -> None:
        missing = self._controller.missing()
        stopped = session.shouldfail or session.shouldstop or session.exitstatus in EARLY
        if missing and not stopped:
            self._fail(
                session,
                f"{len(missing)} items ran without reporting a result, first {missing[0]}. "
                "They are not in the numbers.",
            )
        if missing:
            self._suggest_resume(f"{len(missing)} items have no result; go on with")

    def _suggest_resume(self, why: str) -> None:
        kept = [a for a in sys.argv[1:] if not a.startswith(("--resume", "--run-dir"))]
        command = shlex.join(["pytest", *kept, f"--resume={self._controller.config.run_dir}"])
        self.lines.append(f"dualcode: {why}:\n  {command}")

    def _fail(self, session: pytest.Session, message: str) -> None:
        self.lines.append(f"dualcode: {message}")
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
