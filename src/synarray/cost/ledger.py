"""The ledger: what a run's counted actions cost in joules and seconds, what they moved and how much room they take.

Counts come from the run, prices from the device and from ``periphery.toml``; no price is known to the simulation, so a finished
run is priced anew for another node or another device without running again. Every total is the sum of its rows.

    cells        v^2 t of each pulse and read x the conductance it met (counted), or the device's own energy per pulse
    half-select  1T1R: transistors cut the other cells of the lines off; passive: v/2 across each of them during a pulse
    lines        charging of the line a pulse or a read uses
    sense        a converter per column and read (analog, pair, compound); an amplifier per bit and read (digital)
    neurons      one addition per column for the threshold, two for the winner; two and two words of memory per output spike
    learning     per weight that is looked up: a random number, one addition, a look-up in a table of 8-bit entries; mask bits
    encoding     a random number (one addition) per input and window
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.array.synapse import SynapseSpec
from synarray.cost.prices import Periphery
from synarray.device.spec import DeviceSpec
from synarray.events import LEVELS, NetworkEvent, NeuronEvent

__all__ = ["Counts", "Entry", "Ledger", "price"]


@dataclass(frozen=True)
class Counts:
    """What a run counted, and the sizes its prices depend on.

    Attributes
    ----------
    events : dict of str to int
        Totals of every event, by name.
    draws : int
        Windows (or steps) in which winners were drawn.
    inputs, neurons, groups, weights : int
    rows, columns : int
        Cells on a bit line and on a word line of the array.
    """

    events: dict[str, int]
    draws: int
    inputs: int
    neurons: int
    groups: int
    weights: int
    rows: int
    columns: int

    @classmethod
    def of(
        cls,
        neuron_events: npt.NDArray[np.int64],
        network_events: npt.NDArray[np.int64],
        *,
        draws_per_presentation: int,
        **sizes: int,
    ) -> Counts:
        """Total the tables of a run."""
        per_neuron = neuron_events.sum(axis=0)
        events = {event.name.lower(): int(per_neuron[event]) for event in NeuronEvent}
        events |= {event.name.lower(): int(network_events[event]) for event in NetworkEvent}
        return cls(events, events["presentation"] * draws_per_presentation, **sizes)

    def __getitem__(self, name: str) -> int:
        return self.events[name]


@dataclass(frozen=True)
class Entry:
    """One row of the ledger.

    Attributes
    ----------
    component, action : str
    count : int
    each : float
        Energy of one, J.
    confirmed : bool
        Whether all numbers behind it are.
    """

    component: str
    action: str
    count: int
    each: float
    confirmed: bool = True

    @property
    def energy(self) -> float:
        """Energy of all, J."""
        return self.count * self.each


@dataclass(frozen=True)
class Ledger:
    """What a training cost.

    Attributes
    ----------
    title : str
    entries : tuple of Entry
    seconds : dict of str to float
        Time by schedule, s.
    bytes_moved : float
        Bytes of weights moved between memory and processor.
    area : float
        Area of the cells, m^2; 0 where nothing is known.
    presentations : int
        Images that were shown for it.
    """

    title: str
    entries: tuple[Entry, ...]
    seconds: dict[str, float]
    bytes_moved: float
    area: float
    presentations: int = 0

    @property
    def total(self) -> float:
        """Energy of everything, J."""
        return float(sum(entry.energy for entry in self.entries))

    def of(self, *components: str) -> float:
        """Energy of some components, J."""
        return float(sum(entry.energy for entry in self.entries if entry.component in components))

    @property
    def programming(self) -> float:
        """Energy of the pulses on cells, J: what an update of a weight costs where the weight is kept."""
        return float(sum(e.energy for e in self.entries if e.component == "cells" and e.action.endswith("pulses")))

    def summary(self) -> dict[str, Any]:
        """Return the ledger as numbers, ready for JSON."""
        return {
            "title": self.title,
            "rows": [vars(entry) | {"energy": entry.energy} for entry in self.entries],
            "total": self.total,
            "programming": self.programming,
            "time": self.seconds,
            "average_power": {name: self.total / s if s else None for name, s in self.seconds.items()},
            "images_per_second": {name: self.presentations / s if s else None for name, s in self.seconds.items()},
            "bytes_moved": self.bytes_moved,
            "area": self.area,
        }


def price(
    counts: Counts,
    device: DeviceSpec,
    synapse: SynapseSpec,
    periphery: Periphery,
    title: str = "",
    *,
    passive: bool = False,
) -> Ledger:
    """Price a training in cells of a device.

    Parameters
    ----------
    counts : Counts
        Of a run in cells (of this device, or of another one whose counts are taken over).
    device : DeviceSpec
    synapse : SynapseSpec
        The scheme the run used.
    periphery : Periphery
    title : str
        What the ledger is called; the device's name if nothing is said.
    passive : bool
        Cells without access transistors: a pulse puts half of its voltage across every other cell of its two lines.

    Returns
    -------
    Ledger
    """
    scheme = synapse.scheme_for(device)
    cells, together = scheme.cells, scheme.cells_per_level
    looks = counts["cell_read"]
    read_cells = counts["row_cell"] * cells
    mean_g = device.g_min + device.g_range * counts["row_level"] * together / LEVELS / max(read_cells, 1)
    r_cell = 1.0 / max(mean_g, 1e-12)
    rows_on = counts["row_read"] / max(counts.draws * counts.groups, 1)  # rows driven in one read
    sure = device.prices_known and not any(
        name in device.unconfirmed for name in ("v_ltp", "t_ltp", "v_ltd", "t_ltd", "g_min", "g_max")
    )
    sure_read = not any(name in device.unconfirmed for name in ("v_read", "t_read", "g_min", "g_max"))
    lines_sure = "c_line" not in periphery.unconfirmed

    def met(action: str, level: str, n: int, volts: float, seconds: float, fixed: float | None, ok: bool) -> Entry:
        """Cells under a voltage: the conductance they met, summed, or a fixed energy each."""
        g = device.g_min + device.g_range * counts[level] * (together if action == "row reads" else 1) / LEVELS / max(
            n, 1
        )
        return Entry("cells", action, n, volts**2 * seconds * g if fixed is None else fixed, ok)

    up, down, read = (
        (device.v_ltp, device.t_ltp, device.e_ltp),
        (device.v_ltd, device.t_ltd, device.e_ltd),
        device.v_read,
    )
    pulses = counts["ltp_pulse"] + counts["ltd_pulse"] + counts["pruning_pulse"] + counts["initial_pulse"]
    volts, rows_driven = max(abs(device.v_ltp), abs(device.v_ltd)), counts["row_read"] * cells
    half = (0.5 * volts) ** 2 * max(device.t_ltp, device.t_ltd) * mean_g if passive else 0.0
    entries = [
        met("LTP pulses", "ltp_level", counts["ltp_pulse"], *up, sure),
        met("LTD pulses", "ltd_level", counts["ltd_pulse"], *down, sure),
        met("pruning pulses", "pruning_level", counts["pruning_pulse"], *down, sure),
        met("initial pulses", "initial_level", counts["initial_pulse"], *up, sure),
        met("row reads", "row_level", read_cells, read, device.t_read, None, sure_read),
        met("look-ups before updates", "cell_read_level", looks, read, device.t_read, None, sure_read),
        met("verify reads", "verify_level", counts["verify_read"], read, device.t_read, None, sure_read),
        Entry("half-select", "other cells of a pulse's lines", pulses * (counts.rows + counts.columns - 2), half, sure),
        Entry(
            "lines",
            "bit and word line per pulse",
            pulses,
            periphery.charge(counts.rows + counts.columns, volts),
            lines_sure,
        ),
        Entry("lines", "word line per driven row", rows_driven, periphery.charge(counts.columns, read), lines_sure),
        Entry("drive", "row drivers", rows_driven, periphery.drive(device.t_read)),
    ]
    add, word = periphery.add * periphery.scale(), periphery.sram_word * periphery.scale()
    if scheme.sensed_by_bit:
        entries += [
            Entry("sense", "bits sensed", read_cells, periphery.sense(r_cell)),
            Entry("neurons", "additions of words", counts["row_cell"], add),
        ]
    else:
        columns = counts["column_sense"] * cells
        entries.append(Entry("sense", "column conversions", columns, periphery.conversion(r_cell / max(rows_on, 1.0))))
    entries += [
        Entry("sense", "cells sensed (look-ups, verifies)", looks + counts["verify_read"], periphery.sense(r_cell)),
        Entry("neurons", "thresholds and winners", 3 * counts["column_sense"], add),
        Entry("neurons", "homeostasis", counts["output_spike"], 2 * (add + word)),
        Entry("learning", "decisions on updates", looks // cells, 2 * add + word / 4),
        Entry("learning", "mask bits looked up", counts["mask_lookup"], word / 32),
        Entry("encoding", "random numbers", counts.draws * counts.inputs, add),
    ]
    f = periphery.node_nm * 1e-9
    return Ledger(
        title or device.name, tuple(entries), _seconds(counts, device, periphery, scheme.sensed_by_bit, cells, r_cell), 0.0,
        counts.weights * cells * periphery.cell_area * f**2, counts["presentation"],
    )  # fmt: skip


def _seconds(
    counts: Counts, device: DeviceSpec, periphery: Periphery, by_bit: bool, cells: int, r_cell: float
) -> dict[str, float]:
    """Time of the training: one thing after another; and with reads of whole rows and updates of whole columns at once."""
    t_up, t_down = device.t_ltp, device.t_ltd
    writing = t_up * (counts["ltp_pulse"] + counts["initial_pulse"]) + t_down * (
        counts["ltd_pulse"] + counts["pruning_pulse"]
    )
    looking = (counts["cell_read"] + counts["verify_read"]) * (device.t_read + periphery.sense_time(r_cell))
    reads = counts.draws * counts.groups
    if by_bit:  # the bits of a row at once, row after row
        reading = counts["row_read"] * (device.t_read + periphery.sense_time(r_cell))
    else:
        turns = min(periphery.columns_per_adc, max(1, counts["column_sense"] // max(reads, 1)))
        reading = reads * (device.t_read + turns * periphery.conversion_time)
    spikes = max(counts["output_spike"], 1)
    most = max(1.0, (counts["ltp_pulse"] + counts["ltd_pulse"]) / spikes / max(counts.weights / counts.neurons, 1))
    parallel = spikes * (most * (t_up + t_down) + cells * (device.t_read + periphery.sense_time(r_cell)))
    return {"sequential": writing + looking + reading, "row-parallel": parallel + reading}
