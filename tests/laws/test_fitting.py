"""What a fit must find: the numbers that synthetic measurements were made with, and no more than they can tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from synarray.device.curves import curvature, soft_bound_steps
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.lab.fitting import fit, usable_levels
from synarray.lab.fitting.grid import expected, hidden
from synarray.lab.fitting.likelihood import Cells, censored, nearly_expected, nearly_hidden
from synarray.lab.fitting.model import bend_of, label_of, soft_nodes
from synarray.lab.fitting.start import noise_of
from synarray.lab.fitting.trains import Pulses, Trains, arrange
from synarray.lab.rows.measured import COLUMNS
from synarray.lab.synthetic import measure_devices

SOFT = DeviceSpec(
    law="soft-bound", g_min=1e-6, g_max=9e-6, n_levels_ltp=40, n_levels_ltd=30, nonlinearity_ltp=1.5, nonlinearity_ltd=-2.5,
    sigma_c2c=0.01,
)  # fmt: skip


@pytest.mark.parametrize("label", [0.05, 0.5, 2.4, 4.88, 8.9])
def test_labels_and_bends_are_each_others_inverse(label: float) -> None:
    assert float(label_of(1.0 / curvature(label))) == pytest.approx(label, rel=1e-9)
    assert float(label_of(bend_of(-label))) == pytest.approx(-label, rel=1e-4)


@pytest.mark.parametrize("slowing", [True, False])
def test_steps_are_those_of_the_law(slowing: bool) -> None:
    t = np.array([0.0, 1.0])
    bend = (1 if slowing else -1) / curvature(2.0)
    np.testing.assert_allclose(soft_nodes(np.log(50.0), bend), soft_bound_steps(t, 50, 2.0, slowing=slowing), rtol=1e-9)


def one_cell(sigma: float, read: float) -> Cells:
    nodes = np.array([[[0.1, 0.1], [0.1, 0.1]]])
    return Cells(nodes, np.ones((1, 2)), np.zeros(1), np.ones(1), sigma, read)


def test_the_likelihood_of_a_pulse_is_a_probability() -> None:
    """Density inside and mass at the end sum to 1."""
    x = np.linspace(0.0005, 0.9995, 1000)
    after = np.append(x, [0.0, 1.0])
    n = len(after)
    pulses = Pulses(np.full(n, 0.85), after, np.ones(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64))
    p = np.exp(censored(pulses, one_cell(0.08, 0.0)))
    assert p[:-2].sum() * 1e-3 + p[-2:].sum() == pytest.approx(1.0, abs=1e-5)  # of the sum for the integral


def trains_of(reads: list[float], signs: list[int], origin: float = 0.2) -> Trains:
    y, sign = np.array(reads)[:, None], np.array(signs, np.int8)[:, None]
    return Trains(y, sign, np.zeros(1, np.int64), 1, origin, 1.0)


def test_both_filters_are_exact_where_nothing_is_clipped() -> None:
    """Far from the ends, reads of one size: the likelihood given the first read is that of a multivariate normal number."""
    y, c, r = np.array([0.30, 0.42, 0.49, 0.61]), 0.01, 1e-5
    trains = trains_of(y.tolist(), [0, 1, 1, 1], origin=1000.0)  # reads spread by 0.01 wherever the cell stands
    shared = np.arange(1, 4)[:, None] - np.arange(1, 4)
    pulses = c * c * (np.arange(1, 4)[:, None] - np.maximum(shared, 0))
    covariance = pulses + 0.01**2 * (np.eye(3) + 1.0)  # each read's own error, and that of the first in all
    away = y[1:] - y[0] - 0.1 * np.arange(1, 4)
    expected_log = -0.5 * (
        away @ np.linalg.solve(covariance, away) + np.linalg.slogdet(covariance)[1] + 3 * np.log(2 * np.pi)
    )
    for filtered, bound in ((nearly_hidden, 1e-3), (hidden, 1e-2)):  # the grid's read spreads by 0.05 of a pulse's more
        assert float(filtered(trains, one_cell(c, r)).sum()) == pytest.approx(expected_log, abs=bound)


def forward_pass(trains: Trains, cells: Cells, pieces: int = 3000) -> tuple[float, np.ndarray]:
    """Log-likelihood and expected states by a plain sum over midpoints between the ends, and the ends themselves."""
    low, high = float(cells.low[0]), float(cells.high[0])
    h = (high - low) / pieces
    x = np.concatenate([[low], low + h * (np.arange(pieces) + 0.5), [high]])
    p, log, means = np.concatenate([[0.25], np.full(pieces, 0.5 / pieces), [0.25]]), 0.0, []
    for k, (y, sign) in enumerate(zip(trains.x[:, 0], trains.sign[:, 0], strict=True)):
        if sign:
            on, f = int(sign > 0), float(cells.factor[0, int(sign > 0)])
            mean = x + sign * f * np.interp(x, np.linspace(0, 1, cells.nodes.shape[2]), cells.nodes[0, on])
            past = ndtr((x[None, 1:-1] + h / 2 - mean[:, None]) / (f * cells.sigma))
            first = ndtr((low - mean) / (f * cells.sigma))[:, None]
            p = p @ np.hstack([first, np.diff(np.hstack([first, past]), axis=1), 1.0 - past[:, -1:]])
        spread = np.hypot(cells.read * (trains.origin + x), 0.05 * cells.factor.min() * cells.sigma)
        p = p * np.exp(-0.5 * ((y - x) / spread) ** 2) / spread / np.sqrt(2 * np.pi)
        log += float(np.log(p.sum())) if k else 0.0
        p /= p.sum()
        means.append(float(p @ x))
    return log, np.array(means)


@pytest.mark.parametrize(
    ("reads", "signs"),
    [
        ([0.90, 1.02, 0.97, 1.04], [0, 1, 1, 1]),  # into the upper end
        ([0.10, 0.02, -0.01, 0.13], [0, -1, -1, 1]),  # into the lower end, and away from it
        ([0.45, 0.60, 0.58, 0.70], [0, 1, 0, 1]),  # inside, with a read without a pulse
    ],
)
@pytest.mark.parametrize(("sigma", "read"), [(0.015, 0.04), (0.05, 0.01), (0.01, 0.1)])
def test_the_grid_follows_hidden_states_to_and_from_the_ends(
    reads: list[float], signs: list[int], sigma: float, read: float
) -> None:
    """As a plain sum over 3000 states does it; the moments of a clipped normal number are off there."""
    nodes = np.array([[[0.03, 0.15], [0.15, 0.03]]])
    cells = Cells(nodes, np.array([[0.9, 1.1]]), np.array([0.01]), np.array([0.98]), sigma, read)
    trains = trains_of(reads, signs)
    log, means = forward_pass(trains, cells)
    assert float(hidden(trains, cells).sum()) == pytest.approx(log, abs=1e-3)
    np.testing.assert_allclose(expected(trains, cells)[:, 0], means, atol=1e-5)
    assert np.abs(nearly_expected(trains, cells)[:, 0] - means).max() < 0.05


def test_the_grid_is_smooth_in_the_numbers_of_the_model() -> None:
    """A change of a millionth and one of a hundredth have the same slope, though grids grow by whole states."""
    trains = trains_of([0.90, 1.02, 0.97, 0.80, 0.61], [0, 1, 1, -1, -1])

    def log(noise: float, read: float, end: float) -> float:
        nodes = np.array([[[0.03, 0.15], [0.15, 0.03]]])
        cells = Cells(nodes, np.ones((1, 2)), np.zeros(1), np.array([end]), 0.03 * noise, 0.05 * read)
        return float(hidden(trains, cells).sum())

    for i in range(3):
        slopes = [
            (log(*(1.0 + h * (np.arange(3) == i))) - log(*(1.0 - h * (np.arange(3) == i)))) / (2 * h)
            for h in (1e-6, 1e-3)
        ]
        assert slopes[0] == pytest.approx(slopes[1], rel=1e-2, abs=1e-2)


def test_read_noise_is_told_from_noise_of_the_pulses() -> None:
    """A read's error is in two successive steps with opposite signs; a pulse's is not."""
    reads, pulses = (
        SOFT.model_copy(update=change) for change in ({"sigma_c2c": 0.0, "sigma_read": 0.02}, {"sigma_c2c": 0.02})
    )
    for device, seen in ((reads, True), (pulses, False)):
        assert noise_of(arrange(measure_devices(device, 5, 5), 1e-6, 8e-6).pulses()).seen is seen


def test_a_cell_with_both_noises_is_recovered() -> None:
    """Five devices, five cycles: 350 pulses of each polarity, noises to 10 %, the rest within its interval."""
    device = SOFT.model_copy(update={"sigma_read": 0.02})
    found = fit(measure_devices(device, 5, 5, seed=1))
    assert found.spec.sigma_read == pytest.approx(0.02, rel=0.1)
    assert found.spec.sigma_c2c == pytest.approx(0.01, rel=0.15)
    assert (found.spec.n_levels_ltp, found.spec.n_levels_ltd) == (40, 30)
    for key in ("g_min", "g_max"):
        assert getattr(found.spec, key) == pytest.approx(getattr(device, key), rel=0.02)
    for key in ("nonlinearity_ltp", "nonlinearity_ltd"):
        assert found.table[key].low <= getattr(device, key) <= found.table[key].high


@pytest.mark.parametrize(
    ("changes", "devices", "cycles", "seed"),
    [
        ({"sigma_c2c": 0.02, "sigma_read": 0.006}, 5, 6, 3),  # reads finer than pulses
        ({"sigma_c2c": 0.02, "sigma_read": 0.006}, 5, 6, 2),  # so fine that no read noise is seen by itself
        (
            {"sigma_read": 0.02, "sigma_d2d_range": 0.05, "sigma_d2d_step": 0.2},
            12,
            4,
            3,
        ),  # ends differ from device to device
    ],
)
def test_ends_that_stop_cells_are_found_behind_read_noise(
    changes: dict[str, float], devices: int, cycles: int, seed: int
) -> None:
    """Both within their intervals, and those not wider than a share of the range; nobody says that trains end before them."""
    device = SOFT.model_copy(update=changes)
    found = fit(measure_devices(device, devices, cycles, seed=seed))
    assert not any("still moved cells" in warning for warning in found.warnings)
    for key in ("g_min", "g_max"):
        low, high = found.table[key].low, found.table[key].high
        assert low <= getattr(device, key) <= high
        assert high - low < 0.1 * getattr(device, key)
    assert found.table["sigma_d2d_range"].high < 0.12  # the spread over trains that end anywhere was 0.29


def test_cells_that_never_reach_an_end_are_not_taken_to_stop() -> None:
    """LTP alone, half of the way: the trains' ends spread, and none of their reads piles up."""
    device = SOFT.model_copy(update={"sigma_read": 0.02, "nonlinearity_ltp": 0.5})
    measured = measure_devices(device, 5, 6, seed=1)
    rows = (measured.polarity >= 0) & (measured.pulse <= 20)
    found = fit(replace(measured, **{key: getattr(measured, key)[rows] for key in COLUMNS}))
    assert any("LTP still moved cells at the end of its trains" in warning for warning in found.warnings)


