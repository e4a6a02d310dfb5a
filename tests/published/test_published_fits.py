"""Published pulse responses, fitted, exported and read back, to the printed digits.

The curves are drawn here with NeuroSim's closed form (TCAD 37(12), 2018, doi 10.1109/TCAD.2018.2789723, eqs. 1-3) from printed
Ron, on/off ratio, levels and labels, with A from the table of labels that comes with MLP NeuroSim V3.0 or from its definition by
bisection; nothing of the library takes part in it. Ag:a-Si and PCMO stand in Table I of the paper.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synarray.lab.exchange.parameters import read_parameters, to_aihwkit, to_neurosim
from synarray.lab.fitting import fit
from synarray.lab.formats import read_pulses

CASES = {  # Ron, on/off, levels LTP / LTD, labels as printed
    "Ag:a-Si": (26e6, "12.5", (97, 100), ("2.4", "-4.88")),
    "PCMO": (23e6, "6.84", (50, 50), ("3.68", "-6.76")),
    "AlOx/HfO2": (16.9e3, "4.43", (40, 40), ("1.94", "-0.61")),
}


def a_of(label: float) -> float:
    """Return A for Pmax = 1: the curve departs from the straight line by 0.07 sqrt(2) per unit of the label; by bisection."""
    p = np.linspace(0, 1, 20_001)
    low, high = 0.01, 200.0
    for _ in range(60):
        a = np.sqrt(low * high)
        away = ((1 - np.exp(-p / a)) / (1 - np.exp(-1 / a)) - p).max()
        low, high = (a, high) if away > 0.07 * np.sqrt(2) * label else (low, a)
    return float(a)


def test_the_bisection_gives_neurosims_table() -> None:
    assert [f"{a_of(label):.4f}" for label in (1.5, 2.4, 4.88)] == ["0.8252", "0.4992", "0.2003"]


def curves(r_on: float, ratio: float, levels: tuple[int, int], a: tuple[float, float]) -> np.ndarray:
    """Pulse number and conductance: LTP from 0 to its last pulse, LTD from 0 to its last."""
    high, low = 1.0 / r_on, 1.0 / r_on / ratio
    blocks = []
    for up, n, norm in zip((True, False), levels, a, strict=True):
        p, b = np.arange(n + 1.0), (high - low) / (1.0 - np.exp(-1.0 / norm))
        moved = b * (1.0 - np.exp(-p / (norm * n)))
        blocks.append(np.column_stack([p, low + moved if up else high - moved]))
    return np.concatenate(blocks)


@pytest.mark.parametrize("name", CASES)
def test_a_published_curve_comes_back_with_its_printed_numbers(tmp_path: Path, name: str) -> None:
    r_on, ratio, levels, labels = CASES[name]
    a = (a_of(float(labels[0])), a_of(-float(labels[1])))
    file = tmp_path / "curve.csv"
    np.savetxt(file, curves(r_on, float(ratio), levels, a), fmt=["%d", "%.10g"], delimiter=",")
    found = fit(read_pulses(file)).spec
    (tmp_path / "cell.cpp").write_text(to_neurosim(found), "utf-8")
    (tmp_path / "preset.json").write_text(to_aihwkit(found), "utf-8")
    backs = [
        read_parameters(tmp_path / "cell.cpp").spec,
        read_parameters(tmp_path / "preset.json", g_min=found.g_min, g_max=found.g_max).spec,
    ]
    for back in backs:
        assert 1.0 / back.g_max == pytest.approx(r_on, rel=1e-6)
        assert f"{back.g_max / back.g_min:.{len(ratio.partition('.')[2])}f}" == ratio
        assert (back.n_levels_ltp, back.n_levels_ltd) == pytest.approx(levels, rel=1e-5)
        for label, printed in zip((back.nonlinearity_ltp, back.nonlinearity_ltd), labels, strict=True):
            assert f"{label:.{len(printed.partition('.')[2])}f}" == printed


def test_neurosims_default_device_is_read_as_it_is_printed(tmp_path: Path) -> None:
    """RealDevice of MLP NeuroSim V3.0 (github.com/neurosim/MLP_NeuroSim_V3.0 @ cc13863), its numbers in its notation."""
    (tmp_path / "Cell.cpp").write_text(
        "maxConductance = 3.8462e-8;\t\t// Maximum cell conductance (S)\nminConductance = 3.0769e-9;\n"
        "writeVoltageLTP = 3.2;\nwriteVoltageLTD = 2.8;\nwritePulseWidthLTP = 300e-6;\nwritePulseWidthLTD = 300e-6;\n"
        "readVoltage = 0.5;\nreadPulseWidth = 5e-9;\nmaxNumLevelLTP = 97;\nmaxNumLevelLTD = 100;\n"
        "NL_LTP = 2.4;\nNL_LTD = -4.88;\nsigmaDtoD = 0;\nsigmaCtoC = 0.035 * (maxConductance - minConductance);\n"
        "resistanceAccess = 15e3;\n",
        "utf-8",
    )
    found = read_parameters(tmp_path / "Cell.cpp")
    device = found.spec
    assert (device.g_min, device.g_max, device.v_ltp, device.v_ltd) == (3.0769e-9, 3.8462e-8, 3.2, -2.8)
    assert (device.n_levels_ltp, device.n_levels_ltd, device.sigma_c2c) == (97, 100, 0.035)
    assert (device.nonlinearity_ltp, device.nonlinearity_ltd) == (2.4, -4.88)
    assert found.left_out == ("resistanceAccess = 15000",)


def test_a_preset_of_aihwkit_has_its_number_of_states(tmp_path: Path) -> None:
    """Gokmen and Vlasov's device: 1200 states, symmetric, linear; as a call in Python, and as JSON."""
    fields = {"dw_min": 0.001, "w_max": 0.6, "w_min": -0.6, "up_down": 0.0, "dw_min_std": 0.3, "dw_min_dtod": 0.3}
    (tmp_path / "preset.py").write_text(
        f"ConstantStepDevice({', '.join(f'{k}={v}' for k, v in fields.items())})", "utf-8"
    )
    (tmp_path / "preset.json").write_text(json.dumps(fields), "utf-8")
    for name in ("preset.py", "preset.json"):
        device = read_parameters(tmp_path / name, g_min=1e-6, g_max=2e-6).spec
        assert (device.law, device.n_levels_ltp, device.n_levels_ltd) == (
            "linear",
            pytest.approx(1200),
            pytest.approx(1200),
        )
        assert (device.sigma_c2c, device.sigma_d2d_step) == (pytest.approx(0.3 / 1200), 0.3)


