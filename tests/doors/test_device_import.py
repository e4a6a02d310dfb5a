"""Parameters of other simulators as they really come: files with several devices, arithmetic, spreads in percent, switches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import Command, four_parts

from synarray.device.library import load_device
from synarray.errors import DataError, SpecError
from synarray.export.device_files import round_trip
from synarray.lab.exchange.arithmetic import evaluate
from synarray.lab.exchange.parameters import Imported, read_parameters, to_neurosim

CELLS = """
/* maxConductance = 1; of no device */
void AnalogNVM::WriteEnergyCalculation(double wireCapCol) { writeVoltageLTD = VinitLTD + VstepLTD * maxNumLevelLTD; }
IdealDevice::IdealDevice(int x, int y) {
\tthis->x = x; this->y = y;\t// Cell location
\tmaxConductance = 5e-6;\t\t// Maximum cell conductance (S)
\tminConductance = 100e-9;
\tavgMaxConductance = maxConductance;
\twriteVoltageLTP = 2;\twriteVoltageLTD = 2;
\tmaxNumLevelLTP = 64;
\tmaxNumLevelLTD = 64;
\treadNoise = false;
\tsigmaReadNoise = 0.25;
}
double IdealDevice::Read(double voltage) { maxConductance = 7; return voltage * conductance; }
RealDevice::RealDevice(int x, int y) {
\tmaxConductance = 3.8462e-8;
\tminConductance = 3.0769e-9;
\twriteVoltageLTP = 3.2;
\twriteVoltageLTD = 2.8;
\tmaxNumLevelLTP = 97;
\tmaxNumLevelLTD = 100;
\tnonlinearIV = false;
\tif (nonlinearIV) {
\t\tdouble Vr_exp = readVoltage;
\t\tmaxConductance = NonlinearConductance(maxConductance, NL, writeVoltageLTP, Vr_exp, readVoltage);
\t}
\tnonIdenticalPulse = false;
\tif (nonIdenticalPulse) {
\t\tVinitLTP = 2.85;
\t} else {
\t\treadPulseWidth = 5e-9;
\t}
\tNL_LTP = 2.4;
\tNL_LTD = -4.88;
\tsigmaDtoD = 0;
\tsigmaCtoC = 0.035* (maxConductance - minConductance);
\treadNoise=true;
\tsigmaReadNoise=0.05;
}
SRAM::SRAM(int x, int y) {
\tbit = 0;
}
DigitalNVM::DigitalNVM(int x, int y) {
\tmaxConductance = 1/(8e3);
\tminConductance = 1/(24*1e3);
}
MeasuredDevice::MeasuredDevice(int x, int y) {
\tdouble rawDataConductanceLTP[] = {0,1.00e-09,2.00e-09};
\tminConductance = 0;
\tmaxConductance = (dataConductanceLTP.back() > 1)? dataConductanceLTD.front() : dataConductanceLTP.back();
\tmaxNumLevelLTP = 2;
\tmaxNumLevelLTD = 2;
}
HybridCell::HybridCell(int x, int y):
    LSBcell(x,y), MSBcell_LTP(x,y)
{
    conductance = this->LSBcell.conductance;
    maxConductance = 20e-6; minConductance = 5e-9*2;
    maxNumLevelLTP = 32; maxNumLevelLTD = maxNumLevelLTP;
}
"""

PRESETS = '''# -*- coding: utf-8 -*-
"""Device presets; dw_min = 5 of no device."""
from dataclasses import dataclass, field
from typing import ClassVar, List

from aihwkit.simulator.configs.devices import ConstantStepDevice, SoftBoundsDevice, PowStepDevice


@dataclass
class BoundedPresetDevice(SoftBoundsDevice):
    """Loose fit, see :class:`ExpStepDevice`.

    Note:
        w_max = 7
    """

    bindings_class: ClassVar[str] = "SoftBoundsResistiveDeviceParameter"

    dw_min: float = 0.002
    up_down: float = 0.0

    w_max: float = 1.25  # a comment with dw_min = 3
    w_min: float = -0.75

    mult_noise: bool = False

    # Device-to-device var.
    dw_min_dtod: float = 0.3
    w_max_dtod: float = 0.3/1.25
    w_min_dtod: float = field(default_factory=lambda: 0.3 / 0.75, metadata={"hide_if": 0.0})

    dw_min_std: float = 3.75
    write_noise_std: float = 56

    def as_bindings(self, data_type):
        """Return bindings."""
        w_max = self.w_max * 100
        return w_max


@dataclass
class SteadyPresetDevice(ConstantStepDevice):
    """Preset."""

    dw_min: float = 0.001
    up_down: float = 0.0
    w_max: float = 0.6
    w_min: float = -0.6
    dw_min_dtod: float = 0.3


@dataclass
class QuietPresetDevice(SteadyPresetDevice):
    """The same without noise of the pulses."""

    dw_min_std: float = 0.0


@dataclass
class PowerPresetDevice(PowStepDevice):
    """Steps by a power."""

    dw_min: float = 0.001
'''

INI = """; a network
[env]
SizeX=28

