"""Prices for finished runs: the counts a run kept, priced for its own device or for another, without running again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.array.synapse import SynapseSpec, device_law
from synarray.cost.baselines import MEMORIES, chips, conventional, updates, without_events, without_pruning
from synarray.cost.conditions import Conditions
from synarray.cost.ledger import Counts, Entry, Ledger, price
from synarray.cost.look_ups import LookUps, look_ups
from synarray.cost.physical import Step, free_steps
from synarray.cost.prices import SRAM_TO, Periphery
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.errors import RunError
from synarray.learn.result import Result
from synarray.learn.spec import LearningSpec
from synarray.run.contents import StoredRun as Run
from synarray.units import quantity

__all__ = [
    "Bill",
    "bill_of_counts",
    "bill_of_one_layer",
    "bill_of_run",
    "converter_notes",
    "read_warnings",
]


@dataclass(frozen=True)
class Bill:
    """What a run in cells of a device counted, and what is needed to price it."""

    counts: Counts
    spec: LearningSpec
    device: DeviceSpec
    """The run's own."""
    synapse: SynapseSpec
    """With the scheme the run used."""

    @property
    def cells(self) -> int:
        """Cells of a weight."""
        return self.synapse.cells_per_weight(self.device)

    @property
    def updates(self) -> int:
        """Weights looked up for updates."""
        return updates(self.counts, self.cells)

    def ledger(
        self, periphery: Periphery, device: DeviceSpec | None = None, title: str = "", *, passive: bool = False
    ) -> Ledger:
        """Price it: in its own cells, or its counts in those of another device."""
        return price(self.counts, device or self.device, self.synapse, periphery, title, passive=passive)

    def look_ups(self, periphery: Periphery, device: DeviceSpec | None = None) -> LookUps:
        """Say whether its look-ups last long enough to tell the levels of a cell apart, and what they would then cost."""
        given = Conditions(self.counts, device or self.device, self.synapse, periphery)
        return look_ups(given, self.spec.array.temperature)

    def elsewhere(self, periphery: Periphery) -> list[Ledger]:
        """Price the same training elsewhere: on the array without its savings, on processors, on neuromorphic chips."""
        operations = self.counts["row_cell"]
        _, energies = chips()
        return [
            price(without_events(self.counts), self.device, self.synapse, periphery, "every weight at every draw"),
            price(
                without_pruning(self.counts, self.cells),
                self.device,
                self.synapse,
                periphery,
                "without pruning (estimate)",
            ),
            *(conventional(self.counts, periphery, memory, self.updates) for memory in MEMORIES),
            *(
                Ledger(name, (Entry("chip", "synaptic operations", operations, energy),), {}, 0.0)
                for name, energy in energies.items()
            ),
        ]

    def real_time(self, ledger: Ledger) -> dict[str, Any]:
        """Say whether reads and updates fit between two draws of a winner, were images shown at their simulated pace.

        Returns
        -------
        dict
            ``window``: time between draws, s. ``sequential``, ``row_parallel``: mean time that reads and updates take of it.
            ``worst``: if every cell of every winner had to be pulsed up, one after another. ``fits``: whether each does.
        """
        encoding, counts = self.spec.encoding, self.counts
        window = encoding.dt if encoding.form == "sliding" else encoding.t_window
        draws = max(counts.draws, 1)
        worst = counts.weights / counts.neurons * counts.groups * self.cells * max(self.device.t_ltp, self.device.t_ltd)
        times = {
            "sequential": ledger.seconds["sequential"] / draws,
            "row_parallel": ledger.seconds["row-parallel"] / draws,
            "worst": worst + ledger.seconds["row-parallel"] / draws,
        }
        return {"window": window, **times, "fits": {name: seconds <= window for name, seconds in times.items()}}

    def free_steps(self, ledger: Ledger, periphery: Periphery) -> list[Step]:
        """Return what software gets for nothing, and what it would cost in circuits."""
        return free_steps(self.spec, self.counts, ledger, periphery)

    def notes(self, periphery: Periphery, technology: str | None = None, where: str = "this experiment") -> list[str]:
        """Say what a reader of a price must know: what is unconfirmed or too short, where another device changes the counts."""
        device = self.device if technology is None else load_device(technology)
        notes = [*read_warnings(self, periphery, device), *converter_notes(self)]
        if periphery.unconfirmed:
            notes.append(f"Prices around the cells that are unconfirmed: {', '.join(periphery.unconfirmed)}.")
        if device.unconfirmed:
            notes.append(f"Numbers of {device.name} that are unconfirmed: {', '.join(device.unconfirmed)}.")
        if not device.prices_known:
            notes.append(
                f"{device.name} is written through a gate, and no source states the gate's energy: v^2 t g of its channel is "
                "used instead."
            )
        size = 4 * self.counts.weights / 1024
        if size > SRAM_TO:
            notes.append(
                f"Weights in SRAM need {size:,.0f} KiB; the energy of a word has a source up to {SRAM_TO:,.0f} KiB and is "
                "extrapolated."
            )
        if technology is not None and _moves_otherwise(self, device):
            notes.append(
                f"{device.name} moves by other steps than {self.device.name}: the number of pulses would differ. To count "
                f"them: synarray train {where} --set device={technology}"
            )
        return notes


