"""Compiled and interpreted filters of the fit give the same likelihoods; products that are fused differ in the last bits."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

SCRIPT = """
import numpy as np
from synarray.lab.fitting.grid import expected, hidden
from synarray.lab.fitting.likelihood import Cells, nearly_expected, nearly_hidden
from synarray.lab.fitting.trains import arrange
from synarray.device.library import load_device
from synarray.lab.synthetic import measure_devices

device = load_device("pcm").model_copy(update={"n_levels_ltp": 12.0, "n_levels_ltd": 5.0})
trains = arrange(measure_devices(device, 3, 2, seed=1), device.g_min, device.g_range)
trains.x[5:, 2] = np.nan  # a train that is shorter
trains.x[7, 1] = 4.0  # a read that nothing explains
nodes = np.tile(np.array([[[0.15, 0.25], [0.12, 0.05]]]), (3, 1, 1))
factor = np.array([[1.0, 1.0], [0.8, 1.1], [1.2, 0.9]])
cells = Cells(nodes, factor, np.array([0.0, 0.01, -0.01]), np.array([1.0, 0.97, 1.0]), 0.03, 0.05)
for values in (f(trains, cells) for f in (hidden, expected, nearly_hidden, nearly_expected)):
    print(*(value.hex() for value in np.nan_to_num(values, nan=-7.0).ravel().tolist()))
"""


def run(**environment: str) -> np.ndarray:
    """Run the script in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return np.array([float.fromhex(value) for value in done.stdout.split()])


def test_compiled_interpreted_and_bounds_checked_filters_agree(tmp_path) -> None:
    compiled = run()
    assert np.isfinite(compiled).all()
    assert np.ptp(compiled) > 1.0
    np.testing.assert_allclose(run(NUMBA_DISABLE_JIT="1"), compiled, rtol=1e-9)
    np.testing.assert_allclose(run(NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)), compiled, rtol=1e-9)
