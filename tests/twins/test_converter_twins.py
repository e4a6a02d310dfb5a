"""Reads of finite resolution: kernels and the readable reference digitise alike, wherever a network is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_layer_twins import BELOW, spikes
from test_reference import DEVICES, FIELDS, FORMS, IMAGES, compare, encoded, same_state

from synarray.array.geometry import ArraySpec
from synarray.events import NetworkEvent
from synarray.network import reference, reference_layers
from synarray.network.encoding import EncodingSpec
from synarray.network.layer import LayerSpec, groups_of, map_of
from synarray.network.machine import Machine, MachineSpec
from synarray.network.stdp import StdpSpec
from synarray.rng import Phase

COARSE = ArraySpec(adc_bits=4, adc_range=0.05)
"""So narrow that some reads are clipped."""


def spec_of(device: str, **values: Any) -> MachineSpec:
    cells, synapse = DEVICES[device]
    return MachineSpec(seed=7, device=cells, synapse=synapse, array=COARSE, stdp=StdpSpec(a=0.3, c=0.05), **values)


def some_are_clipped(machine: Machine) -> None:
    sensed, clipped = (machine.network_events[e] for e in (NetworkEvent.COLUMN_SENSE, NetworkEvent.COLUMN_CLIPPED))
    assert 0 < clipped < sensed


@pytest.mark.parametrize(
    ("device", "fields", "form"),
    [("everything", "full", "windows"), ("pair", "local", "windows"), ("compound", "full", "sliding")],
)
def test_learning_and_inference(device: str, fields: str, form: str, bar_images: tuple) -> None:
    machine = compare(
        spec_of(device, n_neurons=9, fields=FIELDS[fields], encoding=FORMS[form]), bar_images[0], IMAGES // 4
    )
    some_are_clipped(machine)
    pixels = bar_images[0].reshape(len(bar_images[0]), -1), np.full(len(bar_images[0]), 65536, np.uint32)
    block, laws = encoded(machine, pixels, np.arange(10), 0), machine.laws(1.0, learning=False)
    winners, learner = np.zeros((*block.shape[:2], len(machine.groups)), np.int32), reference.Learner.of(machine, laws)
    machine.respond(block, np.arange(10), laws[0], winners, Phase.TEST, refractory=machine.refractory)
    np.testing.assert_array_equal(winners, learner.respond(block, np.arange(10), Phase.TEST, machine.refractory))


def test_a_tile_read_at_many_places() -> None:
    layer = LayerSpec(kind="convolution", n_neurons=9, kernel=3, pool=2, min_active=2)
    spec = spec_of("everything", n_neurons=9, encoding=EncodingSpec(t_present=0.02))
    fast, slow = (Machine.build(spec, groups_of(layer, BELOW, "layer"), 20) for _ in range(2))
    block, winners, laws = spikes(6)[0], np.zeros((6, 2, fast.n_winners), np.int32), fast.laws(0.0)
    fast.learn(block, np.zeros(6, np.int64), 0, laws, winners)
    learner = reference.Learner.of(slow, laws)
    np.testing.assert_array_equal(winners, reference_layers.learn_places(learner, slow.groups, block, 0))
    same_state(fast, slow)
    some_are_clipped(fast)
    made, cell = map_of(layer, BELOW, "layer")
    out, totals = np.zeros((6, 2, made.size), np.uint8), np.zeros(len(NetworkEvent), np.int64)
    fast.features(block, np.arange(6), Phase.TEST, cell, made.channels, out, totals, np.zeros_like(fast.driven))
    learner = reference.Learner.of(slow, fast.laws(1.0, learning=False))
    expected = reference_layers.features(learner, slow.groups, block, np.arange(6), Phase.TEST, cell, made.channels)
    np.testing.assert_array_equal(out, expected)
    assert 0 < totals[NetworkEvent.COLUMN_CLIPPED] < totals[NetworkEvent.COLUMN_SENSE]


def test_a_teacher() -> None:
    layer = LayerSpec(kind="local", n_neurons=24, kernel=4, stride=2)
    spec = spec_of("pair", n_neurons=24, encoding=EncodingSpec(t_present=0.02))
    fast, slow = (Machine.build(spec, groups_of(layer, BELOW, "layer"), 20) for _ in range(2))
    (block, labels), winners, laws = spikes(6), np.zeros((6, 2, len(fast.groups)), np.int32), fast.contrast_laws(0.0)
    fast.teach("contrast", block, labels, 3, np.zeros(6, np.int64), 0, laws, winners)
    expected = reference_layers.LESSONS["contrast"](reference.Learner.of(slow, laws), block, labels, 3, 0)
    np.testing.assert_array_equal(winners, expected)
    same_state(fast, slow)
    some_are_clipped(fast)
