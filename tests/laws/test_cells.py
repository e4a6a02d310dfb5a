"""Laws of cells in an array: what pulses, reads, spreads and time must do to them, whatever is learned.

Most tests drive the compiled kernel by hand: one neuron wins, the inputs that were active call for LTP and the others for
LTD, and as many pulses are sent as the test says. Statistical bounds are 4.5 standard errors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binom, kstest, kurtosis, norm

from synarray import train
from synarray.array.geometry import ArraySpec
from synarray.array.wire_gains import apply_wires
from synarray.array.wires import WireSpec, solve_read
from synarray.device.cell import CellSpec, state_weights
from synarray.device.spec import DeviceSpec
from synarray.device.variation import draw_traits
from synarray.events import NetworkEvent, NeuronEvent
from synarray.learn.readout import ReadoutSpec
from synarray.learn.result import Result
from synarray.learn.spec import LearningSpec
from synarray.network.encoding import EncodingSpec, InputSpec
from synarray.network.machine import Machine, MachineSpec
from synarray.network.pruning import PruningSpec
from synarray.network.schedule import with_pulses
from synarray.network.stdp import StdpSpec, movement
from synarray.network.topology import Group
from synarray.rng import Phase, Stream, normal, normal_quantiles, random_u16

Floats = npt.NDArray[np.floating]

LINEAR = {"law": "linear", "n_levels_ltp": 20, "n_levels_ltd": 20}
GRADUAL = {
    "law": "soft-bound",
    "n_levels_ltp": 40,
    "n_levels_ltd": 30,
    "nonlinearity_ltp": 2.0,
    "nonlinearity_ltd": -3.0,
}
BINARY = {"law": "binary", "p_switch_ltp": 0.6, "p_switch_ltd": 0.7}
SPREADS = {"sigma_d2d_range": 0.08, "sigma_d2d_step": 0.3, "stuck_low": 0.04, "stuck_high": 0.03}
NOISY = {"sigma_c2c": 0.05, "p_fail": 0.15, "sigma_read": 0.1}
SCHEMES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "analog": (GRADUAL, {}),
    "curvatures": (GRADUAL | {"sigma_d2d_nonlinearity": 1.0}, {}),
    "analog binary": (BINARY, {"scheme": "analog"}),
    "pair": (GRADUAL, {"scheme": "pair", "refresh_every": 5, "refresh_at": 0.7}),
    "digital": (BINARY, {"scheme": "digital", "n_bits": 3, "attempts": 3}),
    "compound": (BINARY, {"scheme": "compound", "n_cells": 6}),
}
ROOMY = ArraySpec(rows=65_536, columns=64, count=8)


def build(
    n_cells: int,
    device: dict[str, Any] | None,
    synapse: dict[str, Any] | None = None,
    n_neurons: int = 1,
    **changes: Any,
) -> Machine:
    """One group that sees everything, its cells at their lowest unless ``stdp`` says otherwise; four output spikes long."""
    synapse = synapse or {}
    lowest = StdpSpec(w_start=0.0 if synapse.get("scheme") == "pair" else -1.0, w_spread=0.0)
    values = {"stdp": lowest, "array": ROOMY, "inputs": InputSpec(select="all")} | changes
    spec = MachineSpec(n_neurons=n_neurons, device=device, synapse=synapse, **values)  # type: ignore[arg-type]
    return Machine.build(spec, [Group.field(np.arange(n_cells), n_neurons)], 1)


def stand(machine: Machine, w: npt.ArrayLike) -> Machine:
    """Put weights (of a pair: its two cells) where they are wanted, without pulses."""
    array = machine.array
    if array.scheme.name == "pair":
        array.pair[:] = np.asarray(w, np.float32)
        array.w[:] = (array.pair[0] - array.pair[1]) / 2
    else:
        array.w[:] = np.asarray(w, np.float32)
    array.refresh_read_copy()
    return machine


def update(
    machine: Machine, up: npt.NDArray[np.bool_], pulses: int | None = None, place: int = 0
) -> npt.NDArray[np.bool_]:
    """One window with one winner: LTP where ``up``, LTD elsewhere, so many pulses each or as many as the law asks.

    Returns which inputs were active: ``up``.
    """
    schedule, law = machine.laws(0.0)
    if pulses is not None:
        schedule = with_pulses(schedule, np.full((1, 512), pulses << 16, np.uint32))
    block = up.astype(np.uint8)[None, None]
    machine.learn(block, np.zeros(1, np.int64), place, (schedule, law), np.zeros((1, 1, 1), np.int32))
    return up


def counted(machine: Machine, event: NeuronEvent) -> int:
    return int(machine.neuron_events[:, event].sum())


def all_pulses(machine: Machine) -> int:
    kinds = (NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE, NeuronEvent.PRUNING_PULSE, NeuronEvent.INITIAL_PULSE)
    return sum(counted(machine, kind) for kind in kinds)


def learned(bar_images: tuple, device: Any, synapse: Any = None, **changes: Any) -> Result:
    values = {"n_neurons": 6, "inputs": InputSpec(level=60), "epochs": 1, "stdp": StdpSpec(a=0.4, c=0.1)} | changes
    return train(LearningSpec(device=device, synapse=synapse or {}, **values), *bar_images)


def near(share: float, p: float, n: int) -> bool:
    """Whether a share of n draws is within 4.5 standard errors of its probability."""
    return abs(share - p) <= 4.5 * np.sqrt(p * (1 - p) / n)


up_and_down = np.arange(20_000) % 2 == 0
UP = np.ones(4000, np.bool_)


# Within the range, and in the right direction


@pytest.mark.parametrize(
    "pruning", [PruningSpec(), PruningSpec(mode="soft", fraction=0.4, constant=0.3, end=0.4, start=0.1)]
)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_cell_stays_within_its_own_range(scheme: str, pruning: PruningSpec, bar_images: tuple) -> None:
    values, synapse = SCHEMES[scheme]
    device = DeviceSpec(**(values | SPREADS | NOISY))
    array = learned(bar_images, device, synapse, pruning=pruning).machine.array
    cells = np.broadcast_to(array.exists, (array.synapse.cells_per_weight(device), *array.w.shape))
    low, high = np.full(cells.shape, device.g_min), np.full(cells.shape, device.g_max)
    if scheme in ("analog", "curvatures", "analog binary", "pair"):
        low, high = (
            g * (1 + 0.08 * normal(cells.size, seed=0, stream=Stream.RANGE, step=end).reshape(cells.shape))
            for end, g in enumerate((device.g_min, device.g_max))
        )
    g = array.conductance()
    assert (g >= low * (1 - 1e-5))[cells].all()
    assert (g <= high * (1 + 1e-5))[cells].all()
    assert (np.abs(g - low) < 1e-5 * low)[cells].any()  # and the range is used: some cells stand at each end
    assert (np.abs(g - high) < 1e-5 * high)[cells].any()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ltp_never_lowers_and_ltd_never_raises(scheme: str) -> None:
    """Without spread from cycle to cycle, but with everything else that may go wrong."""
    values, synapse = SCHEMES[scheme]
    stdp = StdpSpec(a=0.5, c=0.3, w_start=0.0, w_spread=0.8)
    machine = build(2000, values | SPREADS | {"p_fail": 0.15}, {**synapse, "refresh_every": 10**6}, stdp=stdp)
    risen = fallen = 0
    for place in range(12):
        up = np.random.default_rng(place).random(2000) < 0.5
        before = machine.array.w[0].copy()
        x = update(machine, up, place=place)
        moved = machine.array.w[0] - before
        if scheme != "digital":  # a word of which one bit failed may have moved either way; see the words below
            assert (moved[x] >= 0).all() and (moved[~x] <= 0).all()
        risen, fallen = risen + (moved[x] > 0).sum(), fallen + (moved[~x] < 0).sum()
    assert risen > 500 and fallen > 500


def test_a_word_whose_bits_can_all_be_written_moves_in_the_right_direction() -> None:
    machine = build(2000, {"law": "binary"}, {"n_bits": 5}, stdp=StdpSpec(a=0.5, c=0.3, w_start=0.0, w_spread=0.8))
    for place in range(10):
        before = machine.array.w[0].copy()
        x = update(machine, np.random.default_rng(place).random(2000) < 0.5, place=place)
        moved = machine.array.w[0] - before
        assert (moved[x] >= 0).all() and (moved[~x] <= 0).all() and (moved != 0).any()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_cells_without_spread_are_all_alike(scheme: str) -> None:
    """The same pulses take them to the same conductance, whatever the seed; only stochastic switching needs luck."""
    values, synapse = SCHEMES[scheme]
    certain = {"p_switch_ltp": 1.0, "p_switch_ltd": 1.0} if values["law"] == "binary" else {}
    if scheme in ("curvatures", "compound"):
        values = GRADUAL
        synapse = {}
    ends = []
    for seed in (1, 2):
        machine = build(600, values | certain, synapse, seed=seed)
        for n, up in ((3, UP[:600]), (1, ~UP[:600]), (2, UP[:600])):
            update(machine, up, n)
        ends.append(machine.array.conductance())
    assert np.ptp(np.concatenate(ends, axis=-1), axis=(1, 2)).max() == 0
    assert ends[0].max() > machine.spec.device.g_min  # type: ignore[union-attr]


@pytest.mark.parametrize(("device", "synapse", "cell"), [
    ({"law": "linear", "n_levels_ltp": 16, "n_levels_ltd": 16}, {}, CellSpec(step=0.125)),
    ({"law": "exact"}, {}, CellSpec(step="exact")),
    ({"law": "binary"}, {"n_bits": 3}, CellSpec(n_levels=8)),
    ({"law": "binary"}, {"scheme": "analog"}, CellSpec(n_levels=2)),
])  # fmt: skip
@pytest.mark.parametrize("form", ["windows", "sliding"])
def test_a_device_without_imperfections_is_the_ideal_weight_of_the_same_step(
    device: dict, synapse: dict, cell: CellSpec, form: str, bar_images: tuple
) -> None:
    """Two branches of the kernel, one for ideal weights and one for cells, on the same spikes; from the lowest weight."""
    stdp = StdpSpec(a=0.3, c=0.05, w_start=-1.0, w_spread=0.0)
    common = {"stdp": stdp, "cell": cell, "encoding": EncodingSpec(form=form, t_present=0.02)}
    ideal, real = learned(bar_images, None, **common), learned(bar_images, device, synapse, **common)
    np.testing.assert_allclose(real.machine.array.w, ideal.machine.array.w, atol=2e-5)
    np.testing.assert_array_equal(real.machine.array.read_copy, ideal.machine.array.read_copy)
    np.testing.assert_array_equal(real.machine.threshold, ideal.machine.threshold)
    np.testing.assert_array_equal(real.label_counts, ideal.label_counts)
    if not synapse.get("n_bits"):  # words count the bits they change
        seen = ideal.machine.array.n_cells  # once, to find that all stand at the lowest weight
        met = {name: n for name, n in real.events.items() if name.endswith("_level") or name == "row_cell"}
        assert real.events == ideal.events | {"verify_read": seen} | met  # ideal weights meet no conductance
    assert real.machine.array.writes.sum() > 1000
    assert not ideal.machine.array.writes.any()


# Any number of pulses


def after_pulses(device: dict, numbers: list[int], **synapse: Any) -> list[float]:
    """Weight after so many LTP pulses from the lowest, each from anew and all in one update; the same for all cells."""
    found = []
    for n in numbers:
        machine = build(8, device, synapse)
        update(machine, UP[:8], n)
        assert np.ptp(machine.array.w) == 0
        found.append(float(machine.array.w[0, 0]))
    return found


def test_pulses_of_a_linear_cell_add_up_to_the_end_of_the_range() -> None:
    numbers = [0, 1, 7, 19, 20, 50]
    np.testing.assert_allclose(after_pulses(LINEAR, numbers), [-1, -0.9, -0.3, 0.9, 1, 1], atol=1e-5)


@pytest.mark.parametrize("a", [0.3, 0.4992, 1.5])
def test_pulses_of_a_soft_bound_cell_follow_the_closed_form(a: float) -> None:
    """x(n) = (1 - exp(-n / A N)) / (1 - exp(-1 / A)); the label says how far that is from n / N at most, in 0.07 sqrt(2).

    The kernel looks the step up at one of 255 states, at most half a state off. As the step falls with the state, the error
    of x obeys e -> (1 - k) e + k d with |d| <= 1 / 508, and never exceeds 1 / 508: 1 / 254 in w.
    """
    p = np.linspace(0, 1, 100_001)
    label = np.max((1 - np.exp(-p / a)) / (1 - np.exp(-1 / a)) - p) / (0.07 * np.sqrt(2))
    device = {"law": "soft-bound", "n_levels_ltp": 60, "nonlinearity_ltp": float(label)}
    numbers = np.array([1, 2, 5, 12, 30, 59, 60])
    x = (1 - np.exp(-numbers / (a * 60))) / (1 - np.exp(-1 / a))
    np.testing.assert_allclose(after_pulses(device, numbers.tolist()), 2 * x - 1, atol=1 / 254 + 1e-5)


def test_pulses_in_one_update_or_one_by_one_lead_to_the_same_state() -> None:
    at_once, apart = build(8, GRADUAL), build(8, GRADUAL)
    update(at_once, UP[:8], 9)
    for place in range(9):
        update(apart, UP[:8], 1, place)
    np.testing.assert_array_equal(at_once.array.w, apart.array.w)
    np.testing.assert_array_equal(at_once.array.writes, apart.array.writes)


def test_ltp_raises_one_cell_of_a_pair_and_ltd_the_other() -> None:
    """The weight is half the difference of the two."""
    machine = build(2, LINEAR | {"n_levels_ltd": 1}, {"scheme": "pair"})
    update(machine, np.array([True, False]), 3)
    np.testing.assert_allclose(machine.array.pair[:, 0], [[-0.7, -1], [-1, -0.7]], atol=1e-6)
    np.testing.assert_allclose(machine.array.w[0], [0.15, -0.15], atol=1e-6)
    update(machine, np.array([False, False]), 1, 1)
    np.testing.assert_allclose(machine.array.w[0], [0.1, -0.2], atol=1e-6)
    assert (counted(machine, NeuronEvent.LTP_PULSE), counted(machine, NeuronEvent.LTD_PULSE)) == (8, 0)
    assert machine.array.writes[:, 0].tolist() == [[3, 0], [1, 4]]


@pytest.mark.parametrize("scheme", ["analog", "analog binary", "digital"])
def test_write_verify_ends_within_one_step_after_just_the_pulses_it_takes(scheme: str) -> None:
    """From the lowest conductance: n = ceil(way / step) pulses of a linear cell, and a read before and after each."""
    values, synapse = {"analog": (LINEAR, {}), "analog binary": ({"law": "binary"}, {"scheme": "analog"}),
                       "digital": ({"law": "binary"}, {"n_bits": 4})}[scheme]  # fmt: skip
    machine = build(500, values, synapse)
    targets = np.random.default_rng(0).uniform(-1, 1, (1, 500)).astype(np.float32)
    machine.program(targets, NeuronEvent.INITIAL_PULSE)
    if scheme == "digital":
        level = np.rint((targets + 1) * 7.5).astype(int)
        np.testing.assert_allclose(machine.array.w, level / 7.5 - 1, atol=1e-6)
        assert counted(machine, NeuronEvent.INITIAL_PULSE) == sum(int(n).bit_count() for n in level[0])
        assert counted(machine, NeuronEvent.VERIFY_READ) == 0  # every pulse works
        return
    step = {"analog": 0.1, "analog binary": 2.0}[scheme]
    pulses = np.ceil((targets + 1) / step)
    assert (machine.array.w >= targets).all() and (machine.array.w < targets + step).all()
    np.testing.assert_array_equal(machine.array.writes[0], pulses)
    assert counted(machine, NeuronEvent.INITIAL_PULSE) == pulses.sum()
    assert counted(machine, NeuronEvent.VERIFY_READ) == 2 * 500 + pulses.sum()  # once more when built, at its target


def test_write_verify_reaches_targets_on_a_noisy_device_from_both_sides() -> None:
    machine = build(2000, GRADUAL | NOISY, stdp=StdpSpec(w_start=0.0, w_spread=1.0))
    sent = all_pulses(machine)
    step = 2 * 0.06 + 4.5 * 0.1  # largest mean step, and spread
    for target in (0.4, -0.4):
        machine.program(np.full((1, 2000), target, np.float32), NeuronEvent.INITIAL_PULSE)
        assert np.abs(machine.array.w - target).max() < step
        assert np.abs(machine.array.w - target).mean() < 0.1
    assert machine.array.writes.sum() == all_pulses(machine) > sent


# One imperfection leaves the random numbers of the others alone

ALONE: dict[str, dict[str, Any]] = {
    "c2c": {"sigma_c2c": 0.05}, "range": {"sigma_d2d_range": 0.1}, "step": {"sigma_d2d_step": 0.3},
    "nonlinearity": {"sigma_d2d_nonlinearity": 1.0}, "stuck": {"stuck_low": 0.1, "stuck_high": 0.1},
    "failures": {"p_fail": 0.2}, "read": {"sigma_read": 0.3}, "drift": {"drift_nu": 0.1, "sigma_drift_nu": 0.05},
    "retention": {"retention": 10.0},
}  # fmt: skip


def test_an_imperfection_shifts_neither_input_spikes_nor_winners_nor_pulses(bar_images: tuple) -> None:
    """With a softmax that knows no potentials a winner is its random number alone, and state-blind pulses are theirs."""
    images = np.ascontiguousarray(bar_images[0][:60].reshape(60, -1))
    found = {}
    for name, values in {"none": {}, **ALONE}.items():
        machine = build(144, GRADUAL | values, n_neurons=5, stdp=StdpSpec(a=0.3, c=0.05, verify=False), seed=3)
        schedule, law = machine.laws(0.0)
        schedule = schedule._replace(winner=np.append(np.full(80_000, 65536), 0).astype(np.uint32)[None])
        winners = np.zeros((60, 4, 1), np.int32)
        block = machine.encode((images, np.full(60, 65536, np.uint32)), np.arange(60), np.arange(60), 4)
        machine.learn(block, np.zeros(60, np.int64), 0, (schedule, law), winners)
        sent = (
            [] if name == "failures" else [NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE]
        )  # more are sent if some fail
        seen = machine.network_events[: NetworkEvent.COLUMN_SENSE + 1]  # ideal weights meet no conductance
        found[name] = (winners.tolist(), seen.tolist(), machine.neuron_events[:, sent].tolist())
    for name, (winners, network, sent) in found.items():
        assert winners == found["none"][0], name
        assert network == found["none"][1], name
        assert sent == found["none"][2] or name == "failures", name


@pytest.mark.parametrize("other", ["failures", "stuck", "read", "drift", "retention"])
def test_cells_that_an_imperfection_spares_end_bit_for_bit_where_they_would(other: str) -> None:
    """Spread of pulses and of steps on in both; failed or stuck cells stay where they were, all others agree."""
    base = LINEAR | {"sigma_c2c": 0.05, "sigma_d2d_step": 0.3}
    plain, also = (stand(build(4000, base | values), 0.0) for values in ({}, ALONE[other]))
    up = UP & (np.arange(4000) % 3 > 0)
    for machine in (plain, also):
        update(machine, up, 1)
    same = also.array.w[0] == plain.array.w[0]
    spared = {"failures": 0.8, "stuck": 0.8}.get(other, 1.0)
    assert near(same.mean(), spared, 4000)
    assert (also.array.w[0][~same] == 0).all()
    assert (plain.array.w[0] != 0).all()


def test_traits_of_each_kind_are_the_same_with_and_without_the_others() -> None:
    shape = (2, 3, 500)
    everything = {key: value for values in ALONE.values() for key, value in values.items()}
    full = draw_traits(DeviceSpec(**GRADUAL | everything), shape, 9)
    for name, rows in (("range", slice(2, 4)), ("step", slice(0, 2))):
        alone = draw_traits(DeviceSpec(**GRADUAL | ALONE[name]), shape, 9)
        moves = (full[:, :1] > 0) | (rows.start == 2)
        np.testing.assert_array_equal((full[:, rows] * moves), alone[:, rows] * moves)
        others = [row for row in range(4) if not rows.start <= row < rows.stop]
        assert (alone[:, others] == np.array([1, 1, -1, 1], np.float32)[others][:, None, None]).all()
    stuck = draw_traits(DeviceSpec(**GRADUAL | ALONE["stuck"]), shape, 9)
    np.testing.assert_array_equal(stuck[:, 0] == 0, full[:, 0] == 0)
    a, b = (build(300, GRADUAL | values, seed=9).array.variant for values in (everything, ALONE["nonlinearity"]))
    np.testing.assert_array_equal(a, b)


def test_cells_differ_in_each_respect_apart_from_the_others() -> None:
    """No two of step down, step up, lowest, highest, curvature, drift and initial weight go together, from cell to cell."""
    values = ALONE["step"] | ALONE["range"] | ALONE["nonlinearity"] | ALONE["drift"]
    n = 20_000
    array, ageing = (machine := build(n, GRADUAL | values, seed=4)).array, machine.ageing
    assert ageing is not None
    stuck = build(n, LINEAR | ALONE["stuck"], seed=4).array.stuck_cells[0, 0]
    start = build(n, {"law": "linear", "n_levels_ltp": 500}, seed=4, stdp=StdpSpec()).array.w[0]
    respects = np.stack([*array.traits[0, :, 0], array.variant[0, 0], ageing.nu[0, 0], stuck, start])
    together = np.corrcoef(respects) - np.eye(len(respects))
    assert np.abs(together).max() < 4.5 / np.sqrt(n)


def test_each_noise_is_drawn_from_the_stream_that_bears_its_name() -> None:
    """Whether a pulse is sent (n = floor(mean + U)), whether it fails, and how far it goes: recomputed from ``rng``."""
    n, stdp = 4000, StdpSpec(a=0.15, b=0.0, c=0.02, verify=False)
    sent, failed, cycle = (
        random_u16(8 * n, seed=5, stream=stream).astype(int) for stream in (Stream.PULSE, Stream.FAILURE, Stream.CYCLE)
    )
    machine = stand(build(n, LINEAR, stdp=stdp, seed=5), 0.0)
    update(machine, np.zeros(n, np.bool_))
    np.testing.assert_array_equal(machine.array.w[0] < 0, sent[:n] >= 65_536 - round(0.2 * 65_536))
    machine = stand(build(n, LINEAR | {"p_fail": 0.25}, stdp=stdp, seed=5), 0.0)
    update(machine, np.zeros(n, np.bool_), 1)
    np.testing.assert_array_equal(machine.array.w[0] == 0, failed[::8] >= 0.75 * 65_536)  # one block of eight per cell
    machine = stand(build(n, LINEAR | {"sigma_c2c": 0.02}, stdp=stdp, seed=5), 0.0)
    update(machine, np.zeros(n, np.bool_), 1)
    z = norm.isf((32_767.5 - cycle[:n] % 32_768) / 65_536) * np.where(cycle[:n] < 32_768, 1, -1)
    np.testing.assert_allclose((machine.array.w[0] + 0.1) / 0.04, z, atol=0.01, rtol=0.05)


# Moments


def test_sixteen_bits_make_a_normal_number() -> None:
    """All 65,536 of them: symmetric, variance 1, kurtosis 3, and at most 2^-13 away from the normal distribution."""
    q, bits = normal_quantiles().astype(float), np.arange(65_536)
    i, part = (bits >> 5) & 1023, (bits & 31) / 32 + 1 / 64
    z = np.where(bits >= 32_768, -1, 1) * (q[i] + (q[i + 1] - q[i]) * part)
    np.testing.assert_array_equal(z[:32_768], -z[32_768:])
    assert z.var() == pytest.approx(1, abs=1e-5)
    assert kurtosis(z) == pytest.approx(0, abs=0.01)
    assert kstest(z, "norm").statistic < 2**-13
    assert abs((np.abs(z) > 3).mean() / (2 * norm.sf(3)) - 1) < 0.05


def test_the_spread_of_one_pulse_and_of_many() -> None:
    """sigma_c2c is a share of the range, and grows with the root of the number of pulses; KS against the normal."""
    n = 20_000
    for pulses in (1, 4):
        machine = stand(build(n, LINEAR | {"sigma_c2c": 0.03}), 0.0)
        x = update(machine, up_and_down, pulses)
        for cells, way in ((x, 0.05 * pulses), (~x, -0.05 * pulses)):
            moved = machine.array.w[0][cells].astype(float) / 2
            sigma = 0.03 * np.sqrt(pulses)
            assert abs(moved.mean() - way) < 4.5 * sigma / np.sqrt(len(moved))
            assert abs(moved.std() / sigma - 1) < 4.5 / np.sqrt(2 * len(moved))
            assert kstest(moved, norm(way, sigma).cdf).pvalue > 1e-4


def test_steps_differ_from_device_to_device_with_mean_one() -> None:
    """The logarithm of a log-normal of mean 1 and relative spread s is normal: -v / 2, v = ln(1 + s^2). LTP and LTD apart."""
    n, v = 20_000, np.log1p(0.4**2)
    machine = stand(build(n, LINEAR | {"sigma_d2d_step": 0.4}), 0.0)
    update(machine, np.ones(n, np.bool_), 1)
    raised = machine.array.w[0].astype(float)
    stand(machine, 0.0)
    update(machine, np.zeros(n, np.bool_), 1)
    lowered = -machine.array.w[0].astype(float)
    for steps in (raised[raised > 0], lowered):
        assert len(steps) > n - 5
        assert abs(steps.mean() / 0.1 - 1) < 4.5 * 0.4 / np.sqrt(n)
        log = np.log(steps / 0.1)
        assert abs(log.mean() + v / 2) < 4.5 * np.sqrt(v / n)
        assert abs(log.var() / v - 1) < 4.5 * np.sqrt(2 / n)
        assert kstest(log, norm(-v / 2, np.sqrt(v)).cdf).pvalue > 1e-4
    assert abs(np.corrcoef(raised, lowered)[0, 1]) < 4.5 / np.sqrt(n)


def test_ranges_differ_from_device_to_device_relative_to_each_end() -> None:
    n = 20_000
    device = DeviceSpec(**LINEAR, g_min=2e-6, g_max=50e-6, sigma_d2d_range=0.1)  # type: ignore[arg-type]
    machine = build(n, dict(device))
    update(machine, np.zeros(n, np.bool_), 40)
    low = machine.array.conductance().ravel()
    x = update(machine, np.ones(n, np.bool_), 40, 1)
    high = machine.array.conductance().ravel()
    for end, nominal in ((low, 2e-6), (high[x], 50e-6)):
        assert abs(end.mean() / nominal - 1) < 4.5 * 0.1 / np.sqrt(n)
        assert abs(end.std() / nominal / 0.1 - 1) < 4.5 / np.sqrt(2 * n)
        assert kstest(end / nominal, norm(1, 0.1).cdf).pvalue > 1e-4
    assert abs(np.corrcoef(low, high)[0, 1]) < 4.5 / np.sqrt(n)


def test_nonlinearities_differ_from_device_to_device() -> None:
    """First steps from the lowest state, told apart by label: as often each, centred on the nominal, spread as asked.

    Fifteen quantiles stand for the normal distribution: their standard deviation is 0.96.
    """
    n = 15_000
    machine = build(
        n, {"law": "soft-bound", "n_levels_ltp": 50, "nonlinearity_ltp": 4.0, "sigma_d2d_nonlinearity": 0.5}
    )
    update(machine, np.ones(n, np.bool_), 1)
    moved, times = np.unique(machine.array.w[0][machine.array.w[0] > -1], return_counts=True)
    nominal = build(1, {"law": "soft-bound", "n_levels_ltp": 50, "nonlinearity_ltp": 4.0})
    update(nominal, UP[:1], 1)
    assert len(moved) == 15 and moved[7] == nominal.array.w[0, 0]
    assert np.abs(times / n - 1 / 15).max() < 4.5 * np.sqrt(1 / 15 * 14 / 15 / n)
    table = np.array([[first_step(label), label] for label in np.linspace(2, 6, 81)])
    labels = np.interp(moved + 1, *table.T)
    assert np.mean(labels) == pytest.approx(4.0, abs=0.02)
    assert np.std(labels) == pytest.approx(0.5, rel=0.06)


def first_step(label: float) -> float:
    machine = build(1, {"law": "soft-bound", "n_levels_ltp": 50, "nonlinearity_ltp": label})
    update(machine, UP[:1], 1)
    return float(machine.array.w[0, 0]) + 1


@pytest.mark.parametrize("scheme", ["analog", "pair", "digital"])
def test_stuck_cells_are_as_many_as_said_and_never_move(scheme: str) -> None:
    device = {"law": "binary" if scheme == "digital" else "linear", "stuck_low": 0.06, "stuck_high": 0.03}
    machine = build(6000, device, {"scheme": scheme, "n_bits": 3})
    seen = []
    for target in (1.0, -1.0):
        machine.program(np.full((1, 6000), target, np.float32), NeuronEvent.INITIAL_PULSE)
        seen.append(machine.array.conductance()[:, 0])
    if scheme == "pair":  # its second cell goes the other way
        seen = [np.stack([seen[0][0], seen[1][1]]), np.stack([seen[1][0], seen[0][1]])]
    stuck_low, stuck_high = (np.isclose(g, end) for g, end in zip(seen, (1e-7, 5e-6), strict=True))
    assert near(stuck_low.mean(), 0.06, stuck_low.size) and near(stuck_high.mean(), 0.03, stuck_high.size)
    np.testing.assert_array_equal(machine.array.stuck_cells[:, 0], stuck_low | stuck_high)
    update(machine, np.ones(6000, np.bool_), 99)
    update(machine, np.zeros(6000, np.bool_), 50, 1)
    g = machine.array.conductance()[:, 0]
    assert np.isclose(g[stuck_low], 1e-7).all() and np.isclose(g[stuck_high], 5e-6).all()


def test_stuck_cells_of_a_compound_narrow_its_range() -> None:
    """Of 5 cells each stuck low or high with its probability: lowest and highest weight are binomial."""
    n, device = 6000, {"law": "binary", "stuck_low": 0.1, "stuck_high": 0.06}
    machine = build(n, device, {"scheme": "compound", "n_cells": 5})
    lowest = np.rint((machine.array.w[0] + 1) * 2.5).astype(int)
    for place in range(40):
        update(machine, np.ones(n, np.bool_), 2, place)
    highest = np.rint((machine.array.w[0] + 1) * 2.5).astype(int)
    for k in range(6):
        assert near((lowest == k).mean(), binom.pmf(k, 5, 0.06), n)
        assert near((5 - highest == k).mean(), binom.pmf(k, 5, 0.1), n)


def test_pulses_fail_as_often_as_said_and_are_counted() -> None:
    n = 20_000
    machine = stand(build(n, LINEAR | {"p_fail": 0.2}), 0.0)
    update(machine, up_and_down, 3)
    steps = np.abs(machine.array.w[0]) / 0.1
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-5)
    assert 3 * n - np.rint(steps).sum() == counted(machine, NeuronEvent.PULSE_FAILED)
    assert counted(machine, NeuronEvent.LTP_PULSE) + counted(machine, NeuronEvent.LTD_PULSE) == 3 * n
    for k in range(4):  # independent of each other
        assert near((np.rint(steps) == k).mean(), binom.pmf(k, 3, 0.8), n)


def test_binary_cells_switch_as_often_as_said() -> None:
    n = 20_000
    machine = build(n, BINARY | {"p_fail": 0.1}, {"scheme": "analog"})
    for pulses, chance in ((1, 0.54), (3, 1 - 0.46**3)):
        stand(machine, np.where(up_and_down, -1, 1))
        x = update(machine, up_and_down, pulses, pulses)
        assert set(np.unique(machine.array.w)) == {-1, 1}
        assert near((machine.array.w[0][x] == 1).mean(), chance, n // 2)
        p_down = 1 - (1 - 0.63) ** pulses
        assert near((machine.array.w[0][~up_and_down] == -1).mean(), p_down, n // 2)


@pytest.mark.parametrize("up", [True, False])
def test_cells_of_a_compound_switch_one_by_one(up: bool) -> None:
    """A pulse meets one of 4 cells and switches it with p: how many have switched after 5 pulses is a Markov chain."""
    n, p = 20_000, 0.7
    chain = np.zeros((5, 5))
    for switched in range(5):
        chain[switched, min(switched + 1, 4)] += p * (4 - switched) / 4
        chain[switched, switched] += 1 - p * (4 - switched) / 4
    machine = build(n, {"law": "binary", "p_switch_ltp": p, "p_switch_ltd": p}, {"scheme": "compound", "n_cells": 4})
    stand(machine, -1 if up else 1)
    x = update(machine, np.full(n, up), 5)
    switched = np.rint((1 + machine.array.w[0][x == up] * (1 if up else -1)) * 2)
    expected = np.linalg.matrix_power(chain, 5)[0]
    for k in range(5):
        error = (
            4.5 * np.sqrt(expected[k] * (1 - expected[k]) / n) + 0.003
        )  # the chance is looked up at one of 255 states
        assert abs((switched == k).mean() - expected[k]) < error


def read_spread(machine: Machine, n: int = 20_000) -> float:
    """Measure the standard deviation of two columns' difference by how often the sharpest winner-take-all errs.

    Column 1 is held back by d; the share of reads in which it wins nevertheless is the normal's, at -d / sigma.
    """
    schedule = machine.laws(1.0, learning=False)[0]._replace(winner=np.array([[1, 0]], np.uint32))
    first, second = machine.array.read(0, np.ones(len(machine.groups[0].inputs), np.bool_))
    block, places = np.ones((n, 1, len(machine.groups[0].inputs)), np.uint8), np.arange(n)
    slopes = []
    for d in (20, 60):
        machine.threshold[:] = [0, first - second - d]
        winners = np.zeros((n, 1, 1), np.int32)
        machine.respond(block, places, schedule, winners, Phase.TEST)
        slopes.append((d - 0.5) / -norm.ppf(winners.mean()))  # an equal potential goes to column 0
    assert slopes[0] == pytest.approx(slopes[1], rel=0.12)
    return slopes[1]


@pytest.mark.parametrize("scheme", ["analog", "pair", "compound"])
def test_reads_spread_as_the_conductances_do(scheme: str) -> None:
    """Each read of a cell is off by sigma_read g: a column by sqrt(sum (sigma g)^2), in read units of 1/127 weight."""
    n, device = (
        200,
        DeviceSpec(law="binary" if scheme == "compound" else "linear", g_min=4e-6, g_max=10e-6, sigma_read=0.12),
    )
    machine = build(n, dict(device), {"scheme": scheme, "n_cells": 4}, n_neurons=2)
    rng = np.random.default_rng(0)
    if scheme == "compound":
        stand(machine, rng.integers(0, 5, (2, n)) / 2 - 1)
    else:
        stand(machine, rng.uniform(-1, 1, machine.array.pair.shape if scheme == "pair" else (2, n)))
    share = {"analog": 1, "pair": 0.5, "compound": 0.25}[scheme]  # of a weight that one cell makes
    current = machine.array.conductance() * 0.12 / (device.g_range / 2) * share
    expected = 127 * np.sqrt(np.sum(current**2))
    assert read_spread(machine) == pytest.approx(expected, rel=0.05)


def test_noiseless_reads_are_all_alike() -> None:
    machine = stand(build(50, LINEAR, n_neurons=2), 0.0)
    assert machine.array.read_sigma == 0
    assert read_spread(machine, 2000) == 0


# Digital words


def levels(machine: Machine) -> npt.NDArray[np.int64]:
    return np.rint((machine.array.w[0] + 1) * ((1 << machine.spec.synapse.n_bits) - 1) / 2).astype(np.int64)


def bits(values: npt.NDArray[np.int64], n_bits: int) -> npt.NDArray[np.int64]:
    return (values >> np.arange(n_bits)[:, None]) & 1


@pytest.mark.parametrize("n_bits", [1, 2, 5, 12])
def test_only_the_bits_that_change_are_pulsed(n_bits: int) -> None:
    """As many pulses as the Hamming distance of the old word and the new one; LTP sets, LTD resets."""
    machine = build(3000, {"law": "binary"}, {"n_bits": n_bits}, stdp=StdpSpec(w_start=0, w_spread=1))
    before, written, counts = levels(machine), machine.array.writes.copy(), machine.neuron_events.copy()
    x = update(machine, np.arange(3000) % 3 > 0, 3)
    after = levels(machine)
    np.testing.assert_array_equal(after, np.clip(before + np.where(x, 3, -3), 0, (1 << n_bits) - 1))
    old, new = bits(before, n_bits), bits(after, n_bits)
    np.testing.assert_array_equal((machine.array.writes - written)[:, 0], old ^ new)
    grown = (machine.neuron_events - counts).sum(axis=0)
    assert grown[NeuronEvent.LTP_PULSE] == (new > old).sum() > 0
    assert grown[NeuronEvent.LTD_PULSE] == (new < old).sum() > 0
    assert grown[NeuronEvent.CELL_READ] == 3000 * n_bits
    assert grown[NeuronEvent.VERIFY_READ] == grown[NeuronEvent.PULSE_FAILED] == 0


def test_stuck_bits_never_change_and_the_others_do() -> None:
    device = {"law": "binary", "stuck_low": 0.05, "stuck_high": 0.05}
    machine = build(2000, device, {"n_bits": 4}, stdp=StdpSpec(w_start=0, w_spread=1))
    stuck, first = machine.array.stuck_cells[:, 0], bits(levels(machine), 4)
    ever = np.zeros_like(stuck)
    for place in range(30):
        update(machine, np.random.default_rng(place).random(2000) < 0.5, 1 + place % 5, place)
        ever |= bits(levels(machine), 4) != first
    assert not ever[stuck].any()
    assert ever[~stuck].mean() > 0.95  # some would take longer
    assert counted(machine, NeuronEvent.PULSE_FAILED) > 100


def test_bits_that_fail_are_verified_and_tried_again_until_the_attempts_are_used_up() -> None:
    n, attempts = 20_000, 3
    machine = build(n, BINARY, {"n_bits": 2, "attempts": attempts})
    stand(machine, np.where(up_and_down, -1, 1))
    start = machine.neuron_events.copy()
    update(machine, up_and_down, 1)  # 00 -> 01 sets the low bit, 11 -> 10 resets it
    tries, grown = machine.array.writes[:, 0], (machine.neuron_events - start).sum(axis=0)
    assert (tries[1] == 0).sum() >= n - 2
    assert tries[0].max() == attempts
    for cells, p in ((up_and_down, 0.6), (~up_and_down, 0.7)):
        written = np.isclose(np.abs(machine.array.w[0][cells]), 1 / 3)
        assert near(written.mean(), 1 - (1 - p) ** attempts, n // 2)
        for k in range(1, attempts):  # as many tries as it takes: geometric
            assert near((tries[0][cells] == k).mean(), p * (1 - p) ** (k - 1), n // 2)
    pulses = grown[NeuronEvent.LTP_PULSE] + grown[NeuronEvent.LTD_PULSE]
    assert pulses == tries.sum() == grown[NeuronEvent.VERIFY_READ]
    assert pulses - grown[NeuronEvent.PULSE_FAILED] == np.isclose(np.abs(machine.array.w[0]), 1 / 3).sum()


# Pairs


def test_a_refresh_keeps_the_weight_and_makes_room_in_both_cells() -> None:
    """Both cells are reset by one pulse each, and one is brought to twice the weight: steps of 0.02, half of it in weight."""
    device = LINEAR | {"n_levels_ltp": 100, "n_levels_ltd": 1}
    synapse = {"scheme": "pair", "refresh_every": 1, "refresh_at": 0.9}
    x = np.random.default_rng(1).uniform(-0.99, 1, (2, 1, 1000))
    machine = stand(build(1000, device, synapse), x)
    machine.neuron_events[:] = 0
    machine.array.writes[:] = 0
    before, pair = machine.array.w[0].copy(), machine.array.pair[:, 0].copy()
    update(machine, UP[:1000], 0)
    full = (pair.max(axis=0) >= np.float32(0.8)) & (pair.min(axis=0) > np.float32(-0.8))  # 90 % of the range, and 10 %
    moved = machine.array.w[0] - before
    after = machine.array.pair[:, 0]
    assert 50 < full.sum() < 950
    assert (moved[~full] == 0).all() and (np.abs(moved[full]) <= 0.01 + 1e-6).all()
    assert (after[:, full].min(axis=0) == -1).all()
    assert (after[:, full] <= pair[:, full] + 0.02).all() and (after[:, full].sum(0) < pair[:, full].sum(0)).all()
    np.testing.assert_array_equal(machine.array.w[0], (after[0] - after[1]) / 2)
    assert counted(machine, NeuronEvent.PAIR_REFRESH) == full.sum()
    assert counted(machine, NeuronEvent.CELL_READ) == 2 * 1000  # before the update
    raised = counted(machine, NeuronEvent.LTP_PULSE)
    assert (
        counted(machine, NeuronEvent.VERIFY_READ) == 2 * 1000 + full.sum() + raised
    )  # to look, to begin, after each pulse
    assert counted(machine, NeuronEvent.LTD_PULSE) == 2 * full.sum()
    way = 2 * np.abs(before[full]).astype(float)
    assert (
        abs(counted(machine, NeuronEvent.LTP_PULSE) - np.ceil(way / 0.02 - 1e-4).sum()) <= 2
    )  # float32 at the last step
    assert machine.array.writes.sum() == all_pulses(machine)


def test_pairs_are_looked_at_every_so_many_spikes_only() -> None:
    machine = stand(build(10, LINEAR, {"scheme": "pair", "refresh_every": 3}), 0.95)
    for place in range(7):
        refreshed = counted(machine, NeuronEvent.PAIR_REFRESH)
        update(machine, UP[:10], 0, place)
        if place in (2, 5):
            stand(machine, 0.95)
        assert counted(machine, NeuronEvent.PAIR_REFRESH) - refreshed == (10 if place in (2, 5) else 0)


def test_a_pair_without_room_stands_still_until_it_is_refreshed() -> None:
    """Both cells at their highest: LTP and LTD move nothing; after the refresh they do."""
    machine = stand(build(6, LINEAR, {"scheme": "pair", "refresh_every": 3}), 1.0)
    update(machine, UP[:6], 2)
    update(machine, ~UP[:6], 2, 1)
    assert (machine.array.w == 0).all() and counted(machine, NeuronEvent.PULSE_AT_BOUND) == 24
    update(machine, UP[:6], 0, 2)
    update(machine, UP[:6], 2, 3)
    np.testing.assert_allclose(machine.array.w, 0.1, atol=1e-6)


# Pruning in hardware terms

HALF = {"fraction": 0.5, "n_stages": 1, "end": 0.2}  # at the first output spike


@pytest.mark.parametrize("constant", [-1.0, -0.45, 0.2])
@pytest.mark.parametrize("scheme", ["analog", "pair", "digital", "compound"])
def test_soft_pruned_cells_end_within_one_step_of_the_constant(scheme: str, constant: float) -> None:
    device = LINEAR if scheme in ("analog", "pair") else {"law": "binary"}
    step = {"analog": 0.1, "pair": 0.05, "digital": 2 / 31, "compound": 2 / 20}[scheme]
    start = StdpSpec(w_start=0.0, w_spread=1.0)
    machine = build(400, device, {"scheme": scheme, "n_bits": 5, "n_cells": 20}, stdp=start,
                    pruning=PruningSpec(mode="soft", constant=constant, **HALF))  # fmt: skip
    before, verified = machine.array.w[0].copy(), counted(machine, NeuronEvent.VERIFY_READ)
    update(machine, UP[:400], 0)
    pruned = machine.array.alive[0] == 0
    assert pruned.sum() == counted(machine, NeuronEvent.CELL_PRUNED) == 200
    assert before[pruned].max() <= before[~pruned].min() + 1 / 127  # the lowest
    assert np.abs(machine.array.w[0][pruned] - constant).max() <= step + 1e-5
    assert (machine.array.w[0][~pruned] == before[~pruned]).all()
    assert machine.array.writes.sum() == all_pulses(machine)
    if scheme == "analog":
        way = np.abs(before[pruned] - np.float32(constant))
        assert abs(counted(machine, NeuronEvent.PRUNING_PULSE) - np.ceil(way / 0.1 - 1e-3).sum()) <= 2
        sent = counted(machine, NeuronEvent.PRUNING_PULSE)
        assert counted(machine, NeuronEvent.VERIFY_READ) - verified == 200 + sent
    kept = machine.array.w.copy()
    for place in range(1, 4):
        update(machine, np.arange(400) % 2 == 0, 2, place)
    np.testing.assert_array_equal(machine.array.w[0][pruned], kept[0][pruned])
    assert counted(machine, NeuronEvent.PULSE_SKIPPED) == 3 * 2 * 200


@pytest.mark.parametrize(
    ("scheme", "no_current"), [("analog", -1 - 2 * 2 / 8), ("pair", 0.0), ("digital", 0.0), ("compound", -1.5)]
)
def test_a_disconnected_cell_reads_as_no_current(scheme: str, no_current: float) -> None:
    """No conductance is g_min below g_min: w = -1 - 2 g_min / (g_max - g_min). A pair without current, and a word, are 0."""
    device = {"law": "linear" if scheme in ("analog", "pair") else "binary", "g_min": 2e-6, "g_max": 10e-6}
    machine = build(40, device, {"scheme": scheme, "n_bits": 4}, stdp=StdpSpec(w_start=0.0, w_spread=1.0),
                    pruning=PruningSpec(mode="conventional", **HALF))  # fmt: skip
    writes = machine.array.writes.copy()
    update(machine, UP[:40], 0)
    pruned = machine.array.alive[0] == 0
    assert pruned.sum() == 20
    reading = machine.array.read_copy[:40, 0] / machine.array.read_units
    np.testing.assert_allclose(reading[pruned], no_current, atol=1 / machine.array.read_units)
    np.testing.assert_allclose(reading[~pruned], machine.array.w[0][~pruned], atol=1 / machine.array.read_units)
    assert (machine.array.conductance()[:, 0, pruned] == 0).all()
    np.testing.assert_array_equal(machine.array.writes, writes)
    assert counted(machine, NeuronEvent.PRUNING_PULSE) == 0


def test_pruning_after_training_disconnects_too(bar_images: tuple) -> None:
    device = LINEAR | {"g_min": 2e-6, "g_max": 10e-6}
    result = learned(bar_images, device, pruning=PruningSpec(mode="after", fraction=0.5))
    array = result.machine.array
    dead = ((array.alive == 0) & array.exists).T
    reading = array.read_copy[:-1, :6][dead] / array.read_units
    np.testing.assert_allclose(reading, -1.5, atol=1 / array.read_units)
    assert (array.conductance()[0].T[dead] == 0).all()


# The law of learning on the device


@pytest.mark.parametrize(("device", "synapse"), [
    (LINEAR, {}),
    (LINEAR | {"p_fail": 0.3}, {}),
    (GRADUAL, {}),
    ({"law": "binary"}, {"n_bits": 4}),
    (BINARY, {"scheme": "compound", "n_cells": 10}),
], ids=["linear", "failing", "soft-bound", "words", "compound"])  # fmt: skip
def test_with_verify_the_mean_movement_is_the_laws_at_every_state(device: dict, synapse: dict) -> None:
    """Mean over 1500 cells at each state, where a step has room; the spread of a rounded number of steps bounds the error."""
    stdp = StdpSpec(a=0.15, b=1.5, c=0.03, w_start=-1.0, w_spread=0.0)
    machine = build(1, device, synapse)
    count = machine.array.scheme.n_levels(machine.spec.device)
    states = state_weights()[4::10] if count is None else np.linspace(-1, 1, count)
    n = 1500
    machine = build(n * len(states), device, synapse, stdp=stdp)
    start = np.repeat(states, n).astype(np.float32)
    asked = movement(stdp, states, 0.0)
    nominal = machine.spec.device.steps(states) if not count else np.full((2, len(states)), 2 / (count - 1))  # type: ignore[union-attr]
    for row, up in enumerate((False, True)):
        stand(machine, start)
        update(machine, np.full(len(start), up), place=row)
        moved = np.abs(machine.array.w[0] - start).astype(float).reshape(-1, n)
        step = nominal[row]
        room = (states + 1 if row == 0 else 1 - states) > 1.01 * step
        allowed = 4.5 * np.sqrt(step * np.maximum(asked[row], step / n) / n) + 0.01 * asked[row]  # of 255 states
        assert (np.abs(moved.mean(axis=1) - asked[row]) <= allowed)[room].all()
        assert room.sum() > 0.7 * len(states)


def test_state_blind_pulses_do_not_depend_on_the_state_and_nothing_is_read() -> None:
    """The number sent is the least-squares one, sum(asked step) / sum(step^2) over the states."""
    stdp = StdpSpec(a=0.15, b=1.5, c=0.03, verify=False, w_start=0.0, w_spread=1.0)
    n = 20_000
    machine = build(n, GRADUAL, stdp=stdp)
    w = state_weights()
    asked, step = movement(stdp, w, 0.0), DeviceSpec(**GRADUAL).steps(w)
    start = counted(machine, NeuronEvent.CELL_READ)
    best = (asked * step).sum(axis=1) / (step**2).sum(axis=1)
    state = machine.array.w[0].copy()
    before = machine.array.writes[0, 0].astype(int)
    update(machine, np.ones(n, np.bool_))
    sent = machine.array.writes[0, 0] - before
    part = best[1] - np.floor(best[1])
    assert abs(sent.mean() - best[1]) < 4.5 * np.sqrt(part * (1 - part) / n)
    for cells in (state < -0.5, state > 0.5):
        assert abs(sent[cells].mean() - best[1]) < 4.5 * np.sqrt(part * (1 - part) / cells.sum())
    assert counted(machine, NeuronEvent.CELL_READ) == start == 0
    assert best[0] != pytest.approx(best[1], rel=0.1)


def test_with_verify_every_cell_that_learns_is_read_before_an_update() -> None:
    for synapse, cells in (({}, 1), ({"scheme": "pair", "refresh_every": 1000}, 2)):
        machine = build(300, LINEAR, synapse)
        update(machine, UP[:300])
        assert counted(machine, NeuronEvent.CELL_READ) == 300 * cells


# Counts


@pytest.mark.parametrize("pruning", ["none", "soft", "conventional", "maturity"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_pulse_is_a_write_to_a_cell(scheme: str, pruning: str, bar_images: tuple) -> None:
    spec = {"none": PruningSpec(), "maturity": PruningSpec(mode="soft", maturity=30)}.get(pruning) or PruningSpec(
        mode=pruning, fraction=0.4, start=0.1, end=0.5
    )
    values, synapse = SCHEMES[scheme]
    machine = learned(bar_images, values | SPREADS | NOISY, synapse, pruning=spec).machine
    kinds = [NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE, NeuronEvent.PRUNING_PULSE, NeuronEvent.INITIAL_PULSE]
    np.testing.assert_array_equal(machine.neuron_events[:, kinds].sum(axis=1), machine.array.writes.sum(axis=(0, 2)))
    assert all_pulses(machine) > counted(machine, NeuronEvent.PULSE_FAILED) > 0
    lookups = 0 if pruning == "none" else machine.array.exists.sum(axis=1) @ machine.spikes
    assert counted(machine, NeuronEvent.MASK_LOOKUP) == lookups
    assert (counted(machine, NeuronEvent.CELL_PRUNED) > 0) == (pruning != "none")


@pytest.mark.parametrize("scheme", ["analog", "digital", "compound"])
def test_nothing_learned_is_nothing_pulsed(scheme: str) -> None:
    """A network just built has its initial pulses only; at the lowest conductance it has none."""
    device = LINEAR if scheme == "analog" else {"law": "binary"}
    for stdp, sent in ((StdpSpec(w_start=-1.0, w_spread=0.0), False), (StdpSpec(w_start=0.2), True)):
        machine = build(100, device, {"scheme": scheme}, stdp=stdp)
        assert (counted(machine, NeuronEvent.INITIAL_PULSE) > 0) == sent
        assert counted(machine, NeuronEvent.INITIAL_PULSE) == all_pulses(machine) == machine.array.writes.sum()


# Ageing

YOUNG = LINEAR | {"g_min": 1e-6, "g_max": 9e-6}


def aged(values: dict[str, Any], *times: float, start: float = 0.5) -> tuple[Floats, Machine]:
    """Conductances of 500 cells after so much time, in so many parts."""
    machine = stand(build(500, YOUNG | values), start)
    for seconds in times:
        machine.age(seconds)
    return machine.array.conductance()[0, 0], machine


@pytest.mark.parametrize("times", [(300.0,), (3.0,) * 100, (1.0, 99.0, 200.0)])
@pytest.mark.parametrize("law", ["drift", "retention"])
def test_conductances_fall_by_the_closed_form_in_however_many_steps(law: str, times: tuple[float, ...]) -> None:
    """By drift g (1 + t / t0)^-nu, by retention g_min + (g - g_min) exp(-t / tau); float32 adds up over 100 steps."""
    values = {"drift": {"drift_nu": 0.08, "drift_t0": 20.0}, "retention": {"retention": 500.0}}[law]
    g, machine = aged(values, *times)
    expected = {"drift": 7e-6 * 16**-0.08, "retention": 1e-6 + 6e-6 * np.exp(-0.6)}[law]
    np.testing.assert_allclose(g, expected, rtol=1e-5)
    code = np.rint(machine.array.read_units * (2 * (g[0] - 1e-6) / 8e-6 - 1))
    assert (machine.array.read_copy[:500, 0] == code).all()  # and reads see it


def test_a_pair_ages_cell_by_cell() -> None:
    machine = build(10, YOUNG | {"drift_nu": 0.1, "drift_t0": 1.0}, {"scheme": "pair"})
    x = np.stack([np.linspace(-1, 1, 10), np.linspace(0.7, -0.2, 10)])[:, None]
    machine = stand(machine, x)
    machine.age(9.0)
    g = (5 + 4 * x) * 1e-6 * 10**-0.1
    np.testing.assert_allclose(machine.array.conductance(), g, rtol=1e-5)
    np.testing.assert_allclose(machine.array.w, (g[0] - g[1]) / 8e-6, atol=1e-5)


def test_drift_differs_from_device_to_device() -> None:
    g, _ = aged({"drift_nu": 0.5, "sigma_drift_nu": 0.1, "drift_t0": 1.0}, np.e**2 - 1)
    nu = -np.log(g / 7e-6) / 2
    assert abs(nu.mean() - 0.5) < 4.5 * 0.1 / np.sqrt(500)
    assert abs(nu.std() / 0.1 - 1) < 4.5 / np.sqrt(1000)


@pytest.mark.parametrize("verify", [True, False])
def test_pulses_move_a_drifted_cell_by_their_step_and_no_further(verify: bool) -> None:
    """Drift leaves cells below g_min. LTD does not bring them back up, nor LTP by more than its step."""
    stdp = StdpSpec(verify=verify, w_start=-1.0, w_spread=0.0)
    machine = stand(build(500, YOUNG | {"drift_nu": 0.3, "drift_t0": 1.0}, stdp=stdp), -0.9)
    machine.age(1e4)
    drifted = machine.array.w[0].copy()
    assert (drifted < -1.1).all()
    up = np.arange(500) % 2 == 0
    update(machine, up, 1)
    np.testing.assert_allclose(machine.array.w[0] - drifted, np.where(up, 0.1, 0.0), atol=1e-6)
    machine.program(np.full((1, 500), -1.0, np.float32), NeuronEvent.INITIAL_PULSE)
    assert (machine.array.w >= -1).all() and (machine.array.w < -0.9).all()


def test_a_pulse_starts_the_drift_of_its_cell_anew() -> None:
    """Cells pulsed after 80 s have aged for 20 s when the others have for 100 s."""
    _, machine = aged({"drift_nu": 0.1, "drift_t0": 20.0}, 80.0)
    some = np.arange(500) < 250
    machine.array.alive[0, ~some] = 0  # these get no pulse
    update(machine, UP[:500], 1)
    g = machine.array.conductance()[0, 0]
    machine.age(20.0)
    left = machine.array.conductance()[0, 0] / g
    np.testing.assert_array_equal(machine.array.writes[0, 0], some)
    np.testing.assert_allclose(left[some], 2**-0.1, rtol=1e-5)
    np.testing.assert_allclose(left[~some], (6 / 5) ** -0.1, rtol=1e-5)


def test_stuck_cells_and_bits_do_not_age() -> None:
    machine = build(2000, YOUNG | {"drift_nu": 0.2, "stuck_low": 0.1, "stuck_high": 0.1})
    before = machine.array.w.copy()
    machine.age(1e4)
    np.testing.assert_array_equal(machine.array.w == before, machine.array.stuck_cells[0])
    for synapse in ({"scheme": "digital"}, {"scheme": "compound"}):
        machine = build(50, {"law": "binary", "drift_nu": 0.2, "retention": 1.0}, synapse, stdp=StdpSpec())
        before = machine.array.w.copy()
        machine.age(1e4)
        np.testing.assert_array_equal(machine.array.w, before)


def test_the_clock_runs_with_the_images_and_waits_before_the_test(bar_images: tuple) -> None:
    x, y = bar_images
    device = DeviceSpec(**LINEAR, drift_nu=0.1, drift_t0=1.0)  # type: ignore[arg-type]
    now, late = (
        train(
            LearningSpec(n_neurons=8, epochs=1, device=device, readout=ReadoutSpec(wait=wait)), x, y, x[:100], y[:100]
        )
        for wait in (0.0, 1e5)
    )
    clocks = [result.machine.ageing.now for result in (now, late)]  # type: ignore[union-attr]
    assert clocks == pytest.approx([600 * 0.04, 600 * 0.04 + 1e5])
    np.testing.assert_array_equal(now.label_counts, late.label_counts)  # labelled before the wait
    assert late.machine.array.conductance().max() < 0.5 * now.machine.array.conductance().max()
    assert now.evaluation is not None and late.evaluation is not None
    assert (now.evaluation.confusion != late.evaluation.confusion).any()


def test_without_drift_and_retention_there_is_no_clock(bar_images: tuple) -> None:
    """And a device whose drift is 0 at retention beyond any time learns the same bits."""
    plain = learned(bar_images, GRADUAL, readout=ReadoutSpec(wait=1e9))
    never = learned(bar_images, GRADUAL | {"retention": 1e30})
    assert plain.machine.ageing is None
    assert never.machine.ageing is not None
    assert plain.state_sha256 == never.state_sha256 == learned(bar_images, GRADUAL).state_sha256


# Wires inside learning

WIRES = {"r_row": 15.0, "r_column": 25.0, "r_driver": 100.0, "r_sense": 50.0, "r_access": 2000.0}
WIRED = {
    "analog": (LINEAR, {}), "pair": (LINEAR, {"scheme": "pair"}),
    "compound": ({"law": "binary"}, {"scheme": "compound", "n_cells": 4}),
}  # fmt: skip


def wired(scheme: str, **changes: Any) -> Machine:
    """30 inputs on 12 neurons in an array of 48 x 48, cells up to 60 uS, weights anywhere."""
    device, synapse = WIRED[scheme]
    array = ArraySpec(rows=48, columns=48, wires=WireSpec(**WIRES))
    device = device | {"g_min": 5e-6, "g_max": 60e-6} | changes
    return build(30, device, synapse, 12, array=array, stdp=StdpSpec(w_start=0, w_spread=1))


def exact_currents(machine: Machine, patterns: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Column currents of every cell's slice at 1 V on the active rows, [pattern, slice, neuron], by the exact solver."""
    placement, g = machine.placement, machine.array.conductance()
    assert placement is not None and placement.n_arrays == 1
    cells = np.nan_to_num(placement.lay([g.transpose(0, 2, 1)])[0])
    found = np.zeros((len(patterns), len(g), g.shape[1]))
    for p, x in enumerate(patterns):
        for block in placement.blocks:
            v = np.zeros(len(cells))
            v[block.place[1]] = x[block.rows]
            currents = solve_read(cells, v, placement.spec.wires).currents
            found[p, block.cell, block.columns] += currents[block.place[2]]
    return found


