"""The controller's side of pytest-xdist. Registered only when items are distributed."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import execnet
import pytest
from xdist.workermanage import parse_tx_spec_config

from pytest_dualcode import __version__
from pytest_dualcode.plugin.controller_hooks import EXIT_INFRASTRUCTURE, ControllerHooks
from pytest_dualcode.plugin.handover import Job, addressed
from pytest_dualcode.plugin.keys import JOB, PARCELS, PAUSE
from pytest_dualcode.plugin.scheduler import ReadyScheduling
from pytest_dualcode.plugin.worker import python_version

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

RERUN: Any = "rerun"
"""Outcome of a report that is no result, as xdist proposes it; pytest's own types lack it."""

EXECMODEL = "execmodel=main_thread_only"
"""What xdist puts before the specs of ``--tx``."""

LONGEST_PAUSE = 15.0
"""Seconds before another worker is set up in place of one whose set-up failed."""

UNREACHABLE = (OSError, EOFError, ValueError, execnet.HostNotFound, execnet.RemoteError)
"""What execnet and xdist raise when they cannot start a worker as ``--tx`` says."""


class XdistHooks:
    """Gives workers the job, and items when they are ready; deals with workers that are lost."""

    def __init__(self, config: pytest.Config, hooks: ControllerHooks) -> None:
        self.hooks = hooks
        self._plugins = config.pluginmanager
        self.specs = [execnet.XSpec(text) for text in parse_tx_spec_config(config)]
        self._nodes: list[WorkerController] = []
        self._collected: set[WorkerController] = set()
        self._again: set[str] = set()
        self._failed_starts = 0
        self._began = False

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None, None, None]:
        """Let the start of workers elsewhere fail with a message; xdist's is a traceback."""
        try:
            return (yield)
        except UNREACHABLE as error:
            if not any(elsewhere(spec) or spec.chdir for spec in self.specs):
                raise
            remedy = f"Check --tx: {', '.join(map(place, self.specs))}."
            if "rsync root" in str(error):
                remedy = "Give paths as --option=PATH: xdist takes a bare one for a folder to send."
            name = type(error).__name__
            self._give_up(f"The workers could not be started: {name}: {error}.\n{remedy}")

    @pytest.hookimpl
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Give a worker the job, and a channel of its own for solutions."""
        self._nodes.append(node)
        node.workerinput[JOB] = self._job().to_text()
        node.workerinput[PARCELS] = node.gateway.newchannel()
        if self._failed_starts:
            node.workerinput[PAUSE] = min(2.0**self._failed_starts, LONGEST_PAUSE)

    def _job(self) -> Job:
        controller = self.hooks.controller
        return Job(
            version=__version__,
            python=python_version(),
            datasets=controller.config.datasets,
            hashes={info.name: info.md5 for info in controller.datasets},
            keys=controller.catalogue.keys,
            judge=controller.config.judge,
            allow_unsafe=controller.config.allow_unsafe_judge,
        )

    @pytest.hookimpl
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> ReadyScheduling:
        """Schedule by readiness, whatever ``--dist`` says: the other modes would only wait."""
        controller = self.hooks.controller
        scheduler = ReadyScheduling(
            config, needed(self.specs), self._begin, controller.weight, self._send
        )
        controller.announce = scheduler.ready
        return scheduler

    def _begin(self, node_ids: Sequence[str]) -> None:
        """Start solving, and end xdist's line about workers that start: it would go on below."""
        self._began = True
        reporter = self._plugins.getplugin("terminaldistreporter")
        if reporter is not None:
            reporter.rewrite = lambda *_text, **_how: None
        if needed(self.specs) < len(self.specs):
            self.hooks.progress.say(f"{len(node_ids)} items; more workers join as they start")
        self.hooks.begin(node_ids)

    def _send(self, node: WorkerController, node_id: str) -> None:
        """Send the solution of an item, if it is one of ours."""
        controller = self.hooks.controller
        key = controller.catalogue.by_node_id.get(node_id)
        if key is not None:
            node.workerinput[PARCELS].send(addressed(key, controller.parcel(key)))

    @pytest.hookimpl
    def pytest_xdist_node_collection_finished(
        self,
        node: WorkerController,
        ids: Sequence[str],  # noqa: ARG002 - xdist's name
    ) -> None:
        """The worker's set-up has succeeded."""
        self._collected.add(node)

    @pytest.hookimpl(tryfirst=True)
    def pytest_testnodedown(self, node: WorkerController, error: object | None) -> None:
        """Before xdist replaces a worker: see that the new one has a chance.

        A lost machine would end the session when xdist tries to reach it.
        """
        if isinstance(error, execnet.RemoteError) and node not in self._collected:
            self._cannot_judge(node, str(error))
        self._collected.discard(node)
        if error is not None and elsewhere(node.gateway.spec):
            self.hooks.progress.say(
                f"the worker {node.gateway.id} ({place(node.gateway.spec)}) was lost; "
                "another one, on this machine, takes its place"
            )
            bring_home(node.gateway.spec)

    def _cannot_judge(self, node: WorkerController, traceback: str) -> None:
        """Deal with a worker whose set-up failed: another one would most likely fail as well.

        While others judge it may be a passing trouble, such as a full ``/tmp``, and no reason to
        end a run of hours: the next one waits a while first. xdist ends the session when it has
        replaced too many (``--max-worker-restart``).
        """
        name = f"The worker {node.gateway.id} ({place(node.gateway.spec)})"
        self._failed_starts += 1
        if self._collected and self._began:
            self.hooks.progress.say(f"{name} cannot judge; another takes its place.")
            self.hooks.progress.say(explained(traceback))
        else:
            self._give_up(f"{name} cannot judge.\n{explained(traceback)}")

    @pytest.hookimpl
    def pytest_handlecrashitem(
        self, crashitem: str, report: pytest.TestReport, sched: ReadyScheduling
    ) -> None:
        """Judge the item that a lost worker held once more, elsewhere, before it is an error."""
        if self.hooks.controller.is_open(crashitem) and crashitem not in self._again:
            self._again.add(crashitem)
            report.outcome = RERUN
            sched.mark_test_pending(crashitem)

    @pytest.hookimpl
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Show such an item as ``R``: pytest's own letter would be that of a failure."""
        return (RERUN, "R", "RERUN") if report.outcome == RERUN else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Tell idle workers to end, also after Ctrl-C: execnet would wait ten seconds for them."""
        for node in self._nodes:
            node.shutdown()

    def _give_up(self, message: str) -> None:
        self.hooks.progress.complain(message)
        pytest.exit("dualcode: a worker could not be set up", EXIT_INFRASTRUCTURE)


def needed(specs: Sequence[execnet.XSpec]) -> int:
    """Return how many workers must have collected before solving begins.

    One, where all are of this machine and this Python: sixteen take twelve seconds to start on
    two cores, which the models would be idle. All, if one is elsewhere: only then is it known that
    it can judge, and no call should be made in a session that ends for that.
    """
    alike = not any(elsewhere(spec) or spec.python or spec.chdir for spec in specs)
    return 1 if alike else len(specs)


def place(spec: execnet.XSpec) -> str:
    """Return where the worker is, in a few words."""
    return str(spec.ssh or spec.socket or spec).removeprefix(f"{EXECMODEL}//")


def elsewhere(spec: execnet.XSpec) -> bool:
    """Whether the worker may be on another machine."""
    return not spec.popen or bool(spec.via)


def bring_home(spec: execnet.XSpec) -> None:
    """Change `spec`, of which xdist will make a replacement, to a plain local worker."""
    vars(spec).clear()
    vars(spec).update(vars(execnet.XSpec(f"{EXECMODEL}//popen")))


def explained(traceback: str) -> str:
    """Return what a worker's traceback says, without the way there where the user needs none."""
    message = traceback.rstrip().rpartition("UsageError: ")[2]
    lacking = re.search(r".*(unrecognized arguments|No module named).*", message)
    if lacking is None:
        return message
    return (
        f"{lacking.group()}\nIn the Python that --tx names, install pytest-dualcode=={__version__} "
        "and the plugins that the command line needs."
    )
