"""A network of layers that continues from a finished one: the same cells in every layer, on new images."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synarray
from synarray.errors import DataError, SpecError
from synarray.events import NeuronEvent
from synarray.learn.checkpoint import TrainingStoppedError
from tests.doors.test_layers import STACK, experiment
from tests.twins.test_resumed import Interrupted, state

KINDS = ("contrast", "compete", "local, names", "wears out")


@pytest.fixture(scope="module")
def first(bar_images: tuple) -> dict[str, synarray.Result]:
    x, y = bar_images
    return {kind: synarray.train(experiment(kind), x[:200], y[:200]) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_continues_from_its_own_cells(kind: str, first: dict, bar_images: tuple, tmp_path: Path) -> None:
    start, x, y = first[kind], bar_images[0][200:260], bar_images[1][200:260]
    before = start.state_sha256, start.metrics(), [machine.array.writes.copy() for machine in start.machines]
    run = synarray.open_run(start.save(tmp_path / "first"))
    more = synarray.train(None, x, y, start=start)
    assert (start.state_sha256, start.metrics()) == before[:2]  # what it started from stays as it is
    assert synarray.train(None, x, y, start=run).state_sha256 == more.state_sha256
    extra = kind == "compete"
    assert [row["images_seen"] for row in more.metrics()["layers"]] == [120, 120 + 60 * extra]
    assert more.before.layers == (400, 400 + 200 * extra)
    assert more.events["initial_pulse"] == 0
    for machine, writes in zip(more.machines, before[2], strict=True):
        sent = machine.neuron_events[:, [NeuronEvent.LTP_PULSE, NeuronEvent.LTD_PULSE]].sum()
        received = machine.array.writes.astype(np.int64) - writes
        assert sent > 0 and received.min() >= 0
        assert machine.spec.device is None or received.sum() >= sent
    again = synarray.open_run(more.save(tmp_path / "more"))
    assert again.result.state_sha256 == more.state_sha256
    third = synarray.train(None, x, y, start=again)
    assert third.before.layers == tuple(a + b for a, b in zip(more.before.layers, (120, 120 + 60 * extra), strict=True))
    assert third.before.images_seen == sum(third.before.layers)


def test_schedules_run_on_in_every_layer(first: dict, bar_images: tuple) -> None:
    """After 400 presentations the next is at 400 of 401: winners' thresholds move by steps of that moment."""
    x, y = bar_images[0][200:201], bar_images[1][200:201]
    start = first["local, names"]
    more = synarray.train(None, x, y, start=start, settings={"epochs": 1})
    for one, other in zip(start.machines, more.machines, strict=True):
        step = round(other.spec.neuron.homeostasis * max(0.1, 1 - 400 / 401) * other.array.read_units)
        moved = one.threshold.astype(int) - other.threshold
        assert step > 1 and (moved != 0).any()
        for g in range(len(other.groups)):  # of a group's thresholds the highest is always 0
            assert not (np.diff(moved[other.array.neurons(g)]) % step).any()
        assert other.expected_spikes == pytest.approx(one.expected_spikes * 401 / 400)


def test_where_no_cell_is_moved_every_layer_is_what_it_was(first: dict, bar_images: tuple) -> None:
    start, x, y = first["local, names"], bar_images[0][200:260], bar_images[1][200:260]
    still = synarray.train(None, x, y, start=start, settings={"layers.1.learn": False, "layers.2.learn": False})
    assert (still.pulses, still.images_seen) == (0, 0)
    for one, other in zip(start.machines, still.machines, strict=True):
        np.testing.assert_array_equal(one.array.w, other.array.w)
        np.testing.assert_array_equal(one.threshold, other.threshold)
    assert (still.predict(x) == start.predict(x)).mean() > 0.8  # only the labels are of fewer images


def test_a_run_that_does_not_say_what_each_layer_had_seen_is_damaged(
    first: dict, bar_images: tuple, tmp_path: Path
) -> None:
    x, y = bar_images[0][200:220], bar_images[1][200:220]
    folder = synarray.train(None, x, y, start=first["contrast"]).save(tmp_path / "run")
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    metrics["started_from"]["layers"].pop()
    (folder / "metrics.json").write_text(json.dumps(metrics), "utf-8")
    with pytest.raises(synarray.RunError, match="1 layers that it started from, its experiment 2"):
        synarray.open_run(folder)


@pytest.mark.parametrize("kind", ["compete", "wears out"])
def test_an_interrupted_continuation_resumes_to_the_same_bits(
    kind: str, first: dict, bar_images: tuple, tmp_path: Path
) -> None:
    x, y = bar_images[0][200:220], bar_images[1][200:220]
    whole = synarray.train(None, x, y, x, y, start=first[kind], settings={"epochs": 1})
    for times in itertools.count():
        try:
            given: dict[str, Any] = {"settings": {"epochs": 1}, "checkpoints": Interrupted(tmp_path, 7)}
            resumed = synarray.train(None, x, y, x, y, start=first[kind], **given)
            break
        except TrainingStoppedError:
            assert times < 30
    assert times >= 3
    assert state(resumed) == state(whole)
    for one, other in zip(resumed.below, whole.below, strict=True):
        np.testing.assert_array_equal(one.machine.array.w, other.machine.array.w)
        np.testing.assert_array_equal(one.machine.neuron_events, other.machine.neuron_events)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layers.1.kernel": 4}, "kernel = 4, not kernel = 3 (key layers.1.kernel)"),
        ({"layers.1.n_neurons": 9, "layers.1.pool": 2}, "n_neurons = 9, pool = 2, not n_neurons = 8, pool = 5"),
        ({"layers.2.teacher": "name"}, "teacher = name, not teacher = compete"),
        ({"encoding.channels": 3}, "one of 27 x 8 cells, not 18 x 8 (key layers.1)"),
        ({"layers.2.device": "pcm"}, "must have its device"),
        ({"device": "pcm"}, "must have its device"),
        ({"seed": 4}, "must have its seed"),
        ({"layers": STACK["layers"][1:]}, "1 layers, not 2"),
        ({"layers": []}, "no layers, not 2"),
    ],
)  # fmt: skip
def test_other_layers_are_refused_with_both_shapes(settings: dict, words: str, first: dict, bar_images: tuple) -> None:
    with pytest.raises(SpecError, match=re.escape(words)):
        synarray.train(None, bar_images[0][:50], bar_images[1][:50], start=first["compete"], settings=settings)


def test_a_taught_network_takes_no_new_class(first: dict, bar_images: tuple) -> None:
    x, y = bar_images[0][:40], bar_images[1][:40]
    with pytest.raises(DataError, match="5 classes, not 4"):
        synarray.train(None, x, np.full(40, 9), start=first["contrast"])
    only = y == 1
    more = synarray.train(None, x[only], y[only], start=first["contrast"], settings={"epochs": 1})
    assert more.classes.tolist() == first["contrast"].classes.tolist()
