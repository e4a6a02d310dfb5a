"""Attribution: what is not there costs exactly nothing, nothing shifts the spikes, the rows add up, workers do not matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from synarray.device.curves import ResponseTable
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.judge.attribution import acting, attribute
from synarray.judge.heldout import HeldOut
from synarray.judge.imperfections import IMPERFECTIONS, pinned, scaled, without
from synarray.judge.intervals import of_mean, of_one_more
from synarray.judge.judge import Question, Verdict, judge
from synarray.judge.reach import reach
from synarray.learn.result import Result
from synarray.learn.training import train
from synarray.run.experiment import ExperimentSpec, load_experiment

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]

EVERYTHING = {
    "base": "subquantum-cbram", "n_levels_ltp": 12, "n_levels_ltd": 20, "p_fail": 0.1, "sigma_read": 0.1,
    "sigma_d2d_nonlinearity": 0.3, "stuck_low": 0.05, "drift_nu": 0.02, "sigma_drift_nu": 0.005,
    "endurance": 12, "endurance_shape": 2,
}  # fmt: skip
SMALL: dict[str, Any] = {"n_neurons": 24, "epochs": 1}
ANALOG = [
    "asymmetry",
    "nonlinearity",
    "levels",
    "c2c",
    "d2d",
    "read noise",
    "stuck",
    "failures",
    "drift",
    "wear",
    "wires",
]
WORN = {"array.wear": True}


@pytest.fixture(scope="module")
def bars_data(tmp_path_factory: pytest.TempPathFactory, bar_images: Images) -> Path:
    x, y = bar_images
    path = tmp_path_factory.mktemp("bars") / "bars.npz"
    np.savez(path, x_train=x[:480], y_train=y[:480], x_test=x[480:], y_test=y[480:])
    return path


def experiment(device: Any, **changes: Any) -> ExperimentSpec:
    return pinned(load_experiment("judge", {**SMALL, "device": device, **changes}))


def trained(spec: ExperimentSpec, images: Images) -> Result:
    x, y = images
    return train(spec, x[:300], y[:300], x[300:400], y[300:400], image_shape=(12, 12))


def test_a_device_with_everything_has_every_imperfection() -> None:
    assert acting([experiment(EVERYTHING, **WORN)]) == ANALOG == list(IMPERFECTIONS)
    perfect = {"law": "linear", "n_levels_ltp": 255, "n_levels_ltd": 255}
    assert acting([experiment(perfect, **{"array.wires": {}})]) == []
    assert acting([experiment("sram")]) == ["levels"]  # bits are sensed as 0 or 1: neither wires nor spreads act
    pair = acting([experiment("pcm")])
    assert "asymmetry" not in pair  # the LTD pulse of a pair resets
    assert {"levels", "drift", "read noise", "c2c", "wires"} <= set(pair)


@pytest.mark.parametrize("name", ANALOG)
def test_an_imperfection_that_is_not_there_changes_nothing(name: str) -> None:
    perfect = experiment({"law": "linear", "n_levels_ltp": 255, "n_levels_ltd": 255}, **{"array.wires": {}})
    assert scaled(perfect, name, 0.0) is perfect
    assert scaled(perfect, name, 2.0) is perfect
    spec = experiment(EVERYTHING, **WORN)
    assert scaled(spec, name, 1.0) is spec
    assert not IMPERFECTIONS[name].acts(without(spec, [name]))
    rest = without(spec, [name])
    assert {part for part in ANALOG if IMPERFECTIONS[part].acts(rest)} == set(ANALOG) - {name}


@pytest.mark.parametrize("name", ["c2c", "d2d", "read noise", "drift", "wires"])
def test_what_words_of_bits_do_not_feel_leaves_every_bit_alike(name: str, bar_images: Images) -> None:
    spread = {"base": "stt-mram", "sigma_c2c": 0.3, "sigma_d2d_range": 0.2, "sigma_read": 0.4, "drift_nu": 0.1}
    with_it = trained(experiment(spread), bar_images)
    without_it = trained(experiment("stt-mram", **{"array.wires": {}}), bar_images)
    assert not IMPERFECTIONS[name].acts(experiment(spread))
    assert with_it.state_sha256 == without_it.state_sha256
    assert with_it.accuracy == without_it.accuracy


def test_switching_an_imperfection_shifts_no_spike_of_the_inputs(bar_images: Images) -> None:
    spec = experiment(EVERYTHING, **WORN)
    full = trained(spec, bar_images)
    for name in ANALOG:
        other = trained(without(spec, [name]), bar_images)
        assert other.state_sha256 != full.state_sha256, name  # it does act
        assert other.events["input_spike"] == full.events["input_spike"], name
        assert other.events["row_read"] == full.events["row_read"], name
    ideal = trained(without(spec, ANALOG), bar_images)
    assert ideal.events["input_spike"] == full.events["input_spike"]


def test_steps_without_an_imperfection_are_what_its_name_says() -> None:
    w = np.linspace(-1.0, 1.0, 41)
    spec = experiment({"base": EVERYTHING, "nonlinearity_ltp": 2.4, "nonlinearity_ltd": -4.88})
    even = without(spec, ["asymmetry"]).device
    straight = without(spec, ["nonlinearity"]).device
    fine = without(spec, ["levels"]).device
    assert even and straight and fine and spec.device
    down, up = even.steps(w)
    np.testing.assert_allclose(up, down[::-1], rtol=1e-9)  # LTD is LTP seen from the other end
    assert np.ptp(straight.steps(w), axis=1) == pytest.approx([0, 0])
    assert (fine.n_levels_ltp, fine.n_levels_ltd) == (255, 255 * 20 / 12)
    # the variance that a given movement brings stays: pulses x variance of one
    assert fine.sigma_c2c**2 * fine.n_levels_ltp == pytest.approx(spec.device.sigma_c2c**2 * 12)


def test_tables_lose_asymmetry_bend_and_levels_too() -> None:
    table = ResponseTable(x=(0.0, 0.3, 1.0), ltp=(0.2, 0.1, 0.02), ltd=(0.01, 0.1, 0.05))
    spec = experiment({"law": "table", "response": table.model_dump()})
    w = np.linspace(-1.0, 1.0, 41)
    even, straight, fine = (without(spec, [name]).device for name in ("asymmetry", "nonlinearity", "levels"))
    assert even and straight and fine and spec.device
    down, up = even.steps(w)
    np.testing.assert_allclose(up, down[::-1], rtol=1e-9)
    assert np.ptp(straight.steps(w), axis=1) == pytest.approx([0, 0])
    mean = spec.device.steps(np.linspace(-1, 1, 200_001)).mean(axis=1)
    np.testing.assert_allclose(straight.steps(w)[:, 0], mean, rtol=1e-3)
    assert fine.steps(w).max(axis=1).max() < 0.02
    np.testing.assert_allclose(fine.steps(w) / spec.device.steps(w), (fine.steps(w) / spec.device.steps(w))[0, 0])


def test_rows_of_the_waterfall_add_up(bars_data: Path) -> None:
    specs = [experiment(EVERYTHING, data=str(bars_data), seed=seed, images=240, **WORN) for seed in range(2)]
    told = attribute(HeldOut(specs, workers=2))
    assert [cost.property for cost in told.costs if cost.acts] and len(told.costs) == len(IMPERFECTIONS)
    lost = sum(cost.points.value for cost in told.costs) + told.together.value
    assert 100 * (told.ideal.value - told.full.value) == pytest.approx(lost, abs=1e-9)
    assert (told.trained, told.held) == (200, 40)


def test_costs_are_paired_differences_of_the_trainings_themselves(bars_data: Path) -> None:
    """By hand: the same images held out, one training with and one without wires, for each seed."""
    device = {"base": "metal-filament-cbram"}
    wires = {"array.wires.r_wire": "40 ohm", "array.rows": 256, "array.columns": 64, "array.count": 4}
    specs = [experiment(device, data=str(bars_data), seed=seed, **wires) for seed in range(2)]
    held_out = HeldOut(specs)
    cost = next(cost for cost in attribute(held_out).costs if cost.property == "wires")
    straight = [
        spec.model_copy(update={"array": spec.array.model_copy(update={"wires": type(spec.array.wires)()})})
        for spec in specs
    ]
    with_wires, no_wires = (held_out.accuracies({0: variant})[0] for variant in (specs, straight))
    differences = 100 * (no_wires - with_wires)
    assert cost.points.value == pytest.approx(differences.mean(), abs=1e-9)
    half = stats.t.ppf(0.975, 1) * np.ptp(differences) / 2  # of two values, the standard error is half their distance
    assert (cost.points.low, cost.points.high) == pytest.approx((differences.mean() - half, differences.mean() + half))


def _asked(data: Path, **more: Any) -> Question:
    settings = (*(f"{key}={value}" for key, value in SMALL.items()), "images=120", 'array.wires.r_wire="40 ohm"')
    return Question("hzo-fefet", task=str(data), settings=settings, seeds=2, **more)


def test_a_verdict_does_not_depend_on_workers(bars_data: Path) -> None:
    one, two = (judge(_asked(bars_data, wanted=0.9), workers=n).summary() for n in (1, 2))
    assert one == two
    assert one["accuracy_low"] <= one["accuracy"] <= one["accuracy_high"]
    assert one["energy_low"] <= one["energy"] <= one["energy_high"]
    assert sum(one["energy_by_component"].values()) == pytest.approx(one["energy"])
    assert one["trainings_left_low"] <= one["trainings_left"] <= one["trainings_left_high"]


def test_lifetime_is_that_of_the_pulses_its_cells_received(bars_data: Path) -> None:
    """By hand for one training: the number n at which the mean of 1 - exp(-(n pulses / eta)^beta) is 0.01."""
    settings = ("n_neurons=24", "device.endurance=1e4", "device.endurance_shape=1.5")
    for name, cells in (("ideal", 1), ("stt-mram", 2)):
        asked = Question(name, task=str(bars_data), settings=settings, seeds=1)
        told = judge(asked).trainings_left
        spec = load_experiment("judge", {"n_neurons": 24, "data": str(bars_data), "device": name})
        with np.load(bars_data) as data:
            result = train(spec, data["x_train"], data["y_train"], image_shape=(12, 12), full_scale=255)
        array = result.machine.array
        pulses = array.writes[:, array.exists].ravel().astype(float)
        assert len(pulses) == cells * array.n_cells
        assert told is not None
        assert np.mean(1 - np.exp(-((told.value * pulses / 1e4) ** 1.5))) == pytest.approx(0.01, rel=1e-5)


def test_a_verdict_on_one_training_claims_no_spread(bars_data: Path) -> None:
    verdict: Verdict = judge(Question("ideal", task=str(bars_data), settings=("n_neurons=24",), seeds=1))
    told = verdict.summary()
    assert told["accuracy_low"] < told["accuracy"] <= told["accuracy_high"]  # the test images are still a sample
    assert told["energy_low"] is None
    assert [row["low"] for row in told["attribution"] if row["acts"]] == [None] * len(acting([verdict.spec]))
    assert all(row["low"] == row["points"] == row["high"] == 0 for row in told["attribution"] if not row["acts"])


def test_draws_of_a_posterior_are_what_is_trained(tmp_path: Path, bars_data: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\nlaw = "linear"\ng_min = "1 uS"\ng_max = "10 uS"\nn_levels_ltp = 60\nn_levels_ltd = 60\n'
        "sigma_c2c = 0.02\n[posterior]\ng_max = [9e-6, 10e-6, 11e-6]\nn_levels_ltp = [50.0, 60.0, 70.0]\n"
    )
    settings = ("n_neurons=24", "device.sigma_c2c=0.03")
    verdict = judge(Question(str(file), task=str(bars_data), settings=settings, draws=2), workers=2)
    assert [draw.g_max for draw in verdict.draws] == [9e-6, 10e-6]
    assert [draw.sigma_c2c for draw in verdict.draws] == [0.03, 0.03]  # what was set stands in every draw
    assert verdict.device.sigma_c2c == 0.03
    assert verdict.summary()["fitted"] and len(verdict.trials) == 2
    # a draw is trained as the device it is: the same alone, with the same seed
    spec = load_experiment(
        "judge", {"n_neurons": 24, "data": str(bars_data), "seed": 1, "device": verdict.draws[1].model_dump()}
    )
    with np.load(bars_data) as data:
        result = train(
            spec, data["x_train"], data["y_train"], data["x_test"], data["y_test"], image_shape=(12, 12), full_scale=255
        )
    assert result.state_sha256 == verdict.trials[1].metrics["state_sha256"]


class _Known(HeldOut):
    """Stands in for trainings: the accuracy falls with the read noise by a law that is known."""

    def __init__(self, specs: list[ExperimentSpec]) -> None:
        self.specs = tuple(specs)

    def accuracies(self, variants: Any) -> Any:
        return {key: np.array([0.95 - self._noise(spec) for spec in specs]) for key, specs in variants.items()}

    @staticmethod
    def _noise(spec: ExperimentSpec) -> float:
        assert isinstance(spec.device, DeviceSpec)
        return 0.5 * spec.device.sigma_read


@pytest.mark.parametrize(("sigma", "wanted", "status", "at"), [
    (0.2, 0.90, "needed", 0.1), (0.04, 0.90, "already fine", 0.1), (0.2, 0.96, "cannot reach alone", None),
    (0.2, 0.80, "already fine", 0.3),
])  # fmt: skip
def test_the_inverse_question_finds_a_known_answer(sigma: float, wanted: float, status: str, at: float | None) -> None:
    base = {"law": "linear", "n_levels_ltp": 255, "n_levels_ltd": 255, "sigma_read": sigma}
    harder = 0.02  # the test set is read so much worse than the images held out, whatever the variant
    told = reach(_Known([experiment(base, **{"array.wires": {}})] * 2), wanted - harder, 0.95 - 0.5 * sigma - harder)
    assert told.now == pytest.approx(told.held_out - harder)
    (answer,) = told.answers
    assert (answer.property, answer.status) == ("read noise", status)
    if at is None:
        assert answer.values == {}
    else:
        assert at * 0.9 <= answer.values["sigma_read"] <= at  # on the side that reaches, within the last halving
        assert answer.accuracy >= wanted - harder - 1e-12


def test_intervals_are_student_s() -> None:
    values = np.random.default_rng(3).normal(0.9, 0.01, 8)
    low, high = stats.t.interval(0.95, 7, values.mean(), stats.sem(values))
    assert of_mean(values) == pytest.approx((values.mean(), low, high))
    low, high = stats.t.interval(0.95, 7, values.mean(), values.std(ddof=1) * np.sqrt(1 + 1 / 8))
    assert of_one_more(values) == pytest.approx((values.mean(), low, high))


def test_the_interval_of_one_more_run_holds_one_more_run() -> None:
    """Calibration on 4,000 made-up verdicts of 5 trainings: 95 % within four standard errors of a share."""
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(4000):
        *runs, one_more = rng.normal(0.0, 1.0, 6)
        _, low, high = of_one_more(runs)
        assert low is not None and high is not None
        inside += low <= one_more <= high
    assert inside / 4000 == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 4000))


def test_library_devices_all_have_a_verdict_s_experiment() -> None:
    from synarray.device.library import device_names

    for name in device_names():
        spec = experiment(name)
        names = acting([spec])
        assert not acting([without(spec, names)])
        assert load_device(name) == spec.device
