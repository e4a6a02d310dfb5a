"""A headless Chromium, asked over its own pipe (DevTools protocol) whether a page loads whole, alone, and fits its window.

    inspect(page, width=360, dark=True)   ->   errors, broken_images, overflow, requests, and what is needed to look closer
    Page(address, width=360, dark=True)   ->   a page that stays open: evaluate, wait_until, files, keys, screenshot

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

__all__ = ["Page", "find_chromium", "inspect", "needs_chromium"]

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


def inspect(
    page: Path, width: int = 1280, dark: bool = False, screenshot: Path | None = None, ask: str = "null"
) -> dict[str, Any]:
    """Open a page from disk in a window so wide, in a light or dark scheme; once it is there, evaluate what is asked.

    Returns
    -------
    dict
        ``errors``: messages of the console and uncaught exceptions; ``broken_images``; ``overflow``: CSS pixels by which
        the page is wider than the window; ``answer``: to what was asked, a promise's once it is kept; ``requests``:
        everything that it asked for besides itself and what it carries (data URIs); ``background``, ``ink``: computed
        colours of the body; ``height``; ``text``: what can be read.
    """
    return _browser().inspect(page, width, dark, screenshot, ask)


@functools.cache
def _browser() -> _Browser:
    browser = _Browser()
    atexit.register(browser.close)
    return browser


class Page:
    """One page that stays open until the end of the ``with``.

    Attributes
    ----------
    opened : float
        Seconds that it needed to load.
    """

    def __init__(self, address: str, width: int = 1280, dark: bool = False) -> None:
        self._browser, self._width = _browser(), width
        self._target = self._browser._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._browser._call("Target.attachToTarget", {"targetId": self._target, "flatten": True})
        self.call = functools.partial(self._browser._call, session=attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable", {})
        self._size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", self._size)
        self.set_scheme(dark)
        self.go(address)

    def set_scheme(self, dark: bool) -> None:
        """Prefer the dark scheme, or the light one."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", {"features": [scheme]})

    def go(self, address: str) -> None:
        """Load an address."""
        self._browser.events.clear()
        start = time.monotonic()
        self.call("Page.navigate", {"url": address})
        self._browser._wait_for("Page.loadEventFired")
        self.opened = time.monotonic() - start

    def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript in the page."""
        found = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait_until(self, condition: str, seconds: float = _PATIENCE) -> Any:
        """Wait until an expression is true, and return it."""
        until = time.monotonic() + seconds
        while not (found := self.evaluate(condition)):
            assert time.monotonic() < until, f"not so within {seconds:g} s: {condition}"
            time.sleep(0.01)
        return found

    def choose_file(self, selector: str, file: Path) -> None:
        """Choose a file in an input."""
        root = self.call("DOM.getDocument", {})["root"]["nodeId"]
        node = self.call("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        self.call("DOM.setFileInputFiles", {"nodeId": node, "files": [str(file)]})

    def key(self, key: str, modifiers: int = 0) -> None:
        """Press a key: "Tab", "ArrowRight", "z"; modifiers: 2 is Ctrl, 8 is Shift."""
        codes = {"Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "End": 35, "Home": 36}
        code = codes.get(key, ord(key[0].upper()))
        what: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        typed = {"text": "\r" if key == "Enter" else key} if key in ("Enter", " ") else {}
        self.call("Input.dispatchKeyEvent", {"type": "keyDown", **what, **typed})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **what})

    def screenshot(self, file: Path) -> None:
        """Draw the whole page."""
        height = int(self.evaluate("document.documentElement.scrollHeight"))
        self.call("Emulation.setDeviceMetricsOverride", self._size | {"height": min(height, 16_000)})
        time.sleep(0.5)
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"]))
        self.call("Emulation.setDeviceMetricsOverride", self._size)

    @property
    def overflow(self) -> int:
        """CSS pixels by which the page is wider than its window."""
        return max(0, int(self.evaluate("document.documentElement.scrollWidth")) - self._width)

    @property
    def complaints(self) -> list[str]:
        """Messages of the console and uncaught exceptions since it was loaded."""
        return [text for event in self._browser.events if (text := _complaint(event))]

    @property
    def requests(self) -> list[str]:
        """Addresses of everything that it asked for."""
        return [url for event in self._browser.events if (url := _requested(event))]

    def close(self) -> None:
        """Close it."""
        self._browser._call("Target.closeTarget", {"targetId": self._target})

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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

    def inspect(self, page: Path, width: int, dark: bool, screenshot: Path | None, ask: str) -> dict[str, Any]:
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
        answer = call("Runtime.evaluate", {"expression": ask, "awaitPromise": True, "returnByValue": True})["result"]
        seen = call("Runtime.evaluate", {"expression": _LOOK, "returnByValue": True})["result"]["value"]
        seen["answer"] = answer.get("value", answer.get("description"))
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
