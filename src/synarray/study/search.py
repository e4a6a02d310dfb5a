"""A search by Optuna: trials are proposed in batches, each from all results before, so that workers change nothing.

What a search proposes depends on its seed and on the results so far; a search that is resumed is proposed the same trials
again, finds most of them finished, and continues where it was.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from synarray.extras import require
from synarray.study.plan import OBJECTIVES, SearchSpec
from synarray.study.points import Level, united

__all__ = ["Search"]


class Search:
    """Proposes trials and learns from their results.

    Raises
    ------
    RunError
        When Optuna is not installed.
    """

    def __init__(self, spec: SearchSpec) -> None:
        optuna = require("studies", "searches", "optuna")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.spec = spec
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            samplers = {
                "tpe": lambda: optuna.samplers.TPESampler(seed=spec.seed, multivariate=True, constant_liar=True),
                "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=spec.seed, population_size=max(2, spec.batch)),
                "random": lambda: optuna.samplers.RandomSampler(seed=spec.seed),
            }
            sampler = samplers[spec.sampler]()
        self._study = optuna.create_study(directions=[OBJECTIVES[name][1] for name in spec.objectives], sampler=sampler)
        self._asked: list[Any] = []

    def batches(self) -> Iterator[list[dict[str, Level]]]:
        """Propose batch after batch; ``report`` the results of one before the next is asked for."""
        for begin in range(0, self.spec.trials, self.spec.batch):
            self._asked = [self._study.ask() for _ in range(min(self.spec.batch, self.spec.trials - begin))]
            yield [self._levels(trial) for trial in self._asked]

    def report(self, values: Sequence[Sequence[float] | None]) -> None:
        """Take the results of the batch, for each trial one value per objective; None for a trial that failed."""
        failed = importlib.import_module("optuna").trial.TrialState.FAIL
        for trial, value in zip(self._asked, values, strict=True):
            if value is None or not all(math.isfinite(each) for each in value):
                self._study.tell(trial, state=failed)
            else:
                self._study.tell(trial, list(value))

    def _levels(self, trial: Any) -> dict[str, Level]:
        levels = {}
        for key, values in self.spec.space.items():
            found: Any
            if values.choices is not None:
                found = values.choices[trial.suggest_categorical(key, range(len(values.choices)))]
            elif values.integer:
                assert values.low is not None and values.high is not None  # checked by the planner
                found = united(trial.suggest_int(key, int(values.low), int(values.high), log=values.log), values)
            else:
                assert values.low is not None and values.high is not None  # checked by the planner
                found = united(trial.suggest_float(key, values.low, values.high, log=values.log), values)
            levels[key] = Level(found, None, {key: found}, True)
        return levels
