"""Pulse-response laws: what any number of pulses does must be what the published closed forms say.

The closed forms below are written anew from Chen, Peng, Yu, IEEE TCAD 37(12), 2018, eqs. 1-3, with their own curvature
(``a``, in pulses), so that nothing is compared with itself.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from synarray.array.schemes import PulseLaw
from synarray.array.synapse import SynapseSpec, device_law
from synarray.device.curves import ResponseTable, curvature, soft_bound_steps
from synarray.device.library import device_names, load_device
from synarray.device.response import measure, pulse_response, there_and_back
from synarray.device.spec import DeviceSpec
from synarray.network.stdp import StdpSpec, following, pulse_tables

G_MIN, G_MAX = 3e-9, 40e-9
LTP_LABELS = [0.04, 0.5, 1.75, 2.4, 4.88, 8.0]
GRADUAL = [name for name in device_names() if load_device(name).law in ("linear", "soft-bound")]


def cell(**changes: object) -> DeviceSpec:
    return DeviceSpec(**{"g_min": G_MIN, "g_max": G_MAX, "law": "soft-bound"} | changes)


def closed_form(n: int, label: float, ltp: bool) -> npt.NDArray[np.float64]:
    """G(P) for P = 0..n: LTP from g_min; LTD read from P = n (g_max) down to P = 0, A positive for a negative label."""
    p = np.arange(n + 1.0)
    a = curvature(abs(label)) * n * (np.sign(label) if ltp else -np.sign(label))
    b = (G_MAX - G_MIN) / (1.0 - np.exp(-n / a))
    if ltp:
        return G_MIN + b * (1.0 - np.exp(-p / a))
    return (G_MAX - b * (1.0 - np.exp((p - n) / a)))[::-1]


def rounding(label: float) -> float:
    """Relative error allowed: 1e-12, grown as errors at the flat end of the curve grow on the way to its steep end."""
    return 1e-12 + 1e-15 * float(np.exp(1.0 / curvature(abs(label))))


def full_train(device: DeviceSpec, n_ltp: int, n_ltd: int) -> npt.NDArray[np.float64]:
    return pulse_response(device, [True] * n_ltp + [False] * n_ltd)[:, 0]


# The exponential law


@pytest.mark.parametrize("label", [*LTP_LABELS, *(-label for label in LTP_LABELS)])
@pytest.mark.parametrize("n", [2, 40, 97])
def test_any_number_of_ltp_pulses_follows_the_closed_form(label: float, n: int) -> None:
    g = full_train(cell(nonlinearity_ltp=label, n_levels_ltp=n), n, 0)
    np.testing.assert_allclose(g, closed_form(n, label, ltp=True), rtol=rounding(label))


@pytest.mark.parametrize("label", [*LTP_LABELS, *(-label for label in LTP_LABELS)])
@pytest.mark.parametrize("n", [2, 40, 100])
def test_any_number_of_ltd_pulses_follows_the_closed_form(label: float, n: int) -> None:
    g = full_train(cell(nonlinearity_ltd=label, n_levels_ltd=n, n_levels_ltp=1), 1, n)
    np.testing.assert_allclose(g[1:], closed_form(n, label, ltp=False), rtol=rounding(label))


@pytest.mark.parametrize("name", GRADUAL)
def test_the_whole_train_of_a_device_spans_its_range_and_no_shorter_one_does(name: str) -> None:
    device, train = load_device(name), measure(load_device(name))
    n_ltp, n_ltd = np.count_nonzero(train.up), np.count_nonzero(~train.up)
    assert (n_ltp, n_ltd) == (device.n_levels_ltp, device.n_levels_ltd)
    ends = [device.g_min, device.g_max, device.g_min]
    np.testing.assert_allclose(train.nominal[[0, n_ltp, -1]], ends, rtol=1e-9)
    assert train.nominal[n_ltp - 1] < device.g_max
    assert train.nominal[-2] > device.g_min


@pytest.mark.parametrize("name", GRADUAL)
def test_ltp_only_rises_and_ltd_only_falls(name: str) -> None:
    train = measure(load_device(name))
    assert (np.diff(train.nominal) > 0).tolist() == train.up.tolist()


def test_steps_shrink_along_the_way_for_the_usual_labels_and_grow_for_the_others() -> None:
    w = np.linspace(-1, 1, 9)
    usual = cell(nonlinearity_ltp=2.0, nonlinearity_ltd=-2.0).steps(w)
    other = cell(nonlinearity_ltp=-2.0, nonlinearity_ltd=2.0).steps(w)
    assert (np.diff(usual[1]) < 0).all() and (np.diff(usual[0]) > 0).all()
    assert (np.diff(other[1]) > 0).all() and (np.diff(other[0]) < 0).all()


def test_a_positive_ltd_label_retraces_ltp() -> None:
    """MLP NeuroSim V3.0, Cell.cpp: one curve serves LTP and LTD, with A of the label's sign."""
    g = full_train(cell(nonlinearity_ltp=1.7, nonlinearity_ltd=1.7, n_levels_ltp=32, n_levels_ltd=32), 32, 32)
    np.testing.assert_allclose(g[32:], g[32::-1], rtol=1e-9)


