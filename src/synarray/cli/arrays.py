"""``synarray array``: the physical array a run's network lies in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synarray.array.geometry import Block
from synarray.array.maps import array_maps, check_drawable
from synarray.report import figures
from synarray.report.array_section import array_numbers
from synarray.report.run_tables import array_table, standard_output
from synarray.run.folder import open_run

__all__ = ["show_array"]


def show_array(path: Path, out: Path | None, kind: str, as_json: bool) -> None:
    """Print how a run fills its arrays and how its cells were used; draw the maps."""
    figures.check_format(kind)
    run = open_run(path)
    array, placement = run.cells()
    check_drawable(placement)
    maps = array_maps(array, placement)
    drawn = {f"array-{i + 1}": figures.array_maps(maps, i, run.metrics["name"]) for i in range(placement.n_arrays)}
    files = figures.save(drawn, figures.folder_beside(path, out), kind)
    numbers = array_numbers(maps, placement) | {"device": run.metrics["device"], "scheme": run.metrics["scheme"]}
    if as_json:
        blocks = [_block(block) for block in placement.blocks]
        print(json.dumps(numbers | {"run_dir": str(path), "blocks": blocks, "figures": [str(file) for file in files]}))
        return
    console = standard_output()
    console.print(array_table(numbers))
    console.print("Figures:", *(str(file) for file in files), soft_wrap=True)


def _block(block: Block) -> dict[str, Any]:
    array, rows, columns = block.place
    return {
        "array": array,
        "rows": [rows.start, rows.stop],
        "columns": [columns.start, columns.stop],
        "group": block.tile,
        "cell_of_weight": block.cell,
        "inputs_of_group": [block.rows.start, block.rows.stop],
        "neurons_of_group": [block.columns.start, block.columns.stop],
    }
