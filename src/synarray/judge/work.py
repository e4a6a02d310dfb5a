"""The work behind a verdict: which trainings, in which order, what is done of them, and what that says by now.

    first       two headline trainings
    then        draw by draw: the device as it is, without any imperfection, without each (attribution); the other headlines
    then        its worst properties at half and at double; library devices beside it
    last        where a wanted accuracy was named: what each property would have to be (reach)

Results are filed under (what they are for, which variant, which draw).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from synarray.cost.prices import load_periphery
from synarray.judge.attribution import AS_IT_IS, acting, attribute, named_layers, removed, variants
from synarray.judge.beside import Beside, beside, neighbours
from synarray.judge.imperfections import OF_THE_ARRAY, of_layers
from synarray.judge.improve import FACTORS, MOST, changed, changes, worst
from synarray.judge.question import Composed, Question
from synarray.judge.reach import DRAWS, Reach, reach
from synarray.judge.trainings import Job, Tasks, Trainings, Trial
from synarray.judge.verdict import Verdict
from synarray.learn.layered import presentations_of

__all__ = ["Update", "Work"]

_TRAINED, _TRAINED_MANY_CELLS = 16_000, 8_000
"""Most images that a variant is trained on; fewer where a weight is made of several analog cells, which takes three times as
long: so many variants must be done within a minute."""
_FIRST = 2
"""Headline trainings before anything else."""
_ATTRIBUTED, _CHANGED = 0.75, 0.5
"""Share of the draws behind the attribution, and behind what to improve."""
_TRIED = 6
"""Severities that the inverse question tries of a property, about."""
_MISSING = {
    "headline": "trainings",
    "variant": "trainings behind the costs of its imperfections",
    "changed": "trainings behind what to improve",
    "beside": "library devices beside it",
}


class Update(NamedTuple):
    """How far a verdict has come."""

    done: int
    total: int
    """Images shown, and to be shown as far as is known."""
    verdict: Verdict | None
    """The answer so far; None before there is one."""


class Work:
    """What is to be trained for a verdict, and what is done of it."""

    def __init__(self, question: Question, composed: Composed) -> None:
        self.question, self.composed, self.periphery = question, composed, load_periphery()
        specs = composed.specs
        schemes = [own.synapse.scheme_for(own.device) for own in of_layers(specs[0])]
        many = any(scheme.cells > 1 and scheme.wires_act for scheme in schemes)  # words of bits are as fast as one cell
        self.tasks = Tasks(specs, _TRAINED_MANY_CELLS if many else _TRAINED)
        self.names, self.layers = acting(specs), named_layers(specs[0])
        self.attributed, self.changing = (_share_of(len(specs), share) for share in (_ATTRIBUTED, _CHANGED))
        task = {"data": question.task} if question.task else {}
        self.neighbours = neighbours(composed.device, question.experiment, composed.settings | task, specs[0].seed)
        self.results: dict[tuple[Any, ...], Trial] = {}
        self.worst: list[str] = []
        self.answered: Reach | None = None
        self.finished: Counter[str] = Counter()
        own = [name for name in self.names if name not in OF_THE_ARRAY]
        self.planned = {
            "headline": len(specs),
            "variant": len(variants(self.names, self.layers)) * self.attributed,
            "changed": len(FACTORS) * min(MOST, len(own)) * self.changing,
            "beside": len(self.neighbours),
            "reach": 0 if question.wanted is None else DRAWS * (1 + _TRIED * len(self.names)),
        }
        long, short = (
            presentations_of(specs[0], len(task.x)) + len(task.x_read)
            for task in (self.tasks.headline[0], self.tasks.variant[0])
        )
        self._images = dict.fromkeys(self.planned, short) | {"headline": long}

    def run(self, trainings: Trainings) -> Iterator[Update]:
        """Do all of it, step by step."""
        yield from self._train(trainings, self._first())
        yield from self._train(trainings, self._second())
        if self.question.wanted is not None:
            yield from self._search(trainings, self.question.wanted)

    def _first(self) -> list[Job]:
        specs, variant = self.composed.specs, self.tasks.variant
        heads = [Job(("headline", i), spec, self.tasks.headline[i]) for i, spec in enumerate(specs)]
        jobs, later = heads[:_FIRST], heads[_FIRST:]
        for i, spec in enumerate(specs[: self.attributed]):
            jobs += [
                Job(("variant", gone, i), removed(spec, gone), variant[i]) for gone in variants(self.names, self.layers)
            ]
            jobs += later[i : i + 1]
        return jobs + later[self.attributed :]

    def _second(self) -> list[Job]:
        attributed = self.verdict().attribution
        assert attributed is not None  # what is first is done
        self.worst, jobs = worst(attributed), []
        for i, spec in enumerate(self.composed.specs[: self.changing]):
            for name, to in ((name, to) for name in self.worst for to in FACTORS):
                other = changed(spec, name, to)
                if other is not None:
                    jobs.append(Job(("changed", name, to, i), other, self.tasks.variant[i]))
        self.planned["changed"] = len(jobs)
        task = self.tasks.variant[0]
        return jobs + [Job(("beside", name), spec, task, of_library=True) for name, spec in self.neighbours.items()]

    def _train(self, trainings: Trainings, jobs: list[Job]) -> Iterator[Update]:
        for job, trial in trainings.run(jobs):
            self.finished[str(job.key[0])] += 1
            if trial is not None:
                self.results[job.key] = trial
            yield self.update()

    def _search(self, trainings: Trainings, wanted: float) -> Iterator[Update]:
        specs = self.composed.specs[:DRAWS]
        tested = float(np.mean([self.results["headline", i].accuracy for i in range(len(specs))]))
        search = reach(specs, wanted, tested)
        asked = next(search)
        while self.answered is None:
            yield from self._train(
                trainings, [Job(("reach", i), s, self.tasks.variant[i]) for i, s in enumerate(asked)]
            )
            try:
                asked = search.send(np.array([self.results["reach", i].accuracy for i in range(len(asked))]))
            except StopIteration as end:
                self.answered = end.value
        self.planned["reach"] = self.finished["reach"]
        yield self.update()

    def update(self) -> Update:
        """Say how far the work has come."""
        done = sum(self._images[kind] * n for kind, n in self.finished.items())
        total = sum(self._images[kind] * max(n, self.finished[kind]) for kind, n in self.planned.items())
        return Update(done, total, self.verdict() if self.finished["headline"] else None)

    def verdict(self) -> Verdict:
        """Put together what is known by now."""
        found, task, device = self.results, self.tasks.variant[0], self.composed.device
        trials = [found["headline", i] for i in range(len(self.composed.specs)) if ("headline", i) in found]
        read = {key[1:]: trial for key, trial in found.items() if key[0] == "variant"}
        as_it_is = {draw: trial for (gone, draw), trial in read.items() if gone == AS_IT_IS}
        attribution = attribute(
            {key: trial.accuracy for key, trial in read.items()},
            self.names,
            (len(task.x), len(task.x_read)),
            self.layers,
        )
        pairs = {
            (name, to, i): found["changed", name, to, i]
            for name in self.worst for to in FACTORS for i in range(self.changing)
            if ("changed", name, to, i) in found
        }  # fmt: skip
        return Verdict(
            self.question, device, self.composed.specs[0], self.composed.posterior, self.composed.unknown, trials,
            attribution, changes(pairs, as_it_is, self.composed.specs), self._beside(as_it_is), self.answered,
            self.periphery, self.missing(),
        )  # fmt: skip

    def _beside(self, as_it_is: dict[int, Trial]) -> list[Beside]:
        others = [
            beside(spec.device, self.results["beside", name])
            for name, spec in self.neighbours.items() if ("beside", name) in self.results and spec.device
        ]  # fmt: skip
        return [beside(self.composed.device, as_it_is[0]), *others] if others else []

    def missing(self) -> tuple[str, ...]:
        """Say what is asked and not done."""
        left = {kind: planned - self.finished[kind] for kind, planned in self.planned.items()}
        said = [f"{left[kind]} of {self.planned[kind]} {words}" for kind, words in _MISSING.items() if left[kind] > 0]
        if self.question.wanted is not None and self.answered is None:
            said.append("what would reach the wanted accuracy")
        return tuple(said)


def _share_of(n: int, share: float) -> int:
    """Draws of so many that a part of the work uses: a share, at least two where there are."""
    return min(n, max(2, math.ceil(share * n)))
