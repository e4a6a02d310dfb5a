"""Files people really have: each kind read right, or refused in words that say what it is and what works."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from synarray.errors import DataError
from synarray.lab.formats import explain_file, read_file, read_pulses
from synarray.lab.rows.measured import Measurements

# Ag:a-Si, NeuroSim's reference data, every fifth point, nS (MLP_NeuroSim_V3.0 @ 58a5f0c, nonlinear_fit.m; the same with its own
# numbers in leejiwon8433/Non-linear-Fitting-for-NeuroSim @ 684a21c). LTD is listed from the lowest conductance up.
AG_LTP = [
    2.92,
    12.5,
    14.3,
    16.3,
    19.5,
    20.9,
    23.4,
    20.6,
    21.3,
    29.2,
    24.3,
    24.3,
    28.6,
    38.2,
    32.9,
    32.5,
    35.2,
    32.2,
    36.2,
    41.8,
]
AG_LTD = [
    3.15,
    4.15,
    4.08,
    4.23,
    4.23,
    3.77,
    3.69,
    4.69,
    6.08,
    6.69,
    7.23,
    8.31,
    10.5,
    12.7,
    17.8,
    21.7,
    27.2,
    36.0,
    39.4,
    41.8,
]
# A user's device in NeuroSim's order, nS, every fifth point (ilazya/AAA @ 9efb994).
CURVE11_LTP = [0.0235, 0.0962, 0.308, 0.664, 1.29, 1.98, 2.71, 3.35, 4.08, 4.62, 5.10, 5.59]
CURVE11_LTD = [0.109, 0.134, 0.186, 0.245, 0.332, 0.447, 0.662, 0.939, 1.38, 2.05, 3.10, 5.59]
# A NeuroSim user's script, uS; LTD is numbered down to 0, the second read is a typo (of 8.25, surely).
CURVE12_LTP = [
    7.87,
    2.25,
    8.85,
    9.96,
    10.69,
    11.35,
    11.94,
    12.49,
    13.0,
    13.47,
    13.92,
    14.74,
    14.76,
    15.15,
    15.53,
    15.9,
    16.25,
    16.59,
    16.92,
    17.24,
    17.56,
    18.27,
    18.16,
    18.45,
    18.74,
    19.02,
    19.29,
    19.56,
    19.82,
    20.07,
    20.32,
    20.98,
    20.81,
    21.05,
    21.28,
    21.51,
    21.74,
    21.96,
    22.18,
    22.39,
    22.6,
    23.41,
    24.18,
    24.91,
    25.59,
    26.25,
]
CURVE12_LTD = [
    26.87,
    28.26,
    24.9,
    22.48,
    20.67,
    19.25,
    18.1,
    17.15,
    16.34,
    15.65,
    15.05,
    14.52,
    14.05,
    13.63,
    13.26,
    12.92,
    12.62,
    12.35,
    12.09,
    11.85,
    11.64,
    11.44,
    11.25,
    11.08,
    10.91,
    10.76,
    10.62,
    10.48,
    10.35,
    10.23,
    10.11,
    10.0,
    9.9,
    9.8,
    9.7,
    9.61,
    9.52,
    9.44,
    9.35,
    9.27,
    9.2,
    9.12,
    9.05,
    8.98,
    8.91,
    8.85,
    8.78,
    8.72,
    8.66,
    8.6,
    8.54,
    8.48,
    8.43,
    8.38,
    8.33,
    8.28,
    8.23,
    8.18,
    8.13,
    8.08,
    8.04,
    7.99,
    7.95,
    7.91,
]
# LTP of that device beside LTD of another, nS: an instrument's zero at the end (loriyaya/Neuro3 @ 8accb44).
FEFET_LTD = [-0.00053, 0.0306, 0.268, 1.74, 4.68, 9.13, 14.0, 22.2, 31.4, 43.0, 294.0, 287.0]
# Two Y-Flash cells, (U2,0,3) and (U2,0,7), every second read, S (wangweifcc/memristive_dbn_yflash @ a1bd7d4).
YFLASH = (
    (
        "Gprog",
        [
            1.04975e-06,
            5.6e-07,
            3.16575e-07,
            1.74325e-07,
            9.555e-08,
            5.54e-08,
            3.1115e-08,
            1.67425e-08,
            9.0725e-09,
            4.578e-09,
        ],
    ),
    (
        "Gerase",
        [
            9.425e-10,
            8.23e-09,
            2.669e-08,
            5.6875e-08,
            1.011e-07,
            1.64975e-07,
            2.48525e-07,
            3.24575e-07,
            4.259e-07,
            1.0415e-06,
        ],
    ),
    ("Gprog", [1.012e-06, 7.1225e-07, 5.04e-07, 3.6485e-07, 2.67125e-07, 1.92075e-07, 1.312e-07, 9.3575e-08, 6.54e-08]),
    (
        "Gerase",
        [
            9.045e-10,
            2.11275e-08,
            8.8225e-08,
            1.87025e-07,
            3.092e-07,
            4.482e-07,
            6.0225e-07,
            7.6275e-07,
            9.4925e-07,
            1.04225e-06,
        ],
    ),
)
# Ramps of amplitude with five reads of each state at -0.1 V, nA (DanielTimbie/Data_Analysis_Codes_Memristor @ 61c61d7).
RAMP = (
    (1.5, (0.869, 0.858, 0.891, 0.906, 0.903)),
    (1.5, (1.355, 1.374, 1.361, 1.304, 1.351)),
    (2.0, (2.694, 2.312, 2.242, 2.238, 2.264)),
    (2.2, (2.787, 2.783, 2.750, 2.723, 2.745)),
    (2.4, (3.769, 3.842, 3.744, 3.674, 3.578)),
    (2.6, (4.370, 4.415, 4.362, 4.473, 4.399)),
    (-0.2, (3.674, 3.681, 3.807, 3.677, 3.779)),
    (-0.4, (3.551, 3.660, 3.540, 3.610, 3.502)),
    (-0.6, (3.213, 3.150, 3.266, 3.171, 3.222)),
    (4.2, (9.554, 9.471, 9.602, 9.512, 9.480)),
    (-0.5, (11.86, 11.70, 11.93, 11.75, 11.81)),
    (-1.0, (12.13, 12.01, 12.22, 12.10, 12.15)),
)


def known(n: int = 16, seed: int = 0, devices: int = 1, cycles: int = 1) -> np.ndarray:
    """Return an exponential device between 2 and 20 uS, 0.4 % noise: uS, [device, cycle, branch, pulse]."""
    rng, p = np.random.default_rng(seed), np.arange(1, n + 1)
    way = (1 - np.exp(-p / (0.35 * n))) / (1 - np.exp(-1 / 0.35))
    both = np.stack([2 + 18 * way, 20 - 18 * way])
    scale = 1 + 0.1 * np.arange(devices)
    return both * scale[:, None, None, None] * (1 + 0.004 * rng.standard_normal((devices, cycles, 2, n)))


def put(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def lines_of(form: str, *columns: object) -> list[str]:
    """Fill a form with a number from 1 on, and the values of each row."""
    return [form.format(i, *values) for i, values in enumerate(zip(*columns, strict=True), 1)]  # type: ignore[call-overload]


def numbered(
    *blocks: list[float], scale: float = 1e-9, start: float = 0, step: float = 1.0, down: int = -1
) -> list[str]:
    """Two columns, pulse and G_S; one block may count down."""
    lines = ["pulse,G_S"]
    for i, block in enumerate(blocks):
        count = [start + step * k for k in range(len(block))]
        lines += [f"{k:g},{g * scale:.6g}" for k, g in zip(count[::-1] if i == down else count, block, strict=True)]
    return lines


def shape(found: Measurements) -> list[tuple[int, int]]:
    """Polarity and length of each run."""
    edges = np.flatnonzero(
        np.r_[
            True, (np.diff(found.polarity) != 0) | (np.diff(found.device_id) != 0) | (np.diff(found.cycle) != 0), True
        ]
    )
    return [(int(found.polarity[a]), int(b - a)) for a, b in pairwise(edges)]


def command_works(path: Path, error: DataError) -> Measurements:
    """Run the reading half of the one command that a refusal gives."""
    words = shlex.split(error.do[error.do.index("synarray device fit") :].partition(" (or")[0])
    options = {word.lstrip("-"): value for word, value in zip(words[4::2], words[5::2], strict=True)}
    found = read_pulses(
        path, options.get("format"), options.get("columns"), ltd=options.get("ltd"), only=options.get("only")
    )
    assert isinstance(found, Measurements)
    return found


# The table of cases, row by row


@pytest.mark.parametrize("layout", ["numbers", "fractions", "sides", "sides without names"])
def test_neurosims_order_is_told_by_the_ends_of_the_blocks(tmp_path: Path, layout: str) -> None:
    """Both blocks rise: LTD is turned round, and said, whatever the numbers are."""
    if layout.startswith("sides"):
        rows = [
            f"{1.14 * k:.4f}\t{u}E-09\t{1.31 * k:.4f}\t{d}E-09"
            for k, (u, d) in enumerate(zip(AG_LTP, AG_LTD, strict=True))
        ]
        rows.append(f"{1.14 * 20:.4f}\t41.9E-09\t\t")
        head = ["Time[ns]_LTP\tConductance_LTP\tTime[ns]_LTD\tConductance_LTD"] if layout == "sides" else []
        path = put(tmp_path / "ag.tsv", *head, *rows)
    else:
        path = put(tmp_path / "ag.csv", *numbered(AG_LTP, AG_LTD, step=1.0 if layout == "numbers" else 1.14286))
    found = read_pulses(path)
    up = 20 if layout.startswith("sides") else 19
    assert shape(found) == [(0, 1), (1, up), (0, 1), (-1, 19)]
    assert found.G_S[-20:].tolist() == pytest.approx([g * 1e-9 for g in AG_LTD[::-1]])
    assert any("NeuroSim's order" in remark and "turned round" in remark for remark in found.remarks)
    if not layout.startswith("sides"):
        assert (read_pulses(path, ltd="falling").polarity >= 0).all()


def test_a_block_that_falls_and_one_listed_upwards_are_the_same_ltd(tmp_path: Path) -> None:
    rising = read_pulses(put(tmp_path / "up.csv", *numbered(CURVE11_LTP, CURVE11_LTD)))
    falling = read_pulses(put(tmp_path / "down.csv", *numbered(CURVE11_LTP, CURVE11_LTD[::-1])))
    sides = put(tmp_path / "sides.csv", "Pulse,Potentiation (nS),Depression (nS)",
                *(f"{i},{u},{d}" for i, (u, d) in enumerate(zip(CURVE11_LTP, CURVE11_LTD[::-1], strict=True))))  # fmt: skip
    for found in (falling, read_pulses(sides)):
        assert (found.G_S.tolist(), found.polarity.tolist()) == (
            pytest.approx(rising.G_S.tolist()),
            rising.polarity.tolist(),
        )
    assert (rising.G_S.min(), rising.G_S.max()) == (pytest.approx(2.35e-11), pytest.approx(5.59e-9))


def test_numbers_that_count_down_and_up_read_alike_and_a_typo_is_counted(tmp_path: Path) -> None:
    down = read_pulses(put(tmp_path / "down.csv", *numbered(CURVE12_LTP, CURVE12_LTD, scale=1e-6, down=1)))
    up = read_pulses(put(tmp_path / "up.csv", *numbered(CURVE12_LTP, CURVE12_LTD, scale=1e-6)))
    for found in (down, up):
        assert found.discarded == {"read far from those before and after it": 1}
        assert 2.25e-6 not in found.G_S
        assert shape(found) == [(0, 1), (1, 44), (0, 1), (-1, 63)]
    assert down.G_S.tolist() == up.G_S.tolist()


@pytest.mark.parametrize("order", [1, -1])
def test_branches_without_a_common_range_are_refused_and_one_can_be_read(tmp_path: Path, order: int) -> None:
    path = put(tmp_path / "fefet.csv", *numbered(CURVE11_LTP, FEFET_LTD[::order]))
    with pytest.raises(DataError, match="share a range") as error:
        read_pulses(path)
    assert "LTP from 23.5 pS to 5.59 nS, LTD from 294 nS down to -530 fS" in error.value.got
    assert set(command_works(path, error.value).polarity.tolist()) == {0, 1}
    assert set(read_pulses(path, only="ltd").polarity.tolist()) == {0, -1}


def test_one_train_per_row_reads_as_the_same_pulses_in_a_long_table(tmp_path: Path) -> None:
    rows = put(tmp_path / "rows.txt", "(U2,2,4) tprog: 0.0002, terase: 0.0001",
               *(f"{name}, " + ", ".join(f"{g:g}" for g in values) for name, values in YFLASH))  # fmt: skip
    lines = ["device_id,cycle,pulse,polarity,width_s,G_S"]
    for k, (name, values) in enumerate(YFLASH):
        sign, width = (-1, 2e-4) if name == "Gprog" else (1, 1e-4)
        lines += [f"1,{k // 2},{p},{sign if p else 0},{width},{g:g}" for p, g in enumerate(values)]
    found, long = read_pulses(rows), read_pulses(put(tmp_path / "long.csv", *lines))
    for key in ("polarity", "cycle"):
        assert getattr(found, key).tolist() == getattr(long, key).tolist(), key
    assert found.G_S.tolist() == pytest.approx(long.G_S.tolist())
    assert found.devices == ("(U2,2,4)",)
    assert found.width_s[found.polarity < 0].tolist() == pytest.approx([2e-4] * 17)
    assert any("program pulses lower the conductance" in remark for remark in found.remarks)


def test_rows_that_name_their_device_each_keep_devices_apart(tmp_path: Path) -> None:
    lines = [f"(U2,0,{d}),{'tprog=0.0002' if name == 'Gprog' else 'terase=0.0001'},{name}, " + ", ".join(f"{g:g}" for g in values)
             for d in range(2) for name, values in YFLASH[2 * d : 2 * d + 2]]  # fmt: skip
    found = read_pulses(put(tmp_path / "d2d.txt", *lines))
    assert found.devices == ("(U2,0,0)", "(U2,0,1)")
    assert shape(found) == [(0, 1), (-1, 9), (0, 1), (1, 9), (0, 1), (-1, 8), (0, 1), (1, 9)]


def test_ramps_of_amplitude_are_told_and_no_polarity_is_made_up(tmp_path: Path) -> None:
    rows = [
        f"{v:.18e},4.999999999999999774e-07,1.000e+03,-1.000e-01," + ",".join(f"{-i:.6f}e-09" for i in reads)
        for v, reads in RAMP
    ]
    path = put(tmp_path / "ramp.csv", "# pulse_v,pulse_width,num_applied,meas_v,i_0,i_1,i_2,i_3,i_4", *rows)
    with pytest.raises(DataError, match="one amplitude") as error:
        read_pulses(path)
    assert "ramps of amplitude between -1 and 4.2 V" in error.value.got
    assert "1.5 V, has 2 pulses" in error.value.got
    assert "5 columns are reads of one state" in error.value.got
    assert "each row follows 1,000 pulses" in error.value.got
    meanings = [column.meaning for column in explain_file(path).columns]
    assert meanings == ["amplitude_V", "width_s", "per_row", "read_V", *["I_A"] * 5]


def test_a_sweep_is_no_pulse_train(tmp_path: Path) -> None:
    """Names of a Keithley's channels (thomastiotto/Memristor-Models @ 1dcb5f3), and plain ones without a header of units."""
    volts = np.concatenate([np.arange(0, 1, 0.02), np.arange(1, 0, -0.02)])
    current = 1e-7 * np.sinh(6 * volts)
    keithley = [
        f"{i},{0.083 * i:.5f},{v:.5f},{a:.5e},{v / a if a else 0:.5e},"
        for i, (v, a) in enumerate(zip(volts, current, strict=True), 1)
    ]
    plain = [f"{v:.3f},{a:.5e},{abs(a):.5e}" for v, a in zip(volts, current, strict=True)]
    for head, rows in (
        ("Item,Smu1.Time[1][1],Smu1.V[1][1],Smu1.I[1][1],Smu1.R[1][1],", keithley),
        ("V1,I1,absI", plain),
    ):
        path = put(tmp_path / "iv.csv", head, *rows)
        with pytest.raises(DataError) as error:
            read_pulses(path)
        assert "an I-V sweep" in error.value.got
        assert "first rows: " in error.value.got
        assert error.value.do.endswith("synarray device fit iv.csv --explain")
        assert explain_file(path).said[0].startswith("It would be refused")


