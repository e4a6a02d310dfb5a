"""Where an exported layer is in a network of layers: what it reads, how its winners are pooled, and what labels do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synarray.errors import SpecError
from synarray.learn.stack import Plan
from synarray.learn.teacher import Teacher
from synarray.network.machine import Machine

__all__ = ["CONTRAST", "Place"]

_TEACHERS = {"name": 0, "compete": 1, "contrast": 2}
CONTRAST = _TEACHERS["contrast"]

Numbers = dict[str, int | float]
Tables = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Place:
    """One layer's place in the network."""

    plan: Plan
    lowest: bool
    last: bool
    """Whether it sees the image itself; whether classes are read from it."""
    n_classes: int

    def teacher(self, images: int) -> Teacher | None:
        """Return what teaches it, in epochs of so many images; None where labels only name neurons."""
        layer = self.plan.layer
        if not self.last or layer.teacher == "name":
            return None
        return Teacher(layer.teacher, self.n_classes, layer.calibration, images)

    def constants(self, machine: Machine, classes: npt.NDArray[np.generic]) -> tuple[Numbers, Tables]:
        """Work out what the C file knows of it, under the names of ``synarray_model``.

        Raises
        ------
        SpecError
            When potentials times their sharpness do not fit into 64 bits.
        """
        layer, first = self.plan.layer, machine.groups[0]
        shift = first.places[:, 0].astype(np.int64) - int(first.places[0, 0])
        spec = machine.spec
        scale = round(spec.neuron.beta / machine.array.read_units * math.log2(math.e) * (1 << 32))
        if scale >= 1 << 32 and layer.teacher == "contrast":
            raise SpecError(
                "votes of an exported contrastive layer must fit into 64 bits",
                got=f"neuron.beta = {spec.neuron.beta:g}",
                where="export c",
                do="Use a beta below 80.",
            )
        numbers: Numbers = {
            "channels": spec.encoding.per_feature if self.lowest and spec.encoding.channelled else 0,
            "sites": len(first.places),
            "draws": first.draws,
            "at_random": int(first.at_random > 0),
            "min_active": first.min_active,
            "map_channels": self.plan.map.channels,
            "teacher": _TEACHERS[layer.teacher] if self.last else 0,
            "vote_scale": scale,
        }
        tables: Tables = {"site_shift": shift.astype(np.uint16)}
        if not self.last:
            tables["site_cell"] = self.plan.cell.astype(np.uint16)
        return numbers, tables
