"""Measure synarray beside three public tools, each on its own nearest job, and print the figures side by side.

    python benchmarks/peers/run.py [--only bindsnet,brian2,aihwkit] [--json] [--keep DIR]

Each peer gets a virtual environment of its own from NAME.txt (and NAME-nodeps.txt, installed with --no-deps), reused
while those files stay the same; NAME_job.py prints one JSON line in it. synarray_job.py runs last, in the environment
that called this script. Everything runs one after the other on one thread. A peer that cannot be installed or run is
reported with the reason, and the rest go on. Standard library only.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ("bindsnet", "brian2", "aihwkit")
NEED_IMAGES = ("bindsnet", "brian2", "synarray")
INSTALL_SECONDS, JOB_SECONDS = 3600, 600
THREADS = ("OMP", "MKL", "OPENBLAS", "NUMBA")
SAVE_IMAGES = (
    "import sys, numpy, synarray; data = synarray.load_dataset('mnist'); "
    "numpy.savez(sys.argv[1], x_train=data.x_train, y_train=data.y_train)"
)


class PeerError(Exception):
    """A tool could not be installed or did not finish its job; the message is the reason as the tool gave it."""


def call(command: list[str], seconds: int) -> str:
    """Run `command` on one thread and return what it printed; pip's first ERROR or the last line says why it failed."""
    environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in THREADS}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise PeerError(f"not finished after {seconds} s") from None
    if done.returncode:
        words = [line.strip() for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        raise PeerError(next((line for line in words if line.startswith("ERROR:")), words[-1])[:300])
    return done.stdout


def environment_of(peer: str, venvs: Path) -> Path:
    """Find the Python of the peer's environment, made and filled first if it is missing or its requirements changed."""
    venv = venvs / peer
    python = venv / "bin" / "python"
    files = [path for path in (HERE / f"{peer}.txt", HERE / f"{peer}-nodeps.txt") if path.exists()]
    lines = [line for path in files for line in path.read_text().splitlines()]
    wanted = "\n".join(line for line in lines if not line.startswith("#"))
    installed = venv / "installed.txt"
    if installed.exists() and installed.read_text() == wanted:
        return python
    say(f"{peer}: installing into {venv}")
    call([sys.executable, "-m", "venv", "--clear", str(venv)], INSTALL_SECONDS)
    for path in files:
        no_deps = ["--no-deps"] if path.stem.endswith("-nodeps") else []
        call([str(python), "-m", "pip", "install", "--quiet", *no_deps, "-r", str(path)], INSTALL_SECONDS)
    installed.write_text(wanted)
    return python


def host_loop() -> float:
    """Time a fixed Python loop, in milliseconds: tells in which of its speeds the host was when a tool was measured."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(200_000):
            pass
        seconds.append(time.perf_counter() - start)
    return 1e3 * statistics.median(seconds)


def measure(tool: str, venvs: Path, images: Path | PeerError) -> dict:
    """Return the tool's JSON line with the host's speed and the share of a core it got, or the reason of failure."""
    try:
        python = environment_of(tool, venvs) if tool in PEERS else Path(sys.executable)
        arguments = []
        if tool in NEED_IMAGES:
            if isinstance(images, PeerError):
                raise PeerError(f"no images: {images}")
            arguments = ["--images", str(images)]
        say(f"{tool}: measuring")
        loop_before, clocks = host_loop(), os.times()
        line = call([str(python), str(HERE / f"{tool}_job.py"), *arguments], JOB_SECONDS).splitlines()[-1]
        spent = [after - before for before, after in zip(clocks, os.times(), strict=True)]
        share = (spent[2] + spent[3]) / spent[4]  # the job's user and system seconds, over elapsed seconds
        return json.loads(line) | {"host_loop_ms": [loop_before, host_loop()], "core_share": share}
    except PeerError as failure:
        say(f"{tool}: failed")
        return {"tool": tool, "rows": [], "failure": str(failure)}


def mnist(folder: Path) -> Path | PeerError:
    """Write MNIST once, through synarray, as a file every tool can read."""
    path = folder / "mnist.npz"
    try:
        if not path.exists():
            call([sys.executable, "-c", SAVE_IMAGES, str(path)], JOB_SECONDS)
    except PeerError as failure:
        return failure
    return path


def ratios(row: dict, own: dict) -> str:
    """Divide synarray's figure by the row's, for each figure both have."""
    parts = []
    for key in ("images", "time_steps", "rows", "pulses"):
        theirs, ours = row.get(f"{key}_per_second"), own.get(f"{key}_per_second")
        if theirs and ours:
            parts.append(f"{short(ours / theirs)}x {key.replace('_', ' ')}")
    return ", ".join(parts) or "-"


def short(figure: float) -> str:
    """Write three significant digits, as a plain number below ten million."""
    rounded = float(f"{figure:.3g}")
    return f"{rounded:.3g}" if rounded < 1 or rounded >= 1e7 else f"{rounded:,g}"


def table(results: list[dict]) -> str:
    """Set all tools side by side in plain text: one line a job, reasons of failures and host speeds below."""
    own = next((result["rows"][0] for result in results if result["tool"] == "synarray" and result["rows"]), {})
    lines = [("tool", "job", "images/s", "steps or rows/s", "pulses/s", "synarray / peer")]
    notes = []
    for result in results:
        for row in result["rows"]:
            per_second = {key.removesuffix("_per_second"): value for key, value in row.items()}
            middle = next((per_second[key] for key in ("time_steps", "steps", "rows") if key in per_second), None)
            figures = (per_second["images"], middle, per_second["pulses"])
            shown = ("-" if figure is None else short(figure) for figure in figures)
            ratio = "-" if result["tool"] == "synarray" else ratios(row, own)
            lines.append((result["tool"], row["job"], *shown, ratio))
            if "compile_seconds" in row:
                notes.append(f"{result['tool']}: C++ compile time {row['compile_seconds']:.1f} s, not in the figure")
        if "failure" in result:
            notes.append(f"{result['tool']}: NOT MEASURED: {result['failure']}")
        else:
            versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
            host = " and ".join(f"{ms:.1f}" for ms in result["host_loop_ms"])
            share = f"{result['core_share']:.2f} of a core"
            notes.append(f"{result['tool']}: {versions}; host loop {host} ms before and after; had {share}")
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    text = [
        "  ".join(
            cell.rjust(width) if column in (2, 3, 4) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    text.insert(1, "-" * max(map(len, text)))
    caveat = "The host's speed is two-valued: differences under 1.5x are noise. A share well below 1: a disturbed run."
    return "\n".join([*text, "", *notes, caveat])


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PEERS), help="peers to measure, comma-separated (default: all)")
    parser.add_argument("--json", action="store_true", help="print every result and repetition as JSON, not the table")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the images file and each tool's JSON in DIR")
    parser.add_argument("--venvs", type=Path, metavar="DIR", default=HERE.parents[2] / ".peers",
                        help="where the environments live (default: .peers next to the repository)")  # fmt: skip
    parser.add_argument("--images", type=Path, metavar="NPZ", help="x_train, y_train (default: synarray's MNIST)")
    arguments = parser.parse_args()
    peers = [peer for peer in arguments.only.split(",") if peer]
    if unknown := sorted(set(peers) - set(PEERS)):
        parser.error(f"--only knows {', '.join(PEERS)}: got {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        images = arguments.images.resolve() if arguments.images else mnist(folder)
        results = [measure(tool, arguments.venvs.resolve(), images) for tool in (*peers, "synarray")]
        for result in results:
            (folder / f"{result['tool']}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(results, indent=1) if arguments.json else table(results))


if __name__ == "__main__":
    main()