@pytest.mark.parametrize("label", LTP_LABELS)
def test_ltd_with_the_negative_label_is_ltp_upside_down(label: float) -> None:
    w = np.linspace(-1, 1, 101)
    ltd, ltp = cell(nonlinearity_ltp=label, nonlinearity_ltd=-label, n_levels_ltp=50, n_levels_ltd=50).steps(w)
    np.testing.assert_allclose(ltd, ltp[::-1], rtol=1e-12)


def test_the_law_becomes_linear_as_the_label_goes_to_zero() -> None:
    """The curve departs from the straight line by at most 0.07 sqrt(2) = 0.09899 label of the range."""
    p = np.arange(51) / 50
    for label in (1.0, 0.1, 0.01):
        x = (full_train(cell(nonlinearity_ltp=label, n_levels_ltp=50), 50, 0) - G_MIN) / (G_MAX - G_MIN)
        assert 0.0989 * label < np.max(x - p) <= 0.099 * label
    straight = full_train(cell(nonlinearity_ltp=0.0, n_levels_ltp=50), 50, 0)
    np.testing.assert_allclose(straight, G_MIN + p * (G_MAX - G_MIN), rtol=1e-12)
    np.testing.assert_array_equal(soft_bound_steps(p, 50, 0.0), cell(law="linear", n_levels_ltp=50).steps(p)[1] / 2)


@pytest.mark.parametrize("label", [1.0, 6.0, 9.0])
def test_a_curve_that_speeds_up_still_starts_and_one_that_slows_down_never_stops(label: float) -> None:
    """The smallest step is exp(-1 / A) times the largest: also where that is 1e-19."""
    slow, fast = (soft_bound_steps(np.array([0.0, 1.0]), 50, label, slowing=slowing) for slowing in (True, False))
    ratio = np.exp(-1.0 / curvature(label))
    assert slow[1] / slow[0] == pytest.approx(ratio, rel=1e-9)
    assert fast[0] / fast[1] == pytest.approx(ratio, rel=1e-9)


def test_the_curvature_falls_with_the_label() -> None:
    a = [curvature(label) for label in np.linspace(0.01, 9, 300)]
    assert all(before > after > 0 for before, after in itertools.pairwise(a))


# The other laws


def test_the_linear_law_moves_by_the_same_step_everywhere() -> None:
    g = full_train(cell(law="linear", n_levels_ltp=10, n_levels_ltd=5), 10, 5)
    np.testing.assert_allclose(np.diff(g), [(G_MAX - G_MIN) / 10] * 10 + [-(G_MAX - G_MIN) / 5] * 5, rtol=1e-9)


def test_a_table_passes_through_its_points_and_runs_straight_between_them() -> None:
    table = ResponseTable(x=(0.0, 0.25, 1.0), ltp=(0.3, 0.1, 0.0), ltd=(0.0, 0.2, 0.4))
    ltd, ltp = cell(law="table", response=table).steps(np.array([-1.0, -0.5, 1.0, -0.75, 0.25])) / 2
    np.testing.assert_allclose(ltp, [0.3, 0.1, 0.0, 0.2, 0.05], rtol=1e-12)
    np.testing.assert_allclose(ltd, [0.0, 0.2, 0.4, 0.1, 0.3], rtol=1e-12)


