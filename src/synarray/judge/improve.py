"""What to improve: accuracy, energy and life of the device with one of its worst properties at half and at double.

Each is trained on the same spikes as the device as it is, with the other properties as they are; differences of accuracy and
factors of energy and life are paired, and put onto the headline numbers.

    accuracy    headline + mean of (changed - as it is)
    energy      headline x mean of (changed / as it is), logarithmic; so the pulses and the life
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synarray.judge.attribution import Attribution
from synarray.judge.imperfections import numbers_of, scaled, severity_at
from synarray.judge.intervals import Estimate, of_mean
from synarray.judge.pricing import Amount
from synarray.judge.trainings import Trial
from synarray.run.experiment import ExperimentSpec

__all__ = ["FACTORS", "MOST", "Change", "beyond_scatter", "changed", "changes", "worst"]

FACTORS = {"half": 0.5, "double": 2.0}
MOST = 3
"""Properties that are looked at."""


@dataclass(frozen=True)
class Change:
    """The device with one property changed."""

    property: str
    to: str
    """Either "half" or "double"."""
    measured: dict[str, float]
    values: dict[str, float]
    """The numbers behind the property as they are and as changed, SI, means over the draws."""
    points: Estimate
    """Change of accuracy in points."""
    scatter: float
    """Standard deviation of that change from draw to draw."""
    energy: Amount
    """Factor on the energy of a training, for each unit of it (see :data:`Amount`)."""
    pulses: float
    """Factor on the programming pulses."""
    life: float | None
    """Factor on the trainings until the cells fail; None where nothing is known of it."""
    draws: int
    """Pairs of trainings behind it."""

    def summary(self) -> dict[str, Any]:
        """Return the change as numbers, ready for JSON."""
        return vars(self) | {"points": self.points.value, "low": self.points.low, "high": self.points.high}


def worst(attribution: Attribution) -> list[str]:
    """Name the device's own properties that cost most."""
    return [cost.property for cost in attribution.own[:MOST]]


def changed(spec: ExperimentSpec, name: str, to: str) -> ExperimentSpec | None:
    """Return the experiment with a property at half or double; None where it cannot be changed that way."""
    severity = severity_at(spec, name, FACTORS[to])
    other = scaled(spec, name, severity)
    return None if other == spec else other


def changes(
    trials: Mapping[tuple[str, str, int], Trial], as_it_is: Mapping[int, Trial], specs: Sequence[ExperimentSpec]
) -> list[Change]:
    """Compare pairs of trainings.

    Parameters
    ----------
    trials : mapping of (property, "half" or "double", draw) to Trial
    as_it_is : mapping of draw to Trial
    specs : sequence of ExperimentSpec
        The device as it is, by draw.
    """
    found = []
    for name, to in dict.fromkeys((name, to) for name, to, _ in trials):
        draws = [draw for of, way, draw in trials if (of, way) == (name, to) and draw in as_it_is]
        if draws:
            pairs = [(trials[name, to, draw], as_it_is[draw]) for draw in draws]
            found.append(_change(name, to, pairs, [specs[draw] for draw in draws]))
    return found


def beyond_scatter(changes: Sequence[Change]) -> list[Change]:
    """Pick the changes that differ from nothing: by Student's t over the pooled scatter, at 5 % for all of them together."""
    from scipy.special import stdtrit

    free = sum(change.draws - 1 for change in changes)
    if not free:
        return []
    pooled = np.sqrt(sum((change.draws - 1) * change.scatter**2 for change in changes) / free)
    most = float(stdtrit(free, 1.0 - 0.025 / len(changes))) * pooled
    return [change for change in changes if abs(change.points.value) > most / np.sqrt(change.draws)]


def _change(name: str, to: str, pairs: list[tuple[Trial, Trial]], specs: list[ExperimentSpec]) -> Change:
    severity = [severity_at(spec, name, FACTORS[to]) for spec in specs]
    units = pairs[0][1].prices.energy
    energy = {
        unit: _factor([(a.prices.energy.get(unit, 0.0), b.prices.energy[unit]) for a, b in pairs]) for unit in units
    }
    lives = [(a.trainings_left, b.trainings_left) for a, b in pairs]
    points = [100.0 * (a.accuracy - b.accuracy) for a, b in pairs]
    known = [(a, b) for a, b in lives if a is not None and b is not None and np.isfinite([a, b]).all()]
    return Change(
        name,
        to,
        _numbers(name, specs),
        _numbers(name, [scaled(spec, name, s) for spec, s in zip(specs, severity, strict=True)]),
        of_mean(points),
        float(np.std(points, ddof=1)) if len(points) > 1 else 0.0,
        {unit: factor for unit, factor in energy.items() if factor is not None},
        _factor([(a.metrics["pulses"], b.metrics["pulses"]) for a, b in pairs]) or 1.0,
        _factor(known) if known else None,
        len(pairs),
    )


def _numbers(name: str, specs: list[ExperimentSpec]) -> dict[str, float]:
    drawn = [numbers_of(spec, name) for spec in specs]
    return {key: float(np.mean([each[key] for each in drawn if key in each])) for key in drawn[0]}


def _factor(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Geometric mean of the ratios; None where any of the numbers is 0."""
    values = np.array(pairs, float)
    if not (values > 0).all():
        return None
    return float(np.exp(np.mean(np.log(values[:, 0]) - np.log(values[:, 1]))))
