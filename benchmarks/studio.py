"""How quick the studio is, in a headless Chromium: start to usable page, slider to accuracy, memory; each beside its aim.

    python benchmarks/studio.py [--moves 5]

The page is the default one: one epoch of local fields on all 60,000 images of MNIST, in cells of subquantum CBRAM. Kernels are
compiled before, by one visit that is not timed. Memory is the highest of server and worker since they
started, with the verdict at work.
"""

from __future__ import annotations

import argparse
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "doors"))

from browser import Page

DONE = 'document.body.dataset.state === "done"'
MOVE = """(position => {
  const slider = document.getElementById("c-device-sigma_c2c");
  window.moved = performance.now();
  slider.value = position;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
})"""
WATCH = """(() => {
  window.seen = {};
  new MutationObserver(() => {
    const {first, done, state} = document.body.dataset;
    if (window.moved && state === "learning" && !seen.begun) seen.begun = performance.now() - moved;
    if (window.moved && first !== seen.first) { seen.first = first; seen.point = performance.now() - moved; }
    if (window.moved && done !== seen.done) { seen.done = done; seen.end = performance.now() - moved; }
  }).observe(document.body, {attributes: true});
})()"""
RESET = "seen.begun = seen.end = 0, seen.first = document.body.dataset.first, seen.done = document.body.dataset.done"
LEARNING = "document.body.dataset.state === 'learning'"


def start() -> tuple[subprocess.Popen[str], str, float]:
    """Start the studio; return its process, its address and when it was started."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "synarray", "studio", "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found is not None, "the studio did not start"
    return process, found[0], begun


def stop(process: subprocess.Popen[str]) -> None:
    """End it."""
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def most_memory(process: subprocess.Popen[str]) -> float:
    """Most memory that the server and its workers have had, MB."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    status = [Path(f"/proc/{pid}/status").read_text() for pid in [str(process.pid), *children]]
    return sum(int(re.search(r"VmHWM:\s+(\d+)", text)[1]) for text in status) / 1024  # type: ignore[index]


def usable() -> float:
    """Seconds from the command to a page whose sliders can be moved."""
    process, address, begun = start()
    with Page(address) as page:
        page.wait_until("document.body.dataset.ready")
        seconds = time.perf_counter() - begun
    stop(process)
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=5, help="moves of a slider that are timed")
    moves = parser.parse_args().moves
    process, address, _ = start()
    with Page(address) as page:
        page.wait_until(DONE, 600)
    stop(process)
    starts = [usable() for _ in range(3)]
    process, address, _ = start()
    points, ends, cancels = [], [], []
    with Page(address) as page:
        page.wait_until(DONE)
        page.evaluate(WATCH)
        for move in range(moves):
            page.evaluate(f"{RESET}, {MOVE}({300 + 20 * move})")
            page.wait_until(f"{DONE} && seen.end > 0")
            points.append(page.evaluate("seen.point") / 1000)
            ends.append(page.evaluate("seen.end") / 1000)
            page.wait_until("document.querySelectorAll('#verdict b').length > 2")
        for move in range(moves):  # a move in the middle of a training
            page.evaluate(f"seen.begun = 0, {MOVE}({500 + 20 * move})")
            page.wait_until(f"{LEARNING} && document.getElementById('progress').value > 0")
            page.evaluate(f"document.body.dataset.state = 'moving', seen.begun = 0, {MOVE}({700 + 20 * move})")
            cancels.append(page.wait_until("seen.begun") / 1000)
        memory = most_memory(process)
    stop(process)
    print(f"{'':44}{'median':>9}{'worst':>9}{'aim':>9}")
    for name, found, aim in (
        ("start to usable page", starts, 3.0), ("slider to first new accuracy", points, 0.5),
        ("slider to test accuracy", ends, 5.0),
        ("slider to the new training, the old one ended", cancels, 0.1),
    ):  # fmt: skip
        print(f"{name:44}{statistics.median(found):7.2f} s{max(found):7.2f} s{aim:7.1f} s")
    print(f"{'most memory of server and worker':44}{memory:6.0f} MB{'':9}{700:6.0f} MB")


if __name__ == "__main__":
    main()