def test_a_table_of_the_exponential_gives_its_pulses() -> None:
    """The exponential's step is a straight line over the state: three points say it all."""
    a, n = 0.5, 20
    b = 1.0 / (1.0 - np.exp(-1.0 / a))
    x = (0.0, 0.3, 1.0)
    steps = tuple(float((b - at) * (1.0 - np.exp(-1.0 / (a * n)))) for at in x)
    g = full_train(cell(law="table", response=ResponseTable(x=x, ltp=steps, ltd=steps)), n, 0)
    p = np.arange(n + 1) / n
    np.testing.assert_allclose(g, G_MIN + (G_MAX - G_MIN) * b * (1.0 - np.exp(-p / a)), rtol=1e-9)


def test_a_binary_cell_jumps_from_end_to_end() -> None:
    np.testing.assert_allclose(full_train(cell(law="binary"), 2, 2), [G_MIN, G_MAX, G_MAX, G_MIN, G_MIN], rtol=1e-9)


def test_a_binary_cell_switches_as_often_as_it_should() -> None:
    """The share of 10,000 cells that are still low after n pulses is (1 - p)^n; five standard errors are 0.025."""
    g = pulse_response(cell(law="binary", p_switch_ltp=0.3, p_fail=0.1), [True] * 6, 10_000)
    np.testing.assert_allclose((g == G_MIN).mean(axis=1), (1 - 0.27) ** np.arange(7), atol=0.025)


def test_the_exact_law_has_no_step_of_its_own() -> None:
    with pytest.raises(ValueError, match="no step"):
        cell(law="exact").steps(np.zeros(1))


# Spreads


def test_cycle_to_cycle_spread_grows_with_the_root_of_the_number_of_pulses() -> None:
    """NeuroSim: sigma_c2c is a share of the range, times the root of the number of pulses; 4,000 cells, five errors."""
    g = pulse_response(cell(law="linear", n_levels_ltp=100, n_levels_ltd=100, sigma_c2c=0.01), [True] * 40, 4000)
    for n in (25, 40):
        assert np.std(g[n]) / (G_MAX - G_MIN) == pytest.approx(0.01 * np.sqrt(n), rel=5 / np.sqrt(8000))
        assert np.mean(g[n] - G_MIN) / (G_MAX - G_MIN) == pytest.approx(n / 100, abs=0.01)


def test_cells_of_an_array_differ_in_range_and_step_as_much_as_the_device_says() -> None:
    """Ends of the range: normal, relative to each; step: log-normal, mean 1, LTP and LTD apart. 4,000 cells, five errors."""
    device = cell(law="linear", n_levels_ltp=50, n_levels_ltd=50, sigma_d2d_range=0.05)
    g = pulse_response(device, [True] * 70, 4000)
    for end, nominal in ((g[0], G_MIN), (g[-1], G_MAX)):
        assert np.std(end) / nominal == pytest.approx(0.05, rel=5 / np.sqrt(8000))
        assert np.mean(end) / nominal == pytest.approx(1, abs=5 * 0.05 / np.sqrt(4000))
    device = cell(law="linear", n_levels_ltp=50, n_levels_ltd=100, sigma_d2d_step=0.2)
    up, down = np.diff(pulse_response(device, [True] * 10 + [False], 4000)[-3:], axis=0) / (G_MAX - G_MIN)
    for steps, nominal in ((up, 0.02), (-down, 0.01)):
        assert np.mean(steps) / nominal == pytest.approx(1, abs=5 * 0.2 / np.sqrt(4000))
        assert np.std(steps) / nominal == pytest.approx(0.2, rel=0.1)
    assert abs(np.corrcoef(up, down)[0, 1]) < 5 / np.sqrt(4000)


def test_a_device_without_spread_is_the_same_for_every_cell_and_seed() -> None:
    device = cell(nonlinearity_ltp=2.0)
    cells = np.hstack([pulse_response(device, [True, False, True], 3, seed) for seed in (0, 1)])
    assert (cells == cells[:, :1]).all()


