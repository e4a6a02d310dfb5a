"""The ledger against arithmetic by hand, against the array's own circuit, and against itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synarray.array.synapse import SynapseSpec
from synarray.array.wires import WireSpec, solve_read
from synarray.cost.baselines import conventional
from synarray.cost.conditions import Conditions
from synarray.cost.counts import Counts
from synarray.cost.duration import slowest
from synarray.cost.ledger import Ledger, price
from synarray.cost.look_ups import look_ups
from synarray.cost.prices import Periphery, load_periphery
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.events import LEVELS, NetworkEvent, NeuronEvent
from synarray.learn.result import Result
from synarray.learn.spec import LearningSpec
from synarray.learn.training import train

DEVICE = DeviceSpec(
    law="linear", g_min=1e-6, g_max=3e-6, v_ltp=2.0, t_ltp=1e-6, v_ltd=-1.5, t_ltd=2e-6, v_read=0.1, t_read=10e-9
)
NAMES = [event.name.lower() for event in [*NeuronEvent, *NetworkEvent]]
SIZES = {"draws": 4, "inputs": 3, "neurons": 2, "groups": 1, "weights": 6, "rows": 3, "columns": 2}


def counts(**events: int) -> Counts:
    return Counts({name: events.get(name, 0) for name in NAMES}, **SIZES)  # type: ignore[arg-type]


def energy(ledger: Ledger, action: str) -> float:
    return next(entry.energy for entry in ledger.entries if entry.action == action)


def test_a_three_by_two_array_by_hand() -> None:
    """Two LTP pulses on a cell at g_min, then at the middle of its range; one LTD pulse at g_max; two rows read once."""
    ledger = price(
        counts(
            ltp_pulse=2, ltp_level=0 + LEVELS // 2, ltd_pulse=1, ltd_level=LEVELS,
            row_read=2, row_cell=4, row_level=4 * LEVELS // 4, column_sense=2, output_spike=1,
        ),
        DEVICE, SynapseSpec(), load_periphery(),
    )  # fmt: skip
    assert energy(ledger, "LTP pulses") == pytest.approx(4.0 * 1e-6 * (1e-6 + 2e-6), rel=1e-12)
    assert energy(ledger, "LTD pulses") == pytest.approx(2.25 * 2e-6 * 3e-6, rel=1e-12)
    assert energy(ledger, "row reads") == pytest.approx(0.01 * 10e-9 * 4 * 1.5e-6, rel=1e-12)
    assert energy(ledger, "bit and word line of LTP pulses") == pytest.approx(2 * 0.2e-15 * 5 * 4.0, rel=1e-12)
    assert energy(ledger, "bit and word line of LTD pulses") == pytest.approx(1 * 0.2e-15 * 5 * 2.25, rel=1e-12)
    assert energy(ledger, "word line of driven rows") == pytest.approx(2 * 0.2e-15 * 2 * 0.01, rel=1e-12)
    assert energy(ledger, "thresholds and winners") == pytest.approx(6 * 0.1e-12, rel=1e-12)
    assert energy(ledger, "random numbers") == pytest.approx(4 * 3 * 0.1e-12, rel=1e-12)
    assert ledger.seconds["sequential"] == pytest.approx(2 * 1e-6 + 2e-6 + 4 * (10e-9 + 1 * 9e-9), rel=1e-9)
    assert ledger.bytes_moved == 0


def test_row_reads_dissipate_what_the_circuit_does() -> None:
    """v^2 t sum g against v i t of the exact solution of the array with ideal wires."""
    states = np.random.default_rng(0).integers(0, 255, (7, 5))
    g = DEVICE.g_min + states / 254 * DEVICE.g_range
    solved = solve_read(g, np.full(7, DEVICE.v_read), WireSpec()).power().supplied * DEVICE.t_read
    booked = price(
        counts(row_read=7, row_cell=35, row_level=2 * int(states.sum()), column_sense=5),
        DEVICE,
        SynapseSpec(),
        load_periphery(),
    )
    assert energy(booked, "row reads") == pytest.approx(solved, rel=1e-10)


@given(st.lists(st.integers(0, 10**6), min_size=len(NAMES), max_size=len(NAMES)))
def test_totals_are_sums_and_nothing_is_negative(values: list[int]) -> None:
    ledger = price(counts(**dict(zip(NAMES, values, strict=True))), DEVICE, SynapseSpec(), load_periphery("28nm"))
    assert ledger.total == pytest.approx(sum(row["energy"] for row in ledger.summary()["rows"]))
    assert all(entry.energy >= 0 for entry in ledger.entries)
    parts = {entry.component for entry in ledger.entries}
    assert ledger.total == pytest.approx(sum(ledger.of(part) for part in parts))


def test_doubling_every_price_doubles_the_total() -> None:
    some, prices = counts(**dict.fromkeys(NAMES, 1000)), load_periphery()
    prices_of_one = ("add", "add_float", "sram_word", "dram_word", "driver_power", "c_line")
    doubled = Periphery(
        **{
            **prices.model_dump(),
            **{name: 2 * getattr(prices, name) for name in prices_of_one},
            "adc": {n: {k: v if k == "k3" else 2 * v for k, v in c.model_dump().items()} for n, c in prices.adc.items()},
        }
    )  # fmt: skip
    dearer = DEVICE.model_copy(update={"t_ltp": 2e-6, "t_ltd": 4e-6})
    before = price(some, DEVICE, SynapseSpec(), prices)
    after = price(some, dearer, SynapseSpec(), doubled)
    for one, two in zip(before.entries, after.entries, strict=True):
        factor = 1.0 if one.action in ("row reads", "look-ups before updates", "verify reads") else 2.0  # t_read kept
        if one.action != "row drivers":  # scaled by a ratio of sense amplifiers, which both doubled
            assert two.energy == pytest.approx(factor * one.energy), one.action
    twice = conventional(some, doubled, "DRAM", 10).of("memory")
    assert twice == pytest.approx(2 * conventional(some, prices, "DRAM", 10).of("memory"))


def test_halves_of_a_run_add() -> None:
    """Energies that do not depend on a mean conductance are linear in the counts."""
    first, second = (counts(**{name: int(n) for name, n in zip(NAMES, row, strict=True)}) for row in
                     np.random.default_rng(1).integers(1, 1000, (2, len(NAMES))))  # fmt: skip
    both = replace(first, events={name: first[name] + second[name] for name in NAMES}, draws=first.draws + second.draws)
    whole, *parts = (price(c, DEVICE, SynapseSpec(), load_periphery()) for c in (both, first, second))
    for component in ("cells", "lines", "drive", "neurons", "learning", "encoding"):
        assert whole.of(component) == pytest.approx(sum(part.of(component) for part in parts))


def test_a_fixed_energy_per_pulse_replaces_the_conductance() -> None:
    gate = DEVICE.model_copy(update={"e_ltp": 29e-18, "e_ltd": 31e-18})
    ledger = price(counts(ltp_pulse=3, ltp_level=700, ltd_pulse=2, ltd_level=10), gate, SynapseSpec(), load_periphery())
    assert energy(ledger, "LTP pulses") + energy(ledger, "LTD pulses") == pytest.approx(3 * 29e-18 + 2 * 31e-18)
    lines = 0.2e-15 * 5 * (3 * 2.0**2 + 2 * 1.5**2)  # c_line, on 3 + 2 cells, at each voltage: far more than the gates
    assert ledger.programming == pytest.approx(3 * 29e-18 + 2 * 31e-18 + lines)


@pytest.mark.parametrize(
    ("node", "conversion", "sense"),
    [
        ("130nm", 1.211e-12, 34.7e-15),
        ("65", 0.514e-12, 13.0e-15),
        ("45nm", 0.315e-12, 8.1e-15),
        ("7nm", 0.020e-12, 0.39e-15),
    ],
)
def test_converters_cost_what_neurosim_says(node: str, conversion: float, sense: float) -> None:
    """8-bit SAR converter at 100 kohm, 1-bit sense amplifier at 1 Mohm: values derived from NeuroSim's formulas by hand."""
    assert load_periphery(node).conversion(1e5) == pytest.approx(conversion, rel=0.03)
    assert load_periphery(node).sense(1e6) == pytest.approx(sense, rel=0.02)


