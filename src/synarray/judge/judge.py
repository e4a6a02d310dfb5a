"""From a device to a verdict: accuracy, joules, seconds, trainings until it is worn out, and what each imperfection costs.

Every draw is one training with a seed of its own: 0, 1, 2, ... A device that was fitted to measured pulses brings draws from its
posterior, so the spread over trainings holds the fit's uncertainty too; any other device is the same in every draw. Each training
reads the test set once, for the headline; attribution and the inverse question read images held out of the training set.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from synarray.cost.ledger import Entry, Ledger
from synarray.cost.prices import Periphery, load_periphery
from synarray.cost.wear import trainings_left
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.errors import SpecError
from synarray.judge.attribution import Attribution, attribute, runs_needed
from synarray.judge.heldout import HeldOut
from synarray.judge.imperfections import pinned
from synarray.judge.intervals import Estimate, of_one_more, of_one_more_factor
from synarray.judge.reach import Reach, reach
from synarray.lab.posterior import load_posterior
from synarray.learn.readout import wilson
from synarray.learn.result import Result
from synarray.learn.training import train
from synarray.run.energy import bill_of_result
from synarray.run.experiment import ExperimentSpec, load_experiment, parse_setting, task_images

__all__ = ["EXPERIMENT", "Progress", "Question", "Verdict", "judge"]

EXPERIMENT = "judge"
"""The packaged experiment that is trained when none is named."""
_TRAINED = 30_000
"""Most images that a training of the attribution sees: so many variants must be done within minutes."""
_TRAININGS = 8
"""Trainings when none are asked for."""
_REACH_DRAWS = 4
"""Draws behind an answer to the inverse question."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much (0: not known)."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    source : str
        A device: a name of the library or the path of a file.
    task : str or None
        "mnist" or the path of a data set; none: the experiment's.
    experiment : str
        A packaged experiment or a file.
    settings : tuple of str
        What is changed in it, each as "key=value".
    draws : int, optional
        Trainings of a device that brings a posterior, each of a draw of its own; none: eight.
    seeds : int, optional
        Trainings of any other device; none: eight.
    wanted : float or None
        Accuracy for the inverse question, 0 to 1.
    asked : tuple of str
        How the device was given, where not by its source: a file of pulses that was fitted first, and its options.
    """

    source: str
    task: str | None = None
    experiment: str = EXPERIMENT
    settings: tuple[str, ...] = ()
    draws: int | None = None
    seeds: int | None = None
    wanted: float | None = None
    asked: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command that asks it again."""
        words = ["synarray", "device", "judge", *(self.asked or (self.source,))]
        words += ["--task", self.task] if self.task else []
        words += ["--experiment", self.experiment] if self.experiment != EXPERIMENT else []
        words += [word for text in self.settings for word in ("--set", text)]
        for name, number in (("draws", self.draws), ("seeds", self.seeds)):
            words += [f"--{name}", str(number)] if number is not None else []
        words += ["--reach", f"{100 * self.wanted:g}"] if self.wanted is not None else []
        return shlex.join(words)


@dataclass(frozen=True)
class Trial:
    """One training and its test: numbers, ledger, and for how many such trainings the cells last (None: not known)."""

    metrics: dict[str, Any]
    ledger: Ledger
    trainings_left: float | None


