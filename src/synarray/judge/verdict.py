"""The verdict on a device: accuracy, joules, seconds, life, what each imperfection costs, and what to improve.

A verdict may be partial, when its trainings were stopped: ``missing`` then says what it does not know yet.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synarray.arguments import path_of
from synarray.array.read_noise import ReadFloor, floor_of
from synarray.cost.conditions import levels_told_apart
from synarray.cost.prices import Periphery
from synarray.device.spec import DeviceSpec
from synarray.errors import RunError
from synarray.judge.attribution import Attribution
from synarray.judge.beside import Beside
from synarray.judge.imperfections import of_layers
from synarray.judge.improve import Change
from synarray.judge.intervals import Estimate, of_one_more, of_one_more_factor
from synarray.judge.pricing import PricedRow
from synarray.judge.pulse import Unknown
from synarray.judge.question import Question
from synarray.judge.reach import Reach
from synarray.judge.trainings import Trial
from synarray.judge.words import (
    amount,
    card,
    count,
    energy_words,
    first_words,
    help_words,
    layer_words,
    life_words,
    numbers,
    percent,
    read_words,
    worst_words,
)
from synarray.learn.readout import wilson
from synarray.run.experiment import ExperimentSpec
from synarray.units import quantity

__all__ = ["Verdict"]


@dataclass(frozen=True, repr=False)
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
    unknown : frozenset
        What is unknown about the programming pulses: "voltage", "width"; energies are then per unit of it.
    trials : list of Trial
        The trainings that are done, each with its test.
    attribution : Attribution or None
    improvements : list of Change
    beside : list of Beside
        The device itself first, then devices of the library.
    reach : Reach or None
    periphery : Periphery
        Prices around the cells.
    missing : tuple of str
        What was asked and is not done, in words; empty: the verdict is complete.
    """

    question: Question
    device: DeviceSpec
    spec: ExperimentSpec
    posterior: list[DeviceSpec]
    unknown: frozenset[Unknown]
    trials: list[Trial]
    attribution: Attribution | None
    improvements: list[Change]
    beside: list[Beside]
    reach: Reach | None
    periphery: Periphery
    missing: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Say the verdict in a few lines."""
        return "\n".join(self.sentences)

    def _repr_html_(self) -> str:
        """Say the verdict on a card, for a notebook."""
        left = self.trainings_left
        life = "not known" if left is None else "no end" if not np.isfinite(left.value) else count(left.value)
        facts = [
            ("accuracy, 95 % of single trainings", percent(self.accuracy)),
            ("energy of one training", amount(self.energy, "J")),
            ("trainings until 1 % of the cells have failed", life),
        ]
        return card(f"{self.device.name} on {self.task_name}", facts, self.sentences)

    def save(self, path: str | Path, **evidence: Any) -> Path:
        """Write the page (``index.html``) and the numbers (``verdict.json``) into a folder; return the page's path.

        Parameters
        ----------
        path : str or Path
            Folder; it is made.
        **evidence
            ``measured`` (the pulses the device was fitted to) and ``fit``, to be shown with it.

        Raises
        ------
        RunError
            When the folder cannot be written, or jinja2 or matplotlib is missing: ``pip install 'synarray[report]'``.
        """
        page: Any = importlib.import_module("synarray.report.verdict_page")  # of a floor above, met when it is called
        written: Path = page.write_verdict(self, path_of(path, "path", "a folder", RunError), **evidence)
        return written

    @property
    def task_name(self) -> str:
        """What the task is called."""
        return "MNIST" if self.spec.data == "mnist" else Path(self.spec.data).name

    @property
    def sentences(self) -> list[str]:
        """The verdict in plain words, the first of them the shortest answer."""
        attributed = self.attribution
        said = [first_words(self.device.name, self.task_name, self.accuracy, attributed)]
        if self.missing:
            said.insert(0, f"Partial answer. Still missing: {', '.join(self.missing)}.")
        said += [worst_words(attributed)] if attributed and len(attributed.costs) else []
        said += [layer_words(attributed)] if attributed and attributed.layers else []
        said += [words] if (words := help_words(self.improvements, self.accuracy)) else []
        said.append(energy_words(self.energy, self.time("row-parallel"), self.unknown, self.circuits_share))
        said.append(life_words(self.trainings_left))
        said += [words] if (words := read_words(self.read_floor)) else []
        return [*said, self.assumptions]

    @property
    def read_floor(self) -> ReadFloor:
        """How well a look-up of a cell tells its levels apart, given the noise that no circuit can remove."""
        own = of_layers(self.spec)[-1]
        return floor_of(self.device, levels_told_apart(own.synapse, self.device), own.array.temperature)

    @property
    def assumptions(self) -> str:
        """What the verdict assumes because it was not measured, in one sentence."""
        assumed, wires = [], self._wires
        if wires and any(own.synapse.scheme_for(self.device).wires_act for own in of_layers(self.spec)):
            assumed_costs = self.attribution.assumed if self.attribution else []
            cost = next((cost for cost in assumed_costs if cost.property == "wires"), None)
            costs = f" (they cost {cost.points.value:.2f} points)" if cost else ""
            assumed.append(f"wires, {numbers(wires)}{costs}")
        assumed.append(f"circuits of {self.periphery.node_nm:g} nm at published prices")
        if not (self._confirmed("v_read") and self._confirmed("t_read")):
            assumed.append(f"reads of {quantity(self.device.v_read, 'V')} for {quantity(self.device.t_read, 's')}")
        return f"Assumed, not measured on the device: {'; '.join(assumed)}."

    @property
    def _wires(self) -> dict[str, float]:
        """Resistances around the cells, of the lowest layer that has any."""
        of_each = ({name: ohms for name, ohms in own.array.wires if ohms} for own in of_layers(self.spec))
        return next(filter(None, of_each), {})

    def _confirmed(self, name: str) -> bool:
        source = self.device.sources.get(name)
        return source is not None and source.confirmed

    @property
    def complete(self) -> bool:
        """Whether everything that was asked is answered."""
        return not self.missing

    @property
    def draws(self) -> list[DeviceSpec]:
        """What was trained, from the posterior; empty for a device without one."""
        return [self.posterior[trial.metrics["seed"]] for trial in self.trials] if self.posterior else []

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
    def energy(self) -> dict[str, Estimate]:
        """Energy of one training, J: by what it is to be multiplied with ("" nothing), see :mod:`synarray.judge.pricing`."""
        return _by_unit([trial.prices.energy for trial in self.trials])

    def time(self, schedule: str = "sequential") -> dict[str, Estimate]:
        """Time of one training, s; "row-parallel": rows and columns at a time. By unit, as ``energy``."""
        return _by_unit([trial.prices.time[schedule] for trial in self.trials])

    @property
    def trainings_left(self) -> Estimate | None:
        """Trainings until 1 % of the cells has failed (infinite: never); None where the endurance is not known."""
        left = [trial.trainings_left for trial in self.trials]
        known = [n for n in left if n is not None]
        return of_one_more_factor(known) if len(known) == len(left) else None

    @property
    def ledger(self) -> list[PricedRow]:
        """Rows of the ledger: means over the trainings."""
        rows = []
        for same in zip(*(trial.prices.rows for trial in self.trials), strict=True):
            energy = {unit: each.value for unit, each in _by_unit([row.energy for row in same]).items()}
            rows.append(PricedRow(same[0].component, same[0].action, all(row.confirmed for row in same), energy))
        return rows

    @property
    def circuits_share(self) -> float | None:
        """Share of the energy that goes into circuits and lines around the cells; None where the total is not known."""
        energy = self.energy
        if set(energy) != {""} or not energy[""].value:
            return None
        cells = sum(row.energy.get("", 0.0) for row in self.ledger if row.component in ("cells", "half-select"))
        return 1.0 - cells / energy[""].value

    @property
    def unconfirmed(self) -> list[str]:
        """Numbers of the device and of the prices that are unverified."""
        return [*self.device.unconfirmed, *(f"periphery.{name}" for name in self.periphery.unconfirmed)]

    def summary(self) -> dict[str, Any]:
        """Return the verdict as numbers, ready for JSON; SI units."""
        first, left, attributed = self.trials[0].metrics, self.trainings_left, self.attribution
        lifetime = left if left and np.isfinite(left.value) else None  # never, where the endurance is known
        energy, time, parallel = self.energy, self.time(), self.time("row-parallel")
        return {
            "complete": self.complete,
            "missing": list(self.missing),
            "device": self.device.name,
            "task": self.question.task or self.spec.data,
            "experiment": self.spec.name,
            "sentences": self.sentences,
            **_spread("accuracy", self.accuracy),
            **_spread("accuracy_hard", self.accuracy_hard),
            **_spread("pulses", self.pulses),
            "pulse_unknown": sorted(self.unknown),
            **_spread("energy", _whole(energy)),
            **_parts("energy", energy),
            "energy_by_component": self._by_component(),
            **_spread("time", _whole(time)),
            **_spread("time_row_parallel", _whole(parallel)),
            **_parts("time_row_parallel", parallel),
            **_spread("trainings_left", lifetime),
            "endurance": self.device.endurance,
            "read_levels": self.read_floor.levels,
            "read_levels_told_apart": self.read_floor.told_apart,
            "t_read": self.read_floor.t_read,
            "t_read_enough": self.read_floor.seconds,
            "attribution": [cost.summary() for cost in attributed.costs] if attributed else None,
            "layers": [cost.summary() for cost in attributed.layers] if attributed else None,
            "together": attributed.together.value if attributed and attributed.together else None,
            "accuracy_ideal": attributed.ideal.value if attributed else None,
            "accuracy_full": attributed.full.value if attributed else None,
            "images_trained": attributed.trained if attributed else None,
            "images_held_out": attributed.held if attributed else None,
            "improvements": [change.summary() for change in self.improvements],
            "beside": [row.summary() for row in self.beside],
            "reach": self.reach.summary() if self.reach else None,
            "scheme": first["scheme"],
            "cells_per_weight": first["cells_per_weight"],
            "n_cells": first["n_cells"],
            "fitted": bool(self.posterior),
            "trainings": len(self.trials),
            "seeds": [trial.metrics["seed"] for trial in self.trials],
            "accuracies": [trial.accuracy for trial in self.trials],
            "test_images": first["test_images"],
            "assumed_wires": self._wires,
            "unconfirmed": self.unconfirmed,
            "command": self.question.command,
        }

    def _by_component(self) -> dict[str, Any]:
        """Energy by component: numbers where the pulses are known, else numbers by unit."""
        found: dict[str, dict[str, float]] = {}
        for row in self.ledger:
            sums = found.setdefault(row.component, {})
            for unit, energy in row.energy.items():
                sums[unit] = sums.get(unit, 0.0) + energy
        if not self.unknown:
            return {name: parts.get("", 0.0) for name, parts in found.items()}
        return {name: {unit or "fixed": part for unit, part in parts.items()} for name, parts in found.items()}

    def _share(self, name: str) -> Estimate:
        shares = [trial.metrics[name] for trial in self.trials]
        n = self.trials[0].metrics["test_images"]
        least, most = wilson(n * float(np.mean(shares)), n)  # a mean of counts
        value, low, high = of_one_more(shares, (most - least) / 2.0)
        return Estimate(value, max(0.0, low or 0.0), min(1.0, high if high is not None else 1.0))


def _by_unit(amounts: list[dict[str, float]]) -> dict[str, Estimate]:
    units = sorted({unit for amount in amounts for unit in amount}, key=len)
    return {unit: of_one_more_factor([amount.get(unit, 0.0) for amount in amounts]) for unit in units}


def _whole(amount: dict[str, Estimate]) -> Estimate | None:
    """Return an amount that is known to the end; None for one that is per unit of something."""
    return amount[""] if set(amount) == {""} else None


def _spread(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    value, low, high = estimate or (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _parts(name: str, amount: dict[str, Estimate]) -> dict[str, Any]:
    """Write an amount that is per unit of something, such as "per V^2 us"; nothing for one that is known to the end."""
    if set(amount) == {""}:
        return {}
    return {f"{name}_parts": {f"per {unit}" if unit else "fixed": part._asdict() for unit, part in amount.items()}}
