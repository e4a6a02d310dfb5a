"""The physical arrays of a run, in numbers and as sections of a page: where the cells are, their states, their wear."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.array.geometry import Placement
from synarray.array.maps import ArrayMaps
from synarray.report import figures
from synarray.report.charts import pulses_per_cell
from synarray.report.sections import Picture, Section
from synarray.report.tables import Table
from synarray.report.words import percent
from synarray.units import quantity

__all__ = [
    "array_numbers",
    "array_section",
    "array_table",
    "map_pictures",
    "most_written",
    "pulse_edges",
    "wear_section",
]

_MOST_SHOWN = 1 << 20
"""Cells whose maps are in a page, which is to stay below 3 MB: two arrays of 512 kbit."""
_CAPTIONS = {
    "conductance": ("Conductance", "Of every cell at the end; empty: no weight is there."),
    "pulses": ("Pulses", "That every cell received, on a logarithmic scale."),
    "states": (
        "States",
        "Which cells still learn, were pruned, or are stuck (drawn larger than they are, where they are few).",
    ),
}


def array_numbers(maps: ArrayMaps, placement: Placement) -> dict[str, Any]:
    """Say in numbers how a network fills its arrays, and how its cells were used; ready for JSON."""
    spec, used = placement.spec, ~np.isnan(maps.conductance)
    g, writes = maps.conductance[used], maps.writes[used]
    busiest = np.sort(writes)[::-1][: max(1, len(writes) // 100)]
    return {
        "rows": spec.rows,
        "columns": spec.columns,
        "arrays": spec.count,
        "arrays_used": placement.n_arrays,
        "adc_bits": spec.adc_bits,
        "adc_range": spec.adc_range,
        "cells": spec.n_cells,
        "cells_used": int(used.sum()),
        "g_lowest": float(g.min()),
        "g_mean": float(g.mean()),
        "g_highest": float(g.max()),
        "pulses": float(writes.sum()),
        "pulses_per_cell": float(writes.mean()),
        "pulses_most": float(writes.max()),
        "hottest_cell": {name: most_written(maps, 1)[0][name] for name in ("array", "row", "column")},
        "pulses_on_busiest_percent": float(busiest.sum() / max(writes.sum(), 1.0)),
        "cells_pruned": int(np.nansum(maps.pruned)),
        "cells_stuck": int(np.nansum(maps.stuck)),
    }


def most_written(maps: ArrayMaps, n: int) -> list[dict[str, Any]]:
    """List the cells that received most pulses: array, row, column, pulses, and whether the weight was pruned or stuck."""
    writes = np.nan_to_num(maps.writes, nan=-1.0)
    busiest = np.argsort(-writes, axis=None, kind="stable")[: min(n, int((writes >= 0).sum()))]
    places = zip(*np.unravel_index(busiest, writes.shape), strict=True)
    return [
        {
            "array": int(array),
            "row": int(row),
            "column": int(column),
            "pulses": float(writes[array, row, column]),
            "pruned": bool(maps.pruned[array, row, column]),
            "stuck": bool(maps.stuck[array, row, column]),
            "conductance": float(maps.conductance[array, row, column]),
        }
        for array, row, column in places
    ]


def array_table(numbers: dict[str, Any], title: str = "The arrays in numbers") -> Table:
    """Say how a network fills its physical arrays, and how its cells were used; ``numbers`` of :func:`array_numbers`."""
    hot, used, bits = numbers["hottest_cell"], numbers["cells_used"], numbers["adc_bits"]
    rows = [
        (
            "arrays",
            f"{numbers['arrays_used']} of {numbers['arrays']}, {numbers['rows']:,} x {numbers['columns']:,} cells each",
        ),
        ("cells in use", f"{used:,} of {numbers['cells']:,} ({percent(used / numbers['cells'], 1)})"),
        (
            "converters of the columns",
            "ideal" if not bits else f"{bits} bits, range {percent(numbers['adc_range'], 0)}",
        ),
        *((f"conductance, {which}", quantity(numbers[f"g_{which}"], "S")) for which in ("lowest", "mean", "highest")),
        ("pulses on a cell, mean / most", f"{numbers['pulses_per_cell']:,.1f} / {numbers['pulses_most']:,.0f}"),
        ("most-written cell", f"array {hot['array'] + 1}, word line {hot['row']}, bit line {hot['column']}"),
        ("share of the pulses on the busiest 1 % of cells", percent(numbers["pulses_on_busiest_percent"], 1)),
        ("cells of pruned weights", f"{numbers['cells_pruned']:,} ({percent(numbers['cells_pruned'] / used, 1)})"),
        ("stuck cells", f"{numbers['cells_stuck']:,} ({percent(numbers['cells_stuck'] / used)})"),
    ]
    return Table(title, ("", "at the end"), rows, texts=(1,))


def file_of(layer: str, what: str) -> str:
    """Name a figure of a layer, as "layer 1, full"; "" where there is only one."""
    return "-".join([*layer.partition(",")[0].split(), what])


def array_section(maps: ArrayMaps, placement: Placement, command: str, layer: str = "") -> Section:
    """Show the maps of the arrays, and their numbers; ``layer``: of which layer they are, where there are several."""
    shown = min(placement.n_arrays, _MOST_SHOWN // maps.conductance[0].size)
    pictures = [picture for i in range(shown) for picture in map_pictures(maps, i, command, file_of(layer, ""))]
    left_out = f"Not drawn here, to keep the page small: {placement.n_arrays - shown} of {placement.n_arrays} arrays."
    notes = [f"{left_out} {command} draws them."] if shown < placement.n_arrays else []
    table = array_table(array_numbers(maps, placement))
    title = f"The array of {layer}" if layer else "The array"
    return Section(file_of(layer, "array"), title, tables=[table], pictures=pictures, notes=notes, narrow=True)


def map_pictures(maps: ArrayMaps, i: int, command: str, key: str = "") -> list[Picture]:
    """Draw the maps of one array, each a figure of its own; ``key`` is what their names begin with."""
    which = f", array {i + 1}" if len(maps.conductance) > 1 else ""
    return [
        Picture(
            f"{key}array-{i + 1}-{what}",
            title + which,
            words,
            figures.array_map(maps, i, what),
            _of_array(maps, i, what),
            command,
        )
        for what, (title, words) in _CAPTIONS.items()
    ]


def _of_array(maps: ArrayMaps, i: int, what: str) -> Table:
    """Sum a map up in numbers; its half million are the run's own."""
    used = ~np.isnan(maps.conductance[i])
    if what == "states":
        pruned, stuck = maps.pruned[i] == 1, maps.stuck[i] == 1
        counts = (
            ("learns", used & ~pruned & ~stuck),
            ("pruned", pruned & ~stuck),
            ("stuck", stuck),
            ("no weight", ~used),
        )
        return Table("Cells by state", ("state", "cells"), [(name, f"{int(which.sum()):,}") for name, which in counts])
    values, unit = (maps.conductance[i][used], "S") if what == "conductance" else (maps.writes[i][used], "")
    return quantiles(f"{_CAPTIONS[what][0]} of the cells", values, unit)


