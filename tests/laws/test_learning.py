"""Laws of learning: what the equations force, measured on the compiled machine or on its tables."""

from __future__ import annotations

import numpy as np
import pytest

from synarray import train
from synarray.array.simulated import READ_UNITS
from synarray.array.synapse import cell_law
from synarray.device.cell import CellSpec, state_weights
from synarray.events import NetworkEvent, NeuronEvent
from synarray.learn.spec import LearningSpec
from synarray.network.encoding import EncodingSpec, InputSpec, Retina, chance_table
from synarray.network.machine import Machine, MachineSpec
from synarray.network.neuron import NeuronSpec, winner_tables
from synarray.network.pruning import PruningSpec
from synarray.network.stdp import StdpSpec, movement, pulse_tables
from synarray.network.topology import FieldSpec, place_groups
from synarray.rng import Phase

SMALL = {"n_neurons": 8, "inputs": InputSpec(level=60), "epochs": 2}


def one_neuron(chances: np.ndarray, presentations: int, **changes: object) -> Machine:
    """One neuron that wins every window, with inputs active by given intensities; trained for long."""
    spec = MachineSpec(n_neurons=1, **changes)  # type: ignore[arg-type]
    flat = np.repeat(chances[None, :], 2, axis=0).astype(np.uint8)
    retina = Retina.fit(flat, InputSpec(select="all"), full_scale=255.0, gain_control=False)
    machine = Machine.build(spec, place_groups(spec.fields, 1, retina.inputs, None), presentations)
    winners = np.zeros((presentations, spec.encoding.draws, 1), np.int32)
    order = np.zeros(presentations, np.int64)
    block = machine.encode(retina.see(flat), order, np.arange(presentations), spec.encoding.draws)
    machine.learn(block, order, 0, machine.laws(0.0), winners)
    return machine


@pytest.mark.parametrize("cell", [CellSpec(step="exact"), CellSpec(step=0.05), CellSpec(n_levels=41)])
def test_weights_settle_where_ltp_and_ltd_balance(cell: CellSpec) -> None:
    """w* = -1 + (1/b) [logit P + ln(a / c)]: the equilibrium of the two updates (mean over cells and late times)."""
    law = StdpSpec(a=0.02, b=2.4, c=0.004, w_start=-0.5)
    intensities = np.repeat([60, 90, 200], 200)
    encoding = EncodingSpec(floor=0, rate_max=120.0)
    machine = one_neuron(intensities, 4000, stdp=law, cell=cell, encoding=encoding)
    for level in (60, 90, 200):
        p = chance_table(encoding, per_step=False)[level] / 65536
        expected = -1 + (np.log(p / (1 - p)) + np.log(law.a / law.c)) / law.b
        mean_drive = np.mean(np.exp(-law.b * (machine.array.w[0, intensities == level] + 1)))
        balance = -1 - np.log(mean_drive) / law.b  # the weight at which this mean drive would be exact
        assert -0.95 < expected < 0.95
        assert balance == pytest.approx(expected, abs=0.03)


def test_inputs_are_active_as_often_as_the_rate_says() -> None:
    """1 - (1 - r dt)^10, with r proportional to intensity: count of input spikes within 4 standard errors."""
    intensities = np.full(300, 128)
    machine = one_neuron(intensities, 2000, encoding=EncodingSpec(floor=0, rate_max=200.0, t_present=0.01))
    p = 1 - (1 - 0.2 * 128 / 255) ** 10
    n = 300 * 2000
    assert machine.network_events[NetworkEvent.INPUT_SPIKE] == pytest.approx(n * p, abs=4 * np.sqrt(n * p * (1 - p)))


def test_winners_follow_the_softmax() -> None:
    """Potentials that differ by known thresholds: winners as often as exp(beta u) / sum says (chi-square, 1e-4)."""
    from scipy.stats import chisquare

    u = np.array([0.0, -0.3, -0.5, -1.5, -2.0])
    spec = MachineSpec(n_neurons=5, neuron=NeuronSpec(beta=2.0, beta_start=1.0, refractory=0.0))
    flat = np.zeros((20_000, 4), np.uint8)
    flat[:] = np.random.default_rng(0).integers(0, 20, flat.shape)  # below the floor: silent, but each image its own
    retina = Retina.fit(flat, InputSpec(select="all"), full_scale=255.0, gain_control=False)
    machine = Machine.build(spec, place_groups(FieldSpec(), 5, retina.inputs, None), 1)
    machine.threshold[:] = np.rint(u * READ_UNITS)
    winners = np.zeros((len(flat), 1, 1), np.int32)
    places = np.arange(len(flat))
    block = machine.encode(retina.see(flat), places, places, 1, Phase.TEST)
    machine.respond(block, places, machine.laws(1.0, learning=False)[0], winners, Phase.TEST)
    expected = np.exp(2.0 * np.rint(u * READ_UNITS) / READ_UNITS)
    counts = np.bincount(winners.ravel(), minlength=5)
    assert chisquare(counts, len(flat) * expected / expected.sum()).pvalue > 1e-4


