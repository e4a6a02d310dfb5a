"""``synarray show RUN --neurobench``: NeuroBench's metrics against a count of every spike and synapse of the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import Command

import synarray
from synarray.rng import Stream, permutation
from synarray.run.price import price_of


def spikes_of(run: synarray.Run, x: np.ndarray) -> np.ndarray:
    """Encode every presentation of the training again: [presentation, window, input]."""
    spec, result = run.experiment, run.result
    pixels = result.retina.see(x.reshape(len(x), -1))
    blocks = [
        result.machine.encode(
            pixels, permutation(len(x), seed=spec.seed, stream=Stream.ORDER, presentation=epoch),
            len(x) * epoch + np.arange(len(x)), spec.encoding.draws,
        )
        for epoch in range(spec.epochs)
    ]  # fmt: skip
    return np.concatenate(blocks)


@pytest.mark.parametrize("device", [None, "subquantum-cbram"])
def test_metrics_are_those_of_the_spikes_and_the_cells(
    device: str | None, command: Command, bar_images: tuple, bars_file: Path, tmp_path: Path
) -> None:
    settings = {"data": str(bars_file), "n_neurons": 12, "epochs": 2, "pruning.mode": "soft", "pruning.fraction": 0.4}
    result = synarray.train("local-fields", settings=settings | ({"device": device} if device else {}))
    run = synarray.open_run(result.save(tmp_path / "run"))
    done = command("show", str(run.path), "--neurobench", "--json")
    assert done.status == 0, done.err
    said, trained = done.json["neurobench"], done.json["training"]
    block = spikes_of(run, bar_images[0][:160])
    machine, images, windows = run.result.machine, len(block), block.shape[1]
    inputs = block.shape[2]
    operations = sum(int(block[:, :, group.inputs].sum()) * group.n_neurons for group in machine.groups)
    synapses = sum(group.n_rows * group.n_neurons for group in machine.groups)
    assert said["SynapticOperations"] == {
        "Effective_MACs": 0.0,
        "Effective_ACs": pytest.approx(operations / images),
        "Dense": pytest.approx(windows * inputs * 12),
    }
    assert said["ConnectionSparsity"] == pytest.approx(1 - synapses / (inputs * 12))
    assert said["ActivationSparsity"] == pytest.approx(1 - len(machine.groups) / 12)
    assert said["MembraneUpdates"] == windows * 12
    assert said["ParameterCount"] == synapses + 12 + 12 * 4
    assert said["Footprint"] == synapses + 4 * 12 + 2 * 12 * 4
    assert said["ClassificationAccuracy"] == run.metrics["accuracy"]
    assert trained["Writes"] == result.pulses and trained["Writes_Per_Image"] == pytest.approx(result.pulses / images)
    if device is None:
        assert trained["Joules"] is trained["Trainings_Until_1_Percent_Failed"] is None
    else:
        assert trained["Joules"] == pytest.approx(price_of(run).total)
        assert trained["Most_Writes_On_A_Cell"] == int(machine.array.writes.max())
    assert "SynapticOperations Effective_ACs" in command("show", str(run.path), "--neurobench").out


def test_a_convolution_counts_its_tile_at_every_place(bars_file: Path, tmp_path: Path) -> None:
    settings = {
        "data": str(bars_file), "epochs": 1, "layers.1.n_neurons": 6, "layers.1.min_active": 0, "layers.1.images": 50,
        "layers.2.n_neurons": 8,
    }  # fmt: skip
    result = synarray.train("conv-taught", settings=settings)
    from synarray.run.neurobench import neurobench

    found = neurobench(synarray.open_run(result.save(tmp_path / "run")))["neurobench"]
    places, upper = 8 * 8, result.below[0].plan.map.size  # kernels of 5 x 5 on 12 x 12
    reads = 50 * 8 + 160 * 4 * places  # learned at 8 places in one window; shown to the layer above in 4
    potentials, winners = reads * 6 + 160 * 4 * 8, reads + 160 * 4
    assert found["ActivationSparsity"] == pytest.approx(1 - winners / potentials)
    assert found["SynapticOperations"]["Dense"] == pytest.approx((reads * 6 * 100 + 160 * 4 * 8 * upper) / 210)
    assert found["ConnectionSparsity"] == 0


@pytest.mark.parametrize("device", ["stt-mram", "sram", "pcm"])
def test_its_life_is_that_of_the_cells(device: str, bars_file: Path) -> None:
    """Pulses of a compound are shared by its cells: its life is as many times that of one cell with all of them."""
    from synarray.run.neurobench import neurobench

    settings = {"data": str(bars_file), "epochs": 1, "n_neurons": 13, "device": device, "device.endurance": 1e4}
    scheme = {"synapse.scheme": "compound"} if device == "stt-mram" else {}
    result = synarray.train("local-fields", settings=settings | scheme)
    found = neurobench(result.stored())["training"]["Trainings_Until_1_Percent_Failed"]
    assert found == pytest.approx(result.lifetime(0.01).trainings)
