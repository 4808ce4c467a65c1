"""A browser for tests, over `chromedriver`'s WebDriver protocol: nothing to install from PyPI."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key that marks an element in WebDriver's JSON."""

PATIENCE = 300
"""Seconds after which a browser that does not answer is a failure, also on a busy machine."""

SPECIAL = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004"}


def missing_browser() -> str | None:
    """Why no browser can be started here, or None."""
    lacking = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"needs {' and '.join(lacking)} (Debian: chromium, chromium-driver)" if lacking else None


class Browser:
    """One headless session."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened = 0
        self.command("timeouts", {"implicit": 5_000})

    def open(self, page: Path, fragment: str = "") -> None:
        """Load a file and wait until its script has run.

        The driver may answer before the page is there, so the wait is for this very loading,
        which the query tells apart.
        """
        self._opened += 1
        query = f"?{self._opened}"
        self.command("url", {"url": page.resolve().as_uri() + query + fragment})
        deadline = time.monotonic() + PATIENCE
        while self.run("return location.search + document.documentElement.dataset.ready") != (
            f"{query}yes"
        ):
            assert time.monotonic() < deadline, f"{page} does not become ready"
            self.command("element", {"using": "css selector", "value": "html[data-ready=yes]"})

    def resize(self, width: int, height: int) -> None:
        """Give the viewport a size, also one that is smaller than a window can be."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def prefer(self, scheme: str) -> None:
        """Make the page see `prefers-color-scheme`: ``dark`` or ``light``."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.devtools("Emulation.setEmulatedMedia", {"features": [feature]})

    def devtools(self, name: str, parameters: dict[str, Any]) -> None:
        """Send one command of the DevTools protocol."""
        self.command("goog/cdp/execute", {"cmd": name, "params": parameters})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript and return its value."""
        return self.command("execute/sync", {"script": script, "args": list(arguments)})

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        actions = [
            {"type": kind, "value": SPECIAL.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        self.command("actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def click(self, selector: str) -> None:
        """Click the first element that `selector` finds."""
        found = self.command("element", {"using": "css selector", "value": selector})
        self.command(f"element/{found[ELEMENT]}/click", {})

    def screenshot(self, path: Path) -> None:
        """Save what the viewport shows."""
        path.write_bytes(base64.b64decode(self.command("screenshot", None)))

    def console_errors(self) -> list[str]:
        """Messages of the browser's console that are errors, and forget them."""
        return [entry["message"] for entry in self.command("se/log", {"type": "browser"})]

    def command(self, name: str, parameters: dict[str, Any] | None) -> Any:
        """One WebDriver command: POST with parameters, GET without."""
        return request(f"{self._url}/{name}", parameters)


def request(url: str, parameters: dict[str, Any] | None) -> Any:
    """Send one request to chromedriver; its error texts become AssertionErrors."""
    data = None if parameters is None else json.dumps(parameters).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=PATIENCE) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        with error:
            raise AssertionError(json.load(error)["value"]["message"]) from error


@contextmanager
def browser() -> Iterator[Browser]:
    """Start chromedriver with one session; both end with the block."""
    with tempfile.TemporaryDirectory() as profile, _driver() as url:
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={profile}",
        ]
        arguments += ["--disable-dev-shm-usage", "--window-size=1280,900", "--hide-scrollbars"]
        options = {"args": arguments, "binary": shutil.which("chromium")}
        capabilities = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "SEVERE"},
        }
        wanted = {"capabilities": {"alwaysMatch": capabilities}}
        session = f"{url}/session/{_new_session(url, wanted)}"
        try:
            yield Browser(session)
        finally:
            closing = urllib.request.Request(session, method="DELETE")
            urllib.request.urlopen(closing, timeout=PATIENCE).close()


def _new_session(url: str, wanted: dict[str, Any], tries: int = 3) -> str:
    """Start the browser. Chromedriver waits a minute for it, which a busy machine may not keep."""
    try:
        return str(request(f"{url}/session", wanted)["sessionId"])
    except AssertionError:
        if tries == 1:
            raise
        return _new_session(url, wanted, tries - 1)


@contextmanager
def _driver() -> Iterator[str]:
    """Run chromedriver on a free port that it chooses and prints."""
    process = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield f"http://127.0.0.1:{_port(process)}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    deadline = time.monotonic() + PATIENCE
    for line in process.stdout:
        if "on port " in line and "started" in line:
            return int(line.rsplit("on port ", 1)[1].strip(" .\n"))
        if time.monotonic() > deadline:
            break
    raise AssertionError("chromedriver did not start")
