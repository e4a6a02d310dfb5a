"""Everything that a training changes, declared once: checkpoints, run folders and the kernels' tuples follow from this page.

Each entry is an array (or a number) of one part of a training: the trainer, the machine, its array, the clock of ageing cells,
the lives of wearing cells. ``saved`` says when a checkpoint holds it: always, only where wires act on each cell differently
(``wires``), only where cells fail (``wear``), or never, because building the machine again gives it back. ``kept`` is its name
in a finished run's folder. An entry of the machine that nothing else allocates is made here, as zeros of its axes.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["STATE", "Cells", "Stored", "allocate", "capture_arrays", "kept_arrays", "kept_types", "put_back"]


@dataclass(frozen=True)
class Stored:
    """One array or number of a training's state."""

    part: Literal["trainer", "machine", "array", "ageing", "wear"]
    name: str
    dtype: str
    axes: tuple[str, ...] = ()
    """neuron, cell (of a neuron's column), row, column (of the read copy), slice (cell of a weight), group, trait, event,
    class, draw."""
    saved: Literal["always", "wires", "wear", "wires or wear", "never"] = "always"
    kept: str | None = None
    kernel: str | None = None
    """Its name in the kernels' tuple ``Cells``."""


STATE: tuple[Stored, ...] = (
    Stored("trainer", "n_classes", "i8"),
    Stored("trainer", "total", "i8"),
    Stored("trainer", "presentations", "i8"),
    Stored("trainer", "seconds", "f8"),
    Stored("trainer", "cut", "?"),
    Stored("trainer", "recent", "f8", ("neuron", "class")),
    Stored("trainer", "winners", "i4", ("presentation", "draw", "group")),
    Stored("machine", "threshold", "i4", ("neuron",), kept="threshold"),
    Stored("machine", "spikes", "i8", ("neuron",), kept="spikes"),
    Stored("machine", "expected_spikes", "f8"),
    Stored("machine", "neuron_events", "i8", ("neuron", "event"), kept="neuron_events"),
    Stored("machine", "network_events", "i8", ("network event",), kept="network_events"),
    Stored("machine", "driven", "u4", ("row",)),
    Stored("machine", "looked", "i8", ("neuron",)),
    Stored("machine", "nominal_steps", "f4", ("slice", "polarity", "neuron", "cell"), saved="wear"),
    Stored("array", "w", "f4", ("neuron", "cell"), kept="w", kernel="w"),
    Stored("array", "read_copy", "i1", ("row", "column"), kept="read_copy", kernel="read"),
    Stored("array", "alive", "u1", ("neuron", "cell"), kept="alive", kernel="alive"),
    Stored("array", "power", "i1", ("row", "column"), kernel="power"),
    Stored("array", "pair", "f4", ("side", "neuron", "cell"), kept="pair", kernel="pair"),
    Stored("array", "writes", "u4", ("slice", "neuron", "cell"), kept="writes", kernel="writes"),
    Stored("array", "traits", "f4", ("slice", "trait", "neuron", "cell"), saved="wires or wear", kernel="traits"),
    Stored("array", "variant", "u1", ("slice", "neuron", "cell"), saved="never", kernel="variant"),
    Stored("array", "stuck_bits", "u2", ("neuron", "cell"), saved="wear", kernel="stuck"),
    Stored("array", "scale", "f4", ("neuron", "cell", "scale and offset"), saved="wires", kernel="scale"),
    Stored("array", "read_units", "f8"),
    Stored("array", "removed", "?"),
    Stored("array", "exists", "?", ("neuron", "cell"), saved="never"),
    Stored("array", "row_start", "i8", ("group + 1",), saved="never", kept="row_start"),
    Stored("array", "neuron_start", "i8", ("group + 1",), saved="never", kept="neuron_start"),
    Stored("ageing", "now", "f8"),
    Stored("ageing", "pulsed", "f8", ("slice", "neuron", "cell")),
    Stored("ageing", "writes", "u4", ("slice", "neuron", "cell")),
    Stored("ageing", "nu", "f8", ("slice", "neuron", "cell"), saved="never"),
    Stored("ageing", "moves", "?", ("slice", "neuron", "cell"), saved="wear"),
    Stored("wear", "prior", "f8"),
    Stored("wear", "life", "f8", ("slice", "neuron", "cell"), saved="never"),
    Stored("wear", "failed", "u1", ("slice", "neuron", "cell"), kept="failed"),
)

_tuple_of: Any = namedtuple
Cells: Any = _tuple_of("Cells", [entry.kernel for entry in STATE if entry.kernel], module=__name__)
Cells.__doc__ = "The array's state as the kernels see it; axes and types are those of ``STATE``."

State = dict[str, npt.NDArray[Any]]


def allocate(machine: Any, sizes: Mapping[str, int]) -> None:
    """Make the arrays of a machine that are declared but that nothing else has made: zeros, by their axes."""
    for entry in STATE:
        if entry.part == "machine" and not hasattr(machine, entry.name):
            setattr(machine, entry.name, np.zeros(tuple(sizes[axis] for axis in entry.axes), entry.dtype))


def capture_arrays(parts: Mapping[str, Any], *, wires: bool, wear: bool) -> State:
    """Return what of these parts building them again would not give, by ``part.name``."""
    when = {"always": True, "never": False, "wires": wires, "wear": wear, "wires or wear": wires or wear}
    return {
        f"{entry.part}.{entry.name}": np.asarray(getattr(parts[entry.part], entry.name))
        for entry in STATE
        if when[entry.saved] and entry.part in parts and getattr(parts[entry.part], entry.name) is not None
    }


def kept_types(*parts: str) -> dict[str, tuple[str, int]]:
    """Type and number of axes of what a finished run keeps of these parts, by the names in its folder."""
    return {entry.kept: (entry.dtype, len(entry.axes)) for entry in STATE if entry.kept and entry.part in parts}


def kept_arrays(parts: Mapping[str, Any]) -> State:
    """Return what a finished run keeps of these parts, by the names in its folder."""
    return {
        entry.kept: np.asarray(getattr(parts[entry.part], entry.name))
        for entry in STATE
        if entry.kept and entry.part in parts
    }


def put_back(parts: Mapping[str, Any], state: Mapping[str, npt.NDArray[Any]]) -> None:
    """Bring parts that were just built to a captured state; arrays in place, since the kernels know their layout."""
    for key, value in state.items():
        part, _, name = key.partition(".")
        now = getattr(parts[part], name)
        if not isinstance(now, np.ndarray):
            setattr(parts[part], name, type(now)(value.item()))
        elif now.shape == value.shape:
            now[...] = value
        else:
            setattr(parts[part], name, value.copy())
