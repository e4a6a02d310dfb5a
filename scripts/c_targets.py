"""Show a whole epoch of MNIST to the exported learner on every target, and compare each bit with the Python machine.

    python scripts/c_targets.py                     local-2-bit, 60,000 images, every target
    python scripts/c_targets.py --images 2000       fewer
    python scripts/c_targets.py --write             also write code sizes and instructions to src/synarray/export/c/targets.json

Needs gcc, and the packages ziglang, unicorn, pyelftools, wasmtime (extra dev). Takes about ten minutes on one core for a whole
epoch: most of it are the emulated processors.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "twins"))

import emulator  # noqa: E402
import wasm  # noqa: E402
from c_twin import Twin  # noqa: E402

import synarray  # noqa: E402
from synarray.export.run_c import CLearner, shared_library  # noqa: E402

EXPERIMENT, LABELLED, READ = "local-2-bit", 2000, 500


def main() -> None:
    """Run every target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    data = synarray.load_dataset("mnist")
    x, y = data.x_train[: asked.images], data.y_train[: asked.images]
    test = data.x_test[:READ].reshape(READ, -1)
    folder = Path(tempfile.mkdtemp(prefix="synarray-targets-"))
    twin = Twin.of(EXPERIMENT, {}, x, y)
    learner = twin.compiled(folder, ("-O3",))
    start = time.process_time()
    winners = twin.show()
    shown, labelled = twin.x[twin.order], min(LABELLED, len(x))
    print(
        f"{EXPERIMENT}, {len(x):,} images; {twin.model.ram_bytes:,} bytes of RAM, {twin.model.table_bytes:,} of tables"
    )
    print(f"{'Python kernels':28s} {time.process_time() - start:8.1f} s")
    ours: tuple[Any, ...] | None = None
    for name, build in _targets(folder, learner).items():
        try:
            target = build()
        except (AssertionError, OSError) as error:
            print(f"{name:28s} not run: {str(error).splitlines()[0]}")
            continue
        start = time.process_time()
        same = {"winners": np.array_equal(target.learn(shown), winners)}
        target.label(twin.x[:labelled], y[:labelled])
        blob, read = target.save(), target.predict(test)
        if ours is None:  # the first one is held against Python, the others against its whole state
            state = target.state()
            same["thresholds"] = np.array_equal(state["threshold"], twin.machine.threshold)
            same["weights"] = np.array_equal(state["cells"], twin.cells())
            ours = (blob, read)
        same |= {"state": blob == ours[0], "predictions": np.array_equal(read, ours[1])}
        wrong = [part for part, equal in same.items() if not equal]
        verdict = "differs in " + ", ".join(wrong) if wrong else "equal: " + ", ".join(same)
        print(f"{name:28s} {time.process_time() - start:8.1f} s  {verdict}", flush=True)
    if asked.write:
        _write(folder, twin, shown[:8])


def _targets(folder: Path, learner: CLearner) -> dict[str, Callable[[], Any]]:
    clang = [sys.executable, "-m", "ziglang", "cc"]
    found: dict[str, Callable[[], Any]] = {
        "x86-64, gcc -O3": lambda: learner,
        "x86-64, clang -O3": lambda: CLearner(folder, shared_library(folder, ("-O3",), clang)),
        "WebAssembly": lambda: wasm.Wasm(folder),
    }
    for name, target in emulator.TARGETS.items():
        found[f"{target.title}, emulated"] = lambda name=name: emulator.Emulated(folder, name, ("-DSYNARRAY_NO_FLOAT",))  # type: ignore[misc]
    return found


def _write(folder: Path, twin: Twin, images: np.ndarray) -> None:
    """Write what the export prints beside its own sizes."""
    version = subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "--version"], capture_output=True, encoding="utf-8"
    )
    targets = {}
    for name, target in emulator.TARGETS.items():
        core = emulator.Emulated(folder, name, ("-DSYNARRAY_NO_FLOAT",))
        targets[target.title] = {
            "code": emulator.code_bytes(folder, target, ("-DSYNARRAY_NO_FLOAT",)),
            "code_float": emulator.code_bytes(folder, target),
            "code_stack": emulator.code_bytes(folder, target, ("-DSYNARRAY_NO_FLOAT", "-DSYNARRAY_STACK")),
            "code_stack_float": emulator.code_bytes(folder, target, ("-DSYNARRAY_STACK",)),
            "learn": round(np.mean([core.count("synarray_learn", image) for image in images])),
            "predict": round(np.mean([core.count("synarray_predict", image, core._out, 0) for image in images[:1]])),
        }
    written = {
        "compiler": version.stdout.splitlines()[0].strip() + ", -Os",
        "experiment": EXPERIMENT,
        "shape": {key: twin.model.numbers[key] for key in ("neurons", "groups", "windows", "bits", "test_windows")},
        "targets": targets,
    }
    path = ROOT / "src" / "synarray" / "export" / "c" / "targets.json"
    path.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    print(f"Written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    if shutil.which("gcc") is None:
        sys.exit("needs gcc")
    main()