@dataclass(frozen=True)
class Verdict:
    """What a device is good for.

    Attributes
    ----------
    question : Question
    device : DeviceSpec
        As its file says; ``draws`` are what was trained.
    spec : ExperimentSpec
        What was trained, with the first seed.
    posterior : list of DeviceSpec
        All that the fit left; empty for a device without a fit.
    trials : list of Trial
    attribution : Attribution
    reach : Reach or None
    periphery : Periphery
        Prices around the cells.
    """

    question: Question
    device: DeviceSpec
    spec: ExperimentSpec
    posterior: list[DeviceSpec]
    trials: list[Trial]
    attribution: Attribution
    reach: Reach | None
    periphery: Periphery

    @property
    def draws(self) -> list[DeviceSpec]:
        """What was trained, from the posterior; empty for a device without one."""
        return self.posterior[: len(self.trials)]

    @property
    def accuracy(self) -> Estimate:
        """Accuracy of one training on the test set; the interval holds draws, seeds and the choice of test images."""
        return self._share("accuracy")

    @property
    def accuracy_hard(self) -> Estimate:
        """The same by hard votes."""
        return self._share("accuracy_hard")

    @property
    def pulses(self) -> Estimate:
        """Programming pulses of one training."""
        return of_one_more_factor([trial.metrics["pulses"] for trial in self.trials])

    @property
    def energy(self) -> Estimate:
        """Energy of one training, J."""
        return of_one_more_factor([trial.ledger.total for trial in self.trials])

    def time(self, schedule: str = "sequential") -> Estimate:
        """Time of one training by a schedule of the ledger, s."""
        return of_one_more_factor([trial.ledger.seconds[schedule] for trial in self.trials])

    @property
    def trainings_left(self) -> Estimate | None:
        """Trainings until the cells are worn out; None where nothing is known of the device's endurance."""
        known = [trial.trainings_left for trial in self.trials if trial.trainings_left is not None]
        return of_one_more_factor(known) if len(known) == len(self.trials) else None

    @property
    def ledger(self) -> list[tuple[Entry, float]]:
        """Rows of the ledger and their energies, J, as means over the trainings."""
        lines = zip(*(trial.ledger.entries for trial in self.trials), strict=True)
        return [(line[0], float(np.mean([entry.energy for entry in line]))) for line in lines]

    @property
    def unconfirmed(self) -> list[str]:
        """Numbers of the device and of the prices that nobody has confirmed."""
        return [*self.device.unconfirmed, *(f"periphery.{name}" for name in self.periphery.unconfirmed)]

    def summary(self) -> dict[str, Any]:
        """Return the verdict as numbers, ready for JSON; SI units."""
        first, left = self.trials[0].metrics, self.trainings_left
        lifetime = left if left and np.isfinite(left.value) else None  # never, where the endurance is known
        components: dict[str, float] = {}
        for entry, energy in self.ledger:
            components[entry.component] = components.get(entry.component, 0.0) + energy
        return {
            "device": self.device.name,
            "task": self.question.task or self.spec.data,
            "experiment": self.spec.name,
            **_spread("accuracy", self.accuracy),
            **_spread("accuracy_hard", self.accuracy_hard),
            **_spread("pulses", self.pulses),
            **_spread("energy", self.energy),
            "energy_by_component": components,
            **_spread("time", self.time()),
            **_spread("time_row_parallel", self.time("row-parallel")),
            **_spread("trainings_left", lifetime),
            "endurance": self.device.endurance,
            "attribution": [cost.summary() for cost in self.attribution.costs],
            "together": self.attribution.together.value,
            "accuracy_ideal": self.attribution.ideal.value,
            "accuracy_full": self.attribution.full.value,
            "images_trained": self.attribution.trained,
            "images_held_out": self.attribution.held,
            "reach": self.reach.summary() if self.reach else None,
            "scheme": first["scheme"],
            "cells_per_weight": first["cells_per_weight"],
            "n_cells": first["n_cells"],
            "fitted": bool(self.draws),
            "trainings": len(self.trials),
            "seeds": [trial.metrics["seed"] for trial in self.trials],
            "accuracies": [trial.metrics["accuracy"] for trial in self.trials],
            "test_images": first["test_images"],
            "unconfirmed": self.unconfirmed,
            "command": self.question.command,
        }

    def _share(self, name: str) -> Estimate:
        shares = [trial.metrics[name] for trial in self.trials]
        n = self.trials[0].metrics["test_images"]
        least, most = wilson(n * float(np.mean(shares)), n)  # a mean of counts
        value, low, high = of_one_more(shares, (most - least) / 2.0)
        return Estimate(value, max(0.0, low or 0.0), min(1.0, high if high is not None else 1.0))


def judge(question: Question, *, workers: int = 1, on_progress: Progress | None = None) -> Verdict:
    """Train a device as often as asked, price it, and attribute what it loses; results do not depend on ``workers``.

    Parameters
    ----------
    question : Question
    workers : int
        Trainings at a time, each on one core.
    on_progress : callable, optional
        See :data:`Progress`.

    Returns
    -------
    Verdict

    Raises
    ------
    SpecError
        When there is no such device or experiment, or the settings do not fit.
    DataError
        When the task cannot be loaded.

    Examples
    --------
    >>> question = Question("sram", settings=("images=600",), seeds=2)
    >>> verdict = judge(question)
    >>> verdict.accuracy.value > 0.5, [cost.property for cost in verdict.attribution.costs if cost.acts]
    (True, ['levels'])
    """
    specs, device, posterior = experiments(question)
    tell = on_progress or (lambda *_: None)
    trials = _trials(specs, workers, tell)
    work = runs_needed(specs)
    held_out = HeldOut(specs, most=_TRAINED, workers=workers, on_run=_counting("attribution", work, tell))
    attribution = attribute(held_out)
    answered = None
    if question.wanted is not None:
        few = HeldOut(specs[:_REACH_DRAWS], workers=workers, on_run=_counting("inverse question", 0, tell))
        tested = [trial.metrics["accuracy"] for trial in trials[:_REACH_DRAWS]]
        answered = reach(few, question.wanted, float(np.mean(tested)))
    return Verdict(question, device, specs[0], posterior, trials, attribution, answered, load_periphery())


