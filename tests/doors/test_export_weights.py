"""``synarray export weights``: integer arrays that read what the run reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from command import Command, four_parts

from synarray import train
from synarray.events import NetworkEvent
from synarray.export.run_c import compiler
from synarray.export.weights import weights_npz
from synarray.learn.stack import features_of
from synarray.network.neuron import NeuronSpec
from synarray.rng import Phase
from synarray.run.opened import open_run
from tests.doors.test_layers import experiment


def test_arrays_are_what_a_read_gives(command: Command, finished_run: Path) -> None:
    done = command("export", "weights", str(finished_run), "-o", "w.npz", "--json")
    assert done.status == 0, done.err
    run = open_run(finished_run)
    with np.load("w.npz") as file:
        found = dict(file)
    start = run.arrays["neuron_start"]
    for g in range(len(start) - 1):
        weights = run.arrays["w"][start[g] : start[g + 1], : len(found[f"inputs_{g}"])].T
        np.testing.assert_array_equal(found[f"weights_{g}"], np.floor(127 * weights + np.float32(0.5)))
    np.testing.assert_array_equal(found["thresholds"], run.arrays["threshold"])
    assert done.json["arrays"]["weights_0"] == list(found["weights_0"].shape)


@pytest.mark.skipif(compiler() is None, reason="no C compiler (apt-get install gcc)")
def test_the_header_compiles(command: Command, finished_run: Path) -> None:
    assert command("export", "weights", str(finished_run), "-o", "w.h").status == 0
    Path("use.c").write_text(
        '#include "w.h"\nint first(void) { return weights_0[0] + (int)inputs_0[0] + thresholds[0]; }\n'
    )
    flags = ("-std=c99", "-Wall", "-Wno-unused-const-variable", "-Wno-unused-variable", "-pedantic", "-Werror")
    subprocess.run([*(compiler() or []), *flags, "-c", "use.c", "-o", "use.o"], check=True)


def test_other_names_and_files_are_refused(command: Command, finished_run: Path) -> None:
    four_parts(command("export", "weights", str(finished_run), "-o", "w.csv"))
    Path("w.npz").write_text("mine")
    four_parts(command("export", "weights", str(finished_run), "-o", "w.npz"))
    assert Path("w.npz").read_text() == "mine"


@pytest.mark.parametrize("kind", ["contrast", "local, names"])
def test_layers_are_read_by_what_is_written(kind: str, bar_images: tuple, tmp_path: Path) -> None:
    """In NumPy alone: at a large beta the winner of a place is the neuron of the highest potential."""
    x, y = bar_images
    result = train(experiment(kind), x[:200], y[:200])
    path = tmp_path / "w.npz"
    path.write_bytes(weights_npz(open_run(result.save(tmp_path / "run"))))
    with np.load(path) as file:
        found = dict(file)
    below = result.below[0]
    below.machine.spec = below.machine.spec.model_copy(update={"neuron": NeuronSpec(beta=100.0, beta_start=1.0)})
    blocks = np.random.default_rng(0).random((40, 1, 288)) < 0.3
    blocks[::4] &= np.random.default_rng(1).random((10, 1, 288)) < 0.1  # so that some places stay silent
    height, width, channels = found["layer1_map"]
    made = np.zeros((40, 1, height * width * channels), np.uint8)
    counts = np.zeros(len(NetworkEvent), np.int64), np.zeros_like(below.machine.driven)
    below.machine.features(
        blocks.astype(np.uint8), np.arange(40), Phase.TEST, below.plan.cell, below.plan.map.channels, made, *counts
    )
    tied = silent = 0
    for spikes, expected in zip(blocks[:, 0], made[:, 0], strict=True):
        on, sure = np.zeros(made.shape[2], bool), np.ones(made.shape[2], bool)
        for place, cell in zip(found["layer1_places_0"], found["layer1_cells"], strict=True):
            active = spikes[place]
            silent += active.sum() < found["layer1_min_active"]
            if active.sum() < found["layer1_min_active"]:
                continue
            u = active @ found["layer1_weights_0"].astype(int) + found["layer1_thresholds"]
            near = u > u.max() - 16  # beyond that the softmax is 0 in 16 bits
            at = slice(int(cell) * channels, (int(cell) + 1) * channels)
            on[at] |= near
            if near.sum() > 1:
                sure[at] &= ~near
                tied += 1
        np.testing.assert_array_equal(on[sure], expected[sure] > 0)
        assert not (expected > on).any()
    assert silent > 0 and tied < 1200  # of 4,000
    votes = []
    kept = result.votes(result.retina.see(x[200:230].reshape(30, -1)))
    seen = features_of(result.below, result.retina.see(x[200:230].reshape(30, -1)), 3, Phase.TEST)
    for spikes in seen.block(np.arange(30), 3):
        u = [
            spikes[:, place] @ found[f"layer2_weights_{g}"].astype(int) for g in range(len(result.machine.groups))
            for place in found[f"layer2_places_{g}"]
        ]  # fmt: skip
        potentials = np.concatenate(u, axis=1) + found["layer2_thresholds"]
        weights = np.exp(result.machine.spec.neuron.beta / result.machine.array.read_units * potentials)
        votes.append(np.log(weights @ found["layer2_label_counts"]).sum(axis=0))
    if kind == "contrast":
        np.testing.assert_allclose(np.array(votes), kept.soft, atol=2e-3)  # numerators have 16 bits
    assert found["classes"].tolist() == [0, 1, 2, 3]
