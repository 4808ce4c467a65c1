"""vLLM's sleep mode: a model leaves the card for the host's memory, and comes back."""

from __future__ import annotations

import time

from pytest_dualcode.errors import ServerError
from pytest_dualcode.models import endpoints
from pytest_dualcode.models.launched import Launched, died

SWITCH_TIMEOUT = 600.0
"""Seconds for one way: gigabytes of weights, at the speed of the host's memory."""

NOTICING = 30.0
"""Seconds for the keeper of a server that does not answer to say that it has ended."""


def put_to_sleep(server: Launched) -> None:
    """Free the card of `server`'s model; a server that has died has left it too.

    Level 1 keeps the weights in the host's memory and forgets the cache. Raises `ServerError`.
    """
    try:
        ask_for(server, "/sleep?level=1", asleep=True)
    except (OSError, ValueError) as error:
        if exit_code(server) is None:
            raise cannot(server, "put to sleep", error) from error


def wake(server: Launched) -> bool:
    """Bring `server`'s model back; false if the server has died. Raises `ServerError`."""
    try:
        ask_for(server, "/wake_up", asleep=False)
    except (OSError, ValueError) as error:
        code = exit_code(server)
        if code is None:
            raise cannot(server, "woken", error) from error
        if server.restarts:
            raise died(server, code) from error
        return False
    return True


def ask_for(server: Launched, path: str, asleep: bool) -> None:
    """Ask for the change and see that it has come about; raises `OSError` or `ValueError`.

    vLLM answers 200 also when it has woken only a part of the model.
    """
    root = endpoints.server_root(server.url)
    endpoints.post(root + path, SWITCH_TIMEOUT)
    reply = endpoints.get_json(root + "/is_sleeping")
    if not isinstance(reply, dict) or reply.get("is_sleeping") is not asleep:
        raise ValueError(f"after {path} it says {reply}")


def exit_code(server: Launched) -> int | None:
    """The exit status of a server that did not answer; ``None`` if it lives all the same."""
    deadline = time.monotonic() + NOTICING
    while endpoints.is_ready(server.url) is False and time.monotonic() < deadline:
        code = server.process.exit_code()
        if code is not None:
            return code
        time.sleep(0.1)
    return server.process.exit_code()


def cannot(server: Launched, what: str, error: Exception) -> ServerError:
    """The error for a living server that refuses to sleep or to wake."""
    return ServerError(
        f"The {server.label}'s server could not be {what}: {endpoints.reason(error)}. "
        f"The end of {server.log}:\n{server.process.tail()}",
        "Sleep mode needs a GPU, and memory on the host for the weights of both models; without "
        "it, take a profile that does not take turns.",
    )
