"""What a training would cost elsewhere, against arithmetic by hand; passive arrays against the circuit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_ledger import DEVICE, NAMES, SIZES, counts, energy

from synarray.array.synapse import SynapseSpec
from synarray.cost.baselines import (
    GradientTraining,
    back_propagation,
    chips,
    conventional,
    without_events,
    without_pruning,
)
from synarray.cost.ledger import price
from synarray.cost.prices import load_periphery
from synarray.events import LEVELS

PRICES = load_periphery()


def test_the_same_algorithm_on_a_processor_by_hand() -> None:
    """Ten weights read, four updated: 10 + 4 + 4 words, 14 additions; two columns: 6 integer additions; 12 random numbers."""
    ledger = conventional(counts(row_cell=10, column_sense=2), PRICES, "DRAM", 4)
    by_hand = 18 * 640e-12 + 14 * 0.9e-12 + (6 + 12) * 0.1e-12
    assert ledger.total == pytest.approx(by_hand, rel=1e-12)
    assert ledger.bytes_moved == 4 * 18
    assert ledger.seconds["memory-bound"] == pytest.approx(72 / 19.2e9)


def test_a_word_of_static_memory_costs_and_lasts_more_in_a_larger_one() -> None:
    """200,000 weights of 32 bits: 781 KiB, 24.4 times 32 KiB; 5 pJ and 1 ns grow with the powers 0.45 and 0.3."""
    large = replace(counts(row_cell=10), weights=200_000)
    ledger = conventional(large, PRICES, "SRAM", 0)
    size = 200_000 * 4 / 1024 / 32
    assert energy(ledger, "weights fetched for reads") == pytest.approx(10 * 5e-12 * size**0.45, rel=1e-12)
    assert ledger.seconds["memory-bound"] == pytest.approx(40 / 4e9 * size**0.3, rel=1e-12)


def test_the_law_of_static_memories_against_cacti() -> None:
    """CACTI 7 at 45 nm, 32-bit words, three kinds of transistors: the ends of the ranges hold all of it, the law its least."""
    cacti = {  # KiB: high performance, low operating power, low standby power; pJ
        32: (13.80, 6.10, 11.79), 64: (16.04, 8.65, 17.80), 128: (21.22, 10.38, 25.30), 256: (26.35, 15.79, 32.92),
        512: (31.61, 19.85, 45.73), 1024: (41.29, 25.71, 68.36), 4096: (84.34, 45.71, 121.1),
    }  # fmt: skip
    least, most = (PRICES.at({"sram_word": end, "sram_growth": end}) for end in ("low", "high"))  # type: ignore[arg-type]
    for kib, energies in cacti.items():
        assert all(least.sram(1024 * kib) <= pj * 1e-12 <= 1.01 * most.sram(1024 * kib) for pj in energies), kib
        assert PRICES.sram(1024 * kib) == pytest.approx(min(energies) * 1e-12, rel=0.25)


def test_back_propagation_by_hand() -> None:
    """Two batches, three images, five weights of which two in the last layer."""
    ledger = back_propagation(GradientTraining(1, 5, 2, 3, 2, 0.9, 0.9, 0.0), PRICES, "SRAM")
    fetched, written, multiplied = 2 * (5 + 2 + 5), 2 * 5, 3 * (5 + 5 + 2)
    word = 5e-12 * (8 / 32) ** 0.45  # a memory of 20 bytes is priced as one of 8 KiB
    by_hand = (fetched + written) * word + (multiplied + written) * (3.7e-12 + 0.9e-12)
    assert ledger.total == pytest.approx(by_hand, rel=1e-12)
    assert ledger.bytes_moved == 4 * (fetched + written)


def test_updates_of_every_neuron_take_as_many_times_more_as_there_are_competitors() -> None:
    some = counts(**dict.fromkeys(NAMES, 100))
    every = without_events(some)
    assert every["ltp_pulse"] == 100 * SIZES["neurons"] // SIZES["groups"]
    assert every.column_updates == 100 * SIZES["neurons"] // SIZES["groups"] == 2 * some.column_updates
    unchanged = ("row_read", "row_cell", "row_level", "column_sense", "initial_pulse", "pruning_pulse", "presentation")
    assert all(every[name] == 100 for name in unchanged)
    one, more = (price(c, DEVICE, SynapseSpec(), PRICES) for c in (some, every))
    assert energy(more, "LTP pulses") == pytest.approx(2 * energy(one, "LTP pulses"))


def test_what_pruning_spared_is_sent_when_nothing_is_pruned() -> None:
    some = counts(
        ltp_pulse=30, ltd_pulse=10, ltp_level=3000, pulse_skipped=20, mask_lookup=60, cell_read=40, pruning_pulse=5
    )
    bare = without_pruning(some, 1)
    assert (bare["ltp_pulse"], bare["ltd_pulse"], bare["ltp_level"]) == (45, 15, 4500)
    assert (bare["cell_read"], bare["mask_lookup"], bare["pruning_pulse"]) == (60, 0, 0)
    nothing = counts(ltp_pulse=7, cell_read=9)
    assert without_pruning(nothing, 1) == nothing


def test_half_selected_cells_of_a_passive_array() -> None:
    """(N + M - 2)/4 of the selected cell's energy at equal conductance: 224 for 398 x 500 (V/2 scheme)."""
    level = LEVELS // 2  # of a pulse: the mean conductance of the range, which reads met as well
    some = replace(counts(ltp_pulse=1, ltp_level=level, row_cell=100, row_level=100 * level), rows=398, columns=500)
    square = DEVICE.model_copy(update={"v_ltd": -DEVICE.v_ltp, "t_ltd": DEVICE.t_ltp})
    passive = price(some, square, SynapseSpec(), PRICES, passive=True)
    assert energy(passive, "other cells of a pulse's lines") / energy(passive, "LTP pulses") == pytest.approx(224.0)
    assert energy(price(some, square, SynapseSpec(), PRICES), "other cells of a pulse's lines") == 0.0


def test_chips_are_those_of_the_table() -> None:
    source, energies = chips()
    assert "PMC10326429" in source
    assert energies["Loihi"] == 23.6e-12
    assert min(energies, key=energies.__getitem__) == "Tianjic"
