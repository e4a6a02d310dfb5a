"""The exported cell in ngspice moves as the library's pulse response says."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.export.ngspice_cell import follow_in_ngspice

pytestmark = pytest.mark.skipif(
    shutil.which("ngspice") is None, reason="needs ngspice: apt-get install ngspice (Debian, Ubuntu)"
)

TABLE = {"x": [0.0, 0.3, 1.0], "ltp": [0.08, 0.05, 0.01], "ltd": [0.02, 0.05, 0.09]}


@pytest.mark.parametrize("name", ["ag-a-si", "hzo-fefet", "ideal", "pcmo", "subquantum-cbram"])
def test_a_train_there_and_back_ends_where_the_library_says(name: str) -> None:
    """To 5e-4 of the range: a pulse has edges of a thousandth of its width."""
    assert follow_in_ngspice(load_device(name)).error < 5e-4


def test_polarities_of_one_sign_and_tables_are_followed() -> None:
    """PCM's pulses are told apart by their height; a table is a flow on each of its straight lines."""
    pcm = load_device("pcm").model_copy(update={"n_levels_ltd": 30.0})
    assert follow_in_ngspice(pcm).error < 5e-3  # LTD is 150 times shorter than LTP; ngspice's own steps show
    table = DeviceSpec(law="table", response=TABLE)
    assert follow_in_ngspice(table, np.repeat([True, False], [14, 14])).error < 5e-3  # steps that cross a node


def test_the_cell_stays_within_its_range() -> None:
    followed = follow_in_ngspice(DeviceSpec(n_levels_ltp=5, n_levels_ltd=5), np.repeat([True, False], [8, 8]))
    assert followed.ngspice.max() == pytest.approx(1.0, abs=5e-3)
    assert followed.ngspice.min() == pytest.approx(0.0, abs=5e-3)