def test_mean_pulses_times_step_is_the_movement() -> None:
    for cell in (CellSpec(step=0.07), CellSpec(step="exact"), CellSpec(n_levels=16)):
        law = StdpSpec(a=0.3, b=1.7, c=0.02)
        tables = pulse_tables(law, cell_law(cell), 0.3)
        assert (tables.chance.reshape(2, 256)[:, :255] == 65536).all() and not tables.spread.any()
        moved = (tables.pulses / 65536.0 * np.abs(tables.step[0])).reshape(2, 256)[:, :255]
        np.testing.assert_allclose(moved, movement(law, state_weights(), 0.3), atol=1e-5)


def test_ltp_falls_exponentially_and_ltd_is_constant() -> None:
    """Ratio of LTP steps across the range is exp(-2b): 1/121 at b = 2.4 (away from the bounds)."""
    law = StdpSpec(a=0.1, b=2.4, c=0.01, pulse_at_bound=True)
    ltd, ltp = movement(law, np.array([-1.0, 1.0]), 0.0)
    assert ltp[0] / ltp[1] == pytest.approx(121.5, rel=1e-3)
    assert ltd[0] == ltd[1] == 0.01


def test_pulses_at_the_bound_are_sent_only_when_the_law_does_not_look(bar_images: tuple) -> None:
    looks, blind = (
        train(LearningSpec(**SMALL, stdp=StdpSpec(c=0.05, pulse_at_bound=b), cell=CellSpec(step="exact")), *bar_images)
        for b in (False, True)
    )
    assert looks.events["pulse_at_bound"] < 0.001 * looks.pulses  # rounding at the last step
    assert blind.events["pulse_at_bound"] > 0.1 * blind.pulses


@pytest.mark.parametrize("n_levels", [2, 4, 8])
def test_cells_with_levels_stand_on_their_levels(n_levels: int, bar_images: tuple) -> None:
    result = train(LearningSpec(**SMALL, cell=CellSpec(n_levels=n_levels)), *bar_images)
    level = (result.weights[0] + 1) / 2 * (n_levels - 1)
    np.testing.assert_allclose(level, np.rint(level), atol=1e-4)
    assert len(np.unique(np.rint(level))) == n_levels


@pytest.mark.parametrize("form", ["windows", "sliding"])
@pytest.mark.parametrize("fields", ["full", "local"])
def test_events_add_up(form: str, fields: str, bar_images: tuple) -> None:
    """Counts that follow from the sizes alone."""
    spec = LearningSpec(
        **SMALL, encoding=EncodingSpec(form=form, t_present=0.02), fields=FieldSpec(kind=fields, grid=(2, 2), share=0.3)
    )
    result = train(spec, *bar_images)
    events, groups = result.events, len(result.machine.groups)
    draws = (2 if form == "windows" else 20) * 600 * 2
    assert groups == (1 if fields == "full" else 4)
    assert events["presentation"] == 1200 == result.images_seen
    assert events["output_spike"] == draws * groups == result.machine.spikes.sum()
    assert events["column_sense"] == draws * 8
    per_neuron = [len(group.inputs) for group in result.machine.groups for _ in range(group.n_neurons)]
    assert events["cell_read"] == result.machine.neuron_events[:, NeuronEvent.OUTPUT_SPIKE] @ per_neuron
    if fields == "full" and form == "windows":
        assert events["row_read"] == events["input_spike"]
    assert result.pulses == events["ltp_pulse"] + events["ltd_pulse"]
    assert np.abs(result.machine.array.w).max() <= 1