def test_a_node_between_two_lies_between_them() -> None:
    energies = [load_periphery(node).conversion(1e5) for node in ("32nm", "28nm", "22nm")]
    assert energies == sorted(energies, reverse=True)
    assert "node_nm" in load_periphery("28nm").unconfirmed and "node_nm" not in load_periphery("32nm").unconfirmed


@pytest.mark.parametrize("node", ["200nm", "3nm", "nan", "x", "-7nm", ""])
def test_an_unknown_node_is_refused(node: str) -> None:
    with pytest.raises(SpecError, match="Known: 7nm"):
        load_periphery(node)


@pytest.mark.parametrize("change", [{"add": -1e-13}, {"adc_bits": 0}, {"c_line": "0.2 V"}])
def test_an_impossible_price_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        Periphery(**{**load_periphery().model_dump(), **change})


def test_every_price_has_its_source_and_its_range_holds_it() -> None:
    """A price is a choice, or from memory, or it has the year of its source; energies, times and areas have a node."""
    prices = load_periphery()
    assert set(prices.sources) == set(type(prices).model_fields) - {"sources", "adc"}
    for name, source in prices.sources.items():
        words = source.source
        assert words.startswith("choice") or "from memory" in words or source.year, name
        if name.endswith(("_word", "_area", "add", "_float", "_factor", "driver_power")) and not words.startswith(
            "choice"
        ):
            assert source.node, name
        if source.low is not None:
            least, most = (getattr(prices.at({name: end}), name) for end in ("low", "high"))  # type: ignore[arg-type]
            assert least <= getattr(prices, name) <= most and least < most, name


