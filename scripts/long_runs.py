"""Long runs: memory stays flat, files do not grow, and the largest network stays within its memory.

    python scripts/long_runs.py [--quick]       two runs, some minutes; prints what was seen, exits 1 if a limit is broken

Each run is the real command in a process of its own, watched from outside: resident memory (/proc/PID/status) and the size
of its folder, twice a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLAT = 0.05
"""Most that resident memory may grow from the second tenth of a run to its last fifth."""
MOST = 2 * 2**30
"""Bytes the largest network may take."""


@dataclass
class Watched:
    """What was seen of one run."""

    title: str
    seconds: float = 0.0
    status: int = 0
    error: str = ""
    resident: list[tuple[float, int]] = field(default_factory=list)
    """Moments, s, and resident memory, bytes."""
    peak: int = 0
    files: list[int] = field(default_factory=list)
    """Bytes in the folder at those moments."""
    left: int = 0
    """Bytes in the folder at the end."""
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def growth(self) -> float:
        """Resident memory in the last fifth of the run above that of the second tenth, relative."""
        early, late = self._median(0.1, 0.2), self._median(0.8, 1.0)
        return late / early - 1.0

    @property
    def file_growth(self) -> int:
        """Bytes by which the largest folder of the second half exceeds that of the first."""
        middle = len(self.files) // 2
        return max(self.files[middle:], default=0) - max(self.files[:middle], default=0)

    def _median(self, begin: float, end: float) -> float:
        n = len(self.resident)
        part = sorted(size for _, size in self.resident[int(begin * n) : max(int(end * n), int(begin * n) + 1)])
        return part[len(part) // 2]


def watch(title: str, folder: Path, *arguments: str) -> Watched:
    """Run ``synarray ARGUMENTS`` in a folder and watch it until it ends."""
    seen, start = Watched(title), time.perf_counter()
    with (folder / "stderr").open("wb") as errors, (folder / "stdout").open("wb") as out:
        child = subprocess.Popen([sys.executable, "-m", "synarray", *arguments], cwd=folder, stdout=out, stderr=errors)
        while child.poll() is None:
            now = time.perf_counter() - start
            memory = _memory(child.pid)
            if memory:
                seen.resident.append((now, memory["VmRSS"]))
                seen.peak = max(seen.peak, memory["VmHWM"])
                seen.files.append(_size(folder))
            time.sleep(0.5)
    seen.seconds, seen.status = time.perf_counter() - start, child.returncode
    seen.left = _size(folder)
    with contextlib.suppress(ValueError):
        seen.result = json.loads((folder / "stdout").read_text("utf-8"))
    seen.error = (folder / "stderr").read_text("utf-8", "replace").strip()[-300:]
    return seen


def _memory(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    except OSError:  # it ended just now
        return {}
    pairs = (line.split() for line in lines if line.startswith(("VmRSS:", "VmHWM:")))
    return {name.rstrip(":"): 1024 * int(size) for name, size, *_ in pairs}


def _size(folder: Path) -> int:
    """Bytes of all files below; one that vanishes meanwhile counts nothing."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += (Path(place) / name).stat().st_size
            except OSError:
                continue
    return total


def main() -> int:
    """Watch both runs and print what was seen."""
    quick = "--quick" in sys.argv[1:]
    epochs, images = (3, 3000) if quick else (100, 60_000)
    runs = {
        f"500 neurons, {epochs} epochs": ("local-fields", "--set", f"epochs={epochs}"),
        "6400 neurons, 1 epoch": ("local-many", "--set", "n_neurons=6400", "--set", "epochs=1"),
    }
    broken = []
    for title, arguments in runs.items():
        with tempfile.TemporaryDirectory(prefix="synarray-long-") as folder:
            changes = ("--set", f"images={images}", "--set", "checkpoint.seconds='5 s'", "--out", "run", "--json")
            seen = watch(title, Path(folder), "train", *arguments, *changes)
        shown = seen.result.get("images_seen", 0)
        long = "100 epochs" in title  # shorter runs mostly load and save
        growth = f", growth {seen.growth:+.1%}" if long else ""
        print(
            f"{title}: {shown:,} presentations in {seen.seconds:.0f} s, accuracy {seen.result.get('accuracy', 0):.2%}\n"
            f"    memory: peak {seen.peak / 2**20:,.0f} MB{growth}\n"
            f"    files: at most {max(seen.files) / 2**20:.2f} MB, growth {seen.file_growth / 2**20:+.2f} MB, "
            f"left {seen.left / 2**20:.2f} MB",
            flush=True,
        )
        broken += [f"{title}: exit status {seen.status}: {seen.error}"] * (seen.status != 0)
        broken += [f"{title}: memory grew by {seen.growth:.1%}"] * (seen.growth > FLAT and long)
        broken += [f"{title}: files grew by {seen.file_growth:,} bytes"] * (seen.file_growth > 2**20 and long)
        broken += [f"{title}: {seen.peak:,} bytes of memory"] * (seen.peak > MOST)
    for line in broken:
        print("BROKEN", line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
