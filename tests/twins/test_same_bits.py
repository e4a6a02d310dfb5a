"""The same bits whatever runs them: compiled or interpreted, bounds checked, any number of workers, whole or in parts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synarray import load_experiment, train
from synarray.learn.trainer import infer
from synarray.rng import Phase

SCRIPT = """
import sys
import numpy as np
from synarray import load_experiment, train
from synarray.learn.spec import LearningSpec
from synarray.network.encoding import EncodingSpec
from synarray.network.topology import FieldSpec
from synarray.network.pruning import PruningSpec

rng = np.random.default_rng(5)
x, y = rng.integers(0, 256, (24, 9, 9)).astype(np.uint8), np.arange(24) % 3
for form in ("windows", "sliding"):
    spec = LearningSpec(
        n_neurons=7, epochs=1, seed=3, fields=FieldSpec(kind="local", grid=(2, 1), share=0.6),
        encoding=EncodingSpec(form=form, t_present=0.02),
        pruning=PruningSpec(mode="soft", fraction=0.5, start=0.1, end=0.5),
    )
    result = train(spec, x, y, x, y)
    print(result.state_sha256, result.pulses, result.accuracy)

small = {"n_neurons": 7, "epochs": 1, "seed": 3, "array.rows": 84, "array.columns": 16, "array.wires_every": 10}
for name, changes in (
    ("full-field", {"device": "pcm", "array.wires.r_wire": "5 ohm"}),  # pairs with drift and wires
    ("cbram-everything", {"array.adc_bits": 5, "array.adc_range": 0.2}),
    ("cbram-2-bit", {}),
):
    result = train(load_experiment(name, small | changes), x, y, x, y)
    print(result.state_sha256, result.machine.array.scale.tobytes().hex()[:64], result.events, result.accuracy)
"""
NO_WIDE_VECTORS = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX2 FMA3"
"""What NumPy is told to do without: the names of its version 2.4 and of earlier ones."""


def run(**environment: str) -> str:
    """Run the script in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def compiled() -> str:
    """Train with what the cache holds, compiled for this processor."""
    return run()


def test_compiled_and_interpreted_agree(compiled: str) -> None:
    assert len(set(compiled.splitlines())) == 5
    assert run(NUMBA_DISABLE_JIT="1") == compiled


def test_bounds_checks_wide_vectors_a_fresh_cache_and_hashes_do_not_matter(compiled: str, tmp_path: Path) -> None:
    """Compiled afresh for a plain x86-64 processor, optimised less, every index checked, NumPy without AVX: the same bits."""
    plain = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "", "NPY_DISABLE_CPU_FEATURES": NO_WIDE_VECTORS}
    settings = plain if os.uname().machine == "x86_64" else {}
    settings |= {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1"}
    assert run(PYTHONHASHSEED="1", **settings) == compiled
    assert any(tmp_path.rglob("*.nbc"))
    assert run(PYTHONHASHSEED="4242", **settings) == compiled  # from that cache
    assert run(PYTHONHASHSEED="random") == compiled


@pytest.mark.parametrize("name", ["full-field", "cbram-everything"])
def test_workers_do_not_matter(bar_images: tuple, name: str) -> None:
    x, y = bar_images
    spec = load_experiment(name, {"n_neurons": 20, "epochs": 1, "readout.test_windows": 3})
    one = train(spec, x, y, x, y, workers=1)
    three = train(spec, x, y, x, y, workers=3)
    assert one.state_sha256 == three.state_sha256
    assert one.evaluation is not None and three.evaluation is not None
    np.testing.assert_array_equal(one.evaluation.confusion, three.evaluation.confusion)


@pytest.mark.parametrize("name", ["full-field", "cbram-everything"])
def test_what_is_read_from_an_image_does_not_depend_on_the_others(bar_images: tuple, name: str) -> None:
    x, y = bar_images
    result = train(load_experiment(name, {"n_neurons": 20, "epochs": 1}), x, y)
    pixels = result.retina.see(x.reshape(len(x), -1))
    whole = infer(result.machine, pixels, 4, Phase.TEST)
    part = infer(result.machine, (pixels[0][200:300], pixels[1][200:300]), 4, Phase.TEST)
    np.testing.assert_array_equal(whole[200:300], part)
    np.testing.assert_array_equal(result.predict(x)[::-1], result.predict(x[::-1]))


def test_seeds_matter(bar_images: tuple) -> None:
    spec = load_experiment("full-field", {"n_neurons": 20, "epochs": 1})
    states = {train(spec, *bar_images, seed=seed).state_sha256 for seed in (0, 1, 2**32 - 1)}
    assert len(states) == 3
