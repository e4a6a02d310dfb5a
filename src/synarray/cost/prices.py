"""What things around the cells cost: circuits by technology node, digital operations, memories, lines; each with its source.

Cells are priced by their own device: an ohmic cell takes v^2 t g of the conductance a pulse meets. Energies of digital operations
are those of 45 nm; at another node they are scaled as NeuroSim's current sense amplifier is, as no law is
published for all of these nodes. A word of a static memory costs and lasts the more, the larger the memory is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from synarray.arguments import require
from synarray.errors import SpecError
from synarray.files import parse_toml, read_text
from synarray.spec import Sourced, Spec
from synarray.units import BytesPerSecond, Farads, Joules, Watts

__all__ = ["SRAM_FROM", "SRAM_TO", "load_periphery"]  # a Periphery is read, not made

SRAM_FROM, SRAM_TO = 8.0, 4096.0
"""Sizes between which the law of static memories has a source, KiB; a smaller one is priced as the smallest."""

_Energy = Annotated[Joules, Field(ge=0)]
_Area = Annotated[float, Field(gt=0)]


class Circuits(Spec):
    """Coefficients of NeuroSim's converters at one node: P = ((k1 bits + k0) 1e-6 + k2 exp(-k3 log10 R)) W."""

    k1: float
    k0: float
    k2: float
    k3: float
    sense: float
    """Power of the 1-bit current sense amplifier before its column's current, uW."""


class Periphery(Sourced):
    """Prices of everything around the cells.

    Raises
    ------
    SpecError
        When a price is negative, has no unit or no source, or the node is not known.
    """

    node_nm: Annotated[float, Field(gt=0)]
    adc_bits: Annotated[int, Field(ge=1, le=16)]
    converter_factor: Annotated[float, Field(gt=0)]
    """Energy of a conversion over that of NeuroSim's formula."""
    columns_per_adc: Annotated[int, Field(ge=1, le=65_536)]
    driver_power: Annotated[Watts, Field(ge=0)]
    driver_nm: Annotated[float, Field(gt=0)]
    add: _Energy
    add_float: _Energy
    multiply_float: _Energy
    sram_word: _Energy
    """32 bits of a static memory of ``sram_kib``."""
    sram_kib: Annotated[float, Field(gt=0)]
    sram_growth: Annotated[float, Field(ge=0, le=2)]
    """Exponent with which the energy of a word grows with the size of the memory."""
    sram_bandwidth: Annotated[BytesPerSecond, Field(gt=0)]
    """Of a static memory of ``sram_kib``."""
    sram_slowing: Annotated[float, Field(ge=0, le=2)]
    """Exponent with which the time of a word grows with the size of the memory."""
    dram_word: _Energy
    dram_bandwidth: Annotated[BytesPerSecond, Field(gt=0)]
    c_line: Annotated[Farads, Field(ge=0)]
    cell_area: _Area
    """Of one cell; this and the other areas in F^2, F = the node."""
    converter_area: _Area
    """Of one converter of 8 bits; others in proportion to their bits."""
    sense_area: _Area
    driver_area: _Area
    """Of the driver of one line."""
    shifter_area: _Area
    """Of what a line needs besides where a pulse exceeds 1.5 V."""
    neuron_area: _Area
    adc: dict[str, Circuits]

    def _at_node(self, energy: Callable[[str], float], node: float | None = None) -> float:
        """Evaluate at a node there are circuits for, or between the two next to it (both logarithmic)."""
        node = node or self.node_nm
        known = _nodes(tuple(self.adc))
        below = max((pair for pair in known if pair[0] <= node), default=known[0])
        above = min((pair for pair in known if pair[0] >= node), default=known[-1])
        if below == above:
            return energy(below[1])
        part = np.log(node / below[0]) / np.log(above[0] / below[0])
        return float(energy(below[1]) ** (1.0 - part) * energy(above[1]) ** part)

    def scale(self, node: float = 45.0) -> float:
        """Energy of a circuit at this node over that at another one: as NeuroSim's current sense amplifier."""
        return self._at_node(lambda name: self.adc[name].sense) / self._at_node(lambda name: self.adc[name].sense, node)

    def conversion(self, r_column: float, bits: int | None = None) -> float:
        """Energy of one conversion, J, of a column of this resistance, ohm, to so many bits (none: ``adc_bits``)."""
        resolved = bits or self.adc_bits

        def energy(name: str) -> float:
            c = self.adc[name]
            power = (c.k1 * resolved + c.k0) * 1e-6 + c.k2 * np.exp(-c.k3 * np.log10(r_column))
            return float(power * self.conversion_time(resolved))

        return self.converter_factor * self._at_node(energy)

    def conversion_time(self, bits: int | None = None) -> float:
        """Time of one conversion, s, to so many bits (none: ``adc_bits``)."""
        return ((bits or self.adc_bits) + 1) * 1e-9

    def sram(self, n_bytes: float) -> float:
        """Energy of a 32-bit word of a static memory of so many bytes, J.

        Examples
        --------
        >>> prices = load_periphery()
        >>> [float(f"{prices.sram(1024 * kib) * 1e12:.3g}") for kib in (1, 8, 32, 794)]
        [2.68, 2.68, 5.0, 21.2]
        """
        return float(self.sram_word * self.scale() * self._relative_size(n_bytes) ** self.sram_growth)

    def sram_rate(self, n_bytes: float) -> float:
        """Bytes that a static memory of so many bytes gives in a second."""
        return float(self.sram_bandwidth / self._relative_size(n_bytes) ** self.sram_slowing)

    def _relative_size(self, n_bytes: float) -> float:
        return max(n_bytes / 1024.0, min(SRAM_FROM, self.sram_kib)) / self.sram_kib

    def sense(self, r_cell: float) -> float:
        """Energy of sensing one cell as 0 or 1, or against a target, J."""

        def energy(name: str) -> float:
            c = self.adc[name]
            power = c.sense * 1e-6 + c.k2 * np.exp(-c.k3 * np.log10(max(r_cell, 1e3)))
            return float(power * self._sense_time(name, r_cell))

        return self._at_node(energy)

    def sense_time(self, r_cell: float) -> float:
        """Time of sensing one cell, s."""
        return self._at_node(lambda name: self._sense_time(name, r_cell))

    def _sense_time(self, name: str, r_cell: float) -> float:
        slope, base = _SENSE_TIME.get(name, (0.0, 1.0))
        return (slope * float(np.log(max(r_cell, 1e3) / 1e3)) + base) * 1e-9

    def converter(self, bits: int | None = None) -> float:
        """Area of one converter, F^2, of so many bits (none: ``adc_bits``)."""
        return self.converter_area * (bits or self.adc_bits) / 8.0

    def drive(self, seconds: float) -> float:
        """Energy of one row's driver while it is on, J."""
        return self.driver_power * seconds * self.scale(self.driver_nm)

    def charge(self, cells: int, volts: float) -> float:
        """Energy of charging a line of so many cells, J."""
        return self.c_line * self.node_nm / 45.0 * cells * volts**2


