"""The exported C learner run from Python, through ctypes: the very same file, compiled here, on data of one's own.

``load(folder)`` gives a learner; ``learn(x)`` shows it images one after another, ``label(x, y)`` counts which neurons fire for
which class, ``predict(x)`` reads classes.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from ctypes import POINTER, byref, c_int64, c_size_t, c_uint, c_uint8, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.errors import DataError, RunError
from synarray.events import NetworkEvent, NeuronEvent

__all__ = ["EVENTS", "CLearner", "compiler", "load", "shared_library"]

EVENTS = tuple(event.name.lower() for event in (*NeuronEvent, *list(NetworkEvent)[:4]))
"""What the C learner counts, in its order."""
STATUS = {
    1: "a pointer that is not there",
    2: "memory that is too small or not aligned",
    3: "an image of another size",
    4: "a class that the model does not have",
    5: "a model that only predicts",
    6: "float cells in a build without them",
    7: "a saved state of the wrong size",
    8: "no saved state, or one of another model",
    9: "a version that is not known",
    10: "a wrong checksum",
    11: "a value that learning does not reach",
    12: "no class of the image, where a taught layer learns",
    13: "labels for neurons that were taught their classes",
}
_FLAGS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=off", "-fPIC", "-shared")
_CONTRAST = 2
"""``SYNARRAY_TEACHER`` of neurons that were taught their classes."""
_STRUCT_BYTES = 1024
"""More than ``sizeof(synarray)`` on any machine; of each layer."""


def compiler() -> list[str] | None:
    """Return the command of a C compiler: $CC, cc, gcc, clang, or ziglang of this Python; None where there is none."""
    if os.environ.get("CC"):
        return os.environ["CC"].split()
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    found = subprocess.run([sys.executable, "-m", "ziglang", "version"], capture_output=True, check=False)
    return [sys.executable, "-m", "ziglang", "cc"] if found.returncode == 0 else None


def shared_library(folder: Path, flags: Sequence[str] = (), command: list[str] | None = None) -> Path:
    """Compile an exported folder to a shared library; return its path in a temporary folder.

    Raises
    ------
    RunError
        When there is no compiler, or it refuses the files.
    """
    command = command or compiler()
    if command is None:
        raise RunError(
            "running the exported C needs a C compiler",
            got="none of cc, gcc, clang",
            where="PATH",
            do="Install one (apt-get install gcc), or pip install ziglang.",
        )
    target = Path(tempfile.mkdtemp(prefix="synarray-c-")) / "learner.so"
    sources = [str(folder / "src" / name) for name in ("synarray_learner.c", "synarray_model.c")]
    done = subprocess.run(
        [*command, *_FLAGS, *flags, "-o", str(target), *sources], capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise RunError(
            "the exported C must compile",
            got=done.stderr.strip().splitlines()[0][:200] if done.stderr else "no reason",
            where=str(folder),
            do="Export again, or name another compiler in CC.",
        )
    return target


def load(folder: str | Path) -> CLearner:
    """Compile an exported learner, and make it usable from Python.

    Parameters
    ----------
    folder : str or Path
        What ``synarray export c`` wrote.

    Raises
    ------
    RunError
        When the folder holds no export, or there is no compiler.
    """
    folder = Path(folder)
    if not (folder / "src" / "synarray_model.c").is_file():
        raise RunError(
            "the folder must hold an exported learner",
            got="no src/synarray_model.c",
            where=str(folder),
            do="Write one with: synarray export c EXPERIMENT -o DIR",
        )
    return CLearner(folder, shared_library(folder))


def sizes(folder: Path) -> dict[str, int]:
    """Read the compile-time constants of an exported folder."""
    found = {}
    for line in (folder / "src" / "synarray_model.h").read_text("utf-8").splitlines():
        word = line.split()
        if line.startswith("#define SYNARRAY_") and len(word) > 2:
            found[word[1].removeprefix("SYNARRAY_").lower()] = int(word[2].rstrip("u"))
    return found


class CLearner:
    """An exported learner, compiled.

    Attributes
    ----------
    sizes : dict of str to int
        Compile-time constants: features, classes, neurons, ram_bytes, table_bytes, blob_bytes, cell_bits.
    """

    def __init__(self, folder: Path, library: Path, port: ctypes.Structure | None = None) -> None:
        self.sizes, self._port = sizes(folder), port
        self._c = ctypes.CDLL(str(library))
        self._memory = np.zeros(self.sizes["ram_bytes"] // 8 + 1, np.uint64)
        self._struct = np.zeros(self.sizes["layers"] * _STRUCT_BYTES // 8, np.uint64)
        self._s = c_void_p(self._struct.ctypes.data)
        model = byref(c_uint8.in_dll(self._c, "synarray_model_data"))
        memory = c_void_p(self._memory.ctypes.data)
        pointer = ctypes.byref(port) if port is not None else None
        _check(self._c.synarray_init(self._s, memory, c_size_t(self.sizes["ram_bytes"]), model, pointer))
        if "trained_bytes" in self.sizes:
            self.load((c_uint8 * self.sizes["trained_bytes"]).in_dll(self._c, "synarray_trained"))

    def learn(self, images: npt.ArrayLike, classes: npt.ArrayLike | None = None) -> npt.NDArray[np.uint16]:
        """Learn from images, one after another. Returns the winners, shape (n_images, windows x groups).

        A network of layers learns them from the bottom, each for as many images as its training asks. Where a taught layer
        learns, ``classes`` are needed: the images' class numbers.
        """
        x = self._images(images)
        winners = np.zeros((len(x), self.sizes["winners"]), np.uint16)
        n, taught = c_size_t(x.shape[1]), classes is not None and self.sizes["teacher"]
        learn = self._c.synarray_teach if taught else self._c.synarray_learn
        labels = np.asarray(classes).tolist() if taught else [None] * len(x)
        more = [[] if label is None else [c_uint(max(label, -1))] for label in labels]
        for image, row, label in zip(x, winners, more, strict=True):
            status = learn(self._s, c_void_p(image.ctypes.data), n, *label, c_void_p(row.ctypes.data))
            if status:
                _check(status)
        return winners

    def label(self, images: npt.ArrayLike, classes: npt.ArrayLike) -> None:
        """Count which neurons fire for labelled images; classes by number, 0 to n_classes - 1."""
        x = self._images(images)
        for image, label in zip(x, np.asarray(classes).tolist(), strict=True):
            if label < 0:
                _check(4)
            _check(self._c.synarray_label(self._s, c_void_p(image.ctypes.data), c_size_t(x.shape[1]), c_uint(label)))

    def predict(self, images: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Read the class number of each image."""
        return self.votes(images)[0]

    def votes(self, images: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Read class numbers, and the sum of log P(class | spike) over each image's spikes (natural logarithm)."""
        x, label = self._images(images), c_uint()
        found = np.zeros(len(x), np.int64)
        votes = np.zeros((len(x), self.sizes["classes"]), np.int64)
        for i, image in enumerate(x):
            row = votes[i].ctypes.data_as(POINTER(c_int64))
            _check(
                self._c.synarray_predict(self._s, c_void_p(image.ctypes.data), c_size_t(x.shape[1]), byref(label), row)
            )
            found[i] = label.value
        return found, votes * (np.log(2.0) / 2**24)

    def save(self) -> bytes:
        """Return the state as a blob."""
        n = c_size_t()
        self._c.synarray_save(self._s, None, c_size_t(0), byref(n))
        blob = (c_uint8 * n.value)()
        _check(self._c.synarray_save(self._s, blob, n, byref(n)))
        return bytes(blob)

    def load(self, blob: Any) -> None:
        """Take a saved state up.

        Raises
        ------
        DataError
            When the blob is not a whole state of this model; the learner is then unchanged.
        """
        data = np.frombuffer(blob, np.uint8)
        _check(self._c.synarray_load(self._s, c_void_p(data.ctypes.data), c_size_t(len(data))))

    @property
    def events(self) -> dict[str, int]:
        """What was counted while learning."""
        counts = (c_uint64 * len(EVENTS))()
        _check(self._c.synarray_events(self._s, counts))
        return dict(zip(EVENTS, list(counts), strict=True))

    def state(self, layer: int = -1) -> dict[str, npt.NDArray[Any]]:
        """Take a saved state apart: threshold, spikes, counts, cells, alive; in the order of the blob.

        ``layer``: of a network of layers, from the bottom, 0 first; -1: the last one.
        """
        blob, n, layers = self.save(), self.sizes, self.sizes["layers"]
        begin = 0
        for _ in range(layer % layers):
            begin += 24 + int.from_bytes(blob[begin + 16 : begin + 20], "little")
        end = begin + 24 + int.from_bytes(blob[begin + 16 : begin + 20], "little")
        own = f"layer_{layer % layers + 1}_" if layer % layers < layers - 1 else ""
        neurons, place = n[f"{own}neurons"], begin + 24 + 8 * len(EVENTS)
        found: dict[str, npt.NDArray[Any]] = {}

        def take(name: str, kind: str, count: int) -> None:
            nonlocal place
            found[name] = np.frombuffer(blob, kind, count, place)
            place += found[name].nbytes

        take("threshold", "<i4", neurons)
        if n[f"{own}masked"]:
            take("spikes", "<u4", neurons)
        if not own and n["teacher"] != _CONTRAST:
            take("counts", "<u2", neurons * n["classes"])
            found["counts"] = found["counts"].reshape(neurons, -1)
        if n[f"{own}cell_bits"]:
            take("cells", "<f4" if n[f"{own}cell_bits"] == 32 else "u1", n[f"{own}cell_store"])
        if n[f"{own}masked"]:
            take("alive", "u1", end - place)
        return found

    def _images(self, images: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        x = np.asarray(images)
        if x.dtype != np.uint8:
            raise DataError(
                "the C learner takes 8-bit intensities",
                got=f"{x.dtype}",
                where="images",
                do="Scale full intensity to 255 and round: np.rint(x * 255 / full_scale).astype(np.uint8).",
            )
        flat = np.ascontiguousarray(x.reshape(len(x), -1))
        if flat.shape[1] != self.sizes["features"]:
            raise DataError(
                "images must have as many features as the exported model",
                where="images",
                got=f"{flat.shape[1]:,} features, not {self.sizes['features']:,}",
                do="Bring them to the same size.",
            )
        return flat


def _check(status: int) -> None:
    if status:
        raise DataError(
            "the C learner must accept what it is given",
            got=STATUS.get(status, f"status {status}"),
            where=f"status {status}",
            do="Give it images, classes and states of the model that was exported.",
        )
