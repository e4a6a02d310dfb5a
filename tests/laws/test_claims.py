"""Ranges of factors, and the claims: what must hold whatever the runs counted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from synarray.array.synapse import SynapseSpec
from synarray.cost.baselines import GradientTraining
from synarray.cost.counts import Counts
from synarray.cost.physical import free_steps
from synarray.cost.prices import Periphery, load_periphery
from synarray.cost.uncertainty import Interval, Prices, spread_of
from synarray.device.library import device_names, load_device
from synarray.errors import SpecError
from synarray.events import LEVELS, NetworkEvent, NeuronEvent
from synarray.learn.spec import LearningSpec
from synarray.paper.claims import Claim, Claims
from synarray.paper.derivation import derive, pulse_energy
from synarray.run.energy import Bill

PRICES = load_periphery()
OWN, METAL = load_device("subquantum-cbram"), load_device("metal-filament-cbram")
KEYS = ("cbram-analog", "cbram-same-unpruned", "cbram-unpruned", "cbram-local", "cbram-few-levels", "cbram-frugal")


# Ranges


@pytest.mark.parametrize("name", device_names())
def test_every_range_of_the_library_holds_its_number(name: str) -> None:
    device = load_device(name)
    for key in device.ranged:
        ends = sorted(abs(getattr(device.at({key: end}), key)) for end in ("low", "high"))
        assert ends[0] <= abs(getattr(device, key)) <= ends[1]


def test_every_range_of_the_prices_holds_its_number() -> None:
    assert {"c_line", "dram_word"} <= set(PRICES.ranged)
    for key in PRICES.ranged:
        assert getattr(PRICES.at({key: "low"}), key) <= getattr(PRICES, key) <= getattr(PRICES.at({key: "high"}), key)


def test_a_range_is_the_worst_of_all_its_corners() -> None:
    """Against all 2^n corners of a factor that rises with some prices and falls with others."""
    from itertools import product

    prices = Prices(PRICES, OWN, OWN)

    def factor(p: Prices) -> float:
        return p.periphery.dram_word * p.own.t_ltp / (p.own.g_max * p.own.v_ltp**2 * p.periphery.c_line)

    names = [("periphery", "dram_word"), ("periphery", "c_line"), ("own", "t_ltp"), ("own", "g_max"), ("own", "v_ltp")]
    corners = [
        factor(prices.at(dict(zip(names, ends, strict=True)))) for ends in product(("low", "high"), repeat=len(names))  # type: ignore[arg-type]
    ]  # fmt: skip
    found = spread_of(factor, prices)
    assert (found.low, found.high) == (min(corners), max(corners))
    assert found.value == factor(prices)


def test_numbers_that_two_devices_share_cancel_in_their_ratio() -> None:
    """The metal filament was given the pulses of the subquantum cell: its factor knows their conductances only."""
    found = spread_of(lambda p: pulse_energy(p.other) / pulse_energy(p.own), Prices(PRICES, OWN, METAL))
    middle = (METAL.g_min + METAL.g_max) / (OWN.g_min + OWN.g_max)
    assert found.value == pytest.approx(middle)
    assert found.low == pytest.approx((1.0 + 70.0) / (0.2 + 7.75))
    assert found.high == pytest.approx((1.0 + 77.481) / (0.2 + 2.3))
    assert {name for part, name in Prices(PRICES, OWN, METAL).ranged if part == "other"} == {"g_max"}


def test_an_end_alone_is_no_range() -> None:
    with pytest.raises(SpecError, match="low and high must be given together"):
        Periphery(**{**dict(PRICES), "add": {"value": 1e-13, "source": "here", "low": 1e-14}})


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [
        (Interval(30, 12, 90), "confirmed"),
        (Interval(300, 12, 900), "confirmed, and more"),
        (Interval(30, 5, 90), "at nominal prices, not at the worst"),
        (Interval(5, 1, 50), "only at the best prices"),
        (Interval(5, 1, 9), "not confirmed"),
    ],
)
def test_verdicts(factor: Interval, verdict: str) -> None:
    assert Claim("device", "x", factor, (10.0, 100.0), "").verdict == verdict


# Claims


def bill(pulses: int, levels: float = 40, spec: LearningSpec | None = None) -> Bill:
    names = [event.name.lower() for event in [*NeuronEvent, *NetworkEvent]]
    events = dict.fromkeys(names, 0) | {
        "ltp_pulse": pulses, "ltd_pulse": pulses, "ltp_level": pulses * LEVELS // 2, "ltd_level": pulses * LEVELS // 2,
        "presentation": 1000, "row_read": 40_000, "row_cell": 400_000, "row_level": 400_000 * LEVELS // 4,
        "column_sense": 40_000, "output_spike": 4000, "cell_read": 80_000, "cell_read_level": 80_000 * LEVELS // 2,
    }  # fmt: skip
    counts = Counts(events, draws=4000, inputs=20, neurons=10, groups=1, weights=200, rows=1024, columns=512)
    device = OWN.model_copy(update={"n_levels_ltp": levels, "n_levels_ltd": levels})
    return Bill(counts, spec or LearningSpec(device=device), device, SynapseSpec(scheme="analog"))


def rows(pulses: dict[str, tuple[int, float]]) -> list[Any]:
    """Rows of the table with these pulses of each kind and levels."""
    return [
        SimpleNamespace(spec=SimpleNamespace(key=key), bills=[bill(n, levels)] * 2, mean=lambda name: 0.95)
        for key, (n, levels) in pulses.items()
    ]


COUNTED = dict(zip(KEYS, [(100, 40), (200, 40), (400, 40), (200, 40), (50, 4), (25, 4)], strict=True))


@cache
def derived(periphery: Periphery = PRICES) -> Claims:
    rival = GradientTraining(16, 12_730, 170, 1000, 32, 0.95, 0.95, 0.1)
    return derive(rows(COUNTED), periphery, [rival, None])


def test_the_factors_are_those_of_the_counts() -> None:
    found = {claim.name: claim.factor for claim in derived().claims}
    assert found["soft pruning of 75 % alone"].value == pytest.approx(200 / 100)
    assert found["event-driven, probabilistic updates"].value == pytest.approx(200 * 1000 / 400)
    assert found["both"].value == pytest.approx(2 * 500)
    metal = found["metal-filament CBRAM, per pulse"].value
    assert metal == pytest.approx((METAL.g_min + METAL.g_max) / (OWN.g_min + OWN.g_max))
    own, lines = 1.25e-12, 0.2e-15 * (1024 + 512)  # of one pulse: 1 V, 1 us at the middle of the range; both lines
    assert found["metal filament, unpruned / this"].value == pytest.approx(2 * (metal * own + lines) / (own + lines))


def test_the_chain_multiplies_to_its_ends() -> None:
    chain = {each.name: each for each in derived().chain}
    assert chain["event-driven updates"].single.value == 10
    assert chain["probabilistic single-size pulses"].single.value == pytest.approx(80_000 / 800)
    assert chain["probabilistic single-size pulses"].growing.value == 1
    assert chain["fewer levels"].single.value == pytest.approx(200 / 50)
    own, lines = 1.25e-12, 0.2e-15 * (1024 + 512)
    grown = (10 * own + lines) / (own + lines)  # ten times fewer levels: ten times the energy, but for the lines
    assert chain["fewer levels"].growing.value == pytest.approx(200 / 50 / grown)
    assert chain["against the unpruned full field"].single.value == pytest.approx(400 / 25)
    assert chain["all together"].single.value == pytest.approx(10 * 100 * 16)
    inner = (
        chain["local fields"].growing.value * chain["fewer levels"].growing.value * chain["soft pruning"].growing.value
    )
    assert chain["against the unpruned full field"].growing.value == pytest.approx(inner)


def test_every_range_holds_its_factor() -> None:
    found = derived()
    assert len(found.devices) == len(device_names()) - 2
    for factor in [claim.factor for claim in found.claims] + [each.all for each in found.devices]:
        assert 0 < factor.low <= factor.value * (1 + 1e-9)
        assert factor.value <= factor.high * (1 + 1e-9)


def test_every_claim_rests_on_prices_that_say_where_they_come_from() -> None:
    found = derived()
    owners = {each["owner"] for each in found.sources}
    for claim in found.claims:
        assert claim.rests_on
        assert set(claim.rests_on) <= owners
    assert {"v_ltp", "g_max"} <= {each["name"] for each in found.sources if each["owner"] == "subquantum-cbram"}
    assert {"dram_word", "c_line"} <= {each["name"] for each in found.sources if each["owner"] == "periphery"}
    assert all(len(each["source"]) > 5 for each in found.sources)


def test_a_pulse_on_a_gate_is_compared_with_its_lines() -> None:
    """29 and 19 aJ on the gate of an HZO FeFET are nothing beside the charge of its lines, 0.2 fF x 1536 at 3.65 and 2.95 V."""
    fefet = next(each for each in derived().devices if each.device.name == "hzo-fefet")
    lines = 0.2e-15 * 1536
    driven = (29e-18 + 19e-18) / 2 + lines * (3.65**2 + 2.95**2) / 2
    assert fefet.pulse.value == pytest.approx(24e-18 / 1.25e-12)
    assert fefet.driven.value == pytest.approx(driven / (1.25e-12 + lines), rel=1e-3)


def test_claims_with_converters_have_both_ends_of_the_converters() -> None:
    """Fixing the converters at their least or most energy must leave a narrower interval."""
    fixed = {name: source for name, source in PRICES.sources.items() if name != "converter_factor"}
    sure = PRICES.model_copy(update={"sources": fixed})
    for name in ("metal-filament CBRAM, per training, with periphery", "same algorithm, processor, weights in DRAM"):
        wide, narrow = (next(c.factor for c in derived(p).claims if c.name == name) for p in (PRICES, sure))
        assert wide.low < narrow.low and wide.high >= narrow.high
        assert wide.value == narrow.value


def test_a_factor_of_the_cells_knows_nothing_of_the_periphery() -> None:
    dear = PRICES.model_copy(update={"add": 10 * PRICES.add, "c_line": 3 * PRICES.c_line})
    cheap, costly = (next(each for each in derived(p).devices if each.device.name == "pcm") for p in (PRICES, dear))
    assert cheap.cells == costly.cells
    assert cheap.all.value > costly.all.value  # what all devices share brings them closer together


def test_rows_that_are_missing_are_named() -> None:
    found = derive(rows({key: COUNTED[key] for key in KEYS[:2]}), PRICES)
    assert found.chain == []
    assert "cbram-frugal" in found.notes[0]
    assert derive(rows({"cbram-local": (1, 40)}), PRICES).claims == []


# Time and free steps


def test_real_time_by_hand() -> None:
    """800 pulses in 4000 draws of 10 ms; at worst 20 rows x 1 us a draw."""
    some = bill(400)
    ledger = some.ledger(PRICES)
    times = some.real_time(ledger)
    assert times["window"] == 10e-3
    assert times["sequential"] == pytest.approx(ledger.seconds["sequential"] / 4000)
    assert times["worst"] == pytest.approx(20 * 1e-6 + times["row_parallel"])
    assert times["fits"] == {"sequential": True, "row_parallel": True, "worst": True}
    slow = replace(some, device=OWN.model_copy(update={"t_ltp": 1e-3}))
    assert not slow.real_time(slow.ledger(PRICES))["fits"]["worst"]


def test_steps_of_the_ledger_are_not_priced_twice() -> None:
    some = bill(400)
    ledger = some.ledger(PRICES)
    steps = free_steps(some.spec, some.counts, ledger, PRICES)
    rows_of = {entry.action: entry.energy for entry in ledger.entries}
    for step in steps:
        if step.booked:
            assert step.energy == rows_of[step.where.split('"')[1]]
    named = {step.name for step in steps}
    assert {"labels of neurons", "softmax over the columns", "wires without resistance"} <= named


def test_a_step_that_is_not_taken_is_not_named() -> None:
    wired = LearningSpec(
        device=OWN.model_copy(update={"sigma_read": 0.1}), encoding={"gain_control": False}, array={"wires": {"r_wire": 1.0}}  # type: ignore[arg-type]
    )  # fmt: skip
    some = bill(400, spec=wired)
    named = {step.name for step in free_steps(wired, some.counts, some.ledger(PRICES), PRICES)}
    assert not named & {
        "wires without resistance",
        "reads without noise",
        "gain control: images brought to one total intensity",
    }
