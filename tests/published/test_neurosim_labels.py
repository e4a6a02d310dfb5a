"""NeuroSim's nonlinearity labels and the benchmark devices built on them.

Labels: the table of 900 labels of MLP NeuroSim V3.0 (github.com/neurosim/MLP_NeuroSim_V3.0 @ cc13863, Nonlinearity-NormA;
with six decimals in formula.cpp).
Devices: Table I of Chen, Peng, Yu, IEEE TCAD 37(12), 2018, doi 10.1109/TCAD.2018.2789723, and the table of Jerry et al.,
IEDM 2017, doi 10.1109/IEDM.2017.8268338; energies E = V^2 G t at the mean conductance are derived from them (eq. 5).
"""

from __future__ import annotations

import numpy as np
import pytest

from synarray.device.curves import curvature
from synarray.device.library import load_device

SIX_DECIMALS = {
    0.01: 126.268958,
    0.02: 63.134314,
    0.1: 12.625807,
    0.5: 2.519877,
    3.38: 0.334859,
    5.92: 0.139676,
    7.96: 0.054132,
}
LABELS = {0.01: "126.269", 1.5: "0.8252", 2.4: "0.4992", 3.0: "0.3868", 4.88: "0.2003", 9.0: "0.0228"}
ENERGIES = {
    "ag-a-si": (63.8e-12, 48.9e-12),
    "taox-tio2": (54e-9, 13.5e-9),
    "pcmo": (99.7e-12, 99.7e-12),
    "alox-hfo2": (2.94e-9, 3.63e-9),
    "ideal": (0.10e-12, None),
    "epiram": (784e-12, 282e-12),
    "taox-hfox": (0.70e-12, None),
    "pcm": (328e-12, None),
}
DIGITS = {"taox-tio2": 3, "ideal": 2, "taox-hfox": 2}
BENCHMARK = {  # Ron, on/off, levels, labels
    "ag-a-si": (26e6, 12.5, (97, 100), (2.4, -4.88)),
    "taox-tio2": (5e6, 2, (102, 102), (1.85, -1.79)),
    "pcmo": (23e6, 6.84, (50, 50), (3.68, -6.76)),
    "alox-hfo2": (16.9e3, 4.43, (40, 40), (1.94, -0.61)),
    "hzo-fefet": (559.28e3, 45, (32, 32), (1.75, 1.46)),
    "ideal": (200e3, 50, (64, 64), (0, 0)),
}


@pytest.mark.parametrize("label", LABELS)
def test_a_label_has_the_curvature_of_neurosims_table(label: float) -> None:
    """To the last printed digit."""
    printed = LABELS[label]
    assert f"{curvature(label):.{len(printed.partition('.')[2])}f}" == printed


@pytest.mark.parametrize("label", SIX_DECIMALS)
def test_a_label_has_the_curvature_of_neurosims_code(label: float) -> None:
    """Rounded there to six decimals."""
    assert curvature(label) == pytest.approx(SIX_DECIMALS[label], abs=0.5e-6)


@pytest.mark.parametrize("name", ENERGIES)
def test_a_pulse_takes_the_energy_that_follows_from_the_published_values(name: str) -> None:
    """To one unit of the last digit: the printed energies were made of conductances rounded to three digits."""
    device = load_device(name)
    mean = (device.g_min + device.g_max) / 2
    taken = (device.v_ltp**2 * mean * device.t_ltp, device.v_ltd**2 * mean * device.t_ltd)
    for energy, printed in zip(taken, ENERGIES[name], strict=True):
        if printed is not None:
            unit = 10.0 ** (np.floor(np.log10(printed)) - (DIGITS.get(name, 3) - 1))
            assert energy == pytest.approx(printed, abs=unit)


@pytest.mark.parametrize("name", BENCHMARK)
def test_a_benchmark_device_has_the_tabled_resistance_range_levels_and_labels(name: str) -> None:
    """Conductances are written to five digits."""
    r_on, on_off, levels, labels = BENCHMARK[name]
    device = load_device(name)
    assert 1 / device.g_max == pytest.approx(r_on, rel=5e-5)
    assert device.g_max / device.g_min == pytest.approx(on_off, rel=1e-4)
    assert (device.n_levels_ltp, device.n_levels_ltd) == levels
    assert (device.nonlinearity_ltp, device.nonlinearity_ltd) == labels


def test_one_metal_atom_conducts_about_33_times_one_tellurium_atom() -> None:
    """G0 = 77.481 uS against 0.03 G0; the two files differ in conductance only."""
    te, metal = load_device("subquantum-cbram"), load_device("metal-filament-cbram")
    assert te.g_max == pytest.approx(0.03 * 77.481e-6, rel=0.02)
    assert 0.9 < metal.g_max / 77.481e-6 < 1
    same = {"name", "title", "note", "g_min", "g_max", "sources"}
    assert te.model_dump(exclude=same) == metal.model_dump(exclude=same)
