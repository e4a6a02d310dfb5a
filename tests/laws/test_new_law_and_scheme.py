"""A law of pulses and a scheme that the package does not know, each one object written here: both train and are priced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from synarray import load_experiment, train
from synarray.array.maps import array_maps
from synarray.array.schemes import SCHEMES, Scheme
from synarray.array.synapse import SynapseSpec
from synarray.cost.prices import load_periphery
from synarray.device.law import LAWS, Law
from synarray.device.response import pulse_response
from synarray.device.spec import DeviceSpec
from synarray.errors import DataError, SpecError
from synarray.judge.imperfections import IMPERFECTIONS, scaled
from synarray.lab.exchange.neurosim import to_neurosim
from synarray.network.stdp import StdpSpec, following
from synarray.report.citing import rules_of
from synarray.report.device_tables import acting, follows, levels
from synarray.run.folder import write_run
from synarray.run.layered_energy import bill_of_result
from synarray.run.opened import open_run

SMALL = {"n_neurons": 12, "epochs": 1, "inputs.level": 60}


class Halving(Law):
    """Each pulse goes a fixed share of the way that is left."""

    name = "halving"
    words = "A pulse goes a fixed share of the way that is left."

    def steps(self, device, x, label_shift=0.0):  # type: ignore[no-untyped-def]
        return np.stack([x / device.n_levels_ltd, (1.0 - x) / device.n_levels_ltp])


@dataclass(frozen=True)
class Referenced(Scheme):
    """One cell that learns, read against a reference cell in the middle of the range."""

    name = "referenced"

    @property
    def words(self) -> str:
        return "A weight is the difference of a cell and a reference."

    @property
    def cells(self) -> int:
        return 2

    @property
    def counters(self) -> int:
        return 1

    def no_current(self, device: DeviceSpec) -> float:
        return 0.0

    def positions(self, array):  # type: ignore[no-untyped-def]
        return np.stack([array.w.astype(float), np.zeros(array.w.shape)])

    def pulses_per_cell(self, writes):  # type: ignore[no-untyped-def]
        return np.concatenate([writes, np.zeros_like(writes)]).astype(float)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAWS, Halving.name, Halving())
    monkeypatch.setitem(SCHEMES, Referenced.name, Referenced)


def trained(bar_images: tuple, **changes: object):  # type: ignore[no-untyped-def]
    spec = load_experiment("full-field", SMALL | changes)
    return train(spec, bar_images[0], bar_images[1], bar_images[0][:50], bar_images[1][:50])


def test_what_is_not_registered_is_refused() -> None:
    with pytest.raises(SpecError, match=r"device.law should be 'linear', .* or 'exact': got 'halving'"):
        load_experiment("full-field", {"device": {"law": "halving"}})
    with pytest.raises(SpecError, match=r"scheme should be 'auto', 'analog', .* or 'compound': got 'referenced'"):
        SynapseSpec(scheme="referenced")


@pytest.mark.usefixtures("known")
def test_a_new_law_moves_cells_by_its_own_closed_form() -> None:
    device = DeviceSpec(law="halving", g_min=0.0, g_max=1e-6, n_levels_ltp=8, n_levels_ltd=5)
    g = pulse_response(device, [True] * 20 + [False] * 20)[:, 0] / 1e-6
    up, down = 1 - (1 - 1 / 8) ** np.arange(21), (1 - 1 / 5) ** np.arange(21)
    np.testing.assert_allclose(g, [*up, *(up[-1] * down[1:])], rtol=1e-12)


@pytest.mark.usefixtures("known")
def test_a_new_law_trains_and_is_known_in_every_room(bar_images: tuple) -> None:
    device = {"law": "halving", "n_levels_ltp": 16, "n_levels_ltd": 16, "g_min": "1 uS", "g_max": "9 uS"}
    result = trained(bar_images, device=device)
    assert result.accuracy > 0.5
    w = np.arange(-127, 128) / 127
    np.testing.assert_allclose(result.machine.array.law.step[0], [(w + 1) / 16, (1 - w) / 16], rtol=1e-12, atol=1e-15)
    assert result.metrics()["pulses"] > 100
    assert (result.machine.array.w != trained(bar_images, device=device | {"law": "linear"}).machine.array.w).any()
    spec = result.spec.device
    bill = bill_of_result(result)
    assert bill is not None
    assert bill.ledger(load_periphery()).programming > 0
    assert "n_levels_ltp" in acting(spec)
    assert levels(spec) == (16, 16)
    one = following(StdpSpec(), result.machine.array.law)
    assert Halving.words in follows(SynapseSpec(), spec, one, one)
    assert dict(rules_of(result.spec))
    finer = scaled(result.spec, "levels", 0.0)
    assert IMPERFECTIONS["levels"].acts(result.spec)
    assert finer.device.n_levels_ltp == pytest.approx(255)
    with pytest.raises(DataError, match="law halving"):
        to_neurosim(spec)


@pytest.mark.usefixtures("known")
def test_a_new_scheme_trains_is_kept_and_is_priced_by_its_cells(bar_images: tuple, tmp_path: Path) -> None:
    """As one cell where nothing is removed; a removed synapse is read as 0; twice the cells, half of them never written."""
    device = {"base": "subquantum-cbram", "g_min": "1 uS"}
    cut = {"device": device, "pruning.mode": "conventional", "pruning.fraction": 0.4, "pruning.end": 0.3}
    plain, ours = (
        trained(bar_images, device=device),
        trained(bar_images, device=device, **{"synapse.scheme": "referenced"}),
    )
    np.testing.assert_array_equal(ours.machine.array.w, plain.machine.array.w)
    removed = trained(bar_images, **cut, **{"synapse.scheme": "referenced"})
    array = removed.machine.array
    dead = (array.alive == 0).T
    assert dead.sum() > 50
    assert (array.read_copy[:-1, :12][dead] == 0).all()
    assert (trained(bar_images, **cut).machine.array.read_copy[:-1, :12][dead] < 0).any()
    prices = load_periphery()
    one, two = (bill_of_result(result).ledger(prices) for result in (plain, ours))  # type: ignore[union-attr]
    assert two.areas["cells"] == 2 * one.areas["cells"]
    assert two.programming == one.programming
    run = open_run(write_run(ours, ours.spec, tmp_path / "run"))
    assert run.metrics["scheme"] == "referenced"
    assert run.metrics["cells_per_weight"] == 2
    maps = array_maps(*run.cells())
    assert np.nansum(maps.writes) == ours.machine.array.writes.sum()
    assert np.count_nonzero(~np.isnan(maps.writes)) == 2 * ours.machine.array.n_cells