PAPERS = {
    "english": ("Pulse #,Potentiation (S),Depression (S)", "{i},{u:.4e},{d:.4e}", 1e-6, "utf-8"),
    "german": ("Puls;Potenzierung (µS);Depression (µS)", "{i};{u:.3f};{d:.3f}", 1.0, "utf-8"),
    "french": ("Impulsion;Potentiation (µS);Dépression (µS)", "{i};{u:.3f};{d:.3f}", 1.0, "latin-1"),
    "chinese": ("脉冲数,增强电导(μS),抑制电导(μS)", "{i},{u:.3f},{d:.3f}", 1.0, "gb18030"),
    "korean": ("펄스 수,강화 (nS),억제 (nS)", "{i},{u:.1f},{d:.1f}", 1e3, "cp949"),
    "excel": ("Pulse\tLTP (uS)\tLTD (uS)", "{i}\t{u:.3f}\t{d:.3f}", 1.0, "utf-16"),
    "units beneath": ("Pulse,R_LTP,R_LTD\n,kOhm,kOhm", "{i},{ru:.6f},{rd:.6f}", 1.0, "utf-8"),
    "currents": (
        "No.,PSC potentiation (nA) @ 0.1 V,PSC depression (nA) @ 0.1 V",
        "{i},{u:.3f},{d:.3f}",
        100.0,
        "utf-8",
    ),
    "savetxt": ("# pulse G_LTP G_LTD", "{i:.18e} {u:.18e} {d:.18e}", 1e-6, "utf-8"),
}