@pytest.mark.parametrize("name", device_names())
def test_no_cell_of_an_array_leaves_its_range(name: str) -> None:
    """Ranges spread by 10 % at most in the library: 40 cells stay within six standard deviations."""
    device = load_device(name)
    g = pulse_response(device, there_and_back(device), 40)
    assert g.min() >= device.g_min * (1 - 6 * device.sigma_d2d_range) - 1e-15
    assert g.max() <= device.g_max * (1 + 6 * device.sigma_d2d_range) + 1e-15


# Conductance and weight


@pytest.mark.parametrize("name", device_names())
def test_conductance_and_weight_are_each_others_inverse(name: str) -> None:
    device = load_device(name)
    assert device.conductance([-1, 0, 1]) == pytest.approx(
        [device.g_min, (device.g_min + device.g_max) / 2, device.g_max]
    )
    w = np.linspace(-1, 1, 33)
    np.testing.assert_allclose(device.weight(device.conductance(w)), w, atol=1e-12)
    assert device.conductance(device.w_zero) == pytest.approx(0, abs=1e-12 * device.g_max)


# The law of learning, compiled onto the device


@pytest.mark.parametrize("name", GRADUAL)
def test_with_verify_the_mean_movement_is_what_the_law_asks(name: str) -> None:
    """The tables that the kernel looks up hold the same product: pulses x chance x step; 16 fractional bits."""
    device, synapse, stdp = load_device(name), SynapseSpec(scheme="analog"), StdpSpec()
    if name == "pcm":
        device = device.model_copy(update={"n_levels_ltd": 120.0})
    law = device_law(synapse, device)
    told, tables = following(stdp, law), pulse_tables(stdp, law, 0.0)
    room = np.stack([told.w + 1, 1 - told.w])
    asked = np.minimum(np.stack([np.full(255, stdp.c), stdp.a * np.exp(-stdp.b * (told.w + 1))]), room)
    np.testing.assert_allclose(told.asked, asked, rtol=1e-12)
    np.testing.assert_allclose(told.delivered, asked, rtol=1e-9)
    looked_up = tables.pulses / 65536 * (tables.chance / 65536) * np.abs(tables.step[0])
    np.testing.assert_allclose(
        looked_up.reshape(2, 256)[:, :255], asked, rtol=1e-3, atol=np.abs(tables.step).max() / 65536
    )
    assert told.error.max() < 1e-9


def test_state_blind_pulses_come_as_close_to_the_law_as_one_number_can() -> None:
    """Any other number of pulses, larger or smaller, misses the law by more."""
    told = following(StdpSpec(verify=False), device_law(SynapseSpec(), load_device("ag-a-si")))
    for row in range(2):
        assert np.ptp(told.pulses[row]) == 0

        def missed(factor: float, row: int = row) -> float:
            return float(np.sum((factor * told.delivered[row] - told.asked[row]) ** 2))

        assert missed(1.0) < min(missed(0.99), missed(1.01))
        relative = np.sqrt(missed(1.0) / np.sum(told.asked[row] ** 2))
        assert told.error[row] == pytest.approx(relative, rel=1e-12)


def test_a_pair_just_refreshed_moves_by_half_of_what_the_pulsed_cell_moves() -> None:
    """LTP pulses the cell that holds a positive weight, or the empty one; LTD the other way round."""
    device = DeviceSpec(
        law="table", response=ResponseTable(x=(0.0, 1.0), ltp=(0.1, 0.0), ltd=(1.0, 1.0)), sigma_c2c=0.02
    )
    told = following(StdpSpec(), device_law(SynapseSpec(scheme="pair"), device))
    x_up, x_down = np.maximum(told.w, 0), np.maximum(-told.w, 0)
    np.testing.assert_allclose(told.single[1], 0.1 * (1 - x_up), atol=1e-12)
    np.testing.assert_allclose(told.single[0], 0.1 * (1 - x_down), atol=1e-12)
    root_mean_square = 0.1 * np.sqrt(np.mean(((1 - told.w) / 2) ** 2))
    np.testing.assert_allclose(told.spread, 0.02 / root_mean_square, rtol=1e-9)


def test_the_exact_law_is_followed_exactly() -> None:
    told = following(StdpSpec(verify=False), PulseLaw(None, np.zeros((1, 2, 255)), np.ones((2, 255))))
    assert told.error.tolist() == [0, 0]
