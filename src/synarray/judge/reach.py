"""The inverse question: what value of each property, the others as measured, would reach a wanted accuracy.

The severity of a property (``imperfections.py``) is halved in on where the mean accuracy of a few draws, on the same spikes and
the same images, crosses the wanted one. Accuracy is taken to fall with severity; runs scatter, so a value is as good as the
scatter of that mean (``noise``) lets it be.

Variants read images held out of the training set, which are not quite as easy as those of the test set, and are trained on the
fewer that are left. What is wanted is wanted of the test set: the difference that the device as it is shows between both is
taken out of every accuracy here.

The search yields the experiments it wants trained and is sent their accuracies, so that it does not know who trains them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from synarray.arguments import is_number, shown
from synarray.errors import SpecError
from synarray.judge.attribution import acting
from synarray.judge.imperfections import acts, numbers_of, scaled, worst_of
from synarray.judge.intervals import of_mean
from synarray.run.experiment import ExperimentSpec

__all__ = ["DRAWS", "Needed", "Reach", "Search", "check_reach", "reach"]

DRAWS = 4
"""Draws behind an answer."""
_HALVINGS = 5
_DOUBLINGS = 5
_LARGEST = 32.0
"""Severity beyond which nothing is tried: as many doublings."""

T = TypeVar("T")
Search = Generator[Sequence[ExperimentSpec], npt.NDArray[np.float64], T]
"""Yields experiments, one per draw; is sent the accuracy of each, 0 to 1; returns what it found."""


@dataclass(frozen=True)
class Needed:
    """What one property would have to be."""

    property: str
    status: str
    """One of "needed": it must come down to ``severity``; "already fine": it may grow up to ``severity``; "cannot reach
    alone": not even without it; "no limit found": the wanted accuracy is reached however bad it was tried."""
    severity: float | None
    """1 is as measured, 0 without the property; the worst at which the wanted accuracy was still reached."""
    values: dict[str, float]
    """The numbers behind the property at that severity, SI, as means over the draws."""
    measured: dict[str, float]
    """The same as they are."""
    accuracy: float
    """Mean accuracy at that severity, as on the test set; of one that cannot reach, without the property."""

    def summary(self) -> dict[str, Any]:
        """Return the answer as numbers, ready for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Reach:
    """The answers for all properties that act."""

    wanted: float
    """Accuracy on the test set, 0 to 1."""
    now: float
    """Mean accuracy on it of the draws that were used, as they are."""
    held_out: float
    """The same on the images held out."""
    noise: float | None
    """Half width of the 95 % interval of that mean."""
    draws: int
    answers: list[Needed]

    def summary(self) -> dict[str, Any]:
        """Return the answers as numbers, ready for JSON."""
        return vars(self) | {"answers": [answer.summary() for answer in self.answers]}


def check_reach(percent: float | None) -> float | None:
    """Turn a wanted accuracy in percent into a share.

    Raises
    ------
    SpecError
        When it is none.
    """
    if percent is None:
        return None
    if is_number(percent) and 1 <= percent < 100:
        return round(percent / 100.0, 12)
    raise SpecError(
        "the accuracy to reach must be at least 1 % and below 100 %",
        got=shown(percent),
        where="--reach",
        do="Write 94 for 94 %.",
    )


def reach(specs: Sequence[ExperimentSpec], wanted: float, tested: float) -> Search[Reach]:
    """Find what each property would have to be for an accuracy wanted on the test set, of which the draws read ``tested`` now."""
    as_is = yield specs
    now, interval = float(as_is.mean()), of_mean(as_is)
    harder = tested - now
    answers = []
    for name in acting(specs):
        answer = yield from _needed(specs, name, wanted - harder, now)
        answers.append(replace(answer, accuracy=answer.accuracy + harder))
    noise = None if interval.high is None else interval.high - now
    return Reach(wanted, tested, now, noise, len(specs), answers)


def _needed(specs: Sequence[ExperimentSpec], name: str, wanted: float, now: float) -> Search[Needed]:
    acting_in = [spec for spec in specs if acts(spec, name)]
    met = {1.0: now}

    def accuracy(severity: float) -> Search[float]:
        if severity not in met:
            read = yield [scaled(spec, name, severity) for spec in specs]
            met[severity] = float(read.mean())
        return met[severity]

    def numbers(severity: float) -> dict[str, float]:
        drawn = [numbers_of(scaled(spec, name, severity), name) for spec in acting_in]
        return {key: float(np.mean([each[key] for each in drawn if key in each])) for key in drawn[0]}

    def answer(status: str, severity: float | None) -> Needed:
        at = 0.0 if severity is None else severity
        return Needed(name, status, severity, {} if severity is None else numbers(severity), numbers(1.0), met[at])

    if now < wanted:
        if (yield from accuracy(0.0)) < wanted:
            return answer("cannot reach alone", None)
        return answer("needed", (yield from _halved(accuracy, wanted, 0.0, 1.0)))
    worst = min(float(np.min([worst_of(spec, name) for spec in acting_in])), _LARGEST)
    good, bad = 1.0, 1.0
    for _ in range(_DOUBLINGS):
        bad = min(2.0 * good, worst)
        if bad <= good or (yield from accuracy(bad)) < wanted:
            break
        good = bad
    if bad <= good:
        return answer("no limit found", good)
    return answer("already fine", (yield from _halved(accuracy, wanted, good, bad)))


def _halved(accuracy: Callable[[float], Search[float]], wanted: float, good: float, bad: float) -> Search[float]:
    """Halve the way (in square roots, to be finer near none) between a severity that reaches and one that does not."""
    for _ in range(_HALVINGS):
        middle = ((good**0.5 + bad**0.5) / 2.0) ** 2
        if (yield from accuracy(middle)) >= wanted:
            good = middle
        else:
            bad = middle
    return good