@pytest.mark.parametrize("name", PAPERS)
def test_potentiation_and_depression_side_by_side_need_no_option(tmp_path: Path, name: str) -> None:
    head, row, scale, encoding = PAPERS[name]
    up, down = known()[0, 0]
    rows = [
        row.format(i=i, u=u * scale, d=d * scale, ru=1e3 / u, rd=1e3 / d)
        for i, (u, d) in enumerate(zip(up, down, strict=True), 1)
    ]
    rows = [line.replace(".", ",") for line in rows] if ";" in head else rows
    found = read_pulses(put(tmp_path / "paper.txt", head, *rows, encoding=encoding))
    assert shape(found) == [(1, 16), (-1, 16)]
    assert found.G_S.tolist() == pytest.approx([*(up * 1e-6), *(down * 1e-6)], rel=1e-3)
    assert found.devices == ("0",)
    assert np.isfinite(found.read_V).all() == (name == "currents")


@pytest.mark.parametrize("kind", ["Gread", "ReadI"])
def test_an_instruments_own_lines_give_read_voltage_and_width(tmp_path: Path, kind: str) -> None:
    """Keithley 4200: width and voltage of the reads are above the table, the device in a column, the sign in the voltage."""
    above = [
        "Keithley 4200A-SCS,Clarius V1.9",
        "Date,2026/03/14 15:22:07",
        "Compliance,1.00E-3",
        "PulseWidth,1E-6",
        "Vread,0.1",
        "",
    ]
    rows = [
        f"{i + 1},{2e-5 * i:.6E},{(0.85, -1.05)[i // 16]:.3f},{g * 1e-7:.6E},D{d + 1}{f',{g * 1e-6:.6E}' * (kind == 'Gread')}"
        for d, curve in enumerate(known(devices=3)[:, 0]) for i, g in enumerate(curve.ravel())
    ]  # fmt: skip
    head = "Index,Time,AV,AI,DeviceID,Gread" if kind == "Gread" else "Index,Time,PulseV,ReadI,DeviceID"
    found = read_pulses(put(tmp_path / "k.csv", *above, head, *rows))
    assert shape(found) == [(1, 16), (-1, 16)] * 3
    assert found.devices == ("D1", "D2", "D3")
    assert found.G_S.tolist() == pytest.approx((known(devices=3) * 1e-6).ravel().tolist(), rel=1e-5)
    assert (set(found.read_V.tolist()), set(found.width_s.tolist())) == ({0.1}, {1e-6})
    assert set(found.amplitude_V.tolist()) == {0.85, -1.05}
    assert any("read_V is 0.1, as the file says" in remark for remark in found.remarks)


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_column_per_device_is_cut_into_whole_trains(tmp_path: Path) -> None:
    """LTP then LTD below each other, two cycles, numbers that run on: noise at the turns makes no 15 pulses of 16."""
    data = known(devices=3, cycles=2).transpose(1, 2, 3, 0).reshape(-1, 3)
    rows: list[list[object]] = [
        ["Sample: HfOx 40x40 um, wafer W12"],
        [],
        ["Pulse number", *(f"Device {d + 1} (uS)" for d in range(3))],
    ]
    rows += [[i + 1, *map(float, values)] for i, values in enumerate(data)]
    found = read_pulses(workbook(tmp_path / "wide.xlsx", LTP_LTD=rows))
    assert shape(found) == [(1, 16), (-1, 16)] * 6
    assert found.devices == ("1", "2", "3")
    assert found.G_S.tolist() == pytest.approx((known(devices=3, cycles=2) * 1e-6).ravel().tolist())


