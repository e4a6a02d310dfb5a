"""What the price of an action depends on: the counts, the cells they were counted in, and the circuits around these.

How many levels a look-up must tell apart decides how it is priced and timed: the state of an analog cell (of each cell of a
pair) is looked up to one of 255 states, which takes a conversion of 8 bits; a bit of a word, a cell of a compound or any other
binary cell takes a sense amplifier.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from synarray.array.schemes import Scheme
from synarray.array.synapse import SynapseSpec
from synarray.cost.counts import Counts
from synarray.cost.prices import Periphery
from synarray.device.cell import STATES
from synarray.device.spec import DeviceSpec
from synarray.events import LEVELS

__all__ = ["Conditions", "levels_told_apart"]


def levels_told_apart(synapse: SynapseSpec, device: DeviceSpec) -> int:
    """Return how many levels of one cell a look-up or a verify must tell apart: 255 for analog cells, 2 for binary ones.

    Examples
    --------
    >>> levels_told_apart(SynapseSpec(), DeviceSpec()), levels_told_apart(SynapseSpec(), DeviceSpec(law="binary"))
    (255, 2)
    """
    return STATES if synapse.scheme_for(device).gradual and not device.binary else 2


@dataclass(frozen=True)
class Conditions:
    """Counts, cells and circuits."""

    counts: Counts
    device: DeviceSpec
    synapse: SynapseSpec
    """The scheme the run used."""
    periphery: Periphery
    passive: bool = False
    """Whether the cells have no access transistors."""

    @cached_property
    def unconfirmed(self) -> frozenset[str]:
        """Numbers of the device and of the circuits that are not confirmed."""
        return frozenset((*self.device.unconfirmed, *self.periphery.unconfirmed))

    # ---- cells ---------------------------------------------------------------------------------------------------------

    @cached_property
    def scheme(self) -> Scheme:
        """How a weight lives in cells."""
        return self.synapse.scheme_for(self.device)

    @cached_property
    def by_bit(self) -> bool:
        """Whether reads sense each cell as 0 or 1."""
        return self.scheme.sensed_by_bit

    @cached_property
    def cells(self) -> int:
        """Cells of a weight."""
        return self.scheme.cells

    def met(self, level: str, n: int, together: int = 1) -> float:
        """Mean conductance that ``n`` pulses or reads met, S, from the sum of the levels they met."""
        return self.device.g_min + self.device.g_range * self.counts[level] * together / LEVELS / max(n, 1)

    @cached_property
    def pulses_up(self) -> int:
        """Pulses of the LTP voltage."""
        return self.counts["ltp_pulse"] + self.counts["initial_pulse"]

    @cached_property
    def pulses_down(self) -> int:
        """Pulses of the LTD voltage."""
        return self.counts["ltd_pulse"] + self.counts["pruning_pulse"]

    def pulse(self, up: bool, level: str, n: int) -> float:
        """Energy of one pulse on a cell, J: the device's own, or v^2 t g of the conductance it met."""
        device = self.device
        own = device.e_ltp if up else device.e_ltd
        volts, seconds = (device.v_ltp, device.t_ltp) if up else (device.v_ltd, device.t_ltd)
        return volts**2 * seconds * self.met(level, n) if own is None else own

    def read(self, level: str, n: int, together: int = 1) -> float:
        """Energy of reading one cell, J."""
        return self.device.v_read**2 * self.device.t_read * self.met(level, n, together)

    @cached_property
    def half_selected(self) -> float:
        """Energy of another cell of a pulse's lines, J: none where transistors cut them off."""
        device = self.device
        volts, seconds = max(abs(device.v_ltp), abs(device.v_ltd)), max(device.t_ltp, device.t_ltd)
        return (0.5 * volts) ** 2 * seconds * self.mean_g if self.passive else 0.0

    # ---- reads ---------------------------------------------------------------------------------------------------------

    @cached_property
    def cells_read(self) -> int:
        """Cells read with their rows."""
        return self.counts["row_cell"] * self.cells

    @cached_property
    def rows_driven(self) -> int:
        """Word lines driven by a read voltage."""
        return self.counts["row_read"] * self.cells

    @cached_property
    def mean_g(self) -> float:
        """Mean conductance that reads of rows met, S."""
        return self.met("row_level", self.cells_read, self.scheme.cells_per_level)

    @cached_property
    def r_cell(self) -> float:
        """Its resistance, ohm."""
        return 1.0 / max(self.mean_g, 1e-12)

    @cached_property
    def reads(self) -> int:
        """Reads of a group: all of its columns at once."""
        return self.counts.draws * self.counts.groups

    @cached_property
    def joined(self) -> int:
        """Columns of cells that one conversion reads: all of a weight where reads were digitised as such, else one."""
        return 1 if self.counts.adc_bits is None else self.cells

    @cached_property
    def conversions(self) -> int:
        """Conversions of columns."""
        return self.counts["column_sense"] * self.cells // self.joined

    @cached_property
    def conversion(self) -> float:
        """Energy of one conversion of a column, J."""
        rows = self.counts["row_read"] / max(self.reads, 1)  # driven in one read
        return self.periphery.conversion(self.r_cell / (max(rows, 1.0) * self.joined), self.counts.adc_bits)

    # ---- look-ups ------------------------------------------------------------------------------------------------------

    @cached_property
    def look_ups(self) -> int:
        """Cells looked up before updates, and to verify."""
        return self.counts["cell_read"] + self.counts["verify_read"]

    @cached_property
    def bits(self) -> int:
        """Bits that a look-up of one cell resolves."""
        return math.ceil(math.log2(levels_told_apart(self.synapse, self.device)))

    @cached_property
    def sensing(self) -> float:
        """Energy of sensing one cell in a look-up, J."""
        periphery = self.periphery
        return periphery.sense(self.r_cell) if self.bits == 1 else periphery.conversion(self.r_cell, self.bits)

    @cached_property
    def sensing_time(self) -> float:
        """Time of sensing one cell in a look-up, s, besides that of the read."""
        return self.periphery.sense_time(self.r_cell) if self.bits == 1 else self.periphery.conversion_time(self.bits)

    # ---- circuits ------------------------------------------------------------------------------------------------------

    @cached_property
    def add(self) -> float:
        """Energy of an addition of integers, J."""
        return self.periphery.add * self.periphery.scale()

    def word(self, n_bytes: float) -> float:
        """Energy of a 32-bit word of a static memory of so many bytes, J."""
        return self.periphery.sram(n_bytes)

    @cached_property
    def threshold_word(self) -> float:
        """Energy of a word of the memory of thresholds, J: one word per neuron."""
        return self.word(4 * self.counts.neurons)

    @cached_property
    def table_word(self) -> float:
        """Energy of a word of the tables of the learning law, J: 8-bit entries, one per state, for LTP and for LTD."""
        return self.word(2 * STATES)

    @cached_property
    def mask_word(self) -> float:
        """Energy of a word of the mask of cells that still learn, J: one bit per weight."""
        return self.word(self.counts.weights / 8)

    def charging(self, volts: float) -> float:
        """Energy of charging the bit line and the word line of a pulse, J."""
        return self.periphery.charge(self.counts.rows + self.counts.columns, volts)

    # ---- arrays --------------------------------------------------------------------------------------------------------

    @cached_property
    def arrays(self) -> int:
        """Arrays that the cells fill."""
        return -(-self.counts.weights * self.cells // (self.counts.rows * self.counts.columns))
