"""The verdict: what is not there costs exactly nothing, nothing shifts the spikes, the rows add up, workers do not matter.

A property at half or double does to energy, life and accuracy what physics says; pulses of unknown voltage are priced per V^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from synarray.cost.prices import load_periphery
from synarray.device.curves import ResponseTable
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec
from synarray.judge.attribution import Attribution, acting, attribute, removed, variants
from synarray.judge.imperfections import IMPERFECTIONS, pinned, scaled, severity_at, without
from synarray.judge.improve import Change, beyond_scatter
from synarray.judge.intervals import Estimate, of_mean, of_one_more
from synarray.judge.judge import Update, judge, judging
from synarray.judge.question import Question
from synarray.judge.reach import Reach, reach
from synarray.judge.trainings import Job, Task, Tasks, Trainings
from synarray.judge.verdict import Verdict
from synarray.judge.words import first_words
from synarray.lab.fitting import fit, write_device
from synarray.lab.synthetic import measure_devices
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
    "converters",
]
WORN = {"array.wear": True, "array.adc_bits": 6}
"""And converters of few bits."""


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


def answer(question: Question, workers: int = 1) -> Verdict:
    """Return the complete verdict."""
    *_, last = judging(question, workers=workers)
    assert last.verdict is not None and last.verdict.complete and last.done == last.total
    return last.verdict


def first_answer(question: Question) -> Verdict:
    """Return the first answer, and stop."""
    return next(update.verdict for update in judging(question, workers=1) if update.verdict)


def test_rows_of_the_waterfall_add_up(bars_data: Path) -> None:
    specs = [experiment(EVERYTHING, data=str(bars_data), seed=seed, images=240, **WORN) for seed in range(2)]
    names, tasks = acting(specs), Tasks(specs, most=200)
    jobs = [
        Job((gone, i), removed(spec, gone), tasks.variant[i])
        for i, spec in enumerate(specs)
        for gone in variants(names)
    ]
    with Trainings(2, load_periphery(), frozenset()) as trainings:
        read = {job.key: trial.accuracy for job, trial in trainings.run(jobs) if trial}
    told = attribute(read, names, (200, 40))  # type: ignore[arg-type]
    assert told is not None and told.together is not None
    assert [cost.property for cost in told.costs if cost.acts] and len(told.costs) == len(IMPERFECTIONS)
    assert {cost.property for cost in told.assumed} == {"wires", "converters"}
    assert [cost.points.value for cost in told.own] == sorted((c.points.value for c in told.own), reverse=True)
    lost = sum(cost.points.value for cost in told.costs) + told.together.value
    assert 100 * (told.ideal.value - told.full.value) == pytest.approx(lost, abs=1e-9)
    assert told.lost.value == pytest.approx(lost, abs=1e-9)
    # with one variant of one draw not done yet, what is known of the others stays, and the sum is not claimed
    some = {key: value for key, value in read.items() if key != (frozenset(["c2c"]), 1)}
    part = attribute(some, names, (200, 40))  # type: ignore[arg-type]
    assert part is not None and part.together is None
    known = {cost.property: cost.points.value for cost in part.own}
    assert known["d2d"] == next(cost.points.value for cost in told.own if cost.property == "d2d")
    alone = next(cost.points for cost in part.own if cost.property == "c2c")
    assert (alone.low, alone.high) == (None, None)  # of one draw


def test_costs_are_paired_differences_of_the_trainings_themselves(bars_data: Path) -> None:
    """By hand: the same images held out, one training with and one without wires, for each seed."""
    wires = {"array.wires.r_wire": "40 ohm", "array.rows": 256, "array.columns": 64, "array.count": 4}
    settings = [
        f'{key}="{value}"' if isinstance(value, str) else f"{key}={value}" for key, value in (SMALL | wires).items()
    ]
    told = answer(Question("metal-filament-cbram", str(bars_data), settings=tuple(settings), seeds=2)).attribution
    assert told is not None
    (cost,) = told.assumed
    specs = [experiment("metal-filament-cbram", data=str(bars_data), seed=seed, **wires) for seed in range(2)]
    task = Tasks(specs, most=20_000).variant[0]
    assert (told.trained, told.held) == (len(task.x), len(task.x_read)) == (400, 80)
    straight = [
        spec.model_copy(update={"array": spec.array.model_copy(update={"wires": type(spec.array.wires)()})})
        for spec in specs
    ]
    with_wires, no_wires = (np.array([_read(spec, task) for spec in part]) for part in (specs, straight))
    differences = 100 * (no_wires - with_wires)
    assert cost.points.value == pytest.approx(differences.mean(), abs=1e-9)
    half = stats.t.ppf(0.975, 1) * np.ptp(differences) / 2  # of two values, the standard error is half their distance
    assert (cost.points.low, cost.points.high) == pytest.approx((differences.mean() - half, differences.mean() + half))


def _read(spec: ExperimentSpec, task: Task) -> float:
    result = train(spec, *task[:4], image_shape=task.image_shape, full_scale=task.full_scale)
    assert result.accuracy is not None
    return result.accuracy


def _asked(data: Path, **more: Any) -> Question:
    settings = (*(f"{key}={value}" for key, value in SMALL.items()), "images=120", 'array.wires.r_wire="40 ohm"')
    return Question("hzo-fefet", task=str(data), settings=settings, seeds=2, **more)


@pytest.fixture(scope="module")
def updates(bars_data: Path) -> list[Update]:
    """All that is said on the way to a verdict by two workers."""
    return list(judging(_asked(bars_data, wanted=0.9), workers=2))


def test_a_verdict_does_not_depend_on_workers(bars_data: Path, updates: list[Update]) -> None:
    two = updates[-1].verdict
    one = answer(_asked(bars_data, wanted=0.9), 1).summary()
    assert two is not None and one == two.summary()
    assert one["accuracy_low"] <= one["accuracy"] <= one["accuracy_high"]
    assert one["energy_low"] <= one["energy"] <= one["energy_high"]
    assert sum(one["energy_by_component"].values()) == pytest.approx(one["energy"])
    assert one["trainings_left_low"] <= one["trainings_left"] <= one["trainings_left_high"]
    assert one["beside"][0]["device"] == "hzo-fefet"
    assert {"ecram", "pcm", "stt-mram"} < {row["device"] for row in one["beside"]}


def test_answers_come_early_and_say_what_is_missing(bars_data: Path, updates: list[Update]) -> None:
    first, last = updates[0].verdict, updates[-1].verdict
    assert first is not None and last is not None
    assert (len(first.trials), first.attribution, first.improvements, first.reach) == (1, None, [], None)
    assert "1 of 2 trainings" in first.missing and "what would reach the wanted accuracy" in first.missing
    assert first.sentences[0].startswith("Partial answer")
    assert first.trials[0].metrics["state_sha256"] in {trial.metrics["state_sha256"] for trial in last.trials}
    assert last.missing == () and last.reach is not None
    done = [update.done for update in updates]
    assert done == sorted(done) and all(update.done <= update.total for update in updates)
    # closed early, nothing goes on: the threads of its pool are gone
    import threading

    asking = judging(_asked(bars_data), workers=2)
    next(asking)
    asking.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("judge")]


def test_lifetime_is_that_of_the_pulses_its_cells_received(bars_data: Path) -> None:
    """By hand for one training: the number n at which the mean of 1 - exp(-(n pulses / eta)^beta) is 0.01."""
    settings = ("n_neurons=24", "device.endurance=1e4", "device.endurance_shape=1.5")
    for name, cells in (("ideal", 1), ("stt-mram", 2)):
        asked = Question(name, task=str(bars_data), settings=settings, seeds=1)
        told = first_answer(asked).trainings_left
        spec = load_experiment("judge", {"n_neurons": 24, "data": str(bars_data), "device": name})
        with np.load(bars_data) as data:
            result = train(spec, data["x_train"], data["y_train"], image_shape=(12, 12), full_scale=255)
        array = result.machine.array
        pulses = array.writes[:, array.exists].ravel().astype(float)
        assert len(pulses) == cells * array.n_cells
        assert told is not None
        assert np.mean(1 - np.exp(-((told.value * pulses / 1e4) ** 1.5))) == pytest.approx(0.01, rel=1e-5)


def test_a_verdict_on_one_training_claims_no_spread(bars_data: Path) -> None:
    verdict = answer(Question("ideal", task=str(bars_data), settings=("n_neurons=24",), seeds=1))
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
    verdict = answer(Question(str(file), task=str(bars_data), settings=settings, draws=2), 2)
    assert [draw.g_max for draw in verdict.draws] == [9e-6, 10e-6]
    assert [draw.sigma_c2c for draw in verdict.draws] == [0.03, 0.03]  # what was set is so in every draw
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


def _search(specs: Sequence[ExperimentSpec], wanted: float, tested: float) -> Reach:
    """Answer the search in place of trainings: the accuracy falls with the read noise by a law that is known."""
    search = reach(specs, wanted, tested)
    asked = next(search)
    while True:
        noise = [spec.device.sigma_read for spec in asked if isinstance(spec.device, DeviceSpec)]
        try:
            asked = search.send(0.95 - 0.5 * np.array(noise))
        except StopIteration as end:
            found: Reach = end.value
            return found


@pytest.mark.parametrize(("sigma", "wanted", "status", "at"), [
    (0.2, 0.90, "needed", 0.1), (0.04, 0.90, "already fine", 0.1), (0.2, 0.96, "cannot reach alone", None),
    (0.2, 0.80, "already fine", 0.3),
])  # fmt: skip
def test_the_inverse_question_finds_a_known_answer(sigma: float, wanted: float, status: str, at: float | None) -> None:
    base = {"law": "linear", "n_levels_ltp": 255, "n_levels_ltd": 255, "sigma_read": sigma}
    harder = 0.02  # the test set is read so much worse than the images held out, whatever the variant
    told = _search([experiment(base, **{"array.wires": {}})] * 2, wanted - harder, 0.95 - 0.5 * sigma - harder)
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


# ---- half and double -------------------------------------------------------------------------------------------------------


def test_half_and_double_are_half_and_double_of_the_number() -> None:
    spec = experiment({**EVERYTHING, "n_levels_ltp": 20, "n_levels_ltd": 30}, **WORN)
    for name in ("levels", "c2c", "d2d", "read noise", "stuck", "failures", "drift", "wires"):
        before = IMPERFECTIONS[name].numbers(spec)
        for factor in (0.5, 2.0):
            after = IMPERFECTIONS[name].numbers(scaled(spec, name, severity_at(spec, name, factor)))
            assert {key: after[key] / before[key] for key in before} == pytest.approx(dict.fromkeys(before, factor)), (
                name
            )
    assert severity_at(experiment({"law": "linear", "n_levels_ltp": 200, "n_levels_ltd": 200}), "levels", 2.0) == 0.0
    assert severity_at(experiment({"law": "linear", "sigma_read": 5.0}), "read noise", 2.0) == 1.0  # nothing is worse


@pytest.fixture(scope="module")
def noisy(bars_data: Path) -> Verdict:
    made = DeviceSpec(
        n_levels_ltp=16, n_levels_ltd=16, sigma_read=1.5, sigma_c2c=0.05, v_ltp=0.9, v_ltd=-0.9, t_ltp=1e-6, t_ltd=1e-6,
        endurance=1e5,
    )  # fmt: skip
    return judge(
        made, task=bars_data, settings={"n_neurons": 24, "epochs": 1, "array.wires": {}}, trainings=6, workers=2
    )


def test_twice_the_levels_take_more_pulses_and_wear_out_sooner(noisy: Verdict) -> None:
    """Smaller steps over the same range: more pulses for the same movement, so more energy in them and less life."""
    found = {(change.property, change.to): change for change in noisy.improvements}
    half, double = found["levels", "half"], found["levels", "double"]
    assert half.values["n_levels_ltp"] == pytest.approx(8)
    assert double.values["n_levels_ltp"] == pytest.approx(32)
    assert half.pulses < 0.8 and double.pulses > 1.25
    assert half.energy[""] < 1 < double.energy[""]
    assert half.life is not None and double.life is not None
    assert half.life > 1 > double.life


def test_less_read_noise_reads_better_and_costs_the_same(noisy: Verdict) -> None:
    found = {(change.property, change.to): change for change in noisy.improvements}
    half, double = found["read noise", "half"], found["read noise", "double"]
    assert half.points.value > 0 > double.points.value
    assert noisy.attribution is not None and noisy.attribution.own[0].property == "read noise"
    assert "read noise" in noisy.sentences[1] and "read noise at half" in noisy.sentences[2]


def test_chance_alone_is_no_improvement() -> None:
    """Of 2,000 verdicts on six changes that change nothing, at most 5 % (within four standard errors) claim any."""
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(2000):
        changes = []
        for _ in range(6):
            points = rng.normal(0.0, 0.3, 4)
            changes.append(Change("c2c", "half", {}, {}, of_mean(points), float(points.std(ddof=1)), {}, 1.0, None, 4))
        wrong += bool(beyond_scatter(changes))
    assert wrong / 2000 <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 2000)
    clear = Change("c2c", "half", {}, {}, Estimate(3.0, 2.5, 3.5), 0.3, {}, 1.0, None, 4)
    assert beyond_scatter([clear]) == [clear]


@pytest.mark.parametrize(
    ("lost", "graded"),
    [
        ((3.96, -9.77, 17.69), "cannot be graded"),  # from as good as a perfect device to not fit
        ((1.0, 0.2, 2.5), "cannot be graded"),
        ((1.0, 0.6, 2.5), "nearly as good as"),
        ((0.07, -0.18, 0.31), "as good as"),
        ((3.0, 2.5, 3.5), "clearly worse than"),
        ((12.0, None, None), "not fit for"),
    ],
)
def test_what_scatters_over_three_grades_is_not_graded(lost: tuple[float, float, float], graded: str) -> None:
    accuracy = Estimate(0.9, 0.85, 0.95)
    found = Attribution(accuracy, accuracy, Estimate(*lost), [], None, 2, 100, 100, [])
    said = first_words("mine", "MNIST", accuracy, found)
    assert said.startswith((f"mine is {graded}", f"mine {graded}"))


# ---- pulses of unknown voltage and width -----------------------------------------------------------------------------------


def test_energy_per_unit_is_the_energy_of_any_pulse(bars_data: Path) -> None:
    """E0 + E1 V^2 + E2 V^2 t and T0 + T1 t of unknown pulses, at pulses that are then given: what those cost."""
    made = DeviceSpec(n_levels_ltp=40, n_levels_ltd=30, endurance=1e6)
    more: dict[str, Any] = {"task": bars_data, "settings": {"n_neurons": 24, "images": 120}, "trainings": 1}

    def asked(**pulse: Any) -> Verdict:
        text = tuple(f"{key}={value}" for key, value in more["settings"].items())
        return first_answer(Question("x", str(bars_data), settings=text, seeds=1, device=made, **pulse))

    unknown, known = asked(), asked(pulse="0.85 V, 3 us")
    assert (unknown.unknown, known.unknown) == ({"voltage", "width"}, frozenset())
    energy = {unit: part.value for unit, part in unknown.energy.items()}
    assert set(energy) == {"", "V^2", "V^2 us"} and min(energy.values()) > 0
    total = energy[""] + energy["V^2"] * 0.85**2 + energy["V^2 us"] * 0.85**2 * 3
    assert known.energy[""].value == pytest.approx(total, rel=1e-9)
    for schedule in ("sequential", "row-parallel"):
        time = {unit: part.value for unit, part in unknown.time(schedule).items()}
        assert known.time(schedule)[""].value == pytest.approx(time[""] + 3 * time["us"], rel=1e-9)
    volts, width = asked(pulse="0.85 V"), asked(pulse="3 us")
    part = {unit: amount.value for unit, amount in volts.energy.items()}
    assert set(part) == {"", "us"} and part[""] + 3 * part["us"] == pytest.approx(total, rel=1e-9)
    part = {unit: amount.value for unit, amount in width.energy.items()}
    assert set(part) == {"", "V^2"} and part[""] + 0.85**2 * part["V^2"] == pytest.approx(total, rel=1e-9)
    # what the pulses are changes no bit of the training, nor the life
    assert known.trials[0].metrics["state_sha256"] == unknown.trials[0].metrics["state_sha256"]
    assert known.trainings_left == unknown.trainings_left
    told = unknown.summary()
    assert told["energy"] is None and told["time"] is None
    assert told["energy_parts"]["per V^2 us"]["value"] == energy["V^2 us"]
    assert any("--pulse" in s and "per V^2 us" in s and "pulse widths" in s for s in unknown.sentences)
    assert "energy_parts" not in known.summary()


def test_twice_the_endurance_is_twice_the_life(bars_data: Path) -> None:
    settings = ("n_neurons=24", "images=120")
    lives = []
    for endurance in (1e6, 2e6):
        asked = Question("ideal", str(bars_data), settings=settings, seeds=1, endurance=endurance)
        first = first_answer(asked)
        assert first.trainings_left is not None
        assert first.device.sources["endurance"].source.startswith("as stated: --endurance")
        lives.append(first.trainings_left.value)
    assert lives[1] == pytest.approx(2 * lives[0], rel=1e-6)


def test_one_polarity_stands_in_for_the_other_and_says_so() -> None:
    from synarray.judge.question import compose

    made = DeviceSpec(v_ltp=1.5, t_ltd=2e-6)
    asked = compose(Question("x", device=made, seeds=1))
    assert asked.unknown == frozenset()
    assert (asked.device.v_ltd, asked.device.t_ltp) == (-1.5, 2e-6)
    assert {"v_ltd", "t_ltp"} <= set(asked.device.unconfirmed)
    assert asked.specs[0].device == asked.device


def test_a_fit_is_judged_as_the_file_it_writes(tmp_path: Path, bars_data: Path) -> None:
    """From Python, without a file: the same draws, the same numbers; and what the file of pulses does not say is unknown."""
    pulses = measure_devices(load_device("hzo-fefet"), devices=4, cycles=2)
    pulses.amplitude_V[:] = np.nan
    pulses.width_s[:] = np.nan
    found = fit(pulses, "mine")
    file = write_device(found, tmp_path / "mine.toml")
    more: dict[str, Any] = {"task": bars_data, "settings": {"n_neurons": 12, "images": 60}, "trainings": 2}
    from_memory, from_file = judge(found, **more), judge(file, **more)
    one, two = from_memory.summary(), from_file.summary()
    assert {key: one[key] for key in one if key != "command"} == {key: two[key] for key in two if key != "command"}
    assert one["command"] is None and str(file) in two["command"]
    assert one["pulse_unknown"] == ["voltage", "width"] and one["energy"] is None
    assert from_memory.draws == from_file.draws
    assert len(repr(from_memory).splitlines()) <= 8
    assert "<script" not in from_memory._repr_html_() and "accuracy" in from_memory._repr_html_()


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ((-0.05, -0.14, 0.05), "0.05 points (-0.05 to 0.14) more than a perfect device"),
        ((0.05, -0.05, 0.14), "0.05 points (-0.05 to 0.14) less than a perfect device"),
        ((-0.05, None, None), "0.05 points more than a perfect device"),
    ],
)
def test_an_interval_has_the_sign_of_its_words(lost: tuple[float, float | None, float | None], said: str) -> None:
    accuracy = Estimate(0.9, 0.85, 0.95)
    found = Attribution(accuracy, accuracy, Estimate(*lost), [], None, 2, 100, 100, [])
    assert said in first_words("mine", "MNIST", accuracy, found)