def test_sheets_for_each_branch_or_each_device_are_read_together(tmp_path: Path) -> None:
    data = known(devices=2)[:, 0]
    head: list[object] = ["Pulse", "Device 1 (uS)", "Device 2 (uS)"]
    branches = {
        name: [head, *([i + 1, float(data[0, b, i]), float(data[1, b, i])] for i in range(16))]
        for b, name in enumerate(("LTP", "LTD"))
    }
    found = read_pulses(workbook(tmp_path / "branches.xlsx", Notes=[["my lab"]], **branches))
    assert (shape(found), found.devices) == ([(1, 16), (-1, 16)] * 2, ("1", "2"))
    assert any("'Notes'" in repair for repair in found.repairs)
    assert any("LTP from sheet 'LTP', LTD from sheet 'LTD'" in remark for remark in found.remarks)
    names: list[object] = ["Pulse", "Potentiation (uS)", "Depression (uS)"]
    cells = {
        f"cell{d + 1}": [names, *([i + 1, float(data[d, 0, i]), float(data[d, 1, i])] for i in range(16))]
        for d in range(2)
    }
    again = read_pulses(workbook(tmp_path / "cells.xlsx", **cells))
    assert (shape(again), again.devices) == (shape(found), ("cell1", "cell2"))
    assert again.G_S.tolist() == found.G_S.tolist()
    assert any("devices of its own" in remark for remark in again.remarks)


