"""Converters at the columns against a digitiser that knows conductances only, against ideal reads, and against their prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_ledger import DEVICE, SIZES, energy
from test_ledger import counts as counted

from synarray import train
from synarray.array.geometry import ArraySpec
from synarray.array.synapse import SynapseSpec
from synarray.cost.ledger import Ledger, price
from synarray.cost.prices import load_periphery
from synarray.device.spec import DeviceSpec
from synarray.learn.spec import LearningSpec
from synarray.network.encoding import InputSpec
from synarray.network.kernels import respond
from synarray.network.machine import Machine, MachineSpec
from synarray.network.stdp import StdpSpec
from synarray.network.topology import Group

ROWS, NEURONS = 150, 40
SCHEMES = {"analog": {}, "pair": {"scheme": "pair"}}


def potentials(machine: Machine, spikes: np.ndarray) -> np.ndarray:
    """Let the kernel read one window, and take the potentials from its workbench."""
    bench, winners = machine.bench(), np.zeros((1, 1, 1), np.int32)
    none, place = np.zeros(0, np.int64), np.zeros(1, np.int64)
    respond(
        spikes[None, None].astype(np.uint8), place, 0, 0, 0, machine.layout, machine.cells, machine.neurons,
        machine.laws(0.0)[0], machine.device, bench, none, bench.no_count, winners,
    )  # fmt: skip
    return bench.u[:NEURONS].astype(np.int64)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("bits", "share"), [(3, 0.02), (6, 0.5), (9, 1.0)])
def test_potentials_are_those_of_currents_in_bins(scheme: str, bits: int, share: float) -> None:
    """Bins of 2 F / 2^b over -F..F, F = share x rows x half a cell's range: of a read only the middle of its bin is left."""
    device = DeviceSpec(law="linear", g_min=2e-6, g_max=9e-6, n_levels_ltp=200, n_levels_ltd=200)
    spec = MachineSpec(
        n_neurons=NEURONS, device=device, synapse=SynapseSpec(**SCHEMES[scheme]), stdp=StdpSpec(w_start=0.1, w_spread=0.8),
        array=ArraySpec(adc_bits=bits, adc_range=share),
    )  # fmt: skip
    machine = Machine.build(spec, [Group.field(np.arange(ROWS), NEURONS)], 1)
    spikes = np.random.default_rng(bits).random(ROWS) < 0.5
    machine.threshold[:] = -np.arange(NEURONS)
    g = machine.array.conductance()  # [cell of a weight, neuron, row]
    half = (device.g_max - device.g_min) / 2  # a weight of 1; of a pair that is the whole range of a cell
    excess = (g[0] - device.g_min - half) / half if scheme == "analog" else (g[0] - g[1]) / (2 * half)
    current = excess[:, spikes].sum(axis=1)  # in units of weight
    width = 2 * share * ROWS / 2**bits
    read = (potentials(machine, spikes) - machine.threshold) / 127.0
    assert len(np.unique(read)) <= 2**bits
    assert np.abs(read).max() < share * ROWS * (1 + 2.0**-bits)
    resolved = (spikes.sum() + 1) / 254  # cells and bins are whole read units, 1 / 127 of a weight
    beyond = np.abs(current) > share * ROWS
    assert np.all(np.abs(read - current)[~beyond] <= width / 2 + resolved)
    assert np.all((read * np.sign(current))[beyond] > share * ROWS - width)
    assert beyond.any() == (share == 0.02)


def test_a_converter_of_many_bits_is_ideal() -> None:
    """Where one code spans one read unit, nothing is lost: the same training, bit for bit."""
    x, y = np.random.default_rng(0).integers(0, 256, (120, 4, 4)).astype(np.uint8), np.arange(120) % 3
    spec = LearningSpec(
        n_neurons=6, epochs=1, inputs=InputSpec(select="all"), device=DeviceSpec(law="linear", sigma_read=0.1)
    )
    states = {}
    for bits in (None, 12, 3):
        result = train(spec.model_copy(update={"array": ArraySpec(adc_bits=bits)}), x, y)
        states[bits] = result.state_sha256
        assert result.events["column_clipped"] == 0 and not any("clipped" in note for note in result.notes)
    assert states[12] == states[None] != states[3]
    narrow = train(spec.model_copy(update={"array": ArraySpec(adc_bits=3, adc_range=0.01)}), x, y)
    share = narrow.events["column_clipped"] / (120 * spec.encoding.draws * 6)
    assert any(note.startswith(f"{share:.2%} of the column reads") for note in narrow.notes)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_energy_time_and_area_follow_the_bits(scheme: str) -> None:
    """E = ((k1 b + k0) 1 uW + k2 / R) (b + 1) ns, one conversion per weight and read; area in proportion to bits."""
    prices, synapse = load_periphery("45nm"), SynapseSpec(**SCHEMES[scheme])
    cells = 2 if scheme == "pair" else 1
    some = counted(column_sense=8, row_read=12, row_cell=24, row_level=0)

    def at(bits: int | None) -> Ledger:
        return price(replace(some, adc_bits=bits), DEVICE, synapse, prices)

    circuits, conductance = prices.adc["45"], DEVICE.g_min * 3 * cells  # of 3 rows driven in each of 4 reads
    for bits in (2, 6, 12):
        power = (circuits.k1 * bits + circuits.k0) * 1e-6 + circuits.k2 * conductance
        expected = 8 * prices.converter_factor * power * (bits + 1) * 1e-9
        assert energy(at(bits), "column conversions") == pytest.approx(expected, rel=2e-3)  # k3 is ln 10 to four digits
        turns = 4 * min(prices.columns_per_adc, SIZES["columns"])
        assert at(bits).seconds["sequential"] == pytest.approx(4 * DEVICE.t_read + turns * (bits + 1) * 1e-9)
        assert at(bits).areas["converters"] == pytest.approx(at(8).areas["converters"] * bits / 8)
    assert energy(at(None), "column conversions") == pytest.approx(
        cells * energy(at(8), "column conversions"), rel=0.1 * (cells - 1) + 1e-9
    )  # without bits each column of cells is priced with 8
    looked = replace(some, events=some.events | {"cell_read": 100})
    more = [price(replace(looked, adc_bits=b), DEVICE, synapse, prices).areas["converters"] for b in (4, 8)]
    assert more[1] - more[0] == pytest.approx(at(8).areas["converters"] - at(4).areas["converters"])  # rows keep 8 bits