def experiments(question: Question) -> tuple[list[ExperimentSpec], DeviceSpec, list[DeviceSpec]]:
    """Compose what is trained: one experiment per draw, the device, and all draws of its posterior, if it has one."""
    settings = dict(parse_setting(text) for text in question.settings)
    for key, instead in (("device", "the first argument"), ("seed", "--seeds or --draws"), ("data", "--task")):
        if key in settings:
            raise SpecError(
                f"{key} is not set for a verdict", got=f"--set {key}={settings[key]}", where="--set",
                do=f"Say it with {instead}.",
            )  # fmt: skip
    load_device(question.source)  # what is wrong with it is said of its own file
    draws = load_posterior(question.source)
    changes = settings | {"device": question.source} | ({"data": question.task} if question.task else {})
    n = _trainings(question, len(draws))
    specs = [load_experiment(question.experiment, changes | {"seed": seed}) for seed in range(n)]
    device = specs[0].device
    assert device is not None  # one was just set
    changed = {key.split(".")[1] for key in settings if key.startswith("device.")}
    held = {name: getattr(device, name) for name in changed if name in DeviceSpec.model_fields}
    draws = [draw.model_copy(update=held) for draw in draws]
    if draws:
        specs = [spec.model_copy(update={"device": draw}) for spec, draw in zip(specs, draws, strict=False)]
    return [pinned(spec) for spec in specs], device, draws


def _trainings(question: Question, draws: int) -> int:
    """Return how often a device is trained: with draws of its own, as often as asked and as there are; else with seeds."""
    other = ("--seeds", question.seeds) if draws else ("--draws", question.draws)
    if other[1] is not None:
        instead = "--draws: the device was fitted" if draws else "--seeds: the device brings no draws of a fit"
        raise SpecError(
            "a fitted device is trained once per draw, any other once per seed", got=f"{other[0]} {other[1]}",
            where=question.source, do=f"Use {instead}.",
        )  # fmt: skip
    if draws and question.draws is not None and question.draws > draws:
        raise SpecError(
            "there must be as many draws as trainings", got=f"--draws {question.draws}, and {draws} in the file",
            where=question.source, do=f"Use at most {draws}.",
        )  # fmt: skip
    return min(draws, question.draws or _TRAININGS) if draws else question.seeds or _TRAININGS


def _counting(what: str, total: int, tell: Progress) -> Callable[[], None]:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        tell(what, done, total)

    tell(what, 0, total)
    return count


def _trials(specs: Sequence[ExperimentSpec], workers: int, tell: Progress) -> list[Trial]:
    """Train and test every draw, and price what was counted."""
    count = _counting("trainings", len(specs), tell)

    def run(spec: ExperimentSpec) -> Trial:
        data, x, y, x_test, y_test = task_images(spec)
        result = train(spec, x, y, x_test, y_test, image_shape=data.image_shape, full_scale=data.full_scale)
        count()
        return _priced(spec, result)

    with ThreadPoolExecutor(max(1, workers)) as pool:
        return list(pool.map(run, specs))


def _priced(spec: ExperimentSpec, result: Result) -> Trial:
    bill = bill_of_result(result)
    assert bill is not None  # a verdict is on a device
    return Trial(result.metrics(), bill.ledger(load_periphery()), _trainings_left(spec, result))


def _trainings_left(spec: ExperimentSpec, result: Result) -> float | None:
    """Trainings like this one until a hundredth of the cells has failed; infinite: never; None: endurance not known."""
    device, array = spec.device, result.machine.array
    assert device is not None  # a verdict is on a device
    left = trainings_left(array.scheme.pulses_per_cell(array.writes)[:, array.exists], device)
    return None if np.isnan(left) else left


def _spread(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    value, low, high = estimate or (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