@pytest.mark.parametrize("head", ["device", "dut", "cell", "DeviceID", "器件", "소자", "chip,row,col"])
def test_identities_are_never_merged(tmp_path: Path, head: str) -> None:
    data = known(devices=3, cycles=2)
    rows = [
        f"{','.join((str(d),) * len(head.split(',')))},{c},{b * 16 + i},{1 - 2 * b},{data[d, c, b, i] * 1e-6:.6e}"
        for d in range(3) for c in range(2) for b in range(2) for i in range(16)
    ]  # fmt: skip
    found = read_pulses(put(tmp_path / "long.csv", f"{head},cycle,pulse,polarity,G_S", *rows))
    assert len(found.devices) == 3
    assert shape(found) == [(1, 16), (-1, 16)] * 6


def test_an_identity_of_unknown_name_is_read_and_said(tmp_path: Path) -> None:
    """Words that stay for whole trains tell devices apart; numbers that do may be anything, which is said."""
    rows = [f"{w},{a},{1 - 2 * b},{known()[0, 0, b, i] * 1e-6:.5e}"
            for w, a in (("alpha", 25), ("beta", 100)) for b in range(2) for i in range(16)]  # fmt: skip
    path = put(tmp_path / "u.csv", "tip,area (um2),polarity,G_S", *rows)
    found = read_pulses(path)
    assert found.devices == ("alpha", "beta")
    assert any("'tip' was read as the name of the device" in remark for remark in found.remarks)
    said = next(remark for remark in found.remarks if remark.startswith("not used"))
    assert "may tell devices apart; to use it: --columns 'device_id=area (um2)'" in said
    assert read_pulses(path, columns="device_id=area (um2)").devices == ("25", "100")