@lru_cache(maxsize=8)
def _nodes(names: tuple[str, ...]) -> list[tuple[float, str]]:
    return sorted((float(name), name) for name in names)


_SENSE_TIME = {
    "130": (0.2679, 0.0478),
    "90": (0.0586, 1.41),
    "65": (0.1239, 0.6642),
    "45": (0.0714, 0.7651),
    "32": (0.0714, 0.7651),
}
"""Time of NeuroSim's current sense amplifier: slope ln(R / 1 kohm) + base, ns; 1 ns below 32 nm (CurrentSenseAmp.cpp)."""


def load_periphery(node: str | None = None, prices: Path | None = None) -> Periphery:
    """Read the prices.

    Parameters
    ----------
    node : str, optional
        Technology node of the circuits, such as "28nm" or "130"; none: that of the file.
    prices : Path, optional
        A TOML file of prices that differ from the packaged ones; each needs its source.

    Raises
    ------
    SpecError
        When the node is none of those there are prices for, naming the nearest; when the file cannot be read, or a price in
        it is negative or has no unit or source.
    """
    values: dict[str, Any] = tomllib.loads((resources.files("synarray.cost") / "periphery.toml").read_text("utf-8"))
    if prices is not None:
        values |= _own_prices(prices)
    require(node is None or isinstance(node, str), "node", "text, such as '45nm'", node)
    if node is not None:
        known = sorted(float(name) for name in values["adc"])
        try:
            wanted = float(node.strip().removesuffix("nm"))
        except ValueError:
            wanted = float("nan")
        if not known[0] <= wanted <= known[-1]:
            near = known[0] if wanted < known[0] else known[-1]
            hint = f"Use {near:g}nm. " if wanted > 0 else "Write for example 28nm. "
            raise SpecError(
                f"a node must lie between {known[0]:g} and {known[-1]:g} nm",
                got=repr(node),
                where="node",
                do=f"{hint}Known: {', '.join(f'{n:g}nm' for n in known)}; nodes between them are interpolated.",
            )
        values["node_nm"] = {"value": wanted, "source": "chosen", "confirmed": wanted in known}
    return Periphery.read(values, "cost/periphery.toml" if prices is None else str(prices))


def _own_prices(path: Path) -> dict[str, Any]:
    """Read a file of prices; each must be a table with its value and source."""
    try:
        values = parse_toml(read_text(path))
    except (OSError, RecursionError, ValueError) as error:
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SpecError(
            "a file of prices must be readable TOML", got=what, where=str(path), do="Check the path and the file."
        ) from None
    bare = [name for name, value in values.items() if not (isinstance(value, dict) and "source" in value)]
    if bare:
        raise SpecError(
            "every price needs its source",
            got=f"{bare[0]} = {values[bare[0]]!r:.80}",
            where=f"{path}, key {bare[0]}",
            do=f'Write {bare[0]} = {{ value = "1 pJ", source = "where it comes from" }}.',
        )
    return values
