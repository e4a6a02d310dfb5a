"""Layers: kernels and the readable reference are one law, for tiles read at many places and for every teacher."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from synarray.array.geometry import ArraySpec
from synarray.events import NetworkEvent
from synarray.network import reference, reference_layers
from synarray.network.encoding import EncodingSpec
from synarray.network.layer import LayerSpec, Map, groups_of, map_of
from synarray.network.machine import Machine, MachineSpec
from synarray.network.neuron import NeuronSpec
from synarray.network.stdp import StdpSpec
from synarray.network.topology import Group
from synarray.rng import Phase, Stream, random_u16
from tests.twins.test_reference import DEVICES, PRUNING, same_state

BELOW = Map(7, 6, 3)
KINDS: dict[str, dict[str, Any]] = {
    "everywhere": {"kernel": 3, "pool": 2, "min_active": 4},
    "at random": {"kernel": 4, "stride": 2, "places": 3},
}
GIVEN = {"ideal": (None, {})} | {name: DEVICES[name] for name in ("everything", "pair", "words", "compound")}


def machines(layer: LayerSpec, device: str, endurance: float | None = None, **values: Any) -> tuple[Machine, Machine]:
    """Build two machines alike on the map below."""
    cells, synapse = GIVEN[device]
    cells = cells if cells is None or endurance is None else cells | {"endurance": endurance}
    spec = MachineSpec(
        n_neurons=layer.n_neurons, seed=7, device=cells, synapse=synapse, encoding=EncodingSpec(t_present=0.02),
        stdp=StdpSpec(a=0.3, c=0.05), **values,
    )  # fmt: skip
    groups = groups_of(layer, BELOW, "layer")
    return Machine.build(spec, groups, 20), Machine.build(spec, groups, 20)


def spikes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Make a block of spikes that are class 0, 1 or 2 by which third is busy, and the classes."""
    draw = np.random.default_rng(3)
    labels = np.arange(n) % 3
    rate = np.where(np.arange(BELOW.size) * 3 // BELOW.size == labels[:, None, None], 0.5, 0.1)
    return (draw.random((n, 2, BELOW.size)) < rate).astype(np.uint8), labels


@pytest.mark.parametrize("channels", [0, 3])
def test_on_and_off_channels(channels: int) -> None:
    """Chances by the equations, random numbers by their places: the kernel's spikes, channel by channel."""
    encoding = EncodingSpec(channels=channels, off=True, t_present=0.03, sharpness=9.0, rate_max=200.0, floor=20)
    groups = [Group.field(np.arange(20 * encoding.per_feature), 4)]
    machine = Machine.build(MachineSpec(n_neurons=4, seed=9, encoding=encoding), groups, 1)
    images = np.random.default_rng(0).integers(0, 256, (6, 20)).astype(np.uint8)
    gains = np.array([30_000, 65_536, 65_536, 90_000, 65_536, 131_072], np.uint32)
    order, places = np.array([5, 0, 3, 1]), np.array([7, 8, 9, 40])
    block = machine.encode((images, gains), order, places, 3)
    for p, (image, place) in enumerate(zip(order, places, strict=True)):
        level = np.minimum((images[image].astype(np.int64) * gains[image] + 32768) >> 16, 255)
        lit = np.stack([level, 255 - level], axis=1)[:, :, None] / 255  # [feature, on or off, channel]
        if channels:
            chance = 1 / (1 + np.exp(-9.0 * (lit - (np.arange(channels) + 0.5) / channels)))
        else:
            chance = np.where(lit * 255 > 20, 1 - (1 - 0.2 * lit) ** 10, 0.0)
        due = np.minimum(np.rint(65536 * chance), 65535).ravel()
        for m in range(3):
            noise = random_u16(due.size, seed=9, stream=Stream.INPUT, step=m, presentation=int(place))
            np.testing.assert_array_equal(block[p, m], noise < due)


def pairs(firsts: Iterable[str], seconds: Sequence[str], thirds: Sequence[str]) -> list[tuple[str, str, str]]:
    """Every first with every second, and either with each third: all pairs, not all triples."""
    return [(a, b, thirds[(i + j) % len(thirds)]) for i, a in enumerate(firsts) for j, b in enumerate(seconds)]


@pytest.mark.parametrize(("device", "pruning", "kind"), pairs(GIVEN, ["none", "soft"], [*KINDS]))
def test_a_tile_read_at_many_places(device: str, kind: str, pruning: str) -> None:
    layer = LayerSpec(kind="convolution", n_neurons=9, **KINDS[kind])
    fast, slow = machines(layer, device, pruning=PRUNING[pruning])
    block, _ = spikes(8)
    for begin in (0, 4):
        laws = fast.laws(begin / 8)
        winners = np.zeros((4, 2, fast.n_winners), np.int32)
        fast.learn(block[begin : begin + 4], np.zeros(4, np.int64), begin, laws, winners)
        learner = reference.Learner.of(slow, laws)
        expected = reference_layers.learn_places(learner, slow.groups, block[begin : begin + 4], begin)
        np.testing.assert_array_equal(winners, expected)
    same_state(fast, slow)
    assert (winners == -1).any() == (kind == "everywhere")
    made, cell = map_of(layer, BELOW, "layer")
    out, places, totals = np.zeros((8, 2, made.size), np.uint8), np.arange(100, 108), np.zeros(len(NetworkEvent), int)
    fast.features(block, places, Phase.TEST, cell, made.channels, out, totals, np.zeros_like(fast.driven))
    learner = reference.Learner.of(fast, fast.laws(1.0, learning=False))
    expected = reference_layers.features(learner, fast.groups, block, places, Phase.TEST, cell, made.channels)
    np.testing.assert_array_equal(out, expected)
    assert 0 < out.mean() < 1


@pytest.mark.parametrize("lesson", [None, "contrast"])
@pytest.mark.parametrize("device", [name for name in GIVEN if name != "ideal"])
def test_cells_that_fail_while_a_layer_learns(device: str, lesson: str | None) -> None:
    """Lives of some pulses: many cells fail between two blocks, in both the same."""
    kind: dict[str, Any] = {"kind": "full"} if lesson else {"kind": "convolution", "kernel": 3, "places": 6}
    layer = LayerSpec(n_neurons=9, **kind)
    fast, slow = machines(layer, device, array=ArraySpec(wear=True), endurance=9.0)
    block, labels = spikes(24)
    for begin in range(0, 24, 4):
        part, winners = slice(begin, begin + 4), np.zeros((4, 2, fast.n_winners), np.int32)
        laws = fast.contrast_laws(begin / 24) if lesson else fast.laws(begin / 24)
        learner = reference.Learner.of(slow, laws)
        if lesson:
            fast.teach(lesson, block[part], labels[part], 3, np.zeros(4, np.int64), begin, laws, winners)
            expected = reference_layers.LESSONS[lesson](learner, block[part], labels[part], 3, begin)
        else:
            fast.learn(block[part], np.zeros(4, np.int64), begin, laws, winners)
            expected = reference_layers.learn_places(learner, slow.groups, block[part], begin)
        np.testing.assert_array_equal(winners, expected)
        for machine in (fast, slow):
            machine.apply_wear()
    same_state(fast, slow)
    assert fast.wear is not None and slow.wear is not None
    np.testing.assert_array_equal(fast.wear.failed, slow.wear.failed)
    assert 0.05 < fast.wear.n_failed / fast.wear.life.size < 0.98


@pytest.mark.parametrize(("device", "lesson", "kind"), pairs(GIVEN, [*reference_layers.LESSONS], ["full", "local"]))
def test_every_teacher(device: str, lesson: str, kind: str) -> None:
    layer = LayerSpec(kind=kind, n_neurons=7 if kind == "full" else 4 * 6, kernel=4, stride=2)
    fast, slow = machines(layer, device, neuron=NeuronSpec(beta=0.5))
    block, labels = spikes(8)
    before = fast.array.w.copy()
    for begin in (0, 4):
        laws = fast.contrast_laws(begin / 8) if lesson == "contrast" else fast.laws(begin / 8)
        winners, part = np.zeros((4, 2, len(fast.groups)), np.int32), slice(begin, begin + 4)
        fast.teach(lesson, block[part], labels[part], 3, np.zeros(4, np.int64), begin, laws, winners)
        learner = reference.Learner.of(slow, laws)
        expected = reference_layers.LESSONS[lesson](learner, block[part], labels[part], 3, begin)
        np.testing.assert_array_equal(winners, expected)
    same_state(fast, slow)
    assert np.any(fast.array.w != before) == (lesson != "calibrate")
    assert np.any(fast.threshold != 0)


@pytest.mark.parametrize("device", ["ideal", "everything"])
def test_votes_of_classes(device: str) -> None:
    fast, slow = machines(LayerSpec(kind="local", n_neurons=24, kernel=4, stride=2), device)
    block, _ = spikes(6)
    votes, winners = fast.weigh_classes(block, np.arange(6), 3, Phase.TEST)
    learner = reference.Learner.of(slow, slow.laws(1.0, learning=False))
    beta = fast.spec.neuron.beta / fast.array.read_units
    np.testing.assert_allclose(
        votes, reference_layers.weigh_classes(learner, block, np.arange(6), 3, Phase.TEST, beta), atol=2e-3
    )  # numerators have 16 bits
    assert winners.shape == (6, 2, len(fast.groups))
