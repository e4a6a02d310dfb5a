"""A headless Chromium, asked over its own pipe (DevTools protocol) whether a page loads whole, alone, and fits its window.

    inspect(page, width=360, dark=True)   ->   errors, broken_images, overflow, requests, and what is needed to look closer

One browser serves all pages of a test session; no package and no port is needed.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import functools
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

__all__ = ["find_chromium", "inspect", "needs_chromium"]

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
_LAUNCH = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(commands, 3), os.dup2(answers, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""The browser reads commands from descriptor 3 and answers on 4."""
_PATIENCE = 60.0
"""Seconds after which a browser that says nothing has failed."""
_LOOK = """
(() => {
  const style = getComputedStyle(document.body);
  const images = [...document.images].filter(i => !i.complete || i.naturalWidth === 0);
  return {
    broken_images: images.map(i => (i.alt || "image") + ": " + i.currentSrc.slice(0, 60)),
    scroll_width: document.documentElement.scrollWidth,
    background: style.backgroundColor, ink: style.color, height: document.documentElement.scrollHeight,
    text: document.body.innerText,
  };
})()
"""


def find_chromium() -> str | None:
    """Return the path of the browser; None where there is none."""
    return next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )


needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="no chromium (apt-get install chromium)")


def inspect(page: Path, width: int = 1280, dark: bool = False, screenshot: Path | None = None) -> dict[str, Any]:
    """Open a page from disk in a window so wide, in a light or dark scheme.

    Returns
    -------
    dict
        ``errors``: messages of the console and uncaught exceptions; ``broken_images``; ``overflow``: CSS pixels by which
        the page is wider than the window; ``requests``: everything that it asked for besides itself and what it carries
        (data URIs); ``background``, ``ink``: computed colours of the body; ``height``; ``text``: what can be read.
    """
    return _browser().inspect(page, width, dark, screenshot)


@functools.cache
def _browser() -> _Browser:
    browser = _Browser()
    atexit.register(browser.close)
    return browser


class _Browser:
    """One running browser with one page."""

    def __init__(self) -> None:
        program = find_chromium()
        assert program is not None, "guard the test with needs_chromium"
        self.profile = tempfile.mkdtemp(prefix="synarray-browser-")
        commands, self.to_browser = os.pipe()
        self.from_browser, answers = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, str(commands), str(answers), program, *_FLAGS, f"--user-data-dir={self.profile}"],
            pass_fds=(commands, answers), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self.numbers, self.buffer, self.events = itertools.count(1), b"", list[dict[str, Any]]()

    def close(self) -> None:
        """End the browser and remove its profile."""
        with contextlib.suppress(OSError):
            self._send("Browser.close", {})
        for descriptor in (self.to_browser, self.from_browser):
            os.close(descriptor)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def inspect(self, page: Path, width: int, dark: bool, screenshot: Path | None) -> dict[str, Any]:
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        call = functools.partial(self._call, session=session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            call(f"{domain}.enable", {})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        call("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        call("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.events.clear()
        address = page.resolve().as_uri()
        call("Page.navigate", {"url": address})
        self._wait_for("Page.loadEventFired")
        seen = call("Runtime.evaluate", {"expression": _LOOK, "returnByValue": True})["result"]["value"]
        if screenshot is not None:
            call("Emulation.setDeviceMetricsOverride", size | {"height": min(seen["height"], 16_000)})
            shot = call("Page.captureScreenshot", {"format": "png"})
            screenshot.write_bytes(base64.b64decode(shot["data"]))
        self._call("Target.closeTarget", {"targetId": target})
        return {
            "errors": [text for event in self.events if (text := _complaint(event))],
            "overflow": max(0, seen.pop("scroll_width") - width),
            "requests": [url for event in self.events if (url := _requested(event)) and url != address],
            **seen,
        }

    def _call(self, method: str, parameters: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        number = self._send(method, parameters, session)
        while True:
            message = self._receive()
            if message.get("id") != number:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            else:
                return message["result"]  # type: ignore[no-any-return]

    def _wait_for(self, event: str) -> None:
        while not any(message.get("method") == event for message in self.events):
            self.events.append(self._receive())

    def _send(self, method: str, parameters: dict[str, Any], session: str | None = None) -> int:
        message = {"id": next(self.numbers), "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.to_browser, rest) :]
        return int(message["id"])  # type: ignore[call-overload]

    def _receive(self) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.from_browser], [], [], max(0.0, until - time.monotonic()))
            part = os.read(self.from_browser, 1 << 20) if ready else b""
            if not part:
                raise RuntimeError("the browser ended" if ready else f"the browser said nothing for {_PATIENCE:g} s")
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)  # type: ignore[no-any-return]


def _complaint(event: dict[str, Any]) -> str | None:
    """Text of an error or a warning on the console, or of an uncaught exception."""
    method, said = event.get("method"), event.get("params", {})
    if method == "Runtime.exceptionThrown":
        details = said["exceptionDetails"]
        return f"{details['text']} {details.get('exception', {}).get('description', '')}"
    if method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
        return " ".join(str(part.get("value", part.get("description"))) for part in said["args"])
    if method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
        return str(said["entry"]["text"])
    return None


def _requested(event: dict[str, Any]) -> str | None:
    """Address of a request, if it was one for something that the page does not carry itself."""
    if event.get("method") != "Network.requestWillBeSent":
        return None
    url = str(event["params"]["request"]["url"])
    return None if url.startswith("data:") else url
