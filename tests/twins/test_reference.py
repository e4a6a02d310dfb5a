"""The compiled kernels and the readable reference are one law: same spikes, winners, pulses, pruned cells, weights."""

from __future__ import annotations

import numpy as np
import pytest

from synarray.device.cell import CellSpec
from synarray.network import reference
from synarray.network.encoding import EncodingSpec, InputSpec, Retina, image_keys
from synarray.network.machine import Machine, MachineSpec
from synarray.network.pruning import PruningSpec
from synarray.network.stdp import StdpSpec
from synarray.network.topology import FieldSpec, place_groups
from synarray.rng import Phase

IMAGES = 40
PRUNING = {
    "none": PruningSpec(),
    "soft": PruningSpec(mode="soft", fraction=0.75, start=0.1, end=0.6),
    "soft-constant": PruningSpec(mode="soft", fraction=0.4, constant=-0.52, start=0.2, end=0.5, n_stages=3),
    "conventional": PruningSpec(mode="conventional", fraction=0.4, start=0.1, end=0.6),
    "random": PruningSpec(mode="random", fraction=0.5, start=0.1, end=0.6),
    "maturity": PruningSpec(mode="soft", maturity=4),
}
FIELDS = {"full": FieldSpec(), "local": FieldSpec(kind="local", grid=(2, 2), share=0.4, pitch=(0.4, 0.4))}
CELLS = {"pulse": CellSpec(step=0.15), "exact": CellSpec(step="exact"), "2-bit": CellSpec(n_levels=4)}
SPREADS = {"sigma_c2c": 0.05, "sigma_d2d_range": 0.1, "sigma_d2d_step": 0.3, "stuck_low": 0.05, "stuck_high": 0.05}
GRADUAL = {
    "law": "soft-bound",
    "n_levels_ltp": 20,
    "n_levels_ltd": 15,
    "nonlinearity_ltp": 2.0,
    "nonlinearity_ltd": -3.0,
}
BINARY = {"law": "binary", "p_switch_ltp": 0.6, "p_switch_ltd": 0.7}
TABLE = {"x": [0, 0.3, 1], "ltp": [0.1, 0.08, 0.02], "ltd": [0.01, 0.05, 0.09]}
DEVICES = {
    "linear": ({"law": "linear", "n_levels_ltp": 200}, {}),
    "soft-bound": (GRADUAL, {}),
    "curvatures": (GRADUAL | {"sigma_d2d_nonlinearity": 1.0}, {}),
    "table": ({"law": "table", "response": TABLE} | SPREADS, {}),
    "exact": ({"law": "exact", "sigma_c2c": 0.02}, {}),
    "everything": (GRADUAL | SPREADS | {"p_fail": 0.2, "sigma_read": 0.2}, {}),
    "binary": (BINARY, {"scheme": "analog"}),
    "pair": (
        GRADUAL | SPREADS | {"p_fail": 0.2, "sigma_read": 0.1},
        {"scheme": "pair", "refresh_every": 9, "refresh_at": 0.7},
    ),
    "words": (BINARY | SPREADS, {"scheme": "digital", "n_bits": 3, "attempts": 2}),
    "long words": ({"law": "binary"}, {"scheme": "digital", "n_bits": 8}),
    "compound": (BINARY | SPREADS | {"sigma_read": 0.1}, {"scheme": "compound", "n_cells": 5}),
}
FORMS = {
    "windows": EncodingSpec(t_present=0.03),
    "sliding": EncodingSpec(form="sliding", t_present=0.025),
}
PRUNED = ("none", "soft-constant", "conventional", "maturity")
PAIRS = [(device, list(FORMS)[(i + j) % 2], mode) for i, device in enumerate(DEVICES) for j, mode in enumerate(PRUNED)]
"""Every device with every way to prune, and either with each form: all pairs, not all triples."""


def pair(spec: MachineSpec, x: np.ndarray) -> tuple[Machine, Machine, tuple[np.ndarray, np.ndarray]]:
    """Two machines alike, and what their retina sees."""
    flat = x.reshape(len(x), -1)
    retina = Retina.fit(flat, spec.inputs, full_scale=255.0, gain_control=True)
    groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, x.shape[1:])
    return Machine.build(spec, groups, IMAGES), Machine.build(spec, groups, IMAGES), retina.see(flat)


