"""What each imperfection costs: one at a time switched off, on the same spikes, in points of accuracy.

    points      accuracy without the property - accuracy with all of them
    layer       accuracy without all imperfections in one layer - accuracy with all of them, of a network of several
    together    what no property costs on its own: (without any) - (with all) - the sum of the points

Each is a mean over draws of paired differences, with the 95 % interval of that mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synarray.judge.imperfections import IMPERFECTIONS, OF_THE_ARRAY, acts, pinned, without
from synarray.judge.intervals import Estimate, of_mean
from synarray.run.experiment import ExperimentSpec

__all__ = ["AS_IT_IS", "Attribution", "Cost", "Removed", "acting", "attribute", "named_layers", "removed", "variants"]

Removed = frozenset[str]
"""Which imperfections a variant is without."""
AS_IT_IS: Removed = frozenset()


@dataclass(frozen=True)
class Cost:
    """What one property costs, in points (hundredths of the images)."""

    property: str
    points: Estimate
    acts: bool = True
    """False: the device has no such imperfection, or it does not affect the scheme; it then costs exactly nothing."""
    of_device: bool = True
    """Whether it belongs to the device; else to the array around it, which is assumed."""

    def summary(self) -> dict[str, Any]:
        """Return the cost as numbers, ready for JSON."""
        points, low, high = self.points
        return {
            "property": self.property,
            "points": points,
            "low": low,
            "high": high,
            "acts": self.acts,
            "assumed": not self.of_device,
        }


@dataclass(frozen=True)
class Attribution:
    """From a device without imperfections to the device as it is.

    Attributes
    ----------
    ideal, full : Estimate
        Accuracy on the images held out, without any of the imperfections and with all of them (mean over draws).
    lost : Estimate
        Points between them.
    costs : list of Cost
        The device's own, the dearest first; then those of the array; then those that do not act.
    together : Estimate or None
        Points that belong to no single property; None while not all of them are measured.
    draws : int
        Draws behind ``ideal`` and ``full``.
    trained, held : int
        Images trained on and images read.
    layers : list of Cost
        What all imperfections of one layer cost, of a network of several, from the bottom.
    """

    ideal: Estimate
    full: Estimate
    lost: Estimate
    costs: list[Cost]
    together: Estimate | None
    draws: int
    trained: int
    held: int
    layers: list[Cost]

    @property
    def own(self) -> list[Cost]:
        """The device's own imperfections that act, the dearest first."""
        return [cost for cost in self.costs if cost.acts and cost.of_device]

    @property
    def assumed(self) -> list[Cost]:
        """Those of the array around the device that act."""
        return [cost for cost in self.costs if cost.acts and not cost.of_device]

    @property
    def scatter(self) -> float | None:
        """Half width of the usual interval: differences below it cannot be seen. None: one draw."""
        widths = [c.points.high - c.points.value for c in self.costs if c.acts and c.points.high is not None]
        return float(np.median(widths)) if widths else None


def acting(specs: Sequence[ExperimentSpec]) -> list[str]:
    """Names of the imperfections that make a difference in any of some experiments."""
    whole = [pinned(spec) for spec in specs]
    return [name for name in IMPERFECTIONS if any(acts(spec, name) for spec in whole)]


def named_layers(spec: ExperimentSpec) -> list[str]:
    """Names of the layers of a network of several, from the bottom."""
    return [f"layer {i + 1}, {layer.kind}" for i, layer in enumerate(spec.layers)] if len(spec.layers) > 1 else []


def variants(names: Sequence[str], layers: Sequence[str] = ()) -> list[Removed]:
    """List what is removed, one variant after another: nothing, everything, each imperfection alone, all those of a layer."""
    return list(dict.fromkeys([AS_IT_IS, frozenset(names), *(frozenset([name]) for name in (*names, *layers))]))


def removed(spec: ExperimentSpec, gone: Removed) -> ExperimentSpec:
    """Return the experiment of a variant."""
    spec = pinned(spec)
    for i, name in enumerate(named_layers(spec)):
        if name in gone:
            spec = without(spec, IMPERFECTIONS, i)
    return without(spec, gone)


def attribute(
    read: Mapping[tuple[Removed, int], float], names: Sequence[str], sizes: tuple[int, int], layers: Sequence[str] = ()
) -> Attribution | None:
    """Turn accuracies into costs; of a verdict that is not finished, with the draws that are done.

    Parameters
    ----------
    read : mapping of (Removed, int) to float
        Accuracy by variant and draw.
    names : sequence of str
        Imperfections that act.
    sizes : tuple of int
        Images trained on and images read.
    layers : sequence of str
        Names of the layers of a network of several.

    Returns
    -------
    Attribution or None
        None while there is no draw both with all imperfections and without any.
    """
    everything = frozenset(names)
    draws = sorted({draw for gone, draw in read if gone == AS_IT_IS and (everything, draw) in read})
    if not draws:
        return None
    full, ideal = (np.array([100.0 * read[gone, draw] for draw in draws]) for gone in (AS_IT_IS, everything))
    lost = {}
    for name in (*names, *layers):
        of = [draw for draw in draws if (frozenset([name]), draw) in read]
        if of:
            lost[name] = np.array([100.0 * (read[frozenset([name]), draw] - read[AS_IT_IS, draw]) for draw in of])
    found = {name: Cost(name, of_mean(points), True, name not in OF_THE_ARRAY) for name, points in lost.items()}
    by_layer = [found.pop(name) for name in layers if name in found]
    lost = {name: lost[name] for name in found}
    costs = list(found.values())
    costs.sort(key=lambda cost: (not cost.of_device, -cost.points.value))
    nothing = Estimate(0.0, 0.0, 0.0)
    costs += [Cost(name, nothing, False, name not in OF_THE_ARRAY) for name in IMPERFECTIONS if name not in names]
    whole = len(lost) == len(names) and all(len(part) == len(draws) for part in lost.values())
    together = of_mean(ideal - full - np.sum(list(lost.values()), axis=0)) if whole else None
    of_share = [_share(of_mean(part)) for part in (ideal, full)]
    return Attribution(of_share[0], of_share[1], of_mean(ideal - full), costs, together, len(draws), *sizes, by_layer)


def _share(points: Estimate) -> Estimate:
    value, low, high = points
    return Estimate(value / 100.0, None if low is None else low / 100.0, None if high is None else high / 100.0)
