"""The noise floor of a read: a closed form worked out by hand, ngspice, and what the simulated array makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.constants import e, k

from synarray.array.geometry import ArraySpec
from synarray.array.read_noise import MARGIN, floor_of, read_noise
from synarray.array.simulated import SynapticArray
from synarray.array.synapse import SynapseSpec
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError

DEVICE = DeviceSpec(g_min=0.2e-6, g_max=2.3e-6, v_read=0.1, t_read=10e-9)


def by_hand(g: float, volts: float, seconds: float, kelvins: float) -> float:
    """Variance of the mean current over a time, A^2."""
    return (4 * k * kelvins * g + 2 * e * g * volts) / (2 * seconds)


@pytest.mark.parametrize("kelvins", [4.0, 300.0, 358.15])
@pytest.mark.parametrize("g", [0.0, 1e-9, 2.3e-6, 1e-3])
def test_the_closed_form(g: float, kelvins: float) -> None:
    found = float(read_noise(g, DEVICE, kelvins)) * DEVICE.v_read
    assert found**2 == pytest.approx(by_hand(g, 0.1, 10e-9, kelvins), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("ecram", 17, 18), ("pcmo", 11, 18), ("ag-a-si", 11, 18), ("subquantum-cbram", 2.8, 2.9)],
)
def test_devices_of_the_library_against_one_of_254_levels(name: str, least: float, most: float) -> None:
    """12 to 18 levels rms, 2.9 for subquantum CBRAM: figures of an independent check."""
    assert least < floor_of(load_device(name), 255).rms < most


def test_a_read_that_lasts_as_long_as_is_asked_tells_the_levels_apart() -> None:
    """The noise falls with the root of the time; then half a level is ``MARGIN`` standard deviations."""
    floor = floor_of(DEVICE, 255)
    assert not floor.enough
    longer = floor_of(DEVICE.model_copy(update={"t_read": floor.seconds}), 255)
    assert longer.rms == pytest.approx(0.5 / MARGIN)
    assert longer.enough and longer.told_apart == 255
    assert floor_of(DEVICE, floor.told_apart).enough
    assert not floor_of(DEVICE, floor.told_apart + 1).enough


def test_nineteen_of_twenty_reads_find_their_level() -> None:
    floor = floor_of(DEVICE.model_copy(update={"t_read": floor_of(DEVICE, 255).seconds}), 255)
    noise = np.random.default_rng(0).normal(0.0, floor.rms, 100_000)
    assert np.mean(np.rint(noise) == 0) == pytest.approx(0.9545, abs=0.005)


@pytest.mark.parametrize("scheme", ["analog", "pair", "compound"])
@pytest.mark.parametrize("sigma_read", [0.0, 0.05])
def test_the_array_adds_the_variances_of_its_cells(scheme: str, sigma_read: float) -> None:
    """Of a driven column: sum of the cells' variances, thermal, shot and ``sigma_read``."""
    law = "binary" if scheme == "compound" else "linear"
    device = DEVICE.model_copy(update={"sigma_read": sigma_read, "law": law})
    synapse = SynapseSpec(scheme=scheme, n_cells=4)  # type: ignore[arg-type]
    array = SynapticArray.build([(30, 3)], None, device, synapse, noise_temperature=300.0)
    rng = np.random.default_rng(1)
    if scheme == "pair":
        array.pair[:] = rng.uniform(-1, 1, array.pair.shape)
        array.w[:] = (array.pair[0] - array.pair[1]) / 2
    elif scheme == "compound":
        array.w[:] = rng.integers(0, 5, array.w.shape) / 2.0 - 1.0
    else:
        array.w[:] = rng.uniform(-1, 1, array.w.shape)
    array.refresh_read_copy()
    cells = array.conductance()
    floor = (4 * k * 300 * cells + 2 * e * cells * 0.1) / (2 * 10e-9) / 0.1**2
    variance = (floor + (sigma_read * cells) ** 2).sum(axis=(0, 2))  # S^2, of each neuron's column
    unit = {"analog": 2.0, "pair": 1.0, "compound": 2.0 / 4}[scheme] / device.g_range * array.read_units
    found = array.read_sigma**2 * array.variance(0, np.ones(30, bool))
    assert found == pytest.approx(variance * unit**2, rel=0.03)


def test_digital_words_and_ideal_weights_are_read_without_noise() -> None:
    words = SynapticArray.build([(4, 2)], None, DEVICE.model_copy(update={"law": "binary"}), noise_temperature=300.0)
    assert words.scheme.name == "digital" and words.read_sigma == 0.0
    assert SynapticArray.build([(4, 2)], noise_temperature=300.0).read_sigma == 0.0


def test_without_thermal_noise_nothing_is_added() -> None:
    noisy = DEVICE.model_copy(update={"sigma_read": 0.1})
    plain = SynapticArray.build([(4, 2)], None, noisy)
    level = (np.arange(255) / 254 * DEVICE.g_range + DEVICE.g_min) / DEVICE.g_max
    assert plain.read_power[:255].tolist() == np.rint(60 * level**2).tolist()
    assert SynapticArray.build([(4, 2)], None, DEVICE).read_sigma == 0.0
    assert ArraySpec().noise_temperature is None and ArraySpec(thermal_noise=True).noise_temperature == 300.0


@pytest.mark.parametrize("kelvins", [0.0, -1.0, 3000.0])
def test_a_temperature_that_no_array_has_is_refused(kelvins: float) -> None:
    with pytest.raises(SpecError, match=r"temperature"):
        ArraySpec(temperature=kelvins)