def test_without_noise_the_numbers_are_exact_and_no_spread_is_invented() -> None:
    device = SOFT.model_copy(update={"sigma_c2c": 0.0})
    found = fit(measure_devices(device, 3, 2)).spec
    for key in ("g_min", "g_max", "n_levels_ltp", "n_levels_ltd", "nonlinearity_ltp", "nonlinearity_ltd"):
        assert getattr(found, key) == pytest.approx(getattr(device, key), rel=1e-5)
    assert (found.sigma_c2c, found.sigma_read, found.sigma_d2d_range) == (0.0, 0.0, 0.0)


def test_devices_that_differ_are_told_from_cycles_that_differ() -> None:
    device = SOFT.model_copy(update={"sigma_d2d_step": 0.2, "sigma_d2d_range": 0.05})
    found = fit(measure_devices(device, 15, 4, seed=2))
    assert found.spec.sigma_c2c == pytest.approx(0.01, rel=0.1)
    for key in ("sigma_d2d_step", "sigma_d2d_range"):
        assert found.table[key].low <= getattr(device, key) <= found.table[key].high
        assert found.table[key].low > 0


@pytest.mark.parametrize("seed", [0, 1])
def test_devices_that_are_alike_stay_alike_where_levels_and_curvature_hang_together(seed: int) -> None:
    """PCMO, steep LTD: once its levels were the pulses of a train, devices were looked for far from where they are."""
    device = load_device("pcmo")
    table = fit(measure_devices(device, 20, 10, seed=seed)).table
    assert table["sigma_d2d_step"].low == 0.0
    for key, width in (("nonlinearity_ltd", 0.1), ("nonlinearity_ltp", 0.1), ("sigma_c2c", 0.001)):
        assert abs(table[key].value - getattr(device, key)) < table[key].high - table[key].low < width


