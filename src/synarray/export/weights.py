"""Trained weights as int8 arrays: what a read of each cell gives, for any other program.

``.npz`` holds, per group g: ``weights_g`` int8 [input, neuron] (-127 is the lowest conductance, 127 the highest), ``inputs_g``
the features that drive its rows; and ``thresholds`` int32 [neuron], ``label_counts`` [neuron, class], ``classes``. ``.h`` holds
the same as C arrays, rows one after another. A potential is the sum of the active rows' weights and the threshold.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.run.opened import Run

__all__ = ["weight_arrays", "weights_header", "weights_npz"]

_TYPES = {"int8": "int8_t", "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t"}


def weight_arrays(run: Run) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a run, by name; see the module."""
    run.check_one_layer("this export")
    kept = run.arrays
    rows, neurons, inputs = kept["row_start"], kept["neuron_start"], kept["inputs"]
    arrays: dict[str, npt.NDArray[Any]] = {}
    for g in range(len(rows) - 1):
        columns = int(neurons[g + 1] - neurons[g])
        arrays[f"weights_{g}"] = kept["read_copy"][rows[g] : rows[g + 1], :columns].astype(np.int8)
        arrays[f"inputs_{g}"] = inputs[kept["row_inputs"][rows[g] : rows[g + 1]]].astype(np.uint32)
    arrays["thresholds"] = kept["threshold"].astype(np.int32)
    arrays["label_counts"] = kept["label_counts"].astype(np.uint32)
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
