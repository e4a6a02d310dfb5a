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
from synarray.cost.ledger import Counts, Ledger, price
from synarray.cost.prices import Periphery, load_periphery
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
    assert energy(ledger, "bit and word line per pulse") == pytest.approx(3 * 0.2e-15 * 5 * 4.0, rel=1e-12)
    assert energy(ledger, "word line per driven row") == pytest.approx(2 * 0.2e-15 * 2 * 0.01, rel=1e-12)
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
    assert ledger.programming == pytest.approx(3 * 29e-18 + 2 * 31e-18)


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
