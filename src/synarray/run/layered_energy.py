"""What a training of several layers cost: each layer's counts at the prices of its own cells, and their sum.

A convolution's tile is read at many places, one after another. The alternative is a copy of the tile at every place: all places
are read at once, but each pulse is sent to every copy, and the copies take room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from synarray.cost.ledger import Ledger, price
from synarray.cost.physical import Step
from synarray.cost.prices import Periphery
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.errors import RunError
from synarray.learn.result import Result
from synarray.learn.stack import layer_specs
from synarray.run.contents import StoredRun
from synarray.run.energy import Bill, bill_of_counts, bill_of_one_layer, bill_of_run, converter_notes

__all__ = ["LayerCost", "LayeredBill", "bill_of", "bill_of_layers", "bill_of_result"]

_PULSES = ("ltp_pulse", "ltd_pulse", "pruning_pulse", "initial_pulse", "pulse_failed", "verify_read")
_LEVELS = ("ltp_level", "ltd_level", "pruning_level", "initial_level", "verify_level")


@dataclass(frozen=True)
class LayerCost:
    """One layer's cost, and what a copy of its tile at every place would cost instead."""

    row: dict[str, Any]
    """What the run says of the layer."""
    ledger: Ledger
    replicated: Ledger | None
    """None where tiles are read at one place."""


@dataclass(frozen=True)
class LayeredBill:
    """What each layer of a run in cells of devices counted, from the bottom."""

    bills: tuple[Bill, ...]
    rows: tuple[dict[str, Any], ...]
    presentations: int

    def costs(
        self, periphery: Periphery, device: DeviceSpec | None = None, *, passive: bool = False
    ) -> list[LayerCost]:
        """Price each layer."""
        found = []
        for i, (bill, row) in enumerate(zip(self.bills, self.rows, strict=True)):
            used, title, copies = device or bill.device, f"layer {i + 1}", row["n_places"] // row["n_groups"]
            ledger = bill.ledger(periphery, used, title, passive=passive)
            replicated = _replicated(bill, used, copies, ledger, periphery, passive) if copies > 1 else None
            found.append(LayerCost(row, ledger, replicated))
        return found

    def ledger(
        self, periphery: Periphery, device: DeviceSpec | None = None, title: str = "", *, passive: bool = False
    ) -> Ledger:
        """Price the whole: the rows of all layers, which work one after the other."""
        ledgers = [cost.ledger for cost in self.costs(periphery, device, passive=passive)]
        entries = tuple(
            replace(entry, action=f"{ledger.title}: {entry.action}") for ledger in ledgers for entry in ledger.entries
        )
        seconds = {name: sum(ledger.seconds[name] for ledger in ledgers) for name in ledgers[0].seconds}
        parts = dict.fromkeys(part for ledger in ledgers for part in ledger.areas)
        areas = {part: sum(ledger.areas.get(part, 0.0) for ledger in ledgers) for part in parts}
        names = dict.fromkeys((device or bill.device).name for bill in self.bills)
        return Ledger(title or " + ".join(names), entries, seconds, 0.0, areas, self.presentations)

    def elsewhere(self, periphery: Periphery) -> list[Ledger]:
        """Nothing: other machines are compared with networks of one layer only."""
        return []

    def real_time(self, ledger: Ledger) -> dict[str, Any]:
        """Nothing: layers learn one after the other, not at the pace of the images."""
        return {}

    def free_steps(self, ledger: Ledger, periphery: Periphery) -> list[Step]:
        """Nothing: they are worked out for networks of one layer only."""
        return []

    def notes(self, periphery: Periphery, technology: str | None = None, where: str = "") -> list[str]:
        """Say what a reader of the price must know."""
        devices = [load_device(technology)] if technology else [bill.device for bill in self.bills]
        notes = [
            f"Numbers of {device.name} that are unconfirmed: {', '.join(device.unconfirmed)}."
            for device in devices
            if device.unconfirmed
        ]
        notes += [f"Layer {i + 1}: {note}" for i, bill in enumerate(self.bills) for note in converter_notes(bill)]
        if periphery.unconfirmed:
            notes.append(f"Prices around the cells that are unconfirmed: {', '.join(periphery.unconfirmed)}.")
        notes.append(
            "Frozen layers are read once for each training image, and their spikes kept as bits for the layers above; that "
            "memory is not priced."
        )
        return list(dict.fromkeys(notes))


def bill_of(run: StoredRun) -> Bill | LayeredBill:
    """Gather what a run on disk counted, of one layer or of several; raises RunError where weights are ideal."""
    return bill_of_layers(run) if run.experiment.layers else bill_of_run(run)


def bill_of_layers(run: StoredRun) -> LayeredBill:
    """Gather what a run of several layers counted.

    Raises
    ------
    RunError
        When a layer has ideal weights: nothing in it met a conductance.
    """
    layers, bills = run.by_layer(), []
    for i, layer in enumerate(layers):
        if layer.experiment.device is None:
            raise RunError(
                "a ledger needs layers in cells of a device", got=f"ideal weights in layer {i + 1}", where=str(run.path),
                do="Train with a device, for example: --set device=subquantum-cbram",
            )  # fmt: skip
        kept, row = layer.arrays, layer.metrics
        bill = bill_of_counts(layer.experiment, kept["neuron_events"], kept["network_events"], kept["writes"], row)
        bills.append(_of_layer(bill, row, lowest=i == 0))
    return LayeredBill(tuple(bills), tuple(run.metrics["layers"]), run.metrics["images_seen"])


def bill_of_result(result: Result) -> Bill | LayeredBill | None:
    """Gather what a training counted that was just done; None where weights, or those of a layer, are ideal."""
    if not result.spec.layers:
        return bill_of_one_layer(result)
    if not all(machine.spec.device for machine in result.machines):
        return None
    rows, bills = result.layer_rows(), []
    for i, (spec, machine, row) in enumerate(zip(layer_specs(result.spec), result.machines, rows, strict=True)):
        bill = bill_of_counts(spec, machine.neuron_events, machine.network_events, machine.array.writes, row)
        bills.append(_of_layer(bill, row, lowest=i == 0))
    return LayeredBill(tuple(bills), tuple(rows), result.images_seen)


def _of_layer(bill: Bill, row: dict[str, Any], *, lowest: bool) -> Bill:
    """Count a layer's reads tile by tile, and the encoding of inputs in the lowest layer alone."""
    tiles = bill.counts["column_sense"] // bill.counts.neurons
    encoded = row["windows"] * row["n_inputs"] if lowest else 0
    return replace(bill, counts=replace(bill.counts, draws=tiles, encoded=encoded))


def _replicated(
    bill: Bill, device: DeviceSpec, copies: int, shared: Ledger, periphery: Periphery, passive: bool
) -> Ledger:
    """Price a tile copied to every place: pulses and cells times the copies, reads of all places at once."""
    events = {name: n * (copies if name in (*_PULSES, *_LEVELS) else 1) for name, n in bill.counts.events.items()}
    many = replace(bill.counts, events=events, weights=bill.counts.weights * copies)
    ledger = price(many, device, bill.synapse, periphery, f"{copies:,} copies", passive=passive)
    at_once = replace(many, draws=max(1, many.draws // copies), events=events | {
        name: events[name] // copies for name in ("row_read", "column_sense")
    })  # fmt: skip
    seconds = price(at_once, device, bill.synapse, periphery).seconds
    return replace(
        ledger, seconds={"sequential": ledger.seconds["sequential"], "row-parallel": seconds["row-parallel"]}
    )