def test_trains_of_equal_length_count_as_their_length(tmp_path: Path) -> None:
    curve = known(n=64, cycles=5).ravel()
    found = read_pulses(
        put(tmp_path / "plain.csv", "pulse,conductance", *(f"{i},{g * 1e-6:.5e}" for i, g in enumerate(curve, 1)))
    )
    assert shape(found) == [(1, 64), (-1, 64)] * 5
    assert "'conductance' has no unit: taken as S" in found.remarks


def test_a_steep_first_step_is_no_wild_read(tmp_path: Path) -> None:
    """The first LTD step takes 40 % of the range; nothing is set aside."""
    rng = np.random.default_rng(0)
    way = 1 + 2 * np.r_[np.linspace(0, 1, 21), 0.6 * np.exp(-np.arange(20) / 6)]
    words = ["READ", *["LTP"] * 20, *["LTD"] * 20]
    rows = [
        f"d{d},{c},{i},{words[i]},{x * 1e-6 * (1 + 0.005 * rng.standard_normal()):.6g}"
        for d in range(4) for c in range(5) for i, x in enumerate(way)
    ]  # fmt: skip
    assert read_pulses(put(tmp_path / "s.csv", "device_id,cycle,pulse,polarity,G_S", *rows)).discarded == {}


# Layouts nobody described


def test_two_lines_of_names_make_devices(tmp_path: Path) -> None:
    data = known(devices=3)[:, 0]
    rows = [f"{i + 1}," + ",".join(f"{data[d, 0, i]:.4f},{data[d, 1, i]:.4f}" for d in range(3)) for i in range(16)]
    found = read_pulses(
        put(tmp_path / "t.csv", ",Device A,,Device B,,Device C,", "Pulse," + ",".join(["LTP (uS),LTD (uS)"] * 3), *rows)
    )
    assert (shape(found), found.devices) == ([(1, 16), (-1, 16)] * 3, ("a", "b", "c"))


def test_origins_names_units_and_comments_are_joined(tmp_path: Path) -> None:
    up, down = known()[0, 0]
    rows = [f"{i + 1}\t{u:.4f}\t{i + 1}\t{d:.4f}" for i, (u, d) in enumerate(zip(up, down, strict=True))]
    head = ("Pulse number\tConductance\tPulse number\tConductance", "#\tuS\t#\tuS", "\tPotentiation\t\tDepression")
    found = read_pulses(put(tmp_path / "o.txt", *head, *rows))
    assert shape(found) == [(1, 16), (-1, 16)]
    assert found.G_S.max() == pytest.approx(2e-5, rel=0.02)