def test_a_law_that_no_equation_describes_becomes_a_table() -> None:
    """Steps with a hump in the middle of the range, to a tenth of the largest."""
    x = np.linspace(0, 1, 11)
    hump = 0.01 + 0.05 * np.exp(-(((x - 0.5) / 0.2) ** 2))
    response = {"x": x.tolist(), "ltp": hump.tolist(), "ltd": hump.tolist()}
    device = DeviceSpec(law="table", g_min=1e-6, g_max=9e-6, response=response, sigma_c2c=0.005)
    found = fit(measure_devices(device, 4, 3))
    assert found.spec.law == "table"
    states = np.linspace(-0.95, 0.95, 50)
    np.testing.assert_allclose(found.spec.steps(states), device.steps(states), atol=0.1 * 2 * hump.max())
    assert found.scores["table"] == 0.0
    assert found.scores["soft-bound"] > 100.0  # twice the log-likelihood, and the price of the numbers


@pytest.mark.parametrize("read", [0.02, 0.04, 0.06])
@pytest.mark.parametrize("seed", [1, 4])
def test_one_train_behind_read_noise_has_its_curves(read: float, seed: int) -> None:
    """The commonest data there is: one LTP and one LTD train of labels 2.4 / -4.88 (Ag:a-Si), reads wrong by 2 to 6 %.

    A least-squares fit of the curve knows these labels to a few per cent. Within 15 %, or within an interval narrower than +-1.5.
    """
    device = load_device("ag-a-si").model_copy(update={"sigma_read": read, "sigma_c2c": 0.0})
    found = fit(measure_devices(device, 1, 1, seed))
    assert found.spec.law == "soft-bound"
    assert (found.spec.n_levels_ltp, found.spec.n_levels_ltd) == (97, 100)
    for key, truth in (("nonlinearity_ltp", 2.4), ("nonlinearity_ltd", -4.88)):
        value, low, high = found.table[key]
        assert abs(value - truth) < 0.15 * abs(truth) or (low <= truth <= high and high - low < 3.0)


