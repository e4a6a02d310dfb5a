"""A run read again later: at once with the same answers, then by its device's own law, faster when it is hotter."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synarray import RunError, SpecError, load_experiment, open_run, train
from synarray.run.experiment import task_images
from synarray.run.folder import reserve, write_run
from synarray.run.opened import Run
from synarray.run.retention import read_later, rebuild
from synarray.units import BOLTZMANN, ELECTRONVOLT
from tests.doors.test_layers import STACK

WARM: dict[str, Any] = {"retention": "1000 s", "retention_temperature": "85 C", "retention_energy": "1.1 eV"}
NO_WIRES = {"array.wires.r_wire": "0 ohm", "array.wires.r_driver": "0 ohm", "array.wires.r_sense": "0 ohm"}
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "pairs that drift": ("full-field", {"device": "pcm"}),
    "analog, every imperfection": ("cbram-everything", NO_WIRES),
    "analog, relaxing": ("cbram-analog", {f"device.{key}": value for key, value in WARM.items()}),
    "failing": ("full-field", {"device": "pcm", "array.wear": True, "device.endurance": 60, "array.prior_pulses": 9.0}),
    "cut after training": ("full-field", {"device": "pcm", "pruning.mode": "after", "pruning.fraction": 0.4}),
    "removed while training": (
        "cbram-everything",
        {"pruning.mode": "conventional", "pruning.fraction": 0.4, **NO_WIRES},
    ),
    "as the library has it": ("cbram-analog", {}),
    "layers": (STACK, {"device": "pcm", "n_neurons": 500}),
}
WAIT = {"readout.wait": "1e6 s"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, bar_images: tuple) -> Path:
    x, y = bar_images
    path = tmp_path_factory.mktemp("data") / "bars.npz"
    np.savez(path, x_train=x[:200], y_train=y[:200], x_test=x[200:500], y_test=y[200:500])
    return path


def trained(kind: str, data: Path, folder: Path, **changes: Any) -> Run:
    name, settings = KINDS[kind]
    spec = load_experiment(name, {"data": str(data), "n_neurons": 12, "epochs": 1, **settings, **changes})
    task, x, y, x_test, y_test = task_images(spec)
    result = train(spec, x, y, x_test, y_test, image_shape=task.image_shape, full_scale=task.full_scale)
    return open_run(write_run(result, spec, reserve(folder / "run", spec)))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "as the library has it"])
def test_a_run_set_up_again_is_the_machine_it_was(kind: str, data: Path, tmp_path: Path) -> None:
    run = trained(kind, data, tmp_path)
    array = rebuild(run)[0].machine.array
    for name in ("w", "pair", "alive", "read_copy", "writes"):
        np.testing.assert_array_equal(getattr(array, name), run.arrays[name], err_msg=name)
    (now,) = read_later(run, [0.0])
    np.testing.assert_array_equal(now.evaluation.confusion, run.arrays["confusion"])
    assert now.evaluation.accuracy == run.metrics["accuracy"]


@pytest.mark.parametrize("kind", ["pairs that drift", "layers"])
def test_waiting_in_the_training_and_reading_later_are_the_same(kind: str, data: Path, tmp_path: Path) -> None:
    """``readout.wait`` of one run, and the retention of another that did not wait: pairs that drift, by their own ages."""
    waited = trained(kind, data, tmp_path, **WAIT)
    now, later = read_later(trained(kind, data, tmp_path), [0.0, 1e6])
    np.testing.assert_array_equal(later.evaluation.confusion, waited.arrays["confusion"])
    assert (now.evaluation.confusion != later.evaluation.confusion).any()


def test_what_has_failed_neither_drifts_nor_relaxes(data: Path, tmp_path: Path) -> None:
    run = trained("failing", data, tmp_path)
    failed = run.arrays["failed"] > 0
    assert 0.02 < failed.mean() < 0.98
    result = rebuild(run)[0]
    result.machine.age(1e9)
    moved = result.machine.array.pair != run.arrays["pair"]
    assert not moved[failed].any()
    assert moved[~failed & result.machine.array.exists].any()


def test_hotter_is_the_same_as_longer(data: Path, tmp_path: Path) -> None:
    """Arrhenius, by hand: 125 C for a time is 85 C for exp(E/k (1/358.15 - 1/398.15)) times as long."""
    run = trained("analog, relaxing", data, tmp_path)
    faster = math.exp(1.1 * ELECTRONVOLT / BOLTZMANN * (1 / 358.15 - 1 / 398.15))
    (hot,) = read_later(run, [100.0], temperature=398.15)
    (stated,) = read_later(run, [100.0], temperature=358.15)
    (longer,) = read_later(run, [100.0 * faster])
    np.testing.assert_array_equal(hot.evaluation.confusion, longer.evaluation.confusion)
    assert (stated.evaluation.confusion != longer.evaluation.confusion).any()


def test_after_many_time_constants_nothing_is_known_any_more(data: Path, tmp_path: Path) -> None:
    """All cells at g_min: winners are drawn by thresholds alone, so that images tell nothing (four classes: 25 %)."""
    now, later = read_later(trained("analog, relaxing", data, tmp_path), [0.0, 1e6])
    assert now.evaluation.accuracy > 0.6
    assert later.evaluation.accuracy_low < 0.25 < later.evaluation.accuracy_high + 0.1
    assert later.evaluation.accuracy < 0.45


def test_times_are_read_each_from_the_end_of_training(data: Path, tmp_path: Path) -> None:
    run = trained("pairs that drift", data, tmp_path)
    together = read_later(run, [1e3, 1e6, 1e9])
    for point in together:
        (alone,) = read_later(run, [point.seconds], workers=2)
        np.testing.assert_array_equal(point.evaluation.confusion, alone.evaluation.confusion)


def test_wires_are_worked_out_for_the_cells_as_they_have_become(data: Path, tmp_path: Path) -> None:
    """At once, reading again differs from the training's last reading by what the wires had not followed, and no more."""
    run = trained("analog, every imperfection", data, tmp_path, **{"array.wires.r_wire": "2 ohm"})
    now, later = read_later(run, [0.0, 1e9])
    assert now.evaluation.accuracy == pytest.approx(run.metrics["accuracy"], abs=0.05)
    assert (later.evaluation.confusion != now.evaluation.confusion).any()


def test_what_is_not_known_is_said(data: Path, tmp_path: Path) -> None:
    assert read_later(trained("as the library has it", data, tmp_path)) == []
    with pytest.raises(SpecError, match="retention_temperature and no retention_energy"):
        read_later(trained("pairs that drift", data, tmp_path), temperature=300.0)


def test_ideal_weights_have_no_law(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="ideal weights"):
        read_later(trained("pairs that drift", data, tmp_path, device=None))
