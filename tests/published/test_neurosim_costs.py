"""Cross-check with NeuroSim where its published numbers suffice: energy of one pulse, and time of its training runs.

Energies: Chen, Peng, Yu, IEEE TCAD 37(12), 2018, Table I, and Jerry et al., IEDM 2017: E = V^2 G t at the mean of the range.
Times: Jerry et al.: "latency" of training a 400-100-10 perceptron with a million images; all five are 7.0e9 x levels x
(t_LTP + t_LTD), full trains one after another.
"""

from __future__ import annotations

import pytest

from synarray.array.synapse import SynapseSpec
from synarray.cost.ledger import Counts, price
from synarray.cost.prices import load_periphery
from synarray.device.library import load_device
from synarray.events import LEVELS, NetworkEvent, NeuronEvent

NAMES = [event.name.lower() for event in [*NeuronEvent, *NetworkEvent]]


def ledger(name: str, pulses: int):  # type: ignore[no-untyped-def]
    events = dict.fromkeys(NAMES, 0) | {
        "ltp_pulse": pulses, "ltp_level": pulses * LEVELS // 2, "ltd_pulse": pulses, "ltd_level": pulses * LEVELS // 2,
    }  # fmt: skip
    counts = Counts(events, draws=0, inputs=400, neurons=100, groups=1, weights=40_000, rows=400, columns=100)
    return price(counts, load_device(name), SynapseSpec(scheme="analog"), load_periphery())


@pytest.mark.parametrize(
    ("name", "ltp", "ltd"),
    [
        ("ag-a-si", 63.8e-12, 48.9e-12),
        ("taox-tio2", 54e-9, 13.5e-9),
        ("pcmo", 99.7e-12, 99.7e-12),
        ("alox-hfo2", 2.94e-9, 3.63e-9),
        ("hzo-fefet", 29e-18, 19e-18),
    ],
)
def test_a_pulse_costs_what_follows_from_the_table(name: str, ltp: float, ltd: float) -> None:
    found = {entry.action: entry.each for entry in ledger(name, 1000).entries}
    assert found["LTP pulses"] == pytest.approx(ltp, rel=0.01)
    assert found["LTD pulses"] == pytest.approx(ltd, rel=0.01)


@pytest.mark.parametrize(
    ("name", "levels", "seconds"),
    [
        ("taox-tio2", 102, 3.57e10),
        ("pcmo", 50, 7.0e8),
        ("ag-a-si", 100, 4.2e8),
        ("alox-hfo2", 40, 5.6e7),
        ("hzo-fefet", 32, 3.36e4),
    ],
)
def test_pulses_one_after_another_take_the_time_neurosim_prints(name: str, levels: int, seconds: float) -> None:
    assert ledger(name, 7_000_000_000 * levels).seconds["sequential"] == pytest.approx(seconds, rel=0.02)