# look-ups, time, area


@pytest.mark.parametrize(
    ("scheme", "law", "bits"),
    [("analog", "linear", 8), ("pair", "linear", 8), ("digital", "binary", 1), ("compound", "binary", 1)],
)
def test_a_look_up_is_priced_and_timed_by_the_levels_it_must_tell_apart(scheme: str, law: str, bits: int) -> None:
    """Of 255 states: a conversion of 8 bits, 9 ns; of two: NeuroSim's sense amplifier, 0.0714 ln(R / 1 kohm) + 0.7651 ns."""
    device, synapse = DEVICE.model_copy(update={"law": law}), SynapseSpec(scheme=scheme, n_bits=2, n_cells=2)  # type: ignore[arg-type]
    prices = load_periphery()
    ledger = price(counts(cell_read=10, verify_read=5), device, synapse, prices)
    r_cell = 1e6  # nothing was read with its row: g_min
    each = prices.conversion(r_cell) if bits == 8 else prices.sense(r_cell)
    assert each == pytest.approx(
        0.307e-12 if bits == 8 else 8.1e-15, rel=0.01
    )  # 34.05 uW x 9 ns and 0.1 V^2 / R; the table
    assert energy(ledger, "cells sensed in look-ups") == pytest.approx(10 * each)
    assert energy(ledger, "cells sensed in verifies") == pytest.approx(5 * each)
    sensing = 9e-9 if bits == 8 else (0.0714 * np.log(1e3) + 0.7651) * 1e-9
    assert ledger.seconds["sequential"] == pytest.approx(
        15 * (10e-9 + sensing) + 4 * (10e-9 + 9e-9) * (scheme != "digital")
    )


def test_a_run_of_the_check_costs_what_the_check_found() -> None:
    """7.8 million look-ups of subquantum CBRAM: 64 nJ as single bits, 2.5 uJ as conversions of 8 bits."""
    device = load_device("subquantum-cbram")
    sensed = energy(
        price(counts(cell_read=7_800_000), device, SynapseSpec(), load_periphery()), "cells sensed in look-ups"
    )
    assert 7_800_000 * load_periphery().sense(1e6) == pytest.approx(64e-9, rel=0.02)
    assert sensed == pytest.approx(2.5e-6, rel=0.06)


