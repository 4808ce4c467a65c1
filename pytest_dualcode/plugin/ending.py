"""The end of a session: reports, suite properties, and an exit status that can be trusted."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence

import pytest
from _pytest.junitxml import xml_key

from pytest_dualcode.analysis.flips import count_flips
from pytest_dualcode.analysis.gates import gate
from pytest_dualcode.analysis.paired import Comparison
from pytest_dualcode.analysis.summary import RunSummary
from pytest_dualcode.errors import DualcodeError
from pytest_dualcode.plugin.catalogue import NODE_PATH
from pytest_dualcode.plugin.controller import Controller
from pytest_dualcode.report.github import append_step_summary
from pytest_dualcode.report.junit import suite_properties
from pytest_dualcode.report.terminal import summary_lines
from pytest_dualcode.report.writing import SUMMARY_FILE, write_reports
from pytest_dualcode.store import holds_run
from pytest_dualcode.types import Record

EARLY = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)

RUN_OPTIONS = dict.fromkeys(("--run-dir", "--resume", "--replay", "--rejudge"), True)
"""Options that name a run; true, since a value follows."""

SELECTIONS = {
    **dict.fromkeys(("-k", "-m", "--deselect", "--limit", "--pipeline", "--dataset"), True),
    **dict.fromkeys(("--repeat", "--samples-per-problem"), True),
    **dict.fromkeys(("--lf", "--last-failed", "--sw", "--stepwise"), False),
    **dict.fromkeys(("--sw-skip", "--stepwise-skip"), False),
}
"""Options that leave items out; without them all of a resumed run is selected."""


class Ending:
    """Filled by `finish`; `lines` are for the terminal summary.

    `urgent` are those of them that must be seen also where pytest shows no summary.
    """

    def __init__(self, config: pytest.Config, controller: Controller) -> None:
        self._config = config
        self._controller = controller
        self.lines: list[str] = []
        self.urgent: list[str] = []

    def finish(self, session: pytest.Session, errors: Sequence[DualcodeError] = ()) -> None:
        """Write what the run came to. A lost result makes the session fail, and so do `errors`."""
        if self._controller.records:
            try:
                self._report(session)
            except DualcodeError as error:
                self._fail(session, str(error))
        if self._controller.broken is not None:
            errors = [*errors, self._controller.broken]
        for lost in errors:
            self._fail(session, str(lost))
        if self._controller.without_solution:
            self._complain_of_errors_before(session)
        self._complain_of_missing(session)

    def _complain_of_errors_before(self, session: pytest.Session) -> None:
        earlier = self._controller.config.rejudge
        self._fail(
            session,
            f"{self._controller.without_solution} items of {earlier} ended with an error and have "
            f"no solution to judge. Make them with --resume={earlier}, then judge again.",
        )

    def _report(self, session: pytest.Session) -> None:
        catalogue = self._controller.catalogue
        tasks: dict[str, list[str]] = {}
        for problem in catalogue.every:
            tasks.setdefault(problem.dataset, []).append(problem.task_id)
        config = self._controller.config
        written = write_reports(config.run_dir, tasks, config.baseline)
        summary = written.run.summary
        xml = self._config.stash.get(xml_key, None)
        if xml is not None:
            for name, value in suite_properties(summary):
                xml.add_global_property(name, value)
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        width = min(80, self._config.get_terminal_writer().fullwidth) if reporter else 80
        shown = summary_lines(
            summary,
            width,
            comparisons=written.run.comparisons(),
            against_baseline=written.against_baseline,
            report=written.report,
        )
        self.lines += ["", *shown]
        if config.repeat > 1:
            self.lines += ["", *(flips.in_words() for flips in count_flips(self._records()))]
        append_step_summary((config.run_dir / SUMMARY_FILE).read_text("utf-8"))
        self._gate(session, summary, written.against_baseline)
        if summary.errors:
            self._say_errors(session, written.run.records)

    def _gate(
        self, session: pytest.Session, summary: RunSummary, compared: Sequence[Comparison]
    ) -> None:
        """Let the gates, if there are any, decide instead of the count of failed problems."""
        config = self._controller.config
        if config.min_pass_at_1 is None and config.max_regressions is None:
            return
        missing = len(self._controller.missing())
        result = gate(summary, compared, config.min_pass_at_1, config.max_regressions, missing)
        self.lines += ["", *result.lines]
        others = session.testsfailed > sum(r.outcome != "passed" for r in self._records())
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            held = result.passed and not summary.errors and not others
            session.exitstatus = pytest.ExitCode.OK if held else pytest.ExitCode.TESTS_FAILED

    def _records(self) -> Collection[Record]:
        return self._controller.records.values()

    def _complain_of_missing(self, session: pytest.Session) -> None:
        missing = self._controller.missing()
        stopped = session.shouldfail or session.shouldstop or session.exitstatus in EARLY
        if missing and not stopped:
            self._fail(
                session,
                f"{len(missing)} items ran without reporting a result, first {missing[0]}. "
                "They are not in the numbers.",
            )
        if missing and holds_run(self._controller.config.run_dir):
            self._suggest_resume(f"{len(missing)} items have no result; go on with")
        elif missing:
            self.lines.append(
                f"dualcode: {len(missing)} items have no result, and nothing was asked yet: "
                "give the same command again."
            )

    def _say_errors(self, session: pytest.Session, records: Sequence[Record]) -> None:
        """Name the command that runs the errors again, also those of an earlier session."""
        keys = {record.key for record in records if record.outcome == "error"}
        outside = len(keys.difference(self._controller.selected))
        if outside:
            why = f"{len(keys)} errors remain, {outside} of them not selected in this session; "
            self._suggest_resume(why + "run all that is missing with", selecting=False)
        else:
            self._suggest_resume(f"{len(keys)} errors remain; run just those again with")
        self._set_failed(session)

    def _suggest_resume(self, why: str, selecting: bool = True) -> None:
        kept = without(RUN_OPTIONS, self._config.invocation_params.args)
        if not selecting:
            kept = [a for a in without(SELECTIONS, kept) if f"{NODE_PATH}::" not in a]
        command = shlex.join(["pytest", *kept, f"--resume={self._controller.config.run_dir}"])
        self._add_urgent(f"dualcode: {why}:\n  {command}")

    def _fail(self, session: pytest.Session, message: str) -> None:
        self._add_urgent(f"dualcode: {message}")
        self._set_failed(session)

    @staticmethod
    def _set_failed(session: pytest.Session) -> None:
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _add_urgent(self, line: str) -> None:
        self.lines.append(line)
        self.urgent.append(line)


def without(options: Mapping[str, bool], arguments: Sequence[str]) -> list[str]:
    """Return `arguments` without `options`, in all their forms; true are those with a value."""
    joined = tuple(o if len(o) == 2 else f"{o}=" for o, valued in options.items() if valued)
    kept: list[str] = []
    skip = False
    for argument in arguments:
        bare = argument in options
        if not skip and not bare and not argument.startswith(joined):
            kept.append(argument)
        skip = bare and options[argument]
    return kept
