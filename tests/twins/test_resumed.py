"""A training that was interrupted and went on ends with the same bits as one that was not."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synarray import ExperimentSpec, Result, load_experiment, train
from synarray.learn.checkpoint import Checkpoints, TrainingStoppedError, capture, restore
from synarray.learn.trainer import Trainer
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.topology import place_groups

SMALL: dict[str, Any] = {"n_neurons": 12, "epochs": 2}
WIRES: dict[str, Any] = {"array.rows": 160, "array.columns": 32, "array.wires.r_wire": "5 ohm", "array.wires_every": 40}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "local fields": ("local-fields", {}),
    "sliding form, soft pruning": ("shi2018", {"pruning.mode": "soft", "pruning.fraction": 0.5}),
    "random pruning": ("full-field", {"pruning.mode": "random", "pruning.fraction": 0.5}),
    "conventional pruning": ("full-field", {"pruning.mode": "conventional", "pruning.fraction": 0.4, "pruning.maturity": 9}),
    "cut and rebalanced": ("full-field", {"pruning.mode": "after", "pruning.fraction": 0.5, "pruning.rebalance": 50}),
    "pairs with drift and wires": ("full-field", {"device": "pcm", **WIRES}),
    "every imperfection": ("cbram-everything", WIRES),
    "every imperfection, sliding": ("cbram-everything", {**WIRES, "encoding.form": "sliding", "encoding.t_present": "20 ms"}),
    "digital words": ("cbram-2-bit", {}),
    "compound": ("full-field", {"device": "subquantum-cbram", "synapse.scheme": "compound"}),
}  # fmt: skip


def experiment(kind: str, **changes: Any) -> ExperimentSpec:
    name, settings = KINDS[kind]
    return load_experiment(name, {**SMALL, **settings, **changes})


@pytest.fixture(autouse=True)
def no_power_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only these need a file to be on the disk, and they do not happen here."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def things(machine: Machine) -> list[Any]:
    """Everything of a machine that keeps numbers."""
    return [thing for thing in (machine, machine.array, machine.ageing, machine.wear) if thing is not None]


def state(result: Result) -> dict[str, Any]:
    """Every number and array of the trained machine, its array and its clock, and all that was counted and read."""
    found = {
        f"{type(thing)} {name}": value.tobytes() if isinstance(value, np.ndarray) else value
        for thing in things(result.machine)
        for name, value in vars(thing).items()
        if isinstance(value, np.ndarray | bool | int | float)
    }
    times = ("seconds", "train_seconds", "images_per_second")
    return found | {
        "metrics": {key: value for key, value in result.metrics().items() if key not in times},
        "history": result.history,
        "labels": result.label_counts.tobytes(),
        "confusion": result.evaluation.confusion.tobytes() if result.evaluation else None,
    }


class Interrupted(Checkpoints):
    """Stops the training after every so many blocks."""

    def __init__(self, folder: Path, every: int) -> None:
        super().__init__(folder, 0.0)
        self.every, self.blocks = every, 0

    def at_block(self, trainer: Trainer) -> None:
        self.blocks += 1
        self.asked_to_stop = self.blocks == self.every
        super().at_block(trainer)


@pytest.mark.parametrize("every", [1, 23])
@pytest.mark.parametrize("kind", KINDS)
def test_interruptions_do_not_matter(kind: str, every: int, bar_images: tuple, tmp_path: Path) -> None:
    n = 30 if every == 1 else 90
    x, y, spec = bar_images[0][:n], bar_images[1][:n], experiment(kind, epochs=1 if every == 1 else 2)
    whole = train(spec, x, y, x, y)
    for times in itertools.count():
        try:
            checkpoints = Interrupted(tmp_path, every)
            resumed = train(spec, x, y, x, y, checkpoints=checkpoints)
            break
        except TrainingStoppedError:
            assert times < 200
    assert times >= (n if every == 1 else 6)
    assert len(checkpoints.resumed) == times
    assert checkpoints.resumed == sorted(checkpoints.resumed)
    assert state(resumed) == state(whole)


def trainer_of(spec: ExperimentSpec, x: Any) -> tuple[Trainer, Any]:
    """Build what ``train`` builds."""
    flat = x.reshape(len(x), -1)
    retina = Retina.fit(flat, spec.inputs, full_scale=255.0, gain_control=spec.encoding.gain_control)
    groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, x.shape[1:])
    return Trainer(Machine.build(spec, groups, 6000), 4, 6000), retina.see(flat)


def test_stretches_of_the_training_curve_are_the_only_joints(bar_images: tuple) -> None:
    """Images may be handed over in any pieces that end where a point of the curve stands, every 2,048 presentations."""
    x, y = bar_images
    spec, order = experiment("local fields"), np.resize(np.arange(len(x)), 6000)
    found = []
    for pieces in ([6000], [2048, 3952], [4096, 1904]):
        trainer, pixels = trainer_of(spec, x)
        for part in np.split(order, np.cumsum(pieces)[:-1]):
            trainer.learn(pixels, part, y)
        found.append({name: value.tobytes() for name, value in capture(trainer).items() if name != "trainer.seconds"})
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_a_training_is_made_of_is_forgotten(kind: str, bar_images: tuple) -> None:
    """Between two points of the curve, and with wires worked out for cells that have moved since."""
    x, y = bar_images
    first, pixels = trainer_of(experiment(kind), x)
    first.blocks_at_once = 1
    first.learn(pixels, np.arange(300), y)
    kept: list[dict[str, Any]] = []
    first.learn(
        pixels, np.arange(300), y, on_block=lambda trainer: kept.append({k: v.copy() for k, v in capture(trainer).items()})
    )  # fmt: skip
    second, _ = trainer_of(experiment(kind), x)
    middle = kept[len(kept) // 2]
    assert len(middle["trainer.winners"]) == 300
    restore(second, middle)
    second.learn(pixels, np.arange(300), y, shown=int(middle["trainer.presentations"]) - 300)
    for name, value in capture(first).items():
        if name != "trainer.seconds":
            np.testing.assert_array_equal(capture(second)[name], value, err_msg=name)
    for one, other in zip(things(first.machine), things(second.machine), strict=True):
        for name, value in vars(one).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(vars(other)[name], value, err_msg=name)


def test_a_state_of_another_training_is_refused_and_changes_nothing(bar_images: tuple) -> None:
    x, _ = bar_images
    small, _ = trainer_of(experiment("local fields"), x)
    for other in (
        trainer_of(experiment("local fields", n_neurons=13), x)[0],
        trainer_of(experiment("pairs with drift and wires"), x)[0],
    ):
        before = {name: value.copy() for name, value in capture(small).items()}
        with pytest.raises(ValueError, match="another training"):
            restore(small, capture(other))
        assert all(np.array_equal(value, before[name]) for name, value in capture(small).items())


def test_training_without_checkpoints_writes_no_file(
    bar_images: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train(experiment("local fields"), *bar_images)
    assert list(tmp_path.iterdir()) == []
