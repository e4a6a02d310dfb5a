"""Images and pulses that would be taken for something else without a word: refused, or said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import synarray
from synarray.errors import DataError
from synarray.lab.rows.order import left_out

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
SHORT = {"n_neurons": 12, "epochs": 1}


def train(x: Any, y: Any, *test: Any, **more: Any) -> synarray.Result:
    return synarray.train("local-fields", x, y, *test, settings=SHORT, **more)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(1.0 / 255.0, 1.0), (1.0, 1.0 / 255.0), (1.0, 0.1)], ids=["brighter", "darker", "a tenth"]
)
def test_test_images_on_another_scale_are_refused(bar_images: Images, ours: float, theirs: float) -> None:
    x, y = bar_images
    with pytest.raises(DataError, match=r"the same scale: got values from 0 to .*\(x_test\)\. Scale both alike"):
        train(x[:60] * ours, y[:60], x[60:90] * theirs, y[60:90])
    train(x[:60] * ours, y[:60], x[60:90] * ours * 0.8, y[60:90])  # a little darker is the same scale


def test_whole_numbers_of_two_scales_are_refused(bar_images: Images) -> None:
    x, y = bar_images
    with pytest.raises(DataError, match="the same scale"):
        train(x[:60], y[:60], x[60:90] // 100, y[60:90])


def test_a_full_scale_that_clips_is_said_and_zero_is_refused(bar_images: Images) -> None:
    x, y = bar_images
    with pytest.warns(
        UserWarning, match=r"full_scale = 1 is less than the largest value of x, 24\d: 9\d.\d% of all values"
    ):
        train(x[:60], y[:60], full_scale=1)
    with pytest.raises(DataError, match="full_scale must be a positive number: got 0"):
        train(x[:60], y[:60], full_scale=0)
    train(x[:60], y[:60], full_scale=255)


def test_channels_come_last(bar_images: Images) -> None:
    x, y = bar_images
    for channels in (1, 3):
        first = np.repeat(x[:60, None], channels, axis=1)
        with pytest.raises(DataError, match=r"channels first as it seems \(x\)\. Bring the channels to the end"):
            train(first, y[:60])
        assert train(first.transpose(0, 2, 3, 1), y[:60]).image_shape == (12, 12, channels)
    assert train(x[:60].reshape(60, 3, 6, 8), y[:60]).image_shape == (3, 6, 8)  # three rows of eight channels


def test_test_images_of_another_shape_are_refused(bar_images: Images) -> None:
    x, y = bar_images
    with pytest.raises(DataError, match=r"of the size of the training images: got 6 x 24 and 12 x 12"):
        train(x[:60], y[:60], x[60:90].reshape(30, 6, 24), y[60:90])
    train(x[:60], y[:60], x[60:90].reshape(30, 144), y[60:90])  # features alone have no shape


def test_masked_values_are_no_values(bar_images: Images) -> None:
    x, y = bar_images
    with pytest.raises(DataError, match=r"known everywhere: got [\d,]+ masked values \(x\)"):
        train(np.ma.masked_greater(x[:60], 200), y[:60])
    train(np.ma.masked_greater(x[:60], 255), y[:60])  # none is


# Pulse numbers


def written(folder: Path, numbers: list[int], side: bool) -> synarray.Measurements:
    rise = np.linspace(2.0, 30.0, len(numbers))
    if side:
        rows = [f"{n},{g:.4f},{h:.4f}" for n, g, h in zip(numbers, rise, rise[::-1], strict=True)]
        text = "Pulses,LTP (uS),LTD (uS)\n" + "\n".join(rows)
    else:
        both = [*numbers, *(numbers[-1] + n for n in numbers)]
        volts = [1.2] * len(numbers) + [-1.2] * len(numbers)
        rows = [f"{n},{v},{g:.4f}" for n, v, g in zip(both, volts, [*rise, *rise[::-1]], strict=True)]
        text = "Pulse,V (V),G (uS)\n" + "\n".join(rows)
    (folder / "pulses.csv").write_text(text + "\n", "utf-8")
    return synarray.read_pulses(folder / "pulses.csv")


@pytest.mark.parametrize("side", [True, False])
def test_pulses_that_were_not_read_are_said(tmp_path: Path, side: bool) -> None:
    steps = written(tmp_path, list(range(5, 155, 5)), side).remarks
    assert steps == ("pulse numbers go up by 5: a step here is that of so many pulses",)
    gap = written(tmp_path, [*range(1, 11), *range(21, 41)], side).remarks
    where = "one place" if side else "2 places, first"
    assert [remark.split(":")[0] for remark in gap] == [f"pulses have no row in {where} (pulse 11)"]
    assert written(tmp_path, list(range(1, 31)), side).remarks == ()


def test_pulses_of_other_devices_leave_nothing_out() -> None:
    number = np.arange(1.0, 21.0)
    turns = [left_out(number[k::2], np.ones(9, bool), number) for k in range(2)]
    assert turns == [[], []]


def test_times_are_no_pulses(tmp_path: Path) -> None:
    """Currents that decay after each pulse of light, twenty samples a pulse, look like a train of a thousand pulses."""
    level = np.repeat(np.r_[np.linspace(1, 20, 30), np.linspace(20, 1, 30)], 20)
    seen = level * (1.0 + 0.05 * np.exp(-np.arange(1200) % 20 / 5.0))
    rows = [f"{0.05 * k:.2f},{1e-7 * value:.5e}" for k, value in enumerate(seen)]
    (tmp_path / "psc.csv").write_text("Vread = 0.1 V\nTime (s),PSC (A)\n" + "\n".join(rows) + "\n", "utf-8")
    assert any(
        "each row was taken for the read after one pulse" in remark
        for remark in synarray.read_pulses(tmp_path / "psc.csv").remarks
    )
