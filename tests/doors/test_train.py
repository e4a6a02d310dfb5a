"""The public ``train``: an experiment by name, file, table or spec, on its own data or on arrays, from nothing or from a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import synarray
from synarray.errors import DataError, SpecError
from synarray.learn.training import train as learn
from synarray.run.experiment import load_experiment, task_images
from synarray.run.folder import to_toml

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
Settings = dict[str, Any]


@pytest.fixture
def few(bars_file: Path) -> Settings:
    """Make a training short: bars, few neurons, one epoch."""
    return {"data": str(bars_file), "n_neurons": 12, "epochs": 1}


# What is trained


def test_a_name_a_path_a_table_and_a_spec_are_the_same_training(few: Settings, tmp_path: Path) -> None:
    spec = load_experiment("local-fields", few)
    file = tmp_path / "mine.toml"
    file.write_text(to_toml(spec), "utf-8")
    table = {"base": "local-fields", **few}
    states = {
        synarray.train("local-fields", settings=few).state_sha256,
        synarray.train(str(file)).state_sha256,
        synarray.train(file, progress=False).state_sha256,
        synarray.train(table).state_sha256,
        synarray.train(spec).state_sha256,
        synarray.train(load_experiment("local-fields"), settings=few).state_sha256,
        synarray.train(settings=few).state_sha256,
    }
    data, *arrays = task_images(spec)
    below = learn(spec, *arrays, image_shape=data.image_shape, full_scale=data.full_scale)
    assert states == {below.state_sha256}
    assert table == {"base": "local-fields", **few}  # a table stays as it was


def test_a_learning_spec_is_an_experiment_too(bar_images: Images) -> None:
    result = synarray.train(synarray.LearningSpec(n_neurons=4, epochs=1), *bar_images)
    assert isinstance(result.spec, synarray.ExperimentSpec)
    assert result.images_seen == 600


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("local-feilds", ("local-feilds", 'Did you mean "local-fields"?')),
        ({"base": "full-feild"}, ('Did you mean "full-field"?',)),
        ({"epocs": 3}, ("epocs", 'Did you mean "epochs"?', "a table in Python")),
        ({"base": 3}, ("base must name an experiment", "a table in Python")),
        ({"encoding": {"t_window": 0.01}}, ("encoding.t_window", "s")),  # a bare number where a unit is due
        (3, ("needs the name of an experiment", 'train("local-fields")')),
        (["local-fields"], ("needs the name of an experiment",)),
        ("", ("known name",)),
    ],
    ids=str,
)
def test_what_is_no_experiment_is_refused_in_words(given: Any, parts: tuple[str, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        synarray.train(given)
    for part in parts:
        assert part in str(caught.value)


def test_a_folder_in_place_of_an_experiment_is_answered_with_what_was_meant(finished_run: Path) -> None:
    with pytest.raises(SpecError, match=rf"Give {re.escape(str(finished_run))}/experiment\.toml .*start='"):
        synarray.train(finished_run)


def test_a_wrong_setting_is_refused(few: Settings) -> None:
    for experiment in ("local-fields", load_experiment("local-fields"), {"base": "local-fields"}):
        with pytest.raises(SpecError, match='Did you mean "epochs"'):
            synarray.train(experiment, settings={"epocs": 1})


def test_a_seed_decides_which_images_are_drawn_too(few: Settings) -> None:
    drawn = few | {"images": 50}
    one, other = (synarray.train(settings=drawn | {"seed": 3}), synarray.train(settings=drawn, seed=3))
    assert one.state_sha256 == other.state_sha256
    assert one.spec == other.spec


# On what


def test_the_experiments_own_data_are_trained_on_and_tested_with(few: Settings) -> None:
    result = synarray.train(settings=few | {"images": 100})
    assert (result.images_seen, result.evaluation.n_images) == (100, 60)
    assert result.spec.data == few["data"]


def test_a_name_with_arrays_works(bar_images: Images) -> None:
    x, y = bar_images
    result = synarray.train("local-fields", x[:200], y[:200], x[200:260], y[200:260], settings={"n_neurons": 12})
    spec = load_experiment("local-fields", {"n_neurons": 12})
    below = learn(spec, x[:200], y[:200], x[200:260], y[200:260])
    assert result.state_sha256 == below.state_sha256
    assert result.accuracy == below.accuracy


def test_arrays_are_named_by_their_fingerprint(bar_images: Images) -> None:
    x, y = bar_images
    settings = {"n_neurons": 12, "epochs": 1}
    one, same, other = (synarray.train(None, a[:100], y[:100], settings=settings).spec for a in (x, x.copy(), x[::-1]))
    assert re.fullmatch("arrays:[0-9a-f]{16}", one.data)
    assert one.identity == same.identity != other.identity
    with pytest.raises(DataError, match=r"fingerprint of arrays in Python.*numpy\.savez"):
        synarray.train(one)


def test_what_of_an_experiment_arrays_make_void_is_said(bar_images: Images) -> None:
    x, y = bar_images
    settings = {"n_neurons": 12, "epochs": 1, "images": 50, "validation": 20}
    result = synarray.train("local-fields", x[:100], y[:100], settings=settings)
    assert result.images_seen == 100
    assert (result.spec.images, result.spec.validation) == (None, 0)
    assert [note for note in result.notes if "images = 50" in note]
    assert [note for note in result.notes if "validation = 20" in note]


def test_mnist_given_as_arrays_is_known_to_be_the_experiments_own_data() -> None:
    mnist = synarray.load_dataset("mnist")
    settings = {"n_neurons": 6, "epochs": 1}
    spec = load_experiment("local-fields", settings | {"images": 60_000})
    short = mnist.x_train, mnist.y_train, mnist.x_test, mnist.y_test
    from synarray.run.train import _is_own  # no training of all of it only to see its name

    assert _is_own(spec, short)
    assert not _is_own(spec, (*short[:3], short[3][::-1]))


@pytest.mark.parametrize(
    ("arrays", "part"),
    [
        ((np.zeros((4, 6)), None), "no y"),
        ((None, [0, 1]), "no x"),
        ((None, None, np.zeros((4, 6)), [0, 1]), "no x"),
        ((np.ones((4, 6)), [0, 1, 0]), "3 labels for 4 images"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(arrays: tuple[Any, ...], part: str) -> None:
    with pytest.raises(DataError, match=part):
        synarray.train("local-fields", *arrays)


# Continued


@pytest.fixture(scope="module")
def first(bars_file: Path) -> synarray.Result:
    """Train shortly in the cells of a device that drifts and wears out."""
    settings = {"data": str(bars_file), "n_neurons": 12, "epochs": 2, "device": "pcm", "device.endurance": 400.0}
    return synarray.train("local-fields", settings=settings | {"array.wear": True})


def test_a_training_continues_from_a_run(first: synarray.Result, bar_images: Images, tmp_path: Path) -> None:
    x, y = bar_images[0][300:400], bar_images[1][300:400]
    before = first.state_sha256, first.metrics(), first.machine.array.writes.copy()
    run = synarray.open_run(first.save(tmp_path / "first"))
    more = synarray.train(None, x, y, start=first)
    assert first.state_sha256 == before[0]  # what it started from stays as it is
    assert first.metrics() == before[1]
    assert synarray.train(None, x, y, start=run).state_sha256 == more.state_sha256
    assert synarray.train(None, x, y, start=tmp_path / "first").state_sha256 == more.state_sha256
    assert run.predict(x).tolist() == first.predict(x).tolist()
    # counters are of this training; what is in the cells is of both
    assert more.images_seen == 200
    assert more.events["presentation"] == 200
    assert more.events["initial_pulse"] == 0
    pulses = more.machine.array.writes.astype(np.int64) - before[2]
    assert pulses.min() >= 0
    assert pulses.sum() == more.pulses
    assert more.before == synarray.learn.result.Before(first.state_sha256, first.images_seen, first.pulses)
    assert more.history[0].pulses <= more.pulses
    assert more.history[0].presentations == first.images_seen + 100
    assert (more.machine.wear.failed >= first.machine.wear.failed).all()
    assert more.lifetime().notes[0].startswith(f"The cells had seen {first.images_seen:,} presentations before")


def test_a_continued_run_is_saved_and_continued_in_turn(
    first: synarray.Result, bar_images: Images, tmp_path: Path
) -> None:
    x, y = bar_images[0][300:400], bar_images[1][300:400]
    more = synarray.train(None, x, y, start=first)
    run = synarray.open_run(more.save(tmp_path / "more"))
    assert run.experiment.start == first.state_sha256
    assert run.metrics["started_from"] == vars(more.before) | {"layers": []}
    assert run.result.state_sha256 == more.state_sha256
    third = synarray.train(None, x, y, start=run)
    assert third.before.images_seen == first.images_seen + more.images_seen
    assert third.before.pulses == first.pulses + more.pulses
    assert third.spec.start == more.state_sha256
    with pytest.raises(SpecError, match=r"needs that run.*start=that run"):
        synarray.train(tmp_path / "more" / "experiment.toml")


@pytest.mark.parametrize("device", [{}, {"device": "subquantum-cbram"}, {"device": "sram"}], ids=str)
def test_where_no_cell_is_moved_a_continued_network_is_what_it_was(
    few: Settings, bar_images: Images, device: Settings
) -> None:
    x, y = bar_images[0][300:400], bar_images[1][300:400]
    run = synarray.train(settings=few | device)
    still = synarray.train(None, x, y, start=run, settings={"stdp.a": 0.0, "stdp.c": 0.0})
    assert still.pulses == 0
    np.testing.assert_array_equal(still.machine.array.w, run.machine.array.w)
    np.testing.assert_array_equal(still.machine.array.read_copy, run.machine.array.read_copy)
    assert (still.machine.threshold != run.machine.threshold).any()  # homeostasis runs on


def test_labels_of_classes_that_are_not_shown_again_are_kept(first: synarray.Result, bar_images: Images) -> None:
    x, y = bar_images
    only = y == 2
    more = synarray.train(None, x[only][:40], y[only][:40], x[300:360], y[300:360], start=first, settings={"epochs": 1})
    assert more.classes.tolist() == first.classes.tolist()
    np.testing.assert_array_equal(more.label_counts[:, [0, 1, 3]], first.label_counts[:, [0, 1, 3]])
    assert more.label_counts[:, 2].sum() == 40 * 3 * len(first.machine.groups)
    new = synarray.train(None, x[only][:40], np.full(40, 9), start=first, settings={"epochs": 1})
    assert new.classes.tolist() == [0, 1, 2, 3, 9]
    np.testing.assert_array_equal(new.label_counts[:, :4], first.label_counts)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"n_neurons": 13}, "n_neurons"),
        ({"seed": 1}, "seed"),
        ({"device.sigma_c2c": 0.2}, "device"),
        ({"pruning.mode": "soft", "pruning.fraction": 0.5}, "pruning"),
        ({"array.count": 2}, "array"),
    ],
)
def test_a_run_is_continued_only_in_its_own_cells(
    first: synarray.Result, bar_images: Images, settings: Settings, key: str
) -> None:
    with pytest.raises(SpecError, match=rf"must have its {key}:"):
        synarray.train(None, bar_images[0][:50], bar_images[1][:50], start=first, settings=settings)


def test_a_run_is_continued_only_on_images_like_its_own(first: synarray.Result) -> None:
    y = np.arange(20) % 4
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="same geometry"):
        synarray.train(None, rng.integers(0, 255, (20, 10, 10), np.uint8), y, start=first)
    with pytest.raises(DataError, match="same scale"):
        synarray.train(None, rng.random((20, 12, 12)), y, start=first)


def test_a_network_pruned_after_its_training_is_not_continued(few: Settings, bar_images: Images) -> None:
    pruned = synarray.train(settings=few | {"pruning.mode": "after", "pruning.fraction": 0.3})
    with pytest.raises(SpecError, match="cannot learn any more"):
        synarray.train(None, bar_images[0][:50], bar_images[1][:50], start=pruned)


def test_an_interrupted_continuation_resumes_to_the_same_bits(
    first: synarray.Result, bar_images: Images, tmp_path: Path
) -> None:
    from synarray.learn.checkpoint import Checkpoints, TrainingStoppedError

    x, y = bar_images[0][300:400], bar_images[1][300:400]
    whole = synarray.train(None, x, y, start=first)
    checkpoints = Checkpoints(tmp_path, seconds=0)
    save, n = checkpoints.save, 0

    def stop(trainer: Any) -> bool:
        nonlocal n
        n += 1
        checkpoints.asked_to_stop = n == 5
        return save(trainer)

    checkpoints.save = stop  # type: ignore[method-assign]
    with pytest.raises(TrainingStoppedError):
        synarray.train(None, x, y, start=first, checkpoints=checkpoints)
    resumed = synarray.train(None, x, y, start=first, checkpoints=Checkpoints(tmp_path))
    assert resumed.state_sha256 == whole.state_sha256
    assert resumed.events == whole.events


# Progress


def test_a_bar_is_shown_where_it_is_asked_for(few: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    synarray.train(settings=few)  # standard error is no terminal here
    assert capsys.readouterr().err == ""
    synarray.train(settings=few, progress=True)
    shown = capsys.readouterr().err
    assert "compiling (once)" in shown
    assert "100%" in shown
    assert "160/160" in shown


def test_a_bar_counts_the_new_training_only(
    first: synarray.Result, bar_images: Images, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    synarray.train(None, *(part[:100] for part in bar_images), start=first, progress=True, on_progress=seen.append)
    assert "200/200" in capsys.readouterr().err
    assert seen[-1].presentations == seen[-1].total == first.images_seen + 200


def test_a_notebook_counts_as_somebody_who_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    from synarray.run.progress import somebody_looks

    assert not somebody_looks()
    monkeypatch.setitem(__import__("sys").modules, "ipykernel", object())
    assert somebody_looks()
