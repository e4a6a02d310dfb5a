"""One schema of state: what is declared there is made, saved and restored without another line of code."""

from __future__ import annotations

import numpy as np
import pytest

from synarray import load_experiment
from synarray.learn.checkpoint import capture, restore
from synarray.learn.trainer import Trainer
from synarray.network import state
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.topology import place_groups


def trainer_of(name: str, x: np.ndarray) -> Trainer:
    spec = load_experiment(name, {"n_neurons": 12})
    flat = x.reshape(len(x), -1)
    retina = Retina.fit(flat, spec.inputs, full_scale=255.0, gain_control=spec.encoding.gain_control)
    return Trainer(Machine.build(spec, place_groups(spec.fields, 12, retina.inputs, x.shape[1:]), 100), 4, 100)


def test_an_array_added_to_the_schema_is_made_saved_and_restored(
    bar_images: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = state.Stored("machine", "calcium", "f4", ("neuron", "group"))
    monkeypatch.setattr(state, "STATE", (*state.STATE, added))
    first, second = (trainer_of("local-fields", bar_images[0]) for _ in range(2))
    calcium = first.machine.calcium  # type: ignore[attr-defined]
    assert calcium.shape == (12, 6) and calcium.dtype == np.float32
    calcium[:] = np.arange(72).reshape(12, 6)
    restore(second, {name: value.copy() for name, value in capture(first).items()})
    np.testing.assert_array_equal(second.machine.calcium, calcium)  # type: ignore[attr-defined]


SETTINGS = {("trainer", "blocks_at_once"), ("array", "noise_temperature")}
"""Numbers of the spec that a part holds: no state."""


@pytest.mark.parametrize("name", ["local-fields", "cbram-everything", "cbram-2-bit"])
def test_whatever_a_machine_keeps_as_numbers_is_declared(name: str, bar_images: tuple) -> None:
    """No array or number of a training is missing from the schema, and every one has the declared type and axes."""
    trainer = trainer_of(name, bar_images[0])
    parts = {"trainer": trainer, "machine": trainer.machine, "array": trainer.machine.array}
    clocks = {"ageing": trainer.machine.ageing, "wear": trainer.machine.wear}
    parts |= {part: clock for part, clock in clocks.items() if clock is not None}
    declared = {(entry.part, entry.name): entry for entry in state.STATE}
    for part, thing in parts.items():
        for attribute, value in vars(thing).items():
            if isinstance(value, np.ndarray | bool | int | float) and (part, attribute) not in SETTINGS:
                entry = declared[part, attribute]
                assert np.asarray(value).dtype == np.dtype(entry.dtype), (part, attribute)
                assert np.asarray(value).ndim == len(entry.axes), (part, attribute)
