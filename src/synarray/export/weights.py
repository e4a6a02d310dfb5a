"""Trained weights as int8 arrays: what a read of each cell gives, for any other program.

``.npz`` holds, per group g: ``weights_g`` int8 [input, neuron] (-127 is the lowest conductance, 127 the highest), ``inputs_g``
the features that drive its rows; and ``thresholds`` int32 [neuron], ``label_counts`` [neuron, class], ``classes``. ``.h`` holds
the same as C arrays, rows one after another. A potential is the sum of the active rows' weights and the threshold.

Names of a network of layers begin with the layer, ``layer1_`` the lowest. In place of ``inputs_g`` there are the inputs of the
rows at each place, ``places_g`` [place, row]: input i of the lowest layer is channel i mod c of feature i / c; ``channels`` is c.
Every layer but the last has ``cells`` [place], places of all groups in order: the cell of its map that the place belongs to, and
``map``: height, width, channels of the map. When neuron k of a group wins at a place of cell p, input p channels + k of the next
layer is active. ``min_active``: fewer active inputs, and nothing is read at the place. ``layerN_label_counts`` is the last one's.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.run.folder import layer_prefix
from synarray.run.opened import Run

__all__ = ["weight_arrays", "weights_header", "weights_npz"]

_TYPES = {"int8": "int8_t", "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t"}


def weight_arrays(run: Run) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a run, by name; see the module."""
    result, layers, arrays = run.result, run.experiment.layers, dict[str, npt.NDArray[Any]]()
    if layers:
        arrays["channels"] = np.array([run.experiment.encoding.per_feature], np.uint32)
    for i, machine in enumerate(result.machines):
        begins, cells = layer_prefix(i) if layers else "", machine.array
        for g, group in enumerate(machine.groups):
            arrays[f"{begins}weights_{g}"] = cells.read_copy[cells.rows(g), : group.n_neurons].astype(np.int8)
            places = group.places if layers else result.retina.inputs[group.inputs]
            arrays[f"{begins}{'places' if layers else 'inputs'}_{g}"] = places.astype(np.uint32)
        if i < len(result.below):
            plan = result.below[i].plan
            arrays[f"{begins}cells"] = plan.cell.astype(np.uint32)
            arrays[f"{begins}map"] = np.array(plan.map, np.uint32)
            arrays[f"{begins}min_active"] = np.array([layers[i].min_active], np.uint32)
        arrays[f"{begins}thresholds"] = machine.threshold.astype(np.int32)
    arrays[f"{begins}label_counts"] = result.label_counts.astype(np.uint32)
    return arrays


def weights_npz(run: Run) -> bytes:
    """Write the arrays of a run as the bytes of an .npz."""
    stream = io.BytesIO()
    arrays: dict[str, Any] = {**weight_arrays(run), "classes": run.arrays["classes"]}
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def weights_header(run: Run) -> str:
    """Write the arrays of a run as a C header."""
    parts = [
        "/* Trained weights, written by synarray export weights; layout: docs/learner.md. */\n#include <stdint.h>\n"
    ]
    for name, array in weight_arrays(run).items():
        shape = " x ".join(map(str, array.shape))
        values = array.ravel().tolist()
        lines = [", ".join(map(str, values[at : at + 20])) for at in range(0, len(values), 20)]
        body = ",\n    ".join(lines)
        parts.append(
            f"/* {shape} */\nstatic const {_TYPES[array.dtype.name]} {name}[{array.size}] = {{\n    {body}}};\n"
        )
    return "\n".join(parts)
