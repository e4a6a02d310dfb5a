"""Runs in the terminal: tables, and receptive fields in block characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from synarray.errors import printable

if TYPE_CHECKING:
    from synarray.paper.reproduce import Row

__all__ = [
    "Terminal", "array_table", "factor_table", "fields_in_blocks", "metrics_table", "reproduction_table",
    "standard_output",
]  # fmt: skip

_SHADES = " .:-=+*#%@"
_WIDE = 150
"""Columns of a file or pipe, which has no width of its own."""


class Terminal(Console):
    """Prints words as they are: no markup, no emoji, and no control characters that a file may have brought."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a text into what is printed."""
        return super().render_str(printable(text, keep="\n\t"), **options)


def standard_output() -> Console:
    """Open the terminal, or a pipe as wide as the tables need."""
    console = Terminal()
    return console if console.is_terminal else Terminal(width=max(console.width, _WIDE))


def metrics_table(metrics: dict[str, Any]) -> Table:
    """Lay out what a run reached and counted."""
    table = Table(title=f"{metrics['name']}, seed {metrics['seed']}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    if metrics["accuracy"] is not None:
        low, high = metrics["accuracy_low"], metrics["accuracy_high"]
        table.add_row("accuracy, soft votes", f"{metrics['accuracy']:.2%}  (95 %: {low:.2%} to {high:.2%})")
        table.add_row("accuracy, hard votes", f"{metrics['accuracy_hard']:.2%}")
    table.add_row("neurons (silent)", f"{metrics['n_neurons']:,} ({metrics['silent_neurons']:,})")
    table.add_row(
        "inputs, groups, weights", f"{metrics['n_inputs']:,}, {metrics['n_groups']:,}, {metrics['n_cells']:,}"
    )
    table.add_row(
        "pruned; absent or pruned of full", f"{metrics['pruned_fraction']:.1%}; {metrics['spared_fraction']:.1%}"
    )
    table.add_section()
    for name in ("pulses", "pulses_ltp", "pulses_ltd", "pulses_pruning", "pulses_at_bound", "pulses_skipped_by_pruning",
                 "output_spikes", "input_spikes", "row_reads", "column_senses", "cell_reads"):  # fmt: skip
        table.add_row(name.replace("_", " "), f"{metrics[name]:,}")
    if metrics["device"] is not None:
        table.add_section()
        mark = f" ({len(metrics['unconfirmed'])} numbers not confirmed)" if metrics["unconfirmed"] else ""
        table.add_row("device", metrics["device"] + mark)
        table.add_row("scheme, cells per weight", f"{metrics['scheme']}, {metrics['cells_per_weight']}")
        table.add_row("arrays; stuck cells", f"{metrics['arrays']}; {metrics['stuck_cells']:,}")
        if metrics["cells_failed"] is not None:
            table.add_row("cells that failed of wear", f"{metrics['cells_failed']:,}")
        table.add_row("weights beyond what a read resolves", f"{metrics['reads_saturated']:,}")
        table.add_row("most pulses on one cell", f"{metrics['most_writes']:,}")
        for name in ("verify_reads", "pulses_failed", "pulses_initial", "pair_refreshes", "mask_lookups"):
            table.add_row(name.replace("_", " "), f"{metrics[name]:,}")
    table.add_section()
    speed = f"{metrics['train_seconds']:.2f} s, {metrics['images_per_second']:,.0f} images/s"
    table.add_row(f"training, {metrics['images_seen']:,} images", speed)
    table.add_row("state", metrics["state_sha256"][:16])
    return table


def reproduction_table(rows: Sequence[Row]) -> Table:
    """Lay out the paper's experiment."""
    n = len(rows[0].metrics)
    table = Table(
        title=f"Mean over {n} seed{'s' * (n > 1)} (+- standard deviation), test set read once", title_justify="left"
    )
    table.add_column("network")
    for name in ("soft votes %", "hard votes %", "not there or pruned", "pulses (M)", "images/s"):
        table.add_column(name, justify="right")
    table.add_column("the paper")
    for row in rows:
        spread = row.spread("accuracy")
        table.add_row(
            row.title,
            f"{100 * row.mean('accuracy'):.2f}" + (f" +- {100 * spread:.2f}" if n > 1 else ""),
            f"{100 * row.mean('accuracy_hard'):.1f}",
            f"{row.mean('spared_fraction'):.0%}",
            f"{row.mean('pulses') / 1e6:.2f}",
            f"{row.mean('images_per_second'):,.0f}",
            row.spec.paper,
        )
    if any(row.metrics[0]["unconfirmed"] for row in rows):
        table.caption = "? rests on device numbers that nobody has confirmed: synarray devices show NAME"
        table.caption_justify = "left"
    return table


def factor_table(rows: Sequence[Row]) -> Table:
    """Lay out what each row's scheme spared, as a product of factors."""
    table = Table(
        title="Updates of every cell of a full network at every draw / pulses sent, as a product", title_justify="left"
    )
    table.add_column("network")
    for factor in rows[0].factors:
        table.add_column(factor.name, justify="right")
    table.add_column("product", justify="right")
    for row in rows:
        product = float(np.prod([factor.ratio for factor in row.factors]))
        table.add_row(row.title, *(f"{factor.ratio:.3g}x" for factor in row.factors), f"{product:,.0f}x")
    return table


def array_table(numbers: dict[str, Any]) -> Table:
    """Say how a network fills its physical arrays, and how its cells were used."""
    from synarray.units import format_quantity

    table = Table(title=f"{numbers['device']}, {numbers['scheme']}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    hot, used = numbers["hottest_cell"], numbers["cells_used"]
    low, mean, high = (
        format_quantity(float(f"{numbers[key]:.3g}"), "S") for key in ("g_lowest", "g_mean", "g_highest")
    )
    table.add_row(
        "arrays", f"{numbers['arrays_used']} of {numbers['arrays']}, {numbers['rows']} x {numbers['columns']} each"
    )
    table.add_row("cells in use", f"{used:,} of {numbers['cells']:,} ({used / numbers['cells']:.1%})")
    table.add_row("conductance, lowest / mean / highest", f"{low} / {mean} / {high}")
    table.add_row("pulses on a cell, mean / most", f"{numbers['pulses_per_cell']:.1f} / {numbers['pulses_most']:,.0f}")
    table.add_row("hottest cell", f"array {hot['array'] + 1}, word line {hot['row']}, bit line {hot['column']}")
    table.add_row("share of the pulses on the busiest 1 % of cells", f"{numbers['pulses_on_busiest_percent']:.1%}")
    table.add_row("cells of pruned weights", f"{numbers['cells_pruned']:,} ({numbers['cells_pruned'] / used:.1%})")
    table.add_row("stuck cells", f"{numbers['cells_stuck']:,} ({numbers['cells_stuck'] / used:.2%})")
    return table


def fields_in_blocks(fields: npt.NDArray[np.float64], columns: int, colour: bool) -> RenderableType:
    """Draw receptive fields, shape (n, height, width), side by side within so many terminal columns."""
    width = fields.shape[2]
    per_line = max(1, columns // (width + 2))
    lines = []
    for begin in range(0, len(fields), per_line):
        side_by_side = fields[begin : begin + per_line]
        for row in range(0, fields.shape[1], 2):
            text = Text()
            for field in side_by_side:
                upper, lower = field[row], field[min(row + 1, len(field) - 1)]
                for a, b in zip(upper, lower, strict=True):
                    text.append(*_cell(a, b, colour))
                text.append("  ")
            lines.append(text)
        lines.append(Text())
    return Group(*lines)


def _cell(upper: float, lower: float, colour: bool) -> tuple[str, str]:
    """One character: two pixels in colour, or one shade; weights beyond -1 to 1 look like these."""
    upper, lower = np.clip((upper, lower), -1.0, 1.0).tolist()
    if not colour:
        both = [w for w in (upper, lower) if not np.isnan(w)]
        return (_SHADES[round((float(np.mean(both)) + 1) / 2 * (len(_SHADES) - 1))] if both else " "), ""
    grey = [40 if np.isnan(w) else round((w + 1) / 2 * 255) for w in (upper, lower)]
    back = [
        f"rgb({g},{g},{g})" if not np.isnan(w) else "rgb(40,40,60)" for g, w in zip(grey, (upper, lower), strict=True)
    ]
    return "▀", f"{back[0]} on {back[1]}"