@pytest.mark.parametrize("mode", ["soft", "conventional", "random"])
def test_pruned_cells_receive_no_pulse(mode: str, bar_images: tuple) -> None:
    """Weights of pruned cells, and what a read sees of them, stay as they were while the others go on learning."""
    spec = MachineSpec(
        n_neurons=6, pruning=PruningSpec(mode=mode, fraction=0.6, start=0.1, end=0.3), stdp=StdpSpec(a=0.4, c=0.1)
    )
    x = bar_images[0].reshape(600, -1)
    retina = Retina.fit(x, InputSpec(level=60), full_scale=255.0, gain_control=True)
    machine = Machine.build(spec, place_groups(spec.fields, 6, retina.inputs, None), 600)
    pixels, before = retina.see(x), None
    for begin in (0, 400):
        order = np.arange(begin, begin + (400 if begin == 0 else 200))
        winners = np.zeros((len(order), 4, 1), np.int32)
        block = machine.encode(pixels, order, order, 4)
        machine.learn(block, np.zeros(len(order), np.int64), begin, machine.laws(0.0), winners)
        if begin == 0:
            array = machine.array
            before = (array.alive.copy(), array.w.copy(), array.read_copy.copy(), machine.neuron_events.copy())
    alive, w, read, events = before  # type: ignore[misc]
    pruned = alive == 0
    assert 0.55 < pruned.mean() < 0.65
    np.testing.assert_array_equal(machine.array.w[pruned], w[pruned])
    np.testing.assert_array_equal(machine.array.read_copy[:-1, :6].T[pruned], read[:-1, :6].T[pruned])
    assert (machine.array.w[~pruned] != w[~pruned]).mean() > 0.2
    assert np.all(machine.array.w[pruned] == -1) or mode == "conventional"
    assert np.all(machine.array.read_copy[:-1, :6].T[pruned] == (0 if mode == "conventional" else -127))
    grown = machine.neuron_events - events
    assert grown[:, NeuronEvent.PULSE_SKIPPED].sum() > 100
    assert grown[:, NeuronEvent.CELL_PRUNED].sum() == 0


@pytest.mark.parametrize("mode", ["soft", "conventional", "random", "after"])
def test_every_neuron_is_pruned_to_the_fraction(mode: str, bar_images: tuple) -> None:
    result = train(LearningSpec(**SMALL, pruning=PruningSpec(mode=mode, fraction=0.5, end=0.3)), *bar_images)
    cells = len(result.retina.inputs)
    dead = cells - result.machine.array.alive.sum(axis=1)
    busy = result.machine.spikes > 0.4 * result.machine.expected_spikes
    assert busy.sum() >= 4
    assert np.all(dead[busy] == int(np.ceil(0.5 * cells)))
    assert result.pruned_fraction == pytest.approx(result.events["cell_pruned"] / result.machine.array.n_cells)


def test_soft_pruning_takes_the_lowest_and_random_does_not(bar_images: tuple) -> None:
    soft, random = (
        train(LearningSpec(**SMALL, pruning=PruningSpec(mode=mode, fraction=0.5, n_stages=1, end=0.6)), *bar_images)
        for mode in ("soft", "random")
    )
    lost = [float(r.machine.neuron_events[:, NeuronEvent.PRUNING_PULSE].sum()) for r in (soft, random)]
    assert lost[1] > 2 * lost[0]  # pulses it took to bring the pruned cells to the floor


def test_cutting_after_training_leaves_or_rebalances_the_thresholds(bar_images: tuple) -> None:
    plain = train(LearningSpec(**SMALL), *bar_images)
    left = train(LearningSpec(**SMALL, pruning=PruningSpec(mode="after", fraction=0.5)), *bar_images)
    rebalanced = train(
        LearningSpec(**SMALL, pruning=PruningSpec(mode="after", fraction=0.5, rebalance=500)), *bar_images
    )
    np.testing.assert_array_equal(left.machine.threshold, plain.machine.threshold)
    np.testing.assert_array_equal(left.machine.array.w, plain.machine.array.w)
    np.testing.assert_array_equal(rebalanced.machine.array.w, plain.machine.array.w)
    assert np.any(rebalanced.machine.threshold != plain.machine.threshold)
    assert left.pulses == plain.pulses == rebalanced.pulses


def test_homeostasis_keeps_neurons_from_silence_and_from_winning_all(bar_images: tuple) -> None:
    free, held = (
        train(LearningSpec(**SMALL, neuron=NeuronSpec(homeostasis=h, homeostasis_end=1.0)), *bar_images)
        for h in (0.0, 2.0)
    )
    assert held.machine.spikes.std() < 0.2 * held.machine.spikes.mean()
    assert free.machine.spikes.std() > 2 * held.machine.spikes.std()


def test_sharper_neurons_have_narrower_tables() -> None:
    (wide,), (narrow,) = (winner_tables(NeuronSpec(beta=beta), np.ones(1)) for beta in (1.0, 4.0))
    assert wide[0] == narrow[0] == 65536
    assert wide[-1] == narrow[-1] == 0
    assert len(wide) > 3.5 * len(narrow)
