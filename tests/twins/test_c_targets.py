"""The exported C on other processors: Cortex-M4, Cortex-M0+, RISC-V (emulated) and WebAssembly, the same bits as here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import emulator
import numpy as np
import pytest
import wasm
from c_twin import Twin

import synarray
from synarray.export.run_c import compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler (apt-get install gcc)")
needs_emulator = pytest.mark.skipif(emulator.missing() is not None, reason=f"pip install {emulator.missing()}")
needs_wasm = pytest.mark.skipif(wasm.missing() is not None, reason=f"pip install {wasm.missing()}")
PACKED = {"n_neurons": 14, "pruning.mode": "soft", "pruning.fraction": 0.5, "pruning.start": 0.05}
FLOAT = {"n_neurons": 14, "device": "taox-tio2", "device.p_fail": 0.1, "pruning.mode": "soft", "pruning.fraction": 0.4}


@pytest.fixture(scope="module")
def mnist_here(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, bytes, np.ndarray]:
    """``local-2-bit`` after 300 images on this machine: folder, winners, saved state, predictions."""
    data = synarray.load_dataset("mnist")
    folder = tmp_path_factory.mktemp("mnist")
    learner = Twin.of("local-2-bit", {}, data.x_train[:300], data.y_train[:300]).compiled(folder)
    winners = learner.learn(data.x_train[:300])
    learner.label(data.x_train[:30], data.y_train[:30])
    return folder, winners, learner.save(), learner.predict(data.x_test[:10])


def hold(other: Any, here: tuple[Path, np.ndarray, bytes, np.ndarray]) -> None:
    data = synarray.load_dataset("mnist")
    flat = data.x_train[:300].reshape(300, -1)
    np.testing.assert_array_equal(other.learn(flat), here[1])
    other.label(flat[:30], data.y_train[:30])
    assert other.save() == here[2]
    np.testing.assert_array_equal(other.predict(data.x_test[:10].reshape(10, -1)), here[3])


@needs_emulator
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m0", "rv32imc"])
def test_mnist_on_a_microcontroller(target: str, mnist_here: Any) -> None:
    core = emulator.Emulated(mnist_here[0], target, ("-DSYNARRAY_NO_FLOAT",))
    hold(core, mnist_here)
    assert emulator.code_bytes(mnist_here[0], emulator.TARGETS[target]) < 16_384


@needs_wasm
def test_mnist_in_webassembly(mnist_here: Any) -> None:
    hold(wasm.Wasm(mnist_here[0]), mnist_here)


@pytest.mark.parametrize("changes", [PACKED, FLOAT], ids=["packed", "float"])
@pytest.mark.parametrize(
    "target", [pytest.param("cortex-m4", marks=needs_emulator), pytest.param("wasm", marks=needs_wasm)]
)
def test_pruning_and_float_cells_elsewhere(target: str, changes: Any, tmp_path: Path, bar_images: Any) -> None:
    x, y = bar_images
    twin = Twin.of("local-2-bit" if changes is PACKED else "local-fields", changes, x[:100], y[:100])
    here = twin.compiled(tmp_path)
    other: Any = wasm.Wasm(tmp_path) if target == "wasm" else emulator.Emulated(tmp_path, target)
    np.testing.assert_array_equal(other.learn(twin.x), here.learn(twin.x))
    for learner in (here, other):
        learner.label(twin.x[:50], y[:50])
    assert other.save() == here.save()
    np.testing.assert_array_equal(other.predict(twin.x[:30]), here.predict(twin.x[:30]))
