"""Runs commands in forked children under limits, and says what each did. Started by ``harness.py``; no test by itself.

Reads one JSON line per case: ``{"folder": ..., "arguments": [...]}``. Writes one JSON line: exit status, seconds of processor
time, growth of address space and resident memory in bytes, and every forbidden thing the child did. Streams go to files beside
the folder.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from slowness import times_slower

MOST_SECONDS = {"cpu": 10.0, "wall": 60.0}
"""After which a child is killed, longer where the processor is throttled; the tests allow less. A machine at other work stretches
the wall's time, not the processor's."""
_ADDRESS_SPACE = 4 << 30
"""Bytes above the parent's; the tests allow less, and what is refused in words for want of memory is seen by its growth."""
_LARGEST_FILE = 64 << 20

_NEVER = (
    "pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
    "pty.spawn", "socket.connect", "socket.bind", "ftplib.connect", "urllib.Request", "os.kill", "os.chown", "os.setxattr",
)  # fmt: skip
"""What no file may make the program do."""
_CHANGES = {
    "os.mkdir": 1, "os.rename": 2, "os.remove": 1, "os.rmdir": 1, "os.symlink": 2, "os.link": 2, "os.truncate": 1,
    "os.chmod": 1, "os.utime": 1, "shutil.rmtree": 1, "shutil.move": 2,
}  # fmt: skip
"""What changes the disk, and how many of its arguments are paths."""


def main() -> None:
    """Load all that the commands load, then serve."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import numpy as np
    import pandas as pd
    import pyarrow.parquet
    import typer.main

    import synarray.cli.app
    import synarray.learn.training
    import synarray.paper.reproduce
    import synarray.report.folder_page
    from synarray import train
    from synarray.device.library import load_device
    from synarray.lab.fitting import fit
    from synarray.lab.synthetic import measure_devices
    from synarray.run.experiment import experiment_names, load_experiment

    rng = np.random.default_rng(0)
    kinds: list[tuple[str, dict[str, Any]]] = [
        (name, {}) for name in experiment_names() if not load_experiment(name).layers
    ]
    kinds += [
        ("cbram-everything", {"array.wires_every": 4}), ("full-field", {"device": "pcm", "synapse.scheme": "pair"}),
    ]  # fmt: skip
    for name, changes in kinds:  # load the compiled kernels
        spec = load_experiment(name, {"n_neurons": 12, "epochs": 1, **changes})
        train(spec, rng.integers(0, 256, (8, 5, 5)).astype(np.uint8), np.arange(8) % 2)
    for name in ("pcm", "hzo-fefet"):  # and those of fits, behind read noise and without
        fit(measure_devices(load_device(name), 3, 3))
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(pd.DataFrame({"x": [1.0]})), pyarrow.BufferOutputStream())
    figure = matplotlib.figure.Figure()  # and the fonts
    figure.subplots().set_title("x")
    matplotlib.backends.backend_agg.FigureCanvasAgg(figure).draw()
    typer.main.get_command = cache(typer.main.get_command)
    typer.main.get_command(synarray.cli.app.app)  # and the parser of all commands, which typer makes again for each
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_serve(**json.loads(line))), file=answers, flush=True)


def _serve(folder: str, arguments: list[str]) -> dict[str, Any]:
    report, sink = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(report)
        _become(folder, arguments, sink)
    os.close(sink)
    status, patience = None, 1.0
    while status is None:
        found, code, usage = os.wait4(child, os.WNOHANG)
        if found:
            status = os.waitstatus_to_exitcode(code)
        elif (
            time.perf_counter() - start > MOST_SECONDS["wall"] * patience
            or _cpu(child) > MOST_SECONDS["cpu"] * patience
        ):
            if (slower := times_slower()) > patience:
                patience = slower
                continue
            os.kill(child, signal.SIGKILL)
            _, code, usage = os.wait4(child, 0)
            status = os.waitstatus_to_exitcode(code)
        else:
            time.sleep(0.002)
    wall, most = time.perf_counter() - start, MOST_SECONDS["wall"] * patience
    seconds = usage.ru_utime + usage.ru_stime if wall < most else most
    with os.fdopen(report, "rb") as stream:
        told = stream.read().decode("utf-8", "replace").splitlines()
    memory = next((json.loads(line[7:]) for line in told if line.startswith("MEMORY ")), {"address": 0, "resident": 0})
    forbidden = [line for line in told if not line.startswith("MEMORY ")]
    return {"status": status, "seconds": seconds, "forbidden": forbidden[:5], **memory}


def _cpu(child: int) -> float:
    """Seconds of processor time that a child has had."""
    fields = Path(f"/proc/{child}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _become(folder: str, arguments: list[str], sink: int) -> NoReturn:
    """Run the command in this child, under limits and watched; never returns."""
    status = 99
    try:
        os.chdir(folder)
        for number, name in ((0, os.devnull), (1, f"{folder}.out"), (2, f"{folder}.err")):
            descriptor = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        before = _memory()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
        most = before["VmSize"] + _ADDRESS_SPACE
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # peak := now
        _watch(Path(folder).resolve(), sink)
        from synarray.cli.app import main

        sys.argv = ["synarray", *arguments]
        try:
            main()
            status = 0
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
        except BaseException:
            import traceback

            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
        after = _memory()
        grown = {"address": after["VmPeak"] - before["VmSize"], "resident": after["VmHWM"] - before["VmRSS"]}
        os.write(sink, f"MEMORY {json.dumps(grown)}\n".encode())
    finally:
        os._exit(status)


def _watch(folder: Path, sink: int) -> None:
    """Report what the program must never do, and every change outside the folder; cannot be taken back."""
    caches = [str(Path(place).resolve()) for place in (Path.home() / ".cache", "/dev/null")]
    package = Path(sys.modules["synarray"].__file__ or "").resolve().parent
    caches += [str(package)] if os.environ.get("NUMBA_CACHE_DIR") is None else [os.environ["NUMBA_CACHE_DIR"]]
    inside = (str(folder), *caches)

    def tell(what: str) -> None:
        os.write(sink, (what.replace("\n", "?")[:300] + "\n").encode("utf-8", "replace"))

    def allowed(path: Any) -> bool:
        if isinstance(path, int) or path is None:
            return True
        real = os.path.realpath(os.fsdecode(path))
        return any(real == place or real.startswith(place + os.sep) for place in inside)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and arguments[1] == ["uname", "-p"]:  # Python's own platform module
            return
        if event == "pickle.find_class" and _loads_kernels():
            return
        if event in _NEVER:
            tell(f"{event} {arguments!r}")
        elif event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR)
            if writes and not allowed(path):
                tell(f"write {path!r}")
        elif event in _CHANGES and not all(allowed(path) for path in arguments[: _CHANGES[event]]):
            tell(f"{event} {arguments!r}")
        elif event == "exec" and str(getattr(arguments[0], "co_filename", "")).startswith(str(folder)):
            tell(f"exec {arguments!r}")

    sys.addaudithook(hook)


def _loads_kernels() -> bool:
    """Whether numba is reading the cache of compiled kernels that it wrote itself."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.endswith(str(Path("numba", "core", "caching.py"))):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _memory() -> dict[str, int]:
    lines = (
        line.split() for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("Vm")
    )
    return {name.rstrip(":"): 1024 * int(size) for name, size, *_ in lines}


if __name__ == "__main__":
    main()
