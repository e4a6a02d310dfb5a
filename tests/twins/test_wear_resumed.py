"""A training in which cells fail, interrupted anywhere: it goes on to the same bits, and the same cells fail."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_resumed import WIRES, Interrupted, state, trainer_of

from synarray import load_experiment, train
from synarray.learn.checkpoint import TrainingStoppedError, capture, restore

WEAR: dict[str, Any] = {"n_neurons": 12, "array.wear": True}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "analog, every imperfection and wires": ("cbram-everything", {**WIRES, "device.endurance": 15}),
    "analog, wires that weaken pulses": ("cbram-analog", {**WIRES, "device.endurance": 15, "device.v_fold": "0.1 V"}),
    "pairs with drift and wires": ("full-field", {"device": "pcm", **WIRES, "device.endurance": 15}),
    "digital words": ("cbram-2-bit", {"device.endurance": 8}),
    "compound": (
        "full-field", {"device": {"base": "stt-mram", "p_switch_ltp": 0.3, "endurance": 8}, "synapse.scheme": "compound"},
    ),
    "in a second life": ("cbram-analog", {"device.endurance": 30, "array.prior_pulses": 15}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_power_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only these need a file to be on the disk, and they do not happen here."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.parametrize("kind", KINDS)
def test_interruptions_do_not_matter(kind: str, bar_images: tuple, tmp_path: Path) -> None:
    name, settings = KINDS[kind]
    spec = load_experiment(name, {**WEAR, **settings, "epochs": 2})
    x, y = bar_images[0][:90], bar_images[1][:90]
    whole = train(spec, x, y, x, y)
    assert whole.machine.wear is not None
    assert 0.02 < whole.machine.wear.n_failed / whole.machine.wear.life.size < 0.98
    for times in itertools.count():
        try:
            resumed = train(spec, x, y, x, y, checkpoints=Interrupted(tmp_path, 23))
            break
        except TrainingStoppedError:
            assert times < 200
    assert times >= 6
    assert state(resumed) == state(whole)


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_training_is_the_same_in_everything_that_can_fail(kind: str, bar_images: tuple) -> None:
    name, settings = KINDS[kind]
    x, y = bar_images
    spec = load_experiment(name, {**WEAR, **settings})
    first, pixels = trainer_of(spec, x)
    first.learn(pixels, np.arange(300), y)
    second, _ = trainer_of(spec, x)
    restore(second, {key: value.copy() for key, value in capture(first).items()})
    for trainer in (first, second):
        trainer.learn(pixels, np.arange(300, 600), y)
    one, other = capture(first), capture(second)
    assert one["wear.failed"].any()
    for key in one.keys() - {"trainer.seconds"}:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)
    np.testing.assert_array_equal(first.machine.array.traits, second.machine.array.traits)
