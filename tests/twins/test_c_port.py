"""The exported learner driving an array through its port: two functions, and the same winners as the machine in Python."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from c_twin import Twin

from synarray.export.c_folder import c_files, write_files
from synarray.export.run_c import CLearner, compiler, shared_library

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler (apt-get install gcc)")
SMALL = {"n_neurons": 8, "device": "ideal"}
SOFT = {"pruning.mode": "soft", "pruning.fraction": 0.5, "pruning.start": 0.05, "pruning.end": 0.6}
_READ = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint, ctypes.POINTER(ctypes.c_uint16), ctypes.c_uint, ctypes.POINTER(ctypes.c_int32)
)
_PULSE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_int)


class Port(ctypes.Structure):
    """``synarray_port``."""

    _fields_ = [("context", ctypes.c_void_p), ("read", _READ), ("pulse", _PULSE)]


@pytest.mark.parametrize("pruned", [False, True])
def test_an_array_behind_a_port_learns_the_same(pruned: bool, tmp_path: Path, bar_images: Any) -> None:
    x, y = bar_images
    twin = Twin.of("local-fields", SMALL | (SOFT if pruned else {}), x[:60], y[:60], port=True)
    array = twin.machine.array
    tiles = [array.tile(g).astype(np.float64).copy() for g in range(len(twin.machine.groups))]  # 64 even steps: exact

    def read(_: int, group: int, rows: Any, n: int, sums: Any) -> None:
        seen = np.floor(127 * tiles[group][[rows[i] for i in range(n)]] + 0.5).sum(axis=0)
        for k, value in enumerate(seen.tolist()):
            sums[k] = int(value)

    def pulse(_: int, group: int, column: int, row: int, polarity: int) -> None:
        tiles[group][row, column] = np.clip(tiles[group][row, column] + polarity * 2 / 64, -1, 1)

    write_files(tmp_path, c_files(twin.model))
    port = Port(None, _READ(read), _PULSE(pulse))
    learner = CLearner(tmp_path, shared_library(tmp_path, ("-O1",)), port)
    np.testing.assert_array_equal(learner.learn(twin.x[twin.order]), twin.show())
    for g, tile in enumerate(tiles):
        np.testing.assert_array_equal(tile, array.tile(g))
    np.testing.assert_array_equal(learner.state()["threshold"], twin.machine.threshold)
    assert learner.sizes["cell_store"] == 0 and learner.sizes["cell_bits"] == 0
    if pruned:
        assert 0 < twin.alive().mean() < 1
        assert learner.events["pruning_pulse"] > 0
