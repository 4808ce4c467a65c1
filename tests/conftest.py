"""Fixtures that several test folders share."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

if threading.current_thread() is threading.main_thread():
    # A shell that starts the tests in the background has interrupts ignored, and all that the
    # tests start would inherit that; but some of them are about interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

from scripted_server import Script, ScriptedCoder, ScriptedServer

try:
    from hypothesis import settings
except ModuleNotFoundError:
    pass  # `pytest --pipeline=...` in this checkout loads this file too, without the extra `dev`
else:
    # No deadline for an example: a loaded machine is slow, and that is no fault of the code.
    settings.register_profile("dualcode", deadline=None)
    settings.load_profile("dualcode")


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Start scripted servers: ``serve(script, **settings)``; they stop with the test."""
    with ExitStack() as stack:

        def start(script: Script, **settings: Any) -> ScriptedServer:
            return stack.enter_context(ScriptedServer(script, **settings))

        yield start


@pytest.fixture
def scripted_server(serve: Callable[..., ScriptedServer]) -> ScriptedServer:
    """A server that writes a program for any prompt and finds every program correct."""
    return serve(ScriptedCoder())