def test_an_exponential_device_of_aihwkit_steps_as_its_formula(tmp_path: Path) -> None:
    """ReRamES (Gong 2018): dw_min (1 - A exp(gamma z)) at w = 0 and at the upper bound; up_down weakens LTD."""
    (tmp_path / "preset.json").write_text(json.dumps({
        "dw_min": 0.00135, "w_max": 0.6, "w_min": -0.6, "up_down": 0.259, "A_up": -1.18423, "A_down": -0.0814159,
        "gamma_up": 5.0, "gamma_down": 5.0, "a": 0.244, "b": 0.2425, "dw_min_std": 5.0,
    }), "utf-8")  # fmt: skip
    device = read_parameters(tmp_path / "preset.json", g_min=1e-6, g_max=2e-6).spec
    assert device.law == "table"
    ltd, ltp = device.steps(np.array([0.0])) / 2.0
    assert float(ltp[0]) * 1.2 == pytest.approx(0.00135 * (1 + 1.18423 * np.exp(5.0 * 0.2425)), rel=1e-6)
    assert float(ltd[0]) * 1.2 == pytest.approx(
        0.00135 * (1 - 0.259) * (1 + 0.0814159 * np.exp(-5.0 * 0.2425)), rel=1e-6
    )


def test_n2d2s_parameters_become_its_exponential_law(tmp_path: Path) -> None:
    """Increment and decrement damp with the way gone: dw = alpha exp(beta x); "mean; spread", commas for thousands."""
    (tmp_path / "net.ini").write_text(
        "[layer]\nWeightsMinMean=1; 0.1\nWeightsMaxMean=1,001; 10\nWeightIncrement=50; 5\nWeightIncrementDamping=-3\n"
        "WeightDecrement=20; 2\nWeightDecrementDamping=0\n",
        "utf-8",
    )
    device = read_parameters(tmp_path / "net.ini", g_min=1e-6, g_max=2e-6).spec
    ltd, ltp = device.steps(np.array([-1.0, 1.0])) / 2.0
    np.testing.assert_allclose(ltp, [0.05, 0.05 * np.exp(-3)], rtol=1e-6)
    np.testing.assert_allclose(ltd, [0.02, 0.02], rtol=1e-6)
    assert device.sigma_d2d_step == pytest.approx(0.1)
