"""Layouts of measured pulses that were once read wrong without a word, each written here as people keep it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from synarray import read_pulses
from synarray.errors import DataError

N = 64
PULSE = np.arange(1, N + 1)


def trains(scale: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One LTP and one LTD train of a device between 3.4 and 36.6 uS, with 1 % of noise; in uS."""
    rng, b = np.random.default_rng(seed), 33.2 / (1 - np.exp(-2.5))
    way = b * (1 - np.exp(-2.5 * PULSE / N))
    noise = 1 + 0.01 * rng.standard_normal((2, N))
    return scale * (3.4 + way) * noise[0], scale * (36.6 - way) * noise[1]


UP, DOWN = trains()
BOTH = np.r_[UP, DOWN]
WIDTHS = 10 * 2 ** (np.arange(2 * N) % 8)
VOLTS = np.where(np.arange(2 * N) < N, 0.85, -0.9)


def lines(head: str, *columns: Sequence[object], separator: str = ",") -> str:
    return head + "".join(separator.join(map(str, row)) + "\n" for row in zip(*columns, strict=True))


def comma(numbers: np.ndarray) -> list[str]:
    return [f"{x:.4f}".replace(".", ",") for x in numbers.tolist()]


CASES = {
    "Windows in German": (
        lines("Puls;Potenzierung [µS];Depression [µS]\n", PULSE, comma(UP), comma(DOWN), separator=";"),
        "cp1252",
    ),
    "NeuroSim's order, one bare column": (lines("", np.r_[UP, DOWN[::-1]] * 1e-6), "ascii"),
    "EasyEXPERT, numbers above its names": (
        lines(
            "SetupTitle, train\nTestParameter, Read.V, 0.1\nDimension1, 128, 128, 128\nDataName, Index, PulseV, Iread\n",
            ["DataValue"] * 2 * N, np.arange(2 * N) + 1, VOLTS, BOTH * 1e-7, separator=", ",
        ),
        "ascii",
    ),
    "typographic minus": (
        lines("pulse;V;G (µS)\n", np.arange(2 * N) + 1, [f"{v:.2f}".replace("-", "\u2212") for v in VOLTS], BOTH, separator=";"),
        "utf-8",
    ),
    "a mean and a spread beneath": (
        lines("Pulse,LTP (uS),LTD (uS)\n", [*PULSE, "Mean", "Std"], [*UP, 20.0, 9.0], [*DOWN, 20.0, 9.0]),
        "ascii",
    ),
    "the state before and after each pulse": (
        lines("pulse,G_before (uS),G_after (uS),V\n", np.arange(2 * N) + 1, np.r_[3.4, BOTH[:-1]], BOTH, VOLTS),
        "ascii",
    ),
    "numpy.savetxt, counted from 0": (lines("# pulse conductance\n", np.arange(2 * N), BOTH * 1e-6, separator=" "), "ascii"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_device_of_64_and_64_pulses(name: str, tmp_path: Path) -> None:
    text, encoding = CASES[name]
    path = tmp_path / "measured.csv"
    path.write_bytes(text.encode(encoding))
    found = read_pulses(path)
    assert [int(np.count_nonzero(found.polarity == sign)) for sign in (1, -1)] == [N, N]
    assert len(found.devices) == 1
    np.testing.assert_allclose(found.G_S[found.polarity != 0], BOTH * 1e-6, rtol=1e-4)


def test_what_the_number_0_was_taken_for_is_said(tmp_path: Path) -> None:
    path = tmp_path / "measured.txt"
    path.write_text(CASES["numpy.savetxt, counted from 0"][0], "ascii")
    assert any("numbered 0 was taken for" in remark for remark in read_pulses(path).remarks)
    path.write_text(
        lines("# pulse conductance\n", np.arange(2 * N + 1), np.r_[3.4, BOTH] * 1e-6, separator=" "), "ascii"
    )
    assert not any("numbered 0" in remark for remark in read_pulses(path).remarks)


def test_noise_at_the_turn_does_not_move_the_ends_of_equal_trains(tmp_path: Path) -> None:
    rows = [np.r_[trains(seed=seed)].ravel() * 1e-6 for seed in range(12)]
    path = tmp_path / "rows.csv"
    path.write_text("".join(",".join(f"{x:.5e}" for x in row) + "\n" for row in rows), "ascii")
    found = read_pulses(path)
    assert [int(np.count_nonzero(found.polarity == sign)) for sign in (1, -1)] == [12 * N, 12 * N]


def test_numbered_branches_are_devices_and_it_is_said(tmp_path: Path) -> None:
    columns = [x for seed in range(3) for x in trains(1 + 0.1 * seed, seed)]
    path = tmp_path / "sides.csv"
    path.write_text(
        lines("Pulse,LTP1 (uS),LTD1 (uS),LTP2 (uS),LTD2 (uS),LTP3 (uS),LTD3 (uS)\n", PULSE, *columns), "ascii"
    )
    found = read_pulses(path)
    assert len(found.devices) == 3
    assert "were read as devices" in " ".join(repr(found).split())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (lines("pulse,Pulse width (us),V (V),G (uS)\n", np.arange(2 * N), WIDTHS, VOLTS, BOTH), "must have one width"),
        ('{"device": {"class": "LinearStep", "dw_min": 0.001}}', "got JSON"),
        (lines("pulse,dG (%) LTP,dG (%) LTD\n", PULSE, UP, DOWN), "must have a column of conductances"),
    ],
)  # fmt: skip
def test_what_is_no_train_of_equal_pulses_is_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match=says):
        read_pulses(path)
