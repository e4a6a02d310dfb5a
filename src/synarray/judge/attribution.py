"""What each imperfection costs: one at a time switched off (or on, alone), on the same spikes, in points of accuracy.

    points      accuracy without the property - accuracy with all of them
    alone       accuracy without any of them - accuracy with the property only
    together    what no property costs on its own: (without any) - (with all) - the sum of the points

Each is a mean over draws of paired differences, with the 95 % interval of that mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synarray.judge.heldout import HeldOut
from synarray.judge.imperfections import IMPERFECTIONS, pinned, without
from synarray.judge.intervals import Estimate, of_mean
from synarray.run.experiment import ExperimentSpec

__all__ = ["Attribution", "Cost", "attribute", "runs_needed"]


@dataclass(frozen=True)
class Cost:
    """What one property costs, in points (hundredths of the images).

    Attributes
    ----------
    property : str
    points : Estimate
    alone : Estimate
        From fewer draws: the first half of them.
    acts : bool
        False: the device has no such imperfection, or the scheme does not feel it; it then costs exactly nothing.
    """

    property: str
    points: Estimate
    alone: Estimate
    acts: bool = True

    def summary(self) -> dict[str, Any]:
        """Return the cost as numbers, ready for JSON."""
        (points, low, high), (alone, alone_low, alone_high) = self.points, self.alone
        return {
            "property": self.property, "points": points, "low": low, "high": high, "alone": alone,
            "alone_low": alone_low, "alone_high": alone_high, "acts": self.acts,
        }  # fmt: skip


@dataclass(frozen=True)
class Attribution:
    """From a device without imperfections to the device as it is.

    Attributes
    ----------
    ideal, full : Estimate
        Accuracy on the images held out, without any of the imperfections and with all of them (mean over draws).
    costs : list of Cost
        The dearest first; then those that do not act.
    together : Estimate
        Points that stand to no property's account.
    trained, held : int
        Images trained on and images read.
    """

    ideal: Estimate
    full: Estimate
    costs: list[Cost]
    together: Estimate
    trained: int
    held: int


def acting(specs: Sequence[ExperimentSpec]) -> list[str]:
    """Names of the imperfections that make a difference in any of some experiments."""
    return [name for name, part in IMPERFECTIONS.items() if any(part.acts(pinned(spec)) for spec in specs)]


def runs_needed(specs: Sequence[ExperimentSpec]) -> int:
    """How many trainings :func:`attribute` takes."""
    return sum(len(part) for part in _variants([pinned(spec) for spec in specs], acting(specs)).values())


def attribute(held_out: HeldOut) -> Attribution:
    """Switch the imperfections of some draws off and on, one at a time."""
    specs = [pinned(spec) for spec in held_out.specs]
    names = acting(specs)
    read = held_out.accuracies(_variants(specs, names))
    points = {key: 100.0 * values for key, values in read.items()}
    full, ideal = points[frozenset()], points[frozenset(names)]
    lost = {name: points[frozenset([name])] - full for name in names}
    costs = []
    for name in names:
        alone = points[frozenset(names) - {name}]
        costs.append(Cost(name, of_mean(lost[name]), of_mean(ideal[: len(alone)] - alone)))
    costs.sort(key=lambda cost: -cost.points.value)
    nothing = Estimate(0.0, 0.0, 0.0)
    costs += [Cost(name, nothing, nothing, acts=False) for name in IMPERFECTIONS if name not in names]
    together = ideal - full - np.sum(list(lost.values()), axis=0)
    of_share = [Estimate(*(None if x is None else x / 100.0 for x in of_mean(part))) for part in (ideal, full)]  # type: ignore[arg-type]
    return Attribution(of_share[0], of_share[1], costs, of_mean(together), held_out.n_trained, held_out.n_held)


def _variants(specs: Sequence[ExperimentSpec], names: Sequence[str]) -> dict[frozenset[str], Sequence[ExperimentSpec]]:
    """Which properties are removed -> the experiments; what "alone" shares with the others is not run twice."""
    few = specs[: max(2, (len(specs) + 1) // 2)]
    removed = {frozenset(): specs, frozenset(names): specs} | {frozenset([name]): specs for name in names}
    alone = {frozenset(names) - {name}: few for name in names}
    return {gone: [without(spec, gone) for spec in part] for gone, part in (alone | removed).items()}
