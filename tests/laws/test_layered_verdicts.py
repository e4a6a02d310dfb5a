"""A verdict on a device in a network of layers: all layers are priced and wear; the imperfections of each have their cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synarray
from synarray.cost.wear import trainings_left
from synarray.judge.attribution import acting, named_layers, removed
from synarray.judge.imperfections import OF_THE_ARRAY, numbers_of, pinned, scaled, severity_at
from synarray.judge.judge import judge
from synarray.judge.verdict import Verdict
from synarray.report.verdict_tables import cost_table
from synarray.run.folder import to_toml
from tests.doors.test_layers import experiment

SEEDS = 2


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory, bar_images: tuple) -> tuple[Path, Path]:
    x, y = bar_images
    folder = tmp_path_factory.mktemp("layered")
    np.savez(folder / "bars.npz", x_train=x[:480], y_train=y[:480], x_test=x[480:], y_test=y[480:])
    (folder / "small.toml").write_text(to_toml(experiment(epochs=1)), "utf-8")
    return folder / "small.toml", folder / "bars.npz"


@pytest.fixture(scope="module")
def verdict(task: tuple[Path, Path]) -> Verdict:
    return judge("pcm", task=task[1], experiment=str(task[0]), trainings=SEEDS)


def test_all_layers_are_priced_and_wear(verdict: Verdict, task: tuple[Path, Path]) -> None:
    given: dict[str, Any] = {"device": "pcm", "data": str(task[1])}
    trained = [synarray.train(task[0], settings=given | {"seed": seed}) for seed in range(SEEDS)]
    assert verdict.summary()["accuracies"] == [result.accuracy for result in trained]
    for trial, result in zip(verdict.trials, trained, strict=True):
        assert trial.prices.energy[""] == pytest.approx(result.energy().total)
        assert trial.prices.time["sequential"][""] == pytest.approx(result.energy().seconds["sequential"])
        ends = [
            trainings_left(m.array.scheme.pulses_per_cell(m.array.writes)[:, m.array.exists], m.spec.device)
            for m in result.machines
        ]
        assert trial.trainings_left == min(ends)
    assert {row.action.partition(":")[0] for row in verdict.ledger} == {"layer 1", "layer 2"}


def test_each_layer_has_its_cost(verdict: Verdict) -> None:
    attributed = verdict.attribution
    assert attributed is not None
    assert [cost.property for cost in attributed.layers] == ["layer 1, convolution", "layer 2, full"]
    assert any("of layer 2, full" in sentence for sentence in verdict.sentences)
    assert attributed.together is not None  # of properties: layers are another cut through the same loss
    sums = sum(cost.points.value for cost in attributed.costs if cost.acts) + attributed.together.value
    assert attributed.lost.value == pytest.approx(sums)
    assert "layer 1, convolution" in str(cost_table(verdict).rows)
    assert [row["property"] for row in verdict.summary()["layers"]] == named_layers(verdict.spec)


def test_what_is_removed_from_a_layer_stays_in_the_others() -> None:
    spec = pinned(experiment(device="pcm", array__wires__r_wire="2 ohm", layers__2__array__adc_bits=6))
    assert {"wires", "converters", "levels", "drift"} <= {*acting([spec])}
    one = removed(spec, frozenset([named_layers(spec)[1]]))
    assert one.layers[0] == spec.layers[0]
    own = one.layers[1]
    assert own.array.adc_bits is None and own.array.wires == type(own.array.wires)()
    assert own.device.sigma_c2c == 0 and own.device.drift_nu == 0 < spec.device.drift_nu
    whole = removed(spec, frozenset(["drift"]))
    assert [layer.device.drift_nu for layer in whole.layers] == [0, 0]
    assert [layer.array.adc_bits for layer in whole.layers] == [None, 6]


def test_half_of_a_number_is_half_in_every_layer() -> None:
    spec = pinned(experiment(device="pcm", layers__2__array__wires__r_wire="3 ohm"))
    half = scaled(spec, "c2c", severity_at(spec, "c2c", 0.5))
    assert [layer.device.sigma_c2c for layer in half.layers] == [spec.device.sigma_c2c / 2] * 2
    assert numbers_of(spec, "wires") == {"r_wire": 3.0}  # of the only layer that has any
    longer = scaled(spec, "wires", 2.0)
    assert [layer.array.wires.r_wire for layer in longer.layers] == [0.0, 6.0]
    assert "wires" in OF_THE_ARRAY


def test_a_layer_of_other_cells_is_refused(task: tuple[Path, Path]) -> None:
    with pytest.raises(synarray.SpecError, match="on one device, in all layers: got cells of hzo-fefet in layer 2"):
        judge("pcm", task=task[1], experiment=str(task[0]), settings={"layers.2.device": "hzo-fefet"})