def test_look_ups_that_are_too_short_are_priced_again_with_the_length_that_would_do() -> None:
    some = counts(cell_read=1000, cell_read_level=1000 * LEVELS // 2)
    given = Conditions(some, DEVICE, SynapseSpec(), load_periphery())
    found = look_ups(given, 300.0)
    longer = DEVICE.model_copy(update={"t_read": found.floor.seconds})
    enough = look_ups(Conditions(some, longer, SynapseSpec(), load_periphery()), 300.0)
    assert not found.floor.enough and enough.floor.enough
    assert found.energy_enough == pytest.approx(enough.energy)
    assert found.seconds_enough == pytest.approx(enough.seconds)
    assert enough.energy_enough == pytest.approx(enough.energy)
    ledger = price(some, DEVICE, SynapseSpec(), load_periphery())
    booked = energy(ledger, "look-ups before updates") + energy(ledger, "cells sensed in look-ups")
    assert found.energy == pytest.approx(booked)


def test_rows_at_once_wait_for_the_busiest_cell() -> None:
    """Two columns, 5 and 2 output spikes; a cell of the second received 7 pulses: 5 + 7 turns of an LTP and an LTD pulse."""
    neuron = np.zeros((2, len(NeuronEvent)), np.int64)
    neuron[:, NeuronEvent.OUTPUT_SPIKE] = 5, 2
    writes = np.array([[[1, 4, 0], [7, 0, 1]]], np.uint32)
    network = np.zeros(len(NetworkEvent), np.int64)
    sizes = {name: size for name, size in SIZES.items() if name != "draws"}
    counted = Counts.of(neuron, network, draws_per_presentation=4, writes=writes, **sizes)
    assert (counted.column_updates, counted.column_turns) == (7, 12)
    assert price(counted, DEVICE, SynapseSpec(), load_periphery()).seconds["row-parallel"] == pytest.approx(12 * 3e-6)


def test_a_column_of_bits_waits_for_the_slowest_of_them() -> None:
    """Against trials: the largest of n geometric numbers of pulses, cut off after 8."""
    device = DEVICE.model_copy(update={"law": "binary", "p_switch_ltp": 0.4, "p_switch_ltd": 0.4})
    some = counts(
        output_spike=100, ltp_pulse=100 * 6 * 5 // 4, ltd_pulse=100 * 6 * 5 // 4
    )  # 15 pulses, 6 bits an update
    found = slowest(Conditions(some, device, SynapseSpec(n_bits=2, attempts=8), load_periphery()))
    trials = np.minimum(np.random.default_rng(2).geometric(0.4, (100_000, 6)), 8).max(axis=1)
    assert found == pytest.approx(trials.mean(), rel=0.01)
    sure = device.model_copy(update={"p_switch_ltp": 1.0, "p_switch_ltd": 1.0})
    assert slowest(Conditions(some, sure, SynapseSpec(), load_periphery())) == 1.0


def test_areas_by_hand() -> None:
    """An analog array of 3 x 2 lines, one converter for each side of it; 2 V pulses need level shifters, 1.4 V pulses none."""
    square = (45e-9) ** 2
    found = price(counts(cell_read=1), DEVICE, SynapseSpec(), load_periphery()).areas
    expected = {
        "cells": 6 * 12,
        "converters": 2 * 1_170_000,
        "sense amplifiers": 0,
        "drivers": 5 * 28_550,
        "neurons": 2 * 103_000,
    }
    assert found == pytest.approx({name: n * square for name, n in expected.items()})
    weak = DEVICE.model_copy(update={"v_ltp": 1.4, "v_ltd": -1.4})
    assert price(counts(), weak, SynapseSpec(), load_periphery()).areas["drivers"] == pytest.approx(5 * 3650 * square)
    words = price(
        counts(cell_read=1), DEVICE.model_copy(update={"law": "binary"}), SynapseSpec(n_bits=1), load_periphery()
    )
    assert words.areas["sense amplifiers"] == pytest.approx(5 * 18_700 * square)
    assert words.area == pytest.approx(sum(words.areas.values()))


# what a run counts


@pytest.fixture(scope="module", params=["analog", "pair", "digital", "compound"])
def result(request: pytest.FixtureRequest, bar_images: tuple) -> Result:
    binary = (
        {"law": "binary"}
        if request.param in ("digital", "compound")
        else {"law": "soft-bound", "nonlinearity_ltp": 2.0}
    )
    spec = LearningSpec(
        n_neurons=12, epochs=2, device={"base": "ideal", **binary}, synapse={"scheme": request.param, "refresh_every": 5},  # type: ignore[arg-type]
        pruning={"mode": "soft", "fraction": 0.5},
    )  # fmt: skip
    return train(spec, *bar_images)


def test_every_level_lies_between_its_ends(result: Result) -> None:
    """Mean conductance met by each kind of pulse and read: from g_min to g_max."""
    events = result.events
    slices = result.spec.synapse.cells_per_weight(result.spec.device)
    cells = 1 if result.machine.array.scheme.name == "compound" else slices
    for action in ("ltp", "ltd", "pruning", "initial"):
        assert 0 <= events[f"{action}_level"] <= LEVELS * events[f"{action}_pulse"]
    assert 0 <= events["verify_level"] <= LEVELS * events["verify_read"]
    assert 0 < events["cell_read_level"] <= LEVELS * events["cell_read"]
    assert 0 < events["row_level"] <= LEVELS * events["row_cell"] * cells
    assert (
        events["row_cell"] == events["row_read"] * result.spec.n_neurons
    )  # one group: a row holds every neuron's weight


def test_an_ltp_pulse_meets_less_than_the_ltd_pulse_that_undoes_it(result: Result) -> None:
    """LTP is asked of low weights, LTD of any: on the average LTD pulses meet more."""
    events = result.events
    if result.machine.array.scheme.name == "analog":
        assert events["ltp_level"] / events["ltp_pulse"] < LEVELS * 0.9
        assert events["ltd_level"] / events["ltd_pulse"] > 0
    if result.machine.array.scheme.name == "digital":  # a bit that is set or reset crosses the whole range
        assert events["ltp_level"] == LEVELS // 2 * events["ltp_pulse"]
        assert events["ltd_level"] == LEVELS // 2 * events["ltd_pulse"]
