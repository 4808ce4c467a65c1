"""What the terminal shows while models work: pytest itself would be silent for minutes."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext

import pytest

from pytest_dualcode.models.base import Traffic
from pytest_dualcode.plugin.controller import Controller
from pytest_dualcode.types import ROLES, Role

EVERY = 10.0
"""Seconds between two lines on a terminal; a log file gets one a minute."""

EVERY_IN_LOG = 60.0

COMPLAINTS = 5
"""Bad lines of a samples file that the header shows; the others are counted."""


class Progress:
    """Writes lines such as ``dualcode: 12 of 164 solved; coder 96 calls, 32 in flight``."""

    def __init__(self, config: pytest.Config, controller: Controller) -> None:
        self._config = config
        self._controller = controller
        self._reporter = config.pluginmanager.getplugin("terminalreporter")
        self._began = self._said = time.monotonic()
        self._tokens = 0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        on_terminal = self._reporter is not None and self._reporter.isatty
        self._every = EVERY if on_terminal else EVERY_IN_LOG

    def header(self) -> list[str]:
        """Return the lines for pytest's header."""
        config, runtime = self._controller.config, self._controller.runtime
        lines = [
            f"dualcode: {', '.join(runtime.catalogue.pipelines)} on {', '.join(config.datasets)}; "
            f"judge isolation {runtime.judge.isolation}",
            f"dualcode: run directory {config.run_dir}",
        ]
        samples = runtime.catalogue.samples
        complaints = samples.complaints if samples else []
        shown = [f"dualcode: skipped: {complaint}" for complaint in complaints[:COMPLAINTS]]
        more = len(complaints) - len(shown)
        return [*lines, *shown, *([f"dualcode: skipped: {more} more lines"] if more else [])]

    def say(self, text: str) -> None:
        """Write one line now, unless the session is quiet."""
        if self._reporter is None or self._config.option.verbose < 0:
            return
        capture = self._config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            self._reporter.ensure_newline()
            self._reporter.write_line(f"dualcode: {text}")

    def complain(self, text: str) -> None:
        """Write an error, also in a quiet session."""
        if self._reporter is not None:
            self._reporter.ensure_newline()
            self._reporter.write_line(text, red=True)

    def tick(self) -> None:
        """Write a line if the last one is some time ago; see that the engine still runs."""
        self._controller.check_engine()
        self.say_notes()
        now = time.monotonic()
        if now - self._said >= self._every:
            self.say(self.line(now - self._said))
            self._said = now

    def say_notes(self) -> None:
        """Write what other threads have left to be said: they must not touch the terminal."""
        notes = self._controller.generation.notes
        while notes:
            self.say(notes.popleft())

    def line(self, seconds: float) -> str:
        """Return the state in one line; `seconds` have passed since the last one."""
        controller = self._controller
        parts = [
            f"{controller.solved} of {len(controller.selected)} solved",
            f"{len(controller.records)} judged",
        ]
        traffic = controller.generation.traffic()
        for role in ROLES:
            if role in traffic and (traffic[role].done or traffic[role].in_flight):
                parts.append(calls_of(role, traffic[role]))
        tokens = sum(found.completion_tokens for found in traffic.values())
        if traffic and seconds > 0:
            parts.append(f"{(tokens - self._tokens) / seconds:.0f} tokens/s")
        self._tokens = tokens
        minutes, rest = divmod(int(time.monotonic() - self._began), 60)
        return f"[{minutes}:{rest:02d}] " + "; ".join(parts)

    def start_ticking(self) -> None:
        """Tick in a thread: under xdist the main thread waits for workers."""
        self._thread = threading.Thread(target=self._tick_until_stopped, daemon=True)
        self._thread.start()

    def _tick_until_stopped(self) -> None:
        while not self._stopped.wait(1.0):
            self.tick()

    def stop_ticking(self) -> None:
        """End the thread."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()


def calls_of(role: Role, traffic: Traffic) -> str:
    """Return one role's calls in words; attempts that failed tell of a server in trouble."""
    told = f"{role} {traffic.done} calls, {traffic.in_flight} in flight"
    return f"{told}, {traffic.retries} attempts failed" if traffic.retries else told
