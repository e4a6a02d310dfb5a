"""The inverse question: what value of each property, the others as measured, would reach a wanted accuracy.

The severity of a property (``imperfections.py``) is halved in on where the mean accuracy of a few draws, on the same spikes and
the same images, crosses the wanted one. Accuracy is taken to fall with severity; runs scatter, so a value is as good as the
scatter of that mean (``noise``) lets it be.

Variants read images held out of the training set, which are not quite as easy as those of the test set, and are trained on the
fewer that are left. What is wanted is wanted of the test set: the difference that the device as it is shows between both is
taken out of every accuracy here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synarray.errors import SpecError
from synarray.judge.attribution import acting
from synarray.judge.heldout import HeldOut
from synarray.judge.imperfections import IMPERFECTIONS, pinned, scaled
from synarray.judge.intervals import of_mean

__all__ = ["Needed", "Reach", "check_reach", "reach"]

_HALVINGS = 5
_DOUBLINGS = 5
_LARGEST = 32.0
"""Severity beyond which nothing is tried: as many doublings."""


@dataclass(frozen=True)
class Needed:
    """What one property would have to be.

    Attributes
    ----------
    property : str
    status : str
        "needed": it must come down to ``severity``; "already fine": it may grow up to ``severity``; "cannot reach alone": not
        even without it; "no limit found": the wanted accuracy is reached however bad it was tried.
    severity : float or None
        1 is as measured, 0 without the property; the worst at which the wanted accuracy was still reached.
    values : dict of str to float
        The numbers behind the property at that severity, SI, as means over the draws.
    measured : dict of str to float
        The same as they are.
    accuracy : float
        Mean accuracy at that severity, as on the test set; of one that cannot reach, without the property.
    """

    property: str
    status: str
    severity: float | None
    values: dict[str, float]
    measured: dict[str, float]
    accuracy: float

    def summary(self) -> dict[str, Any]:
        """Return the answer as numbers, ready for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Reach:
    """The answers for all properties that act.

    Attributes
    ----------
    wanted : float
        Accuracy on the test set, 0 to 1.
    now : float
        Mean accuracy on it of the draws that were used, as they are.
    held_out : float
        The same on the images held out.
    noise : float or None
        Half width of the 95 % interval of that mean.
    draws : int
    answers : list of Needed
    """

    wanted: float
    now: float
    held_out: float
    noise: float | None
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
    if percent is None or 1 <= percent < 100:
        return None if percent is None else round(percent / 100.0, 12)
    raise SpecError(
        "the accuracy to reach must be at least 1 % and below 100 %",
        got=f"{percent:g}",
        where="--reach",
        do="Write --reach 94.",
    )


def reach(held_out: HeldOut, wanted: float, tested: float) -> Reach:
    """Find what each property would have to be for an accuracy wanted on the test set, of which the draws read ``tested`` now."""
    specs = [pinned(spec) for spec in held_out.specs]
    as_is = held_out.accuracies({"": specs})[""]
    now, interval = float(as_is.mean()), of_mean(as_is)
    harder = tested - now
    answers = [_needed(held_out, name, wanted - harder, now) for name in acting(specs)]
    answers = [replace(answer, accuracy=answer.accuracy + harder) for answer in answers]
    noise = None if interval.high is None else interval.high - now
    return Reach(wanted, tested, now, noise, len(specs), answers)


def _needed(held_out: HeldOut, name: str, wanted: float, now: float) -> Needed:
    specs = [pinned(spec) for spec in held_out.specs]
    part = IMPERFECTIONS[name]
    acting_in = [spec for spec in specs if part.acts(spec)]
    met = {1.0: now}

    def accuracy(severity: float) -> float:
        if severity not in met:
            changed = [scaled(spec, name, severity) for spec in specs]
            met[severity] = float(held_out.accuracies({name: changed})[name].mean())
        return met[severity]

    def numbers(severity: float) -> dict[str, float]:
        drawn = [part.numbers(scaled(spec, name, severity)) for spec in acting_in]
        return {key: float(np.mean([each[key] for each in drawn if key in each])) for key in drawn[0]}

    def answer(status: str, severity: float | None) -> Needed:
        at = 0.0 if severity is None else severity
        values = {} if severity is None else numbers(severity)
        return Needed(name, status, severity, values, numbers(1.0), accuracy(at))

    if now < wanted:
        if accuracy(0.0) < wanted:
            return answer("cannot reach alone", None)
        return answer("needed", _halved(accuracy, wanted, 0.0, 1.0))
    worst = min(float(np.min([part.worst(spec) for spec in acting_in])), _LARGEST)
    good, bad = 1.0, 1.0
    for _ in range(_DOUBLINGS):
        bad = min(2.0 * good, worst)
        if bad <= good or accuracy(bad) < wanted:
            break
        good = bad
    if bad <= good:
        return answer("no limit found", good)
    return answer("already fine", _halved(accuracy, wanted, good, bad))


def _halved(accuracy: Callable[[float], float], wanted: float, good: float, bad: float) -> float:
    """Halve the way (in square roots, to be finer near none) between a severity that reaches and one that does not."""
    for _ in range(_HALVINGS):
        middle = ((good**0.5 + bad**0.5) / 2.0) ** 2
        if accuracy(middle) >= wanted:
            good = middle
        else:
            bad = middle
    return good