[fc1]
ConfigSection=common.config

[common.config]
Threshold=50.0
StdpLtp=50,000,000
WeightsMinMean="1.0e-4; 10%"
WeightsMaxMean="1.0; 10%"
WeightIncrement="0.0017; 1%"
WeightIncrementDamping=-3
WeightDecrement="0.0007; 1%"
WeightDecrementDamping=0
"""


def read(folder: Path, name: str, text: str, section: str | None = None, g_min: float | None = None) -> Imported:
    """Write a file and read its parameters."""
    (folder / name).write_text(text, "utf-8")
    return read_parameters(folder / name, g_min=g_min, section=section)


# NeuroSim


def test_of_neurosims_constructors_the_real_device_is_taken_and_no_mixture(tmp_path: Path) -> None:
    found = read(tmp_path, "Cell.cpp", CELLS)
    device = found.spec
    assert found.section == "RealDevice"
    assert (device.g_min, device.g_max, device.n_levels_ltp, device.n_levels_ltd) == (3.0769e-9, 3.8462e-8, 97, 100)
    assert (device.nonlinearity_ltp, device.nonlinearity_ltd, device.sigma_c2c) == (2.4, -4.88, 0.035)
    assert (device.v_ltp, device.v_ltd, device.t_read) == (3.2, -2.8, 5e-9)
    assert found.notes[0] == (
        "RealDevice was taken; --section chooses another of the file: IdealDevice, DigitalNVM, MeasuredDevice, HybridCell"
    )
    assert "Cell.cpp, RealDevice (neurosim)" in device.sources["g_max"].source


def test_another_constructor_is_taken_when_it_is_named(tmp_path: Path) -> None:
    ideal = read(tmp_path, "Cell.cpp", CELLS, "IdealDevice")
    assert (ideal.spec.law, ideal.spec.g_max, ideal.spec.n_levels_ltp, ideal.spec.sigma_read) == (
        "linear",
        5e-6,
        64,
        0.0,
    )
    assert "sigmaReadNoise = 0.25" in ideal.left_out
    digital = read(tmp_path, "Cell.cpp", CELLS, "DigitalNVM").spec
    assert (digital.law, digital.g_max, digital.g_min) == ("binary", 1 / 8e3, 1 / 24e3)
    hybrid = read(tmp_path, "Cell.cpp", CELLS, "HybridCell").spec
    assert (hybrid.g_min, hybrid.n_levels_ltd) == (1e-8, 32)


@pytest.mark.parametrize(
    ("section", "says", "where"),
    [
        ("MeasuredDevice", "maxConductance must be a number", "Cell.cpp, MeasuredDevice, key maxConductance"),
        ("SRAM", "no minConductance", "Cell.cpp, SRAM, key minConductance"),
        ("RaelDevice", 'Did you mean "RealDevice"?', "Cell.cpp, --section"),
    ],
)
def test_a_constructor_that_cannot_be_read_is_refused_by_its_name_and_key(
    tmp_path: Path, section: str, says: str, where: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, "Cell.cpp", CELLS, section)
    assert says in str(caught.value)
    assert caught.value.where == where


def test_several_constructors_without_a_real_device_are_listed(command: Command, tmp_path: Path) -> None:
    (tmp_path / "Cell.cpp").write_text(CELLS.replace("RealDevice", "MyDevice"), "utf-8")
    refused = four_parts(command("device", "import", "Cell.cpp"))
    assert refused["got"] == "5: IdealDevice, MyDevice, DigitalNVM, MeasuredDevice, HybridCell"
    assert "--section IdealDevice" in refused["do"]
    told = command("device", "import", "Cell.cpp", "--section", "MyDevice", "--json").json
    assert (told["section"], told["values"]["n_levels_ltp"]) == ("MyDevice", 97)


@pytest.mark.parametrize(
    "spaces", ["readNoise=true;\nsigmaReadNoise=0.05;", "readNoise = true; sigmaReadNoise = 0.05;"]
)
def test_read_noise_that_is_on_is_read_however_it_is_spaced(tmp_path: Path, spaces: str) -> None:
    text = "maxConductance = 3e-8;\nminConductance=1e-8;\nmaxNumLevelLTP=50;maxNumLevelLTD=50;\n"
    assert read(tmp_path, "a.txt", text + spaces).spec.sigma_read == 0.05
    without = read(tmp_path, "b.txt", text + spaces.replace("true", "false"))
    assert (without.spec.sigma_read, without.left_out) == (0.0, ("sigmaReadNoise = 0.05",))


def test_a_range_the_wrong_way_round_is_told_by_the_files_own_key(tmp_path: Path) -> None:
    text = "maxConductance = 1e-8;\nminConductance = 3e-8;\nmaxNumLevelLTP = 50;\nmaxNumLevelLTD = 50;\n"
    with pytest.raises(SpecError) as caught:
        read(tmp_path, "two.cpp", text)
    assert (caught.value.got, caught.value.where) == ("maxConductance = 1e-8", "two.cpp, key maxConductance")
    assert "{" not in str(caught.value)
    with pytest.raises(SpecError) as caught:
        read(tmp_path, "two.cpp", text.replace("1e-8", "9e-8"), g_min=1e-7)
    assert caught.value.got == "maxConductance = 9e-8"


@pytest.mark.parametrize("name", ["pcmo", "pcm", "epiram", "ag-a-si"])
def test_signs_of_the_voltages_come_back_from_neurosim(name: str, tmp_path: Path) -> None:
    device = load_device(name)
    changes = {change.name: change for change in round_trip(device, "neurosim")}
    for key in ("v_ltp", "v_ltd", "v_read", "g_min", "g_max"):
        assert changes[key].before == changes[key].after
    text = to_neurosim(device)
    assert "= -" not in text.replace("NL_LTD = -", "").replace("NL_LTP = -", "")  # NeuroSim has magnitudes
    plain = read(tmp_path, "plain.cpp", "\n".join(line for line in text.split("\n") if "sign of" not in line))
    assert (plain.spec.v_ltp, plain.spec.v_ltd) == (abs(device.v_ltp), -abs(device.v_ltd))
    assert any("without a sign" in note for note in plain.notes)


def test_labels_of_a_write_that_is_switched_linear_are_not_taken(tmp_path: Path) -> None:
    found = read(tmp_path, "Cell.cpp", CELLS.replace("NL_LTP = 2.4;", "NL_LTP = 2.4; nonlinearWrite = false;"))
    assert found.spec.law == "linear"
    assert "the labels were not taken: the file switches nonlinearWrite off" in found.notes


# arithmetic


@pytest.mark.parametrize(
    ("text", "value"),
    [("1/8e3", 1.25e-4), ("5e-9*2", 1e-8), ("-(1 + 2) * -.5", 1.5), ("1 - 2 - 3", -4.0), ("8/2", 4.0), ("(double)1/4", 0.25),
     ("1.5e-8f", 1.5e-8), ("2 * top", 14.0)],
)  # fmt: skip
def test_arithmetic_of_c_is_computed(text: str, value: float) -> None:
    assert evaluate(text.replace("(double)1", "(double)1."), {"top": 7.0}.__getitem__, c=True) == value


@pytest.mark.parametrize(
    "text",
    ["", "1 +", "f(2)", "2 ** 3", "1 if 2 else 3", "__import__('os')", "1/0", "1e999", "(1", "1)", "1/8000", "a.b", "9" * 300,
     "a ? 1 : 2", "1,2", "5j", "0x10"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    def nameless(name: str) -> float:
        raise ValueError(name)

    with pytest.raises(ValueError):
        evaluate(text, nameless, c=True)


def test_names_of_names_end(tmp_path: Path) -> None:
    """Each of a hundred names is computed once, and none by way of itself."""
    chain = "".join(f"{a} = {'+'.join([b] * 99)};\n" for a, b in ("ab", "bc", "cd", "de"))
    text = f"maxConductance = a; {chain} e = 1e-12; minConductance = 0; maxNumLevelLTP = 2; maxNumLevelLTD = 2;"
    assert read(tmp_path, "a.txt", text).spec.g_max == pytest.approx(99**4 * 1e-12)
    with pytest.raises(DataError, match="minConductance is no number"):
        read(tmp_path, "b.txt", "maxConductance = minConductance; minConductance = maxConductance;")


# N2D2


@pytest.mark.parametrize(
    ("written", "spread"), [("1; 5%", 0.05), ("50; 5%", 0.05), ("50; 5", 0.1), ('"1; 5%"', 0.05), ("2", 0)]
)
def test_a_spread_in_percent_is_relative_whatever_the_mean(tmp_path: Path, written: str, spread: float) -> None:
    text = f"[synapse]\nWeightsMinMean=1; 0%\nWeightsMaxMean=100; 0%\nWeightIncrement={written}\nWeightDecrement=2\n"
    assert read(tmp_path, "n.ini", text).spec.sigma_d2d_step == pytest.approx(spread)


def test_n2d2s_own_model_is_read_from_its_section(tmp_path: Path) -> None:
    """models/mnist-stdp.ini: values in quotes, other sections beside; spreads without a place are listed."""
    found = read(tmp_path, "mnist-stdp.ini", INI)
    ltd, ltp = found.spec.steps(np.array([-1.0, 1.0])) / 2.0
    np.testing.assert_allclose(ltp, 0.0017 / 0.9999 * np.exp([0.0, -3.0]), rtol=1e-6)
    np.testing.assert_allclose(ltd, 0.0007 / 0.9999, rtol=1e-6)
    assert (found.section, found.spec.sigma_d2d_step) == ("common.config", 0.01)
    assert {"WeightsMaxMean spread = 10%", "Threshold = 50", "StdpLtp = 5e+07"} <= set(found.left_out)


def test_two_sections_with_synapses_are_asked_about_and_no_increment_is_refused(tmp_path: Path) -> None:
    two = INI + "[other]\nWeightIncrement=2\nWeightDecrement=1\n"
    with pytest.raises(DataError, match=r"2: common\.config, other"):
        read(tmp_path, "n.ini", two)
    other = read(tmp_path, "n.ini", two, "other")
    assert other.notes[0] == (
        "not in the file, N2D2's default: WeightsMinMean = 1, WeightsMaxMean = 100, WeightIncrementDamping = -3, "
        "WeightDecrementDamping = -3"
    )
    with pytest.raises(DataError, match="WeightIncrement must be positive"):
        read(tmp_path, "n.ini", INI.replace("0.0017", "0"))


# aihwkit


def test_a_preset_of_a_python_file_is_read_by_the_name_of_its_class(command: Command, tmp_path: Path) -> None:
    (tmp_path / "devices.py").write_text(PRESETS, "utf-8")
    refused = four_parts(command("device", "import", "devices.py"))
    assert refused["got"] == "4: BoundedPresetDevice, SteadyPresetDevice, QuietPresetDevice, PowerPresetDevice"
    assert "--section BoundedPresetDevice" in refused["do"]
    arguments = ("--g-min", "1 uS", "--g-max", "2 uS", "--json")
    told = command("device", "import", "devices.py", "--section", "SteadyPresetDevice", *arguments).json
    assert told["values"]["n_levels_ltp"] == pytest.approx(1200)
    assert told["values"]["sigma_d2d_step"] == 0.3
    assert told["values"]["sigma_c2c"] == pytest.approx(0.3 / 1200)  # PulsedDevice's own default
    assert any("dw_min_std = 0.3" in note for note in told["notes"])


def test_a_class_inherits_from_another_of_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, "devices.py", PRESETS, "QuietPresetDevice")
    assert (found.spec.sigma_c2c, found.spec.sigma_d2d_step) == (0.0, 0.3)


def test_soft_bounds_defaults_and_arithmetic_of_a_class_are_read(tmp_path: Path) -> None:
    """LTP's step falls to 0 at w_max; at w_min it is dw_min (1 + 0.75 / 1.25), of a range of 2."""
    found = read(tmp_path, "devices.py", PRESETS, "BoundedPresetDevice")
    device = found.spec
    assert (device.law, device.nonlinearity_ltp, device.nonlinearity_ltd) == ("soft-bound", 9.0, -9.0)
    assert float(device.steps(np.array([-1.0]))[1, 0]) / 2 * 2 == pytest.approx(0.002 * (1 + 0.75 / 1.25), rel=0.02)
    assert device.sigma_c2c == pytest.approx(3.75 * 0.002 / 2)
    assert device.sigma_d2d_range == pytest.approx(0.3 / 1.25 * 1.25 / 2 * 4.9 / 5)
    assert found.left_out == ("write_noise_std = 56",)