def bill_of_run(run: Run) -> Bill:
    """Gather what a run on disk counted.

    Raises
    ------
    RunError
        When it was a run of ideal weights: nothing in it met a conductance; or of several layers.
    """
    run.check_one_layer("this price")
    if run.experiment.device is None:
        raise RunError(
            "a ledger needs a run in cells of a device",
            got="a run with ideal weights",
            where=str(run.path),
            do="Train with a device, for example: --set device=subquantum-cbram",
        )
    arrays = run.arrays
    return bill_of_counts(
        run.experiment, arrays["neuron_events"], arrays["network_events"], arrays["writes"], run.metrics
    )


def bill_of_one_layer(result: Result) -> Bill | None:
    """Gather what a run counted that was just done; None for ideal weights."""
    machine = result.machine
    if result.spec.device is None:
        return None
    sizes = {"n_inputs": len(result.retina.inputs), "n_groups": len(machine.groups), "n_cells": machine.array.n_cells}
    return bill_of_counts(result.spec, machine.neuron_events, machine.network_events, machine.array.writes, sizes)


def bill_of_counts(
    spec: LearningSpec,
    neuron_events: npt.NDArray[np.int64],
    network_events: npt.NDArray[np.int64],
    writes: npt.NDArray[np.uint32],
    sizes: dict[str, Any],
) -> Bill:
    """Put counts together with what prices depend on."""
    assert spec.device is not None  # the callers saw to it
    scheme = spec.synapse.scheme_for(spec.device)
    counts = Counts.of(
        neuron_events,
        network_events,
        draws_per_presentation=spec.encoding.draws,
        writes=scheme.pulses_per_cell(writes),
        inputs=sizes["n_inputs"],
        neurons=len(neuron_events),
        groups=sizes["n_groups"],
        weights=sizes["n_cells"],
        rows=spec.array.rows,
        columns=spec.array.columns,
        adc_bits=spec.array.adc_bits,
    )
    synapse = spec.synapse.model_copy(update={"scheme": scheme.name})
    return Bill(counts, spec, spec.device, synapse)


def converter_notes(bill: Bill) -> list[str]:
    """Say to how many bits reads were digitised and are priced, and how many of them were clipped; nothing for ideal reads."""
    counts = bill.counts
    if counts.adc_bits is None:
        return []
    share = counts["column_clipped"] / max(counts["column_sense"], 1)
    return [
        f"Reads of columns were digitised to {counts.adc_bits} bits while learning, and are priced with these; "
        f"{share:.2%} of them were clipped."
    ]


def read_warnings(bill: Bill, periphery: Periphery, device: DeviceSpec | None = None) -> list[str]:
    """Warn of look-ups that are too short to tell the levels of a cell apart, with the length that would do."""
    used = device or bill.device
    found = bill.look_ups(periphery, used)
    floor = found.floor
    if not found.count or floor.enough:
        return []
    rms, kelvins = f"{floor.rms:.3g}", f"{floor.temperature:g} K"
    return [
        f"A look-up of {used.name} is too short: in {quantity(floor.t_read, 's')} its noise at {kelvins} is {rms} of "
        f"{floor.levels} levels, so only {floor.told_apart} can be distinguished. {quantity(floor.seconds, 's')} would do; "
        f"all look-ups then cost {quantity(found.energy_enough, 'J')} instead of {quantity(found.energy, 'J')}, and one after "
        f"another {quantity(found.seconds_enough, 's')} instead of {quantity(found.seconds, 's')}. The simulation looks states "
        "up without noise."
    ]


def _moves_otherwise(bill: Bill, other: DeviceSpec) -> bool:
    """Say whether the other device would have moved differently, so that its counts would differ."""
    mine, its = (device_law(bill.synapse, device).step for device in (bill.device, other))
    return mine is None or its is None or mine.shape != its.shape or bool((mine != its).any())
