"""Rows of measured pulses that mislead: wild reads, other units, codes, order, copies. Nothing is wrong without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synarray.device.library import device_names, load_device
from synarray.errors import DataError
from synarray.lab.fitting import fit
from synarray.lab.formats import FORMATS, read_pulses
from synarray.lab.rows.measured import Measurements, Rows
from synarray.lab.rows.settle import settle
from synarray.lab.synthetic import measure_devices

WILD = "read far from those before and after it"
HEADER = "device_id,cycle,pulse,polarity,G_S"
Cells = list[list[str]]


def cells(device: str = "pcmo", devices: int = 2, cycles: int = 3) -> Cells:
    """Rows of a synthetic measurement: device, cycle, pulse, polarity, conductance."""
    writer = FORMATS["synarray"].write
    assert writer is not None
    lines = writer(measure_devices(load_device(device), devices, cycles))[""].decode().splitlines()[1:]
    return [[*line.split(",")[:4], line.split(",")[6]] for line in lines]


def read(folder: Path, table: Cells, header: str = HEADER, columns: str | None = None) -> Measurements:
    (folder / "p.csv").write_text("\n".join([header, *map(",".join, table)]) + "\n")
    return read_pulses(folder / "p.csv", columns=columns)


def times(table: Cells, factor: Callable[[int], float]) -> Cells:
    return [[*row[:4], f"{float(row[4]) * factor(i):.10g}"] for i, row in enumerate(table)]


def again(measured: Measurements) -> Measurements:
    """Settle the rows of a measurement once more, as a reader would."""
    rows = Rows(measured.G_S.copy(), measured.device_id.copy(), names=list(measured.devices))
    rows.cycle, rows.pulse = measured.cycle.astype(float), measured.pulse.astype(float)
    rows.polarity = measured.polarity.astype(float)
    return settle(rows, "p.csv", "synarray")


# Wild reads


@pytest.mark.parametrize("name", [name for name in device_names() if load_device(name).law != "exact"])
@pytest.mark.parametrize("noise", [{}, {"sigma_read": 0.05}, {"sigma_c2c": 0.1, "sigma_read": 0.02}], ids=str)
def test_nothing_is_set_aside_in_sound_measurements(name: str, noise: dict[str, float]) -> None:
    device = load_device(name).model_copy(update=noise)
    for devices, cycles, seed in ((1, 1, 0), (2, 2, 1), (4, 4, 2)):
        measured = measure_devices(device, devices, cycles, seed)
        found = again(measured)
        assert found.G_S.tolist() == measured.G_S.tolist()
        assert (found.discarded, found.repairs) == ({}, ())


@pytest.mark.parametrize("factor", [3.0, 30.0])
@pytest.mark.parametrize("count", [1, 13])
def test_a_few_wild_reads_are_counted_and_leave_the_fit_as_it_was(factor: float, count: int) -> None:
    measured = measure_devices(load_device("hzo-fefet"), 20, 10)
    wild = np.array([5000]) if count == 1 else np.arange(37, 13_000, 1000)
    measured.G_S[wild] *= factor
    found = again(measured)
    assert set(found.discarded) == {WILD}
    assert found.discarded[WILD] >= 0.75 * count  # three times a low state is a state as well
    fitted = fit(found, "wild").as_json()
    assert (fitted["n_levels_ltp"], fitted["n_levels_ltd"]) == (32, 32)
    assert fitted["sigma_c2c"] == pytest.approx(0.005, rel=0.05 if len(found) == len(measured) - count else 0.2)
    assert fitted["sigma_d2d_step"] < 0.0117  # the upper end of the interval without them


@pytest.mark.parametrize(("name", "size", "share"), [("taox-tio2", (5, 4), 0.03), ("pcm", (6, 6), 0.003)])
def test_reads_that_may_be_anything_are_told_from_the_law(name: str, size: tuple[int, int], share: float) -> None:
    """Anywhere in the range, so that many do not stand out in the file: the law tells them from what the device does."""
    sound = measure_devices(load_device(name), *size)
    rng, measured = np.random.default_rng(3), measure_devices(load_device(name), *size)
    wild = rng.random(len(measured)) < share
    measured.G_S[wild] = rng.uniform(sound.G_S.min(), sound.G_S.max(), np.count_nonzero(wild))
    found, clean = fit(again(measured)), fit(sound)
    assert WILD not in clean.rows_discarded
    assert 0.5 * np.count_nonzero(wild) < found.rows_discarded[WILD] <= np.count_nonzero(wild)
    assert len(found.measured) + found.rows_discarded[WILD] == len(sound)
    assert any("wild" in words for words in found.warnings)
    for key in ("n_levels_ltp", "n_levels_ltd", "nonlinearity_ltp", "nonlinearity_ltd", "sigma_d2d_step"):
        assert clean.table[key].low - 1e-9 <= found.table[key].value <= clean.table[key].high + 1e-9, key
    for key in ("sigma_c2c", "sigma_read"):
        assert found.table[key].value == pytest.approx(clean.table[key].value, rel=0.1), key


def test_a_device_that_jumps_and_stays_is_not_wild() -> None:
    """One pulse in fifty moves by a tenth of the range more: what the device does belongs to its noise."""
    measured = measure_devices(load_device("taox-tio2"), 5, 4)
    rng = np.random.default_rng(0)
    step = np.diff(measured.G_S, prepend=measured.G_S[0]) * (measured.polarity != 0)
    step += rng.choice([-1e-8, 0.0, 1e-8], len(step), p=[0.01, 0.98, 0.01]) * (measured.polarity != 0)
    for at in range(1, len(measured)):
        if measured.polarity[at] != 0:
            measured.G_S[at] = np.clip(measured.G_S[at - 1] + step[at], 1e-7, 2e-7)
    assert WILD not in fit(again(measured)).rows_discarded


def test_wild_reads_at_turns_and_side_by_side_are_found() -> None:
    measured = measure_devices(load_device("hzo-fefet"), 4, 10)
    top = np.flatnonzero((measured.polarity[:-1] == 1) & (measured.polarity[1:] == -1))[3]
    measured.G_S[[top, 20, 21, 300, 302]] *= 30.0
    assert again(measured).discarded == {WILD: 5}


def test_overflow_readings_are_counted_in_every_quantity(tmp_path: Path) -> None:
    table = cells()
    good = len(read(tmp_path, table))
    for header, turn in (
        (HEADER, lambda g: g),
        (HEADER.replace("G_S", "G_nS"), lambda g: g * 1e9),
        (HEADER.replace("G_S", "R_ohm"), lambda g: 1.0 / g),
    ):
        over = [[*row[:4], "9.9e37" if i % 50 == 3 else repr(turn(float(row[4])))] for i, row in enumerate(table)]
        found = read(tmp_path, over, header)
        assert found.discarded == {"overflow reading": good - len(found)}


def test_a_single_value_above_one_siemens_is_a_slip(tmp_path: Path) -> None:
    assert read(tmp_path, times(cells(), lambda i: 1e9 if i == 30 else 1.0)).discarded == {"conductance above 1 S": 1}


# Units


MIXED: dict[str, Callable[[int, int], float]] = {
    "second half": lambda i, n: 1e3 if i > n // 2 else 1.0,
    "second half, down": lambda i, n: 1e-3 if i > n // 2 else 1.0,
    "every fourth": lambda i, n: 1e3 if i % 4 == 0 else 1.0,
    "every other": lambda i, n: 1e3 if i % 2 == 0 else 1.0,
    "first tenth": lambda i, n: 1e3 if i < n // 10 else 1.0,
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize(("devices", "cycles"), [(3, 4), (1, 10)])
def test_rows_in_another_unit_are_refused(tmp_path: Path, name: str, devices: int, cycles: int) -> None:
    table = cells("pcmo", devices, cycles)
    with pytest.raises(DataError, match="one unit for the whole column"):
        read(tmp_path, times(table, lambda i: MIXED[name](i, len(table))))


@pytest.mark.parametrize("on_off", [1e3, 1e4, 1e6])
@pytest.mark.parametrize("pulses", [1, 10])
def test_binary_devices_of_large_ratio_are_no_mixed_units(on_off: float, pulses: int) -> None:
    """With pulses that fail, a cell that is stuck at each end, and a spread of the low state by half an e-fold."""
    rng = np.random.default_rng(0)
    rows: list[tuple[int, int, int, int, float]] = []
    for device in range(4):
        high = False
        for cycle in range(8):
            for pulse, sign in enumerate([0, *[1] * pulses, *[-1] * pulses]):
                if sign and device < 2 and rng.random() < 0.7:
                    high = sign > 0
                high = high if device < 2 else device == 2
                g = 1e-4 if high else 1e-4 / on_off * np.exp(0.5 * rng.standard_normal())
                rows.append((device, cycle, pulse, sign, g))
    device, cycle, pulse, sign, g = map(np.array, zip(*rows, strict=True))
    measured = Rows(g, device.astype(np.int32), cycle=cycle.astype(float), pulse=pulse.astype(float))
    measured.polarity = sign.astype(float)
    found = settle(measured, "p.csv", "synarray")
    assert (len(found), found.discarded, found.repairs) == (len(g), {}, ())


# Polarity


@pytest.mark.parametrize(
    "words",
    ["potentiation depression", "Pot Dep", "program erase", "LTP LTD", "SET RESET", "up down", "P D", "+1 -1", "1 0"],
)
def test_words_and_codes_of_polarity_are_known(tmp_path: Path, words: str) -> None:
    table, (up, down) = cells(), words.split()
    truth = read(tmp_path, table)
    code = {"LTP": up, "LTD": down}
    table = [[*row[:3], code[row[3]], row[4]] for row in table if row[3] != "READ"]
    found = read(tmp_path, table)
    assert found.polarity.tolist() == [p for p in truth.polarity.tolist() if p]
    assert any("distinguished by what they did" in r or "read as LTD" in r for r in found.repairs) == (
        words in ("program erase", "1 0")
    )


@pytest.mark.parametrize(
    ("up", "down", "says"),
    [("1", "2", "got 2"), ("0", "1", "must not move"), ("TRUE", "FALSE", "'TRUE', 'FALSE'"), ("LTP", "LTTD", "'LTTD'")],
)
def test_codes_of_polarity_that_are_not_known_are_refused(tmp_path: Path, up: str, down: str, says: str) -> None:
    code = {"LTP": up, "LTD": down}
    with pytest.raises(DataError) as error:
        read(tmp_path, [[*row[:3], code[row[3]], row[4]] for row in cells() if row[3] != "READ"])
    assert says in str(error.value)


def test_voltages_stand_in_for_words_that_are_not_known(tmp_path: Path) -> None:
    table, volts = cells(), {"LTP": "-2", "LTD": "2", "READ": "0"}
    truth = read(tmp_path, table)
    for some in (1, 9):
        odd = [[*row[:3], "FOO" if i % some == 0 else row[3], row[4], volts[row[3]]] for i, row in enumerate(table)]
        found = read(tmp_path, odd, HEADER + ",amplitude_V")
        assert found.polarity.tolist() == truth.polarity.tolist()
        assert any("'FOO'" in repair for repair in found.repairs)


# Order


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_is_no_matter(tmp_path: Path, restart: bool, seed: int) -> None:
    """With pulses numbered through a train, and with LTD numbered from 1 again."""
    table = cells()
    if restart:
        table = [[*row[:2], str(int(row[2]) - 50 * (row[3] == "LTD")), *row[3:]] for row in table]
    truth = read(tmp_path, table)
    assert truth.repairs == ()
    mixed = [table[i] for i in np.random.default_rng(seed).permutation(len(table))] if seed else table[::-1]
    found = read(tmp_path, mixed)
    for key in ("device_id", "cycle", "pulse", "polarity", "G_S", "devices"):
        assert np.array_equal(getattr(found, key), getattr(truth, key)), key
    assert any("sorted by pulse" in repair for repair in found.repairs)


def test_numbers_that_count_down_do_not_turn_time_round(tmp_path: Path) -> None:
    table = cells()
    truth = read(tmp_path, table)
    found = read(tmp_path, [[*row[:2], str(1000 - int(row[2])), *row[3:]] for row in table])
    assert found.G_S.tolist() == truth.G_S.tolist()
    assert any("count down" in repair for repair in found.repairs)


def test_a_file_appended_to_itself_is_read_once(tmp_path: Path) -> None:
    table = cells()
    found = read(tmp_path, [*table, HEADER.split(","), *table])
    assert found.discarded == {"conductance that is no number": 1, "duplicated row": len(table)}
    assert found.G_S.tolist() == read(tmp_path, table).G_S.tolist()


def test_a_column_that_does_not_count_pulses_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, [[*row[:2], "5", *row[3:]] for row in cells()])
    assert len(found) == len(cells())
    assert any("does not count pulses" in repair for repair in found.repairs)