def same_state(fast: Machine, slow: Machine) -> None:
    """Hold every part of two machines' state equal."""
    for name in ("neuron_events", "network_events", "threshold", "spikes", "driven"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)
    for name in ("alive", "w", "read_copy", "pair", "writes", "power"):
        np.testing.assert_array_equal(getattr(fast.array, name), getattr(slow.array, name), err_msg=name)


def encoded(machine: Machine, pixels: tuple[np.ndarray, np.ndarray], part: np.ndarray, begin: int) -> np.ndarray:
    """Encode a block of spikes of the images ``part``, presentations ``begin``..."""
    encoding, places = machine.spec.encoding, begin + np.arange(len(part))
    return machine.encode(pixels, part, places, encoding.draws, per_step=encoding.form == "sliding")


def compare(spec: MachineSpec, x: np.ndarray, images: int = IMAGES) -> Machine:
    """Train both on the same images in two blocks; hold every part of their state equal."""
    fast, slow, pixels = pair(spec, x)
    order = np.random.default_rng(1).permutation(len(x))[:images]
    for begin in range(0, images, images // 2):
        part = order[begin : begin + images // 2]
        block, laws = encoded(fast, pixels, part, begin), fast.laws(begin / images)
        winners = np.zeros((len(part), spec.encoding.draws, len(fast.groups)), np.int32)
        fast.learn(block, np.zeros(len(part), np.int64), begin, laws, winners, sliding=spec.encoding.form == "sliding")
        block = encoded(slow, pixels, part, begin)
        np.testing.assert_array_equal(
            winners, reference.Learner.of(slow, slow.laws(begin / images)).learn(block, begin)
        )
    same_state(fast, slow)
    return fast


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pruning", PRUNING)
def test_every_pruning_mode_in_every_form(pruning: str, form: str, fields: str, bar_images: tuple) -> None:
    spec = MachineSpec(
        n_neurons=9, seed=7, encoding=FORMS[form], fields=FIELDS[fields], pruning=PRUNING[pruning],
        stdp=StdpSpec(a=0.3, c=0.05), inputs=InputSpec(level=50),
    )  # fmt: skip
    machine = compare(spec, bar_images[0], images=16)
    pruned = machine.neuron_events[:, 7].sum()
    assert (pruned > 0) == (pruning != "none")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("at_bound", [False, True])
def test_every_cell(cell: str, at_bound: bool, bar_images: tuple) -> None:
    spec = MachineSpec(
        n_neurons=70, seed=2**32 - 1, cell=CELLS[cell], stdp=StdpSpec(a=0.3, c=0.05, pulse_at_bound=at_bound, gain_end=0.1)
    )  # fmt: skip
    pulses = compare(spec, bar_images[0]).neuron_events[:, [2, 3]].sum(axis=0)
    assert pulses.min() > 0


@pytest.mark.parametrize(("device", "form", "pruning"), PAIRS)
def test_every_device_and_scheme(device: str, form: str, pruning: str, bar_images: tuple) -> None:
    values, synapse = DEVICES[device]
    spec = MachineSpec(
        n_neurons=9, seed=11, device=values, synapse=synapse, encoding=FORMS[form], pruning=PRUNING[pruning],
        stdp=StdpSpec(a=0.3, c=0.05), inputs=InputSpec(level=50),
    )  # fmt: skip
    machine = compare(spec, bar_images[0], images=12 if form == "windows" else 6)
    assert machine.neuron_events[:, [2, 3, 6]].sum() > 20


@pytest.mark.parametrize("device", ["everything", "pair", "compound"])
def test_state_blind_pulses(device: str, bar_images: tuple) -> None:
    values, synapse = DEVICES[device]
    spec = MachineSpec(n_neurons=9, seed=1, device=values, synapse=synapse, stdp=StdpSpec(a=0.3, c=0.05, verify=False))
    assert compare(spec, bar_images[0], images=8).neuron_events[:, 1].sum() == 0


def test_more_rows_than_an_int16_sum_holds() -> None:
    """All of 900 inputs at full weight: partial sums must be flushed before they overflow 16 bits."""
    x = np.full((10, 30, 30), 255, np.uint8)
    spec = MachineSpec(
        n_neurons=3, inputs=InputSpec(select="all"), stdp=StdpSpec(w_start=1.0, w_spread=0.0, c=0.0),
        encoding=EncodingSpec(rate_max=1000.0, t_present=0.02),
    )  # fmt: skip
    machine = compare(spec, x, images=10)
    assert machine.array.read(0, np.ones(900, bool)).max() == 900 * 127


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("device", ["ideal", "everything"])
def test_inference(device: str, fields: str, bar_images: tuple) -> None:
    x = bar_images[0][:30]
    spec = MachineSpec(
        n_neurons=12, seed=3, fields=FIELDS[fields], device=DEVICES[device][0] if device in DEVICES else None
    )
    machine, _, pixels = pair(spec, x)
    laws, places = machine.laws(1.0, learning=False), image_keys(pixels[0]).astype(np.int64)
    block = machine.encode(pixels, np.arange(30), places, 5, Phase.TEST)
    winners = np.zeros((30, 5, len(machine.groups)), np.int32)
    machine.respond(block, places, laws[0], winners, Phase.TEST, refractory=machine.refractory)
    expected = reference.Learner.of(machine, laws).respond(block, places, Phase.TEST, machine.refractory)
    np.testing.assert_array_equal(winners, expected)
    assert len(np.unique(winners)) > 3


@pytest.mark.parametrize("pruning", ["none", "soft", "maturity"])
@pytest.mark.parametrize("device", ["ideal", "everything", "pair", "words"])
def test_respond_and_update_apart(device: str, pruning: str, bar_images: tuple) -> None:
    """A teacher stands between reading and learning: kernels and reference update the same cells, forwards, backwards or not."""
    values, synapse = DEVICES.get(device, (None, {}))
    spec = MachineSpec(
        n_neurons=9, seed=5, device=values, synapse=synapse, fields=FIELDS["local"], stdp=StdpSpec(a=0.3, c=0.05),
        pruning=PRUNING[pruning],
    )  # fmt: skip
    fast, slow, pixels = pair(spec, bar_images[0])
    modulation = np.resize(np.array([1, -1, 0, 1], np.int8), 12)
    order, laws = np.arange(12), fast.laws(0.2)
    winners = np.zeros((12, spec.encoding.draws, len(fast.groups)), np.int32)
    blocks = [encoded(machine, pixels, order, 0) for machine in (fast, slow)]
    fast.respond(blocks[0], order, laws[0], winners, counted=True)
    learner = reference.Learner.of(slow, laws)
    np.testing.assert_array_equal(winners, learner.respond(blocks[1], order, Phase.TRAIN, 0))
    before = fast.array.w.copy()
    fast.update(blocks[0], modulation, winners, np.zeros(12, np.int64), 0, laws)
    learner.update(blocks[1], modulation, winners.astype(np.int64), 0)
    same_state(fast, slow)
    assert np.any(fast.array.w != before)


def test_the_fused_pass_of_one_presentation_is_respond_then_update(bar_images: tuple) -> None:
    """With one window, reading and learning apart give the bits of the fused pass, presentation by presentation."""
    spec = MachineSpec(n_neurons=9, seed=2, stdp=StdpSpec(a=0.3, c=0.05), encoding=EncodingSpec(t_present=0.01))
    fused, apart, pixels = pair(spec, bar_images[0])
    laws, one = fused.laws(0.0), np.ones(1, np.int8)
    for p in range(IMAGES):
        drawn = [np.zeros((1, 1, 1), np.int32) for _ in range(2)]
        blocks = [encoded(machine, pixels, np.array([p]), p) for machine in (fused, apart)]
        fused.learn(blocks[0], np.zeros(1, np.int64), p, laws, drawn[0])
        apart.respond(blocks[1], np.array([p]), laws[0], drawn[1], counted=True)
        apart.update(blocks[1], one, drawn[1], np.zeros(1, np.int64), p, laws)
        np.testing.assert_array_equal(*drawn)
    apart.network_events[0] = fused.network_events[0]  # whoever updates counts presentations
    same_state(fused, apart)