def test_nothing_is_curved_that_is_straight() -> None:
    """Akaike's price may let a straight cell look curved, but the interval holds 0, and is not a point."""
    for seed in range(4):
        straight = SOFT.model_copy(update={"law": "linear", "nonlinearity_ltp": 0.0, "nonlinearity_ltd": 0.0})
        found = fit(measure_devices(straight, 3, 3, seed))
        for key in ("nonlinearity_ltp", "nonlinearity_ltd"):
            assert found.table[key].low <= 0.0 <= found.table[key].high
            assert found.table[key].low < found.table[key].high  # what could be true is no point


def test_switching_probabilities_of_a_binary_cell_are_counted() -> None:
    device = load_device("stt-mram").model_copy(update={"p_switch_ltp": 0.3, "p_switch_ltd": 0.6})
    found = fit(measure_devices(device, 10, 20, seed=1))
    assert found.spec.law == "binary"
    for key in ("p_switch_ltp", "p_switch_ltd", "g_min", "g_max"):
        assert found.table[key].low <= getattr(device, key) <= found.table[key].high


def test_pulses_that_fail_and_cells_that_are_stuck_are_counted() -> None:
    device = SOFT.model_copy(update={"p_fail": 0.1, "stuck_low": 0.2})
    found = fit(measure_devices(device, 20, 3, seed=4))
    for key in ("p_fail", "stuck_low"):
        assert found.table[key].low <= getattr(device, key) <= found.table[key].high
    assert found.spec.p_fail > 0.05


def test_what_the_data_cannot_tell_is_said() -> None:
    one = fit(measure_devices(SOFT, 1, 1))
    assert any(warning.startswith("One device only") for warning in one.warnings)
    assert any(warning.startswith("One cycle only") for warning in one.warnings)
    assert one.table["sigma_d2d_step"].high == 5.0


def test_a_fit_shows_itself() -> None:
    """Device, numbers with their intervals as a mapping and as a table, a figure of the small window's curve, a card."""
    small = SOFT.model_copy(update={"g_min": 1.00e-6, "g_max": 1.03e-6})
    found = fit(measure_devices(small, 3, 2))
    assert found.device is found.spec
    assert list(found.table().columns) == ["value", "low", "high"]
    assert found.table().loc["g_max", "value"] == found.table["g_max"].value
    axis = found.plot().axes[0]
    low, high = axis.get_ylim()
    assert low > 0.99  # uS: on/off is 1.03, and a curve drawn from zero would be a flat line
    assert high < 1.04
    texts = [text.get_text() for text in axis.get_legend().get_texts()]
    assert texts == ["measured", "cells of draws of the fit", "fitted device, without noise"]
    assert "g_max: 1.03e-06 (" in repr(found)
    assert found._repr_html_().startswith("<table>")


def test_noise_costs_levels() -> None:
    assert usable_levels(SOFT.model_copy(update={"sigma_c2c": 0.0})) == 41
    assert usable_levels(SOFT.model_copy(update={"sigma_c2c": 0.05})) == 11


def test_nothing_is_said_of_a_polarity_that_was_not_measured() -> None:
    """LTP alone, ending while it still moves cells: its end is told to be open, and LTD has no numbers of its own."""
    device = SOFT.model_copy(update={"nonlinearity_ltp": 0.5})
    measured = measure_devices(device, 3, 3)
    rows = (measured.polarity >= 0) & (measured.pulse <= 25)
    arrays = {key: getattr(measured, key)[rows] for key in COLUMNS}
    found = fit(replace(measured, **arrays))
    assert not any("LTD" in sentence for sentence in found.verdict)
    assert any("No LTD pulse was measured" in warning for warning in found.warnings)
    assert any("LTP still moved cells at the end of its trains" in warning for warning in found.warnings)