def test_steps_by_another_law_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="PowStepDevice") as caught:
        read(tmp_path, "devices.py", PRESETS, "PowerPresetDevice")
    assert caught.value.where == "devices.py, PowerPresetDevice"


def test_nothing_of_a_python_file_is_executed(tmp_path: Path) -> None:
    text = PRESETS + f"\nopen({str(tmp_path / 'ran')!r}, 'w')\n"
    read(tmp_path, "devices.py", text, "SteadyPresetDevice")
    assert not (tmp_path / "ran").exists()


def test_of_two_calls_and_two_objects_one_must_be_chosen(tmp_path: Path) -> None:
    calls = "a = ConstantStepDevice(dw_min=0.001, w_max=1/2)\nb = SoftBoundsDevice(\n    dw_min=0.002,\n)\n"
    with pytest.raises(DataError, match="2: ConstantStepDevice, SoftBoundsDevice"):
        read(tmp_path, "a.py", calls)
    assert read(tmp_path, "a.py", calls, "ConstantStepDevice").spec.n_levels_ltp == pytest.approx(1100)
    objects = '{"one": {"dw_min": 0.01}, "two": {"dw_min": 0.02, "source": "https://a.b"}}'
    with pytest.raises(DataError, match="2: one, two"):
        read(tmp_path, "a.json", objects)
    assert read(tmp_path, "a.json", objects, "two").spec.n_levels_ltp == pytest.approx(60)


def test_what_a_user_imports_is_what_the_table_there_and_back_shows(command: Command) -> None:
    """The range comes from the exported file itself; nothing else is given."""
    for kind, file in (("aihwkit", "p.json"), ("neurosim", "p.cpp")):
        told = command("device", "export", "pcmo", "--format", kind, "-o", file, "--json").json
        command("device", "import", file, "-o", "back.toml")
        back = load_device(Path("back.toml"))
        for change in told["round_trip"][:-1]:
            assert change["after"] == pytest.approx(getattr(back, change["name"]) or 0.0, rel=1e-9), change["name"]
        assert (back.g_min, back.g_max) == pytest.approx(
            (load_device("pcmo").g_min, load_device("pcmo").g_max), rel=1e-12
        )
        assert not {"g_min", "g_max"} & set(back.unconfirmed)