def quantiles(title: str, values: npt.NDArray[np.float64], unit: str) -> Table:
    """Sum values up by their quantiles and mean."""
    named = (
        ("least", 0.0),
        ("1 %", 0.01),
        ("25 %", 0.25),
        ("median", 0.5),
        ("75 %", 0.75),
        ("99 %", 0.99),
        ("most", 1.0),
    )
    found = [(name, float(np.quantile(values, q))) for name, q in named] + [("mean", float(values.mean()))]
    return Table(title, ("quantile of the cells", unit or "pulses"), [(n, quantity(v, unit)) for n, v in found])


def wear_section(maps: ArrayMaps, command: str, layer: str = "") -> Section:
    """Show how pulses spread over the cells, and which cells received most; ``layer`` as in ``array_section``."""
    writes = maps.writes[~np.isnan(maps.writes)]
    edges = pulse_edges(float(writes.max()))
    counts = np.histogram(writes, edges)[0]
    bins = [(f"{low:,.0f} to {high:,.0f}", f"{n:,}") for low, high, n in zip(edges, edges[1:], counts, strict=False)]
    picture = Picture(
        file_of(layer, "pulses-per-cell"),
        "Pulses per cell",
        f"How many of the {len(writes):,} cells received how many pulses.",
        pulses_per_cell(writes, edges),
        Table("Pulses per cell", ("pulses, upper end not included", "cells"), bins),
        command,
    )
    hottest = [
        (
            str(i),
            f"{cell['pulses']:,.0f}",
            str(cell["array"] + 1),
            str(cell["row"]),
            str(cell["column"]),
            quantity(cell["conductance"], "S"),
            "stuck" if cell["stuck"] else "pruned" if cell["pruned"] else "learns",
        )
        for i, cell in enumerate(most_written(maps, 10), 1)
    ]
    tables = [
        quantiles("Pulses on the cells", writes, ""),
        Table(
            "The most-written cells",
            ("", "pulses", "array", "word line", "bit line", "conductance", "state"),
            hottest,
            texts=(6,),
            caption="The most-written cells",
        ),
    ]
    note = "A pulse counts whether or not it moved the cell. Arrays count from 1, lines from 0."
    title = f"Wear of {layer}" if layer else "Wear"
    return Section(file_of(layer, "wear"), title, tables=tables, pictures=[picture], notes=[note])


def pulse_edges(most: float) -> npt.NDArray[np.float64]:
    """Return at most 40 bins of whole pulses, the last one with its upper end beyond the most."""
    width = max(1.0, np.ceil((most + 1) / 40))
    return np.arange(0.0, most + 1 + width, width)
