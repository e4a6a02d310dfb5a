"""The studio in a real Chromium: a whole session, by mouse and keyboard, every width, both themes; what is lost returns."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from browser import Page, needs_chromium
from studio_process import Studio, start, stop

pytestmark = needs_chromium

DONE = 'document.body.dataset.state === "done"'
MOVE = """((id, position) => {
  const slider = document.getElementById(id);
  slider.focus();
  slider.value = position;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
})"""
DROP = """((name, text) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
})"""
CONTRAST = """(() => {
  const numbers = text => (text.match(/[0-9.]+/g) || []).map(Number);
  const bright = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest(".off, :disabled, [hidden], noscript, .unseen") || !element.offsetParent) continue;
    const [one, two] = [bright(numbers(getComputedStyle(element).color)), bright(ground(element))].sort((a, b) => b - a);
    if ((one + 0.05) / (two + 0.05) < 4.5) weak.push(element.textContent.trim().slice(0, 40));
  }
  return weak;
})()"""

TOO_SMALL = """[...document.querySelectorAll("button, select, input:not([type=radio])")]
  .filter(each => each.offsetParent && each.getBoundingClientRect().height < 20).map(each => each.id || each.textContent)"""


def finished(page: Page, act: str) -> None:
    """Do something, and wait for the training that it starts."""
    before = page.evaluate("document.body.dataset.done")
    page.evaluate(act)
    page.wait_until(f'{DONE} && document.body.dataset.done !== "{before}"')


def accuracy(page: Page) -> str:
    return str(page.evaluate("document.getElementById('accuracy').textContent"))


def test_a_whole_session(studio: Studio, tmp_path: Path) -> None:
    synth = ["device", "synth", "pcmo", "-o", "measured.csv", "--devices", "3", "--cycles", "2"]
    subprocess.run([sys.executable, "-m", "synarray", *synth], cwd=tmp_path, check=True, capture_output=True)
    with Page(studio.address) as page:
        page.wait_until(DONE)
        content = json.dumps((tmp_path / "measured.csv").read_text())
        finished(page, f'{DROP}("measured.csv", {content})')
        assert page.evaluate("document.querySelector('#fit h3').textContent") == "measured.csv"
        assert "G_S" in page.evaluate("document.getElementById('fit').textContent")
        assert page.evaluate("document.getElementById('device').value") == "*"
        page.evaluate("document.getElementById('pin').click()")
        first = accuracy(page)
        finished(page, f'{MOVE}("c-device-sigma_c2c", 800)')
        finished(page, f'{MOVE}("c-device-n_levels_ltp", 300)')
        finished(page, f'{MOVE}("c-n_neurons", 250)')
        page.evaluate("document.getElementById('pin').click()")
        compared = page.evaluate(
            "[...document.querySelectorAll('#pins tbody tr')].map(row => [...row.children].map(cell => cell.textContent))"
        )
        row = next(cells for cells in compared if cells[0] == "Accuracy")
        assert row == ["Accuracy", first, accuracy(page)]
        assert "sigma_c2c 0.32" in str(compared)
        page.evaluate("document.getElementById('command').click()")
        command = page.wait_until("document.body.dataset.copied")
        shell = command.replace("synarray ", f"{shlex.quote(sys.executable)} -m synarray ", 1) + " --json"
        ran = subprocess.run(["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=True)
        metrics = json.loads(ran.stdout)
        assert f"{100 * metrics['accuracy']:.2f} %" == accuracy(page)
        assert metrics["n_neurons"] == int(
            page.evaluate("document.querySelectorAll('#place-network input[type=text]')[1].value")
        )
        changed = accuracy(page)
        for _ in range(3):
            finished(page, "document.getElementById('undo').click()")
        assert accuracy(page) == first
        finished(page, "document.querySelectorAll('#pins button')[4].click()")  # open B
        assert accuracy(page) == changed
        shared = page.evaluate("location.hash")
        with Page(studio.address + shared, dark=True) as other:
            other.wait_until(DONE)
            assert accuracy(other) == changed
        assert page.complaints == []
        own = f"http://127.0.0.1:{studio.port}/{studio.token}/"
        assert {address.removeprefix(own) for address in page.requests} <= {
            "",
            "studio.js",
            "studio.css",
            "uPlot.iife.min.js",
            "uPlot.min.css",
        }


def test_by_keyboard_alone(studio: Studio) -> None:
    with Page(studio.address) as page:
        page.wait_until(DONE)
        reached = []
        for _ in range(80):
            page.key("Tab")
            reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        assert {
            "device",
            "file",
            "c-device-g_max",
            "c-device-drift_nu",
            "c-array-count",
            "c-n_neurons",
            "undo" if False else "pin",
        } <= set(reached)
        page.evaluate("document.getElementById('c-device-g_max').focus()")
        before = page.evaluate("document.activeElement.getAttribute('aria-valuetext')")
        done = page.evaluate("document.body.dataset.done")
        for _ in range(30):
            page.key("ArrowRight")
        page.wait_until(f'{DONE} && document.body.dataset.done !== "{done}"')
        assert page.evaluate("document.activeElement.id") == "c-device-g_max"
        assert page.evaluate("document.activeElement.getAttribute('aria-valuetext')") != before
        page.key("Tab", modifiers=8)
        page.key("Tab")
        assert "lowest and the highest conductance" in page.wait_until("document.getElementById('tip').textContent")
        assert not page.evaluate("document.getElementById('tip').hidden")
        done = page.evaluate("document.body.dataset.done")
        page.key("z", modifiers=2)
        page.wait_until(f'{DONE} && document.body.dataset.done !== "{done}"')
        assert page.evaluate("document.getElementById('c-device-g_max').getAttribute('aria-valuetext')") == before


def test_no_move_of_a_slider_is_lost_however_quick(studio: Studio) -> None:
    moves = """(async () => {
      const slider = document.getElementById("c-device-sigma_c2c");
      for (let position = 100; position <= 900; position += 4) {
        slider.value = position;
        slider.dispatchEvent(new Event("input", {bubbles: true}));
        await new Promise(then => setTimeout(then, 7));
      }
    })()"""
    with Page(studio.address) as page:
        page.wait_until(DONE)
        page.evaluate(moves)
        page.wait_until(f"{DONE} && document.body.dataset.done > 0")
        page.wait_until("document.getElementById('c-device-sigma_c2c').getAttribute('aria-valuetext') === '40.5 %'")
        page.evaluate("document.getElementById('command').click()")
        assert "device.sigma_c2c=0.405" in page.wait_until("document.body.dataset.copied")
        finished(page, "document.getElementById('undo').click()")  # one gesture is one step
        assert page.evaluate("document.getElementById('c-device-sigma_c2c').getAttribute('aria-valuetext')") == "2 %"


def test_everything_that_can_be_reached_has_a_name(studio: Studio) -> None:
    with Page(studio.address) as page:
        page.wait_until(DONE)
        page.evaluate("document.getElementById('pin').click()")
        page.call("Accessibility.enable", {})
        nodes = page.call("Accessibility.getFullAXTree", {})["nodes"]
        kinds = {
            "button",
            "slider",
            "textbox",
            "combobox",
            "radio",
            "link",
            "img",
            "image",
            "progressbar",
            "table",
            "spinbutton",
        }
        named = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node.get("ignored") and node.get("role", {}).get("value") in kinds
        ]
        assert len([kind for kind, _ in named if kind == "slider"]) > 15
        assert [node for node in named if not node[1].strip() and node[0] != "table"] == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 860, 1280, 2560])
def test_the_page_fits_and_can_be_read(studio: Studio, width: int, dark: bool) -> None:
    with Page(studio.address, width, dark) as page:
        page.wait_until(DONE)
        page.evaluate("document.getElementById('pin').click()")
        finished(page, f'{MOVE}("c-device-sigma_read", 500)')
        page.wait_until("document.querySelectorAll('#verdict b').length > 1")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert page.overflow == 0
        assert page.complaints == []
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate(TOO_SMALL) == []


def test_another_kind_of_fields_brings_the_settings_that_were_chosen_for_it(studio: Studio) -> None:
    choose = """((id, value) => {
      const choice = document.getElementById(id);
      choice.value = value;
      choice.dispatchEvent(new Event("change", {bubbles: true}));
    })"""
    with Page(studio.address) as page:
        page.wait_until(DONE)
        finished(page, f'{choose}("c-fields-kind", "full")')
        assert page.evaluate("document.getElementById('base').value") == "full-field"
        assert page.evaluate("document.getElementById('c-fields-kind').value") == "full"
        finished(page, f'{choose}("c-pruning-mode", "soft")')
        assert not page.evaluate("document.getElementById('c-pruning-fraction').disabled")
        finished(page, f'{choose}("device", "")')
        assert "Ideal weights have no imperfections" in page.evaluate("document.getElementById('verdict').textContent")
        assert page.evaluate("document.getElementById('c-device-g_max').disabled")


def test_what_is_refused_is_said_on_the_page(studio: Studio) -> None:
    with Page(studio.address) as page:
        page.wait_until(DONE)
        page.evaluate(f'{MOVE}("c-device-g_min", 1000)')
        text = page.wait_until(
            "!document.getElementById('banner').hidden && document.getElementById('banner').textContent"
        )
        assert "must exceed g_min" in text
        finished(page, "document.getElementById('undo').click()")
        assert page.evaluate("document.getElementById('banner').hidden")
        page.evaluate(f'{DROP}("words.csv", "once upon a time")')
        page.wait_until("document.body.dataset.state === 'refused'")
        page.evaluate(f'{DROP}("large.csv", "x".repeat(17 * 2 ** 20))')
        assert "at most 16 MB" in page.evaluate("document.getElementById('banner').textContent")
        markup = '<img src=x onerror="document.body.dataset.hit=1">.csv'
        page.evaluate(f"{DROP}({json.dumps(markup)}, 'a,b')")
        page.wait_until("document.body.dataset.state === 'refused'")
        assert page.evaluate("document.body.dataset.hit || document.images.length") == 0


def test_a_killed_worker_is_said_and_nothing_pinned_is_lost(studio: Studio) -> None:
    with Page(studio.address) as page:
        page.wait_until(DONE)
        page.evaluate("document.getElementById('pin').click()")
        kept = page.evaluate("document.getElementById('pins').textContent")
        done = page.evaluate("document.body.dataset.done")
        for worker in studio.workers:
            os.kill(worker, signal.SIGKILL)
        page.wait_until(f'{DONE} && document.body.dataset.done !== "{done}"')
        assert page.evaluate("document.getElementById('pins').textContent") == kept
        page.go(studio.address)  # reloaded
        page.wait_until(DONE)
        assert page.evaluate("document.getElementById('pins').textContent") == kept


class _Line:
    """A line between page and server that can be cut: the same port of the other address that "localhost" means."""

    def __init__(self, port: int) -> None:
        self._port, self._open = port, list[socket.socket]()
        self._door = socket.create_server(("::1", port), family=socket.AF_INET6)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = self._door.accept()
                other = socket.create_connection(("127.0.0.1", self._port))
                self._open += [one, other]
                for pair in ((one, other), (other, one)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                target.sendall(part)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def close(self) -> None:
        self._door.close()
        self.cut()


def test_a_lost_connection_is_said_and_returns(studio: Studio) -> None:
    try:
        line = _Line(studio.port)
    except OSError:
        pytest.skip("no IPv6 loopback")
    with contextlib.closing(line), Page(studio.address.replace("127.0.0.1", "localhost")) as page:
        page.wait_until(DONE)
        page.evaluate("document.getElementById('pin').click()")
        kept, done = page.evaluate("[document.getElementById('pins').textContent, document.body.dataset.done]")
        line.cut()
        page.wait_until("document.getElementById('banner').textContent.includes('is lost')")
        assert page.evaluate("document.getElementById('c-n_neurons').disabled")
        page.wait_until(
            f'{DONE} && document.body.dataset.done !== "{done}" && document.getElementById("banner").hidden'
        )
        assert page.evaluate("document.getElementById('pins').textContent") == kept
        assert not page.evaluate("document.getElementById('c-n_neurons').disabled")


def test_a_run_in_progress_is_watched(bars_file: Path, tmp_path: Path) -> None:
    settings = [
        f"data={bars_file}",
        "n_neurons=12",
        "epochs=3000",
        "device=subquantum-cbram",
        'checkpoint.seconds="0.2 s"',
    ]
    command = [
        sys.executable,
        "-m",
        "synarray",
        "train",
        "--out",
        "run",
        *(part for each in settings for part in ("--set", each)),
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        until = time.monotonic() + 60
        while not (tmp_path / "run.partial" / "checkpoint-0").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        running = start("run", "--watch", "--port", "0", folder=tmp_path)
        try:
            with Page(running.address) as page:
                page.wait_until("document.getElementById('progress').value > 0")
                assert page.evaluate("document.getElementById('c-n_neurons').disabled")
                training.send_signal(signal.SIGINT)
                training.wait()
                assert page.complaints == []
        finally:
            stop(running)


def test_a_study_is_watched(bars_file: Path, tmp_path: Path) -> None:
    lines = (
        'name = "two"',
        'base = "local-fields"',
        "seeds = [0]",
        "[axes]",
        "n_neurons = [12, 18, 24]",
        "[set]",
        "epochs = 1",
    )
    (tmp_path / "s.toml").write_text("\n".join([*lines, f'data = "{bars_file}"']))
    command = [sys.executable, "-m", "synarray", "study", "run", "s.toml", "--out", "study"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    running = start("study", "--watch", "--port", "0", folder=tmp_path)
    try:
        with Page(running.address, 390) as page:
            page.wait_until("document.body.dataset.study === '3'")
            rows = page.evaluate("[...document.querySelectorAll('#study tr th')].map(cell => cell.textContent)")
            assert rows == ["n_neurons 24, seed 0", "n_neurons 18, seed 0", "n_neurons 12, seed 0"]
            assert page.evaluate("document.getElementById('left').offsetParent") is None
            assert page.overflow == 0
            assert page.complaints == []
    finally:
        stop(running)