def in_weights(machine: Machine, currents: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Currents as sums of weights: over half the range of one cell, of a pair their half difference."""
    half = machine.spec.device.g_range / 2  # type: ignore[union-attr]
    if machine.array.scheme.name == "pair":
        return (currents[:, 0] - currents[:, 1]) / (2 * half)
    return currents.sum(axis=1) / (len(currents[0]) * half)


@pytest.mark.parametrize("scheme", WIRED)
def test_potentials_differ_as_the_exact_column_currents_do(scheme: str) -> None:
    """Between columns, whatever common gain the sense circuit has: the mean share of a cell's conductance that is left."""
    machine = wired(scheme)
    array, g = machine.array, machine.array.conductance()
    one_by_one = exact_currents(machine, np.eye(30, dtype=np.bool_)).transpose(1, 2, 0)  # what is left of every cell
    share = (one_by_one / g).mean() if scheme != "compound" else (one_by_one.sum(0) / g.sum(0)).mean()
    assert 0.2 < share < 0.85
    assert (one_by_one / g).std() > 0.04  # wires matter
    patterns = np.random.default_rng(2).random((25, 30)) < 0.3
    exact = in_weights(machine, exact_currents(machine, patterns)) / share
    reading = array.scale[:, :, 0] * array.w + array.scale[:, :, 1] - np.float32(127.5)
    potential = patterns @ reading.T
    for values in (exact, potential):
        values -= values.mean(axis=1, keepdims=True).astype(values.dtype)
    ideal = patterns @ array.w.T
    ideal -= ideal.mean(axis=1, keepdims=True)
    error = np.abs(potential / array.read_units - exact).max()
    assert error < 0.05 * np.abs(exact - ideal).max()
    np.testing.assert_allclose(
        array.read_copy[:30, :12], np.clip(reading, -127, 127).T, atol=0.501
    )  # a read has 8 bits


def test_wires_of_no_resistance_change_nothing(bar_images: tuple) -> None:
    none, zero, tiny = (
        learned(bar_images, GRADUAL | {"sigma_d2d_step": 0.1}, array=ArraySpec(wires=WireSpec(**wires)))
        for wires in ({}, {"r_wire": 0.0, "r_row": 0.0, "r_sense": 0.0}, {"r_wire": 1e-9, "r_access": 1e-9})
    )
    assert none.state_sha256 == zero.state_sha256
    np.testing.assert_allclose(
        tiny.machine.array.scale, np.broadcast_to([127, 127.5], (6, *tiny.machine.array.scale.shape[1:])), rtol=1e-5
    )
    assert (tiny.machine.array.w == none.machine.array.w).mean() > 0.99


def test_words_feel_no_wires(bar_images: tuple) -> None:
    without, with_wires = (
        learned(bar_images, {"law": "binary"}, array=ArraySpec(wires=WireSpec(r_wire=r))) for r in (0.0, 100.0)
    )
    assert without.state_sha256 == with_wires.state_sha256
    assert any("Wires do not act" in note for note in with_wires.notes)


def test_wires_are_worked_out_anew_as_often_as_asked(bar_images: tuple) -> None:
    array = {"rows": 256, "columns": 64, "wires": WireSpec(r_wire=20.0)}
    once, often = (learned(bar_images, GRADUAL, array=ArraySpec(wires_every=n, **array)) for n in (10**6, 100))
    fresh = often.machine.array.scale.copy()
    assert (once.machine.array.scale != fresh).any()
    for result, current in ((often, True), (once, False)):
        machine, scale = result.machine, result.machine.array.scale.copy()
        assert machine.nominal_steps is not None and machine.placement is not None
        apply_wires(machine.array, machine.placement, machine.nominal_steps)
        assert (np.abs(machine.array.scale / scale - 1).max() < 1e-6) == current


@pytest.mark.parametrize("scheme", ["analog", "pair"])
def test_far_cells_move_by_less(scheme: str) -> None:
    """A pulse of V over cell, transistor and lines in series leaves V / (1 + g R): steps shrink by exp(-loss / v_fold)."""
    machine = wired(scheme, v_fold=0.2, v_ltp=1.2, v_ltd=-0.9, sigma_d2d_step=0.1)
    g = machine.array.conductance()
    r = np.zeros(g.shape)
    for block in machine.placement.blocks:  # type: ignore[union-attr]
        rows, columns = np.arange(48)[block.place[1]], np.arange(48)[block.place[2]]
        series = 100 + 15 * (columns[:, None] + 1) + 2000 + 25 * (48 - rows) + 100
        r[block.cell, block.columns, block.rows] = series
    traits = draw_traits(machine.spec.device, g.shape, 0)  # type: ignore[arg-type]
    for polarity, volts in enumerate((0.9, 1.2)):
        loss = volts * (1 - 1 / (1 + g * r))
        np.testing.assert_allclose(
            machine.array.traits[:, polarity], traits[:, polarity] * np.exp(-loss / 0.2), rtol=1e-4
        )
    assert np.exp(-0.9 * (1 - 1 / (1 + g * r)) / 0.2).min() < 0.8


def test_without_v_fold_wires_leave_steps_alone() -> None:
    machine = wired("analog", sigma_d2d_step=0.1)
    traits = draw_traits(machine.spec.device, machine.array.conductance().shape, 0)  # type: ignore[arg-type]
    np.testing.assert_array_equal(machine.array.traits, traits)
