"""The port is all the readable machine needs: recorded it can be replayed, and whatever is behind it is felt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synarray.array.port import ArrayPort, Moment, RecordedArray, ReplayedArray
from synarray.errors import DataError
from synarray.network.encoding import EncodingSpec, Retina
from synarray.network.machine import Machine, MachineSpec
from synarray.network.neuron import NeuronSpec
from synarray.network.pruning import PruningSpec
from synarray.network.reference import Learner
from synarray.network.stdp import StdpSpec
from synarray.network.topology import FieldSpec, place_groups

PAIRS: dict[str, Any] = {
    "law": "soft-bound", "n_levels_ltp": 20, "n_levels_ltd": 15, "nonlinearity_ltp": 2.0, "nonlinearity_ltd": -3.0,
    "sigma_c2c": 0.05, "sigma_read": 0.1, "p_fail": 0.1,
}  # fmt: skip
KINDS: dict[str, tuple[dict[str, Any] | None, dict[str, Any]]] = {
    "ideal": (None, {}),
    "pairs": (PAIRS, {"scheme": "pair", "refresh_every": 4, "refresh_at": 0.6}),
    "words": ({"law": "binary", "p_switch_ltp": 0.7}, {"scheme": "digital", "n_bits": 2}),
}


def build(kind: str, x: np.ndarray, homeostasis: float = 1.76) -> tuple[Machine, np.ndarray]:
    """Build an untrained machine, and a block of its input spikes."""
    device, synapse = KINDS[kind]
    spec = MachineSpec(
        n_neurons=6, seed=4, device=device, synapse=synapse, stdp=StdpSpec(a=0.3, c=0.05),
        neuron=NeuronSpec(homeostasis=homeostasis), encoding=EncodingSpec(t_present=0.02),
        fields=FieldSpec(kind="local", grid=(2, 1), share=0.5, pitch=(0.4, 0.4)),
        pruning=PruningSpec(mode="soft", fraction=0.5, start=0.1, end=0.6),
    )  # fmt: skip
    flat = x[:30].reshape(30, -1)
    retina = Retina.fit(flat, spec.inputs, full_scale=255.0, gain_control=True)
    machine = Machine.build(spec, place_groups(spec.fields, 6, retina.inputs, x.shape[1:]), 30)
    return machine, machine.encode(retina.see(flat), np.arange(30), np.arange(30), spec.encoding.draws)


def train(kind: str, x: np.ndarray, port: ArrayPort | None = None) -> tuple[np.ndarray, Machine]:
    machine, block = build(kind, x)
    return Learner.of(machine, machine.laws(0.0), port).learn(block, 0), machine


@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_training_is_replayed_to_the_same_bits(kind: str, bar_images: tuple, tmp_path: Path) -> None:
    plain, _ = train(kind, bar_images[0])
    machine, _ = build(kind, bar_images[0])
    recorder = RecordedArray(Learner.of(machine, machine.laws(0.0)).port, tmp_path / "session.jsonl")
    recorded, recorded_machine = train(kind, bar_images[0], recorder)
    recorder.close()
    replayed, machine = train(kind, bar_images[0], ReplayedArray(tmp_path / "session.jsonl"))
    np.testing.assert_array_equal(recorded, plain)
    np.testing.assert_array_equal(replayed, plain)
    np.testing.assert_array_equal(machine.threshold, recorded_machine.threshold)
    np.testing.assert_array_equal(machine.spikes, recorded_machine.spikes)


def test_a_replay_refuses_what_was_not_asked_when_it_was_recorded(bar_images: tuple, tmp_path: Path) -> None:
    machine, _ = build("ideal", bar_images[0])
    recorder = RecordedArray(Learner.of(machine, machine.laws(0.0)).port, tmp_path / "session.jsonl")
    train("ideal", bar_images[0], recorder)
    recorder.close()
    with pytest.raises(DataError, match="answers only what it was asked"):
        train("ideal", bar_images[0][::-1], ReplayedArray(tmp_path / "session.jsonl"))
    replay = ReplayedArray(tmp_path / "session.jsonl")
    with pytest.raises(DataError, match="line 2"):
        replay.look(0, 0, 1)


class DeadColumn:
    """An array one of whose columns carries no current: everything else is the array's own."""

    def __init__(self, port: ArrayPort, tile: int, column: int) -> None:
        self._port, self._dead = port, (tile, column)

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._port, verb)

    def read(self, tile: int, active: np.ndarray, moment: Moment) -> np.ndarray:
        sums = self._port.read(tile, active, moment).copy()
        if tile == self._dead[0]:
            sums[self._dead[1]] = -127 * np.count_nonzero(active)
        return sums


def test_a_fault_behind_the_port_is_felt(bar_images: tuple) -> None:
    """A column without current wins hardly ever where no homeostasis makes up for it; others win in its place."""
    won = []
    for broken in (False, True):
        machine, block = build("ideal", bar_images[0], homeostasis=0.0)
        learner = Learner.of(machine, machine.laws(0.0))
        if broken:
            learner.port = DeadColumn(learner.port, 0, 1)
        won.append(np.count_nonzero(learner.learn(block, 0)[:, :, 0] == 1))
    assert won[0] > 10
    assert won[1] <= 2