def test_easyexpert_arc_two_and_a_2450_are_read_as_they_are(tmp_path: Path) -> None:
    g = known()[0, 0].ravel() * 1e-6
    sign, current, phase = np.repeat([1.2, -1.4], 16), 0.2 * g, ["potentiation"] * 16 + ["depression"] * 16
    b1500 = [
        "SetupTitle, LTP LTD",
        "TestParameter, Test.Const.Vread, 0.2",
        "TestParameter, PulseWidth, 1E-05",
        "Dimension1, 32, 32",
    ]
    b1500 += ["DataName, Index, Vpulse, Iread", *lines_of("DataValue, {}, {}, {:.5e}", sign, current)]
    arc = ["current,amplitude,pulse_width,read_voltage,op_type", *lines_of("{2:.5e},{1},1e-05,0.2,2", sign, current)]
    tsp = [
        "# Test: Potentiation-Depression",
        "# Pulse Voltage: 1.2 V",
        "# Read Voltage: 0.2 V",
        "# Pulse Width: 1E-5 s",
        "#",
    ]
    tsp += ["Measurement_Number\tTimestamp(s)\tVoltage(V)\tCurrent(A)\tResistance(Ohm)\tPhase"]
    tsp += lines_of("{0}\t0.0{0}\t0.2\t{1:.5e}\t{2:.2f}\t{3}", current, 1 / g, phase)
    for name, lines in (("b1500", b1500), ("arc", arc), ("tsp", tsp)):
        found = read_pulses(put(tmp_path / f"{name}.csv", *lines))
        assert shape(found) == [(1, 16), (-1, 16)], name
        assert found.G_S.tolist() == pytest.approx(g.tolist(), rel=1e-4), name
        assert (set(found.read_V.tolist()), set(found.width_s.tolist())) == ({0.2}, {1e-5}), name
        assert found.amplitude_V[0] == 1.2, name


def test_repeated_reads_in_columns_give_the_read_noise(tmp_path: Path) -> None:
    rng, g = np.random.default_rng(1), known(n=64)[0, 0].ravel()
    rows = [
        f"{i},{1 if i < 64 else -1}," + ",".join(f"{x * (1 + 0.02 * rng.standard_normal()):.5f}" for _ in range(5))
        for i, x in enumerate(g)
    ]
    path = put(tmp_path / "reads.csv", "pulse,polarity," + ",".join(f"read{k} (uS)" for k in range(1, 6)), *rows)
    found = read_pulses(path)
    assert (len(found), found.reads) == (128, 5)
    assert found.read_noise == pytest.approx(0.02, rel=0.1)
    unnamed = put(tmp_path / "i.csv", "pulse,polarity,G1 (uS),G2 (uS),G3 (uS),G4 (uS),G5 (uS)", *rows)
    assert read_pulses(unnamed).read_noise == pytest.approx(0.02, rel=0.1)


def test_columns_that_go_their_own_way_are_devices_and_no_reads(tmp_path: Path) -> None:
    data = known(n=32, devices=4)[:, 0].reshape(4, -1)
    rows = [f"{i + 1}," + ",".join(f"{g:.4f}" for g in column) for i, column in enumerate(data.T)]
    found = read_pulses(put(tmp_path / "w.csv", "pulse,G1 (uS),G2 (uS),G3 (uS),G4 (uS)", *rows))
    assert len(found.devices) == 4


def test_numbers_without_names_are_trains_along_the_way_they_are_smooth(tmp_path: Path) -> None:
    data = known(devices=3)[:, 0].reshape(3, -1) * 1e-6
    for name, matrix in (("columns", data.T), ("rows", data)):
        found = read_pulses(put(tmp_path / f"{name}.csv", *(",".join(f"{g:.5e}" for g in row) for row in matrix)))
        assert (shape(found), len(found.devices)) == ([(1, 16), (-1, 16)] * 3, 3), name


def test_blocks_with_lines_of_text_between_are_one_curve(tmp_path: Path) -> None:
    up, down = known()[0, 0]
    lines = [line for word, block in (("LTP", up), ("LTD", down)) for line in
             (word, "Pulse,Conductance (uS)", *(f"{i},{g:.4f}" for i, g in enumerate(block, 1)))]  # fmt: skip
    found = read_pulses(put(tmp_path / "s.csv", *lines))
    assert shape(found) == [(1, 16), (-1, 16)]
    assert sum(found.discarded.values()) == 2


