"""Out of Python: the learner as C99 and WebAssembly, NIR, weights; devices for other simulators and SPICE."""

from synarray.export.nir_cells import CellsOfGraph, load_nir
from synarray.export.run_c import CLearner, load

__all__ = ["CLearner", "CellsOfGraph", "load", "load_nir"]
