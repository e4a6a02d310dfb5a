"""The exported C as WebAssembly: built by clang (ziglang), run by wasmtime, call by call."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from synarray.export.run_c import sizes

__all__ = ["Wasm", "build_wasm", "missing"]

_FUNCTIONS = ("init", "learn", "label", "predict", "save", "load", "events", "model_data")
_FLAGS = ("-std=c99", "-ffreestanding", "-Os", "-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--export=__heap_base")


def missing() -> str | None:
    """Say what running WebAssembly lacks here; None when all is there."""
    return next((name for name in ("ziglang", "wasmtime") if importlib.util.find_spec(name) is None), None)


def build_wasm(sources: list[Path], exports: list[str], out: Path, flags: tuple[str, ...] = ()) -> Path:
    """Link C files to a WebAssembly module."""
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-freestanding", *_FLAGS, *flags]
    named = [f"-Wl,--export={name}" for name in exports]
    done = subprocess.run(
        [*command, *named, *map(str, sources), "-o", str(out)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return out


class Wasm:
    """An exported learner in WebAssembly."""

    def __init__(self, folder: Path) -> None:
        import wasmtime

        self.sizes = sizes(folder)
        out = Path(tempfile.mkdtemp(prefix="synarray-wasm-")) / "learner.wasm"
        sources = [folder / "src" / name for name in ("synarray_learner.c", "synarray_model.c")]
        functions = (*_FUNCTIONS, "teach") if self.sizes["teacher"] else _FUNCTIONS
        build_wasm(sources, [f"synarray_{name}" for name in functions], out)
        self.bytes = out.stat().st_size
        self._store = wasmtime.Store()
        instance = wasmtime.Instance(self._store, wasmtime.Module.from_file(self._store.engine, str(out)), [])
        self._exports: Any = instance.exports(self._store)
        self._store_memory = self._exports["memory"]
        base = (self._exports["__heap_base"].value(self._store) + 15) // 16 * 16
        pages = (self.sizes["ram_bytes"] + self.sizes["blob_bytes"] + 16_384 >> 16) + 1
        self._store_memory.grow(self._store, pages)
        self._s, self._out, self._image, self._memory = base, base + 1024, base + 4096, base + 16_384
        self._blob = self._memory + self.sizes["ram_bytes"] + 8
        model = self._exports["synarray_model_data"].value(self._store)
        self._call("init", self._s, self._memory, self.sizes["ram_bytes"], model, 0)

    def _call(self, name: str, *arguments: int) -> None:
        status = self._exports[f"synarray_{name}"](self._store, *arguments)
        assert status == 0, f"synarray_{name}: status {status}"

    def _read(self, at: int, n: int) -> bytes:
        return bytes(self._store_memory.read(self._store, at, at + n))

    def learn(self, images: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """Learn from images [image, feature], of known classes where a layer is taught; return the winners."""
        winners = []
        for i, image in enumerate(images):
            self._store_memory.write(self._store, image.tobytes(), self._image)
            if classes is None:
                self._call("learn", self._s, self._image, len(image), self._out)
            else:
                self._call("teach", self._s, self._image, len(image), int(classes[i]), self._out)
            winners.append(np.frombuffer(self._read(self._out, 2 * self.sizes["winners"]), "<u2"))
        return np.array(winners)

    def label(self, images: np.ndarray, classes: np.ndarray) -> None:
        """Count which neurons fire for labelled images."""
        for image, label in zip(images, classes.tolist(), strict=True):
            self._store_memory.write(self._store, image.tobytes(), self._image)
            self._call("label", self._s, self._image, len(image), label)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Read the class of each image."""
        found = []
        for image in images:
            self._store_memory.write(self._store, image.tobytes(), self._image)
            self._call("predict", self._s, self._image, len(image), self._out, 0)
            found.append(int.from_bytes(self._read(self._out, 4), "little"))
        return np.array(found)

    def save(self) -> bytes:
        """Return the saved state."""
        n = self.sizes["blob_bytes"]
        self._call("save", self._s, self._blob, n, self._out)
        return self._read(self._blob, n)