def test_numbers_without_a_unit_are_refused_with_a_command_that_works(tmp_path: Path) -> None:
    up, down = known()[0, 0]
    path = put(
        tmp_path / "n.csv",
        "pulse,potentiation,depression",
        *(f"{i},{u:.3f},{d:.3f}" for i, (u, d) in enumerate(zip(up, down, strict=True), 1)),
    )
    with pytest.raises(DataError) as error:
        read_pulses(path)
    assert "around 1" in error.value.got
    assert command_works(path, error.value).G_S.max() == pytest.approx(2e-5, rel=0.02)


def test_ltp_that_falls_and_ltd_that_rises_are_refused_with_a_command_that_works(tmp_path: Path) -> None:
    up, down = known()[0, 0] * 1e-6
    path = put(
        tmp_path / "x.csv",
        "pulse,depression,potentiation",
        *(f"{i},{u:.4e},{d:.4e}" for i, (u, d) in enumerate(zip(up, down, strict=True), 1)),
    )
    with pytest.raises(DataError, match="LTP must raise") as error:
        read_pulses(path)
    assert shape(command_works(path, error.value)) == [(1, 16), (-1, 16)]


def test_pulses_of_one_amplitude_are_taken_out_of_ramps(tmp_path: Path) -> None:
    """Each ramp is followed by equal pulses: only these, and the reads before them, are used."""
    g, rows = 2.0, []
    for _ in range(12):
        for volts, step in (
            (1.0, 0.1),
            (1.2, 0.2),
            (1.5, 0.4),
            (1.5, 0.4),
            (1.5, 0.4),
            (-1.0, -0.5),
            (-1.0, -0.5),
            (-1.0, -0.5),
        ):
            g += step
            rows.append(f"{volts},{g * 1e-6:.5e}")
    found = read_pulses(put(tmp_path / "r.csv", "pulse amplitude (V),conductance (S)", *rows))
    assert set(found.amplitude_V[found.polarity > 0].tolist()) == {1.5}
    assert any(
        "only pulses of one amplitude each way were read, 36 of 1.5 V and 36 of -1 V" in remark
        for remark in found.remarks
    )
    assert found.discarded == {"pulse of another amplitude": 12}


def test_voltages_that_move_nothing_give_no_direction(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{1 if i % 2 else -1},{1e-6 * (1 + 0.05 * rng.standard_normal()):.5e}" for i in range(200)]
    found = read_pulses(put(tmp_path / "n.csv", "Vpulse (V),G (S)", *rows))
    assert any("moves by no more than its noise" in repair for repair in found.repairs)


# Before anything is fitted


def test_any_line_of_the_explanation_can_be_given(tmp_path: Path) -> None:
    up, down = known()[0, 0]
    rows = [f"{i},{u:.3f},{d:.3f},7" for i, (u, d) in enumerate(zip(up, down, strict=True), 1)]
    path = put(tmp_path / "e.csv", "k,first,second,third", *rows)
    found = explain_file(path, columns="pulse=k,LTP=first in uS,LTD=3 in uS,ignore=third")
    assert [(c.shown, c.meaning, c.branch) for c in found.columns] == [
        ("k", "pulse", 0), ("first", "G_S", 1), ("second", "G_S", -1), ("third", "", 0),
    ]  # fmt: skip
    assert {c.why for c in found.columns} == {"--columns"}
    assert found.columns[1].first == tuple(f"{u:.3f}" for u in up[:3])
    assert read_pulses(path, columns="pulse=k,LTP=first in uS,LTD=3 in uS").G_S.max() == pytest.approx(2e-5, rel=0.02)


def test_what_is_read_says_itself(tmp_path: Path) -> None:
    up, down = known()[0, 0]
    path = put(
        tmp_path / "p.csv",
        "Pulse,LTP (uS),LTD (uS)",
        *(f"{i},{u:.3f},{d:.3f}" for i, (u, d) in enumerate(zip(up, down, strict=True), 1)),
    )
    found = read_pulses(path)
    lines = repr(found).splitlines()
    assert lines[0] == "Measured pulses of p.csv: 32 reads, 1 device"
    assert "trains: 1 cycles, 16 LTP and 16 LTD pulses" in lines
    assert len(lines) <= 8
    assert found._repr_html_().startswith("<table>")


def test_what_is_no_file_of_pulses_keeps_saying_so(tmp_path: Path) -> None:
    path = put(tmp_path / "t.csv", "time,temperature", *(f"{i},{20 + i}" for i in range(9)))
    with pytest.raises(DataError) as error:
        read_file(path)
    assert "columns time, temperature" in error.value.got
    assert "first rows: 0 | 20; 1 | 21" in error.value.got
