"""Arguments of the Python functions: what is ignored is said, and what cannot be used is refused in four parts."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from synarray import (
    LearningSpec,
    Result,
    SpikingClassifier,
    fit,
    judge,
    load_dataset,
    load_device,
    load_experiment,
    load_table,
    open_run,
    price,
    read_pulses,
    train,
)
from synarray.errors import DataError, RunError, SpecError, SynarrayError

Table = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]
FULL = LearningSpec(n_neurons=6, epochs=1)


@pytest.fixture(scope="module")
def table() -> Table:
    """60 images of 16 x 16 pixels, flattened, of three classes."""
    return np.random.default_rng(0).integers(0, 255, (60, 256)).astype(float), np.arange(60) % 3


# The classifier


@pytest.mark.parametrize(
    "classes",
    [["a", "b"], range(5), [0, 1], [0, 1, 3], [3, 2, 1], ["0", "1", "2"], np.array([0.0, 1.0, 2.5])],
    ids=str,
)
def test_later_batches_cannot_change_the_classes(table: Table, classes: Any) -> None:
    for first in (
        SpikingClassifier(6, random_state=0).partial_fit(*table, classes=range(3)),
        SpikingClassifier(6, epochs=1, random_state=0).fit(*table),
    ):
        before = first.machine_.array.w.copy()
        with pytest.raises(DataError, match="classes must be the same as before"):
            first.partial_fit(*table, classes=classes)
        np.testing.assert_array_equal(first.machine_.array.w, before)


@pytest.mark.parametrize("classes", [None, range(3), [2, 1, 0], [0, 0, 1, 2], np.array([0.0, 1.0, 2.0])], ids=str)
def test_later_batches_may_repeat_the_classes(table: Table, classes: Any) -> None:
    model = SpikingClassifier(6, random_state=0).partial_fit(*table, classes=range(3))
    model.partial_fit(*table, classes=classes)
    assert model.classes_.tolist() == [0, 1, 2]


IGNORED = [
    ({"fields": "local"}, "local fields need an image_shape"),
    ({"fields": "auto"}, "auto fields need an image_shape"),
    ({"spec": load_experiment("local-fields", {"n_neurons": 12, "epochs": 1})}, "local fields need an image_shape"),
    ({"spec": FULL, "fields": "local"}, "local fields need an image_shape"),
    ({"spec": FULL, "n_neurons": 50}, "n_neurons = 50 has no effect: spec says it"),
    ({"spec": FULL, "pruning": "soft"}, "pruning = 'soft' has no effect: spec says it"),
    ({"spec": FULL, "pruning_fraction": 0.5}, "pruning_fraction = 0.5 has no effect: spec says it"),
    ({"spec": FULL, "step": 0.2}, "step = 0.2 has no effect: spec says it"),
    ({"spec": FULL, "device": "pcm", "step": 0.2}, "step = 0.2 has no effect: spec says it"),
    ({"device": "pcm", "step": 0.2}, "step = 0.2 has no effect: the device has steps of its own"),
    ({"pruning_fraction": 0.5}, 'pruning_fraction = 0.5 has no effect: pruning is "none"'),
    ({"image_shape": (16, 16), "receptors": 4}, "receptors = 4 has no effect"),
    ({"image_shape": (16, 16), "fields": "local", "receptors": 4}, "receptors = 4 has no effect"),
    ({"image_shape": (16, 16), "spec": FULL, "receptors": 4}, "receptors = 4 has no effect"),
]


@pytest.mark.parametrize(("parameters", "said"), IGNORED, ids=[f"{said}-{i}" for i, (_, said) in enumerate(IGNORED)])
def test_a_parameter_without_effect_is_said(table: Table, parameters: dict[str, Any], said: str) -> None:
    for learn, more in (("fit", {}), ("partial_fit", {"classes": range(3)})):
        own = {} if "spec" in parameters else {"n_neurons": 6}
        model = SpikingClassifier(**(own | {"epochs": 1, "random_state": 0} | parameters))
        with pytest.warns(UserWarning) as warned:
            getattr(model, learn)(*table, **more)
        assert [said in str(each.message) for each in warned] == [True]
        assert [each.filename for each in warned] == [__file__]


def test_receptors_beside_fields_that_were_chosen_are_said_when_the_choice_is_local(table: Table) -> None:
    model = SpikingClassifier(6, epochs=1, image_shape=(16, 16), fields="auto", receptors=2, random_state=0)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model.fit(*table)
    assert ["receptors = 2" in str(each.message) for each in warned] == [True] * (model.fields_ == "local")


@pytest.mark.parametrize(
    "parameters",
    [
        {"fields": "full"},
        {"fields": "full", "receptors": 2},
        {"fields": "full", "image_shape": (16, 16), "receptors": 2},
        {"fields": "local", "image_shape": (16, 16)},
        {"pruning": "soft", "pruning_fraction": np.float64(0.5)},
        {"step": 0.2},
        {"device": load_device("pcm"), "step": np.float64(0.1)},
        {"spec": FULL, "n_neurons": np.int64(100), "pruning_fraction": 0},
        {"spec": FULL, "fields": "full"},
        {"spec": load_experiment("local-fields", {"n_neurons": 12}), "fields": "full"},
    ],
    ids=str,
)
def test_parameters_that_act_are_not_warned_of(table: Table, parameters: dict[str, Any]) -> None:
    own = {} if "spec" in parameters else {"n_neurons": 6}
    SpikingClassifier(**(own | {"epochs": 1} | parameters)).fit(*table)  # a warning is an error here


@pytest.mark.parametrize(
    "parameters",
    [
        {"epochs": np.array([1, 2])},
        {"receptors": np.array([1, 2])},
        {"fields": np.array(["local", "full"])},
        {"pruning": np.array(["none", "soft"])},
        {"pruning": ["none"]},
        {"epochs": [1]},
        {"image_shape": np.array([16, 16])},
    ],
    ids=str,
)
def test_lists_and_arrays_are_no_parameters_of_a_classifier(table: Table, parameters: dict[str, Any]) -> None:
    with pytest.raises((SpecError, DataError), match=f"{next(iter(parameters))} must be"):
        SpikingClassifier(**({"n_neurons": 6, "epochs": 1} | parameters)).fit(*table)


# Training, judging, prices, files

SHORT = {"images": 200, "epochs": 1, "n_neurons": 12}
BARS = np.tile(np.eye(6, dtype=np.uint8)[[0, 3]] * 200, (20, 1)).reshape(40, 6, 1) * np.ones((1, 1, 6), np.uint8)
CLASSES = np.arange(40) % 2


@pytest.fixture(scope="module")
def trained() -> Result:
    return train("local-fields", settings=SHORT | {"device": "pcm"})


def on_bars(**options: Any) -> Result:
    return train(None, BARS, CLASSES, settings={"epochs": 1, "n_neurons": 12}, **options)


NO_WORKERS = [0, -1, 1.5, "2", True, [1], np.float64(2.0)]
NO_PATHS = [3, "", 1.5, ["a"], b"a"]
NO_SETTINGS = ["epochs=1", ["epochs=1"], {1: 2}, {"device": {1: 2}}, 3, [], ""]


@pytest.mark.parametrize("workers", NO_WORKERS, ids=repr)
def test_workers_are_counted(trained: Result, workers: Any) -> None:
    for use in (
        lambda: on_bars(workers=workers),
        lambda: trained.predict(BARS, workers=workers),
        lambda: trained.decision_function(BARS, workers),
        lambda: judge("pcm", workers=workers),
    ):
        with pytest.raises(
            SpecError, match=r"workers must be a whole number of at least 1: got .*\(argument workers\)"
        ):
            use()


@pytest.mark.parametrize("workers", [1, 2, np.int64(3), 10**9, None], ids=repr)
def test_more_workers_than_work_give_the_same(trained: Result, workers: Any) -> None:
    images = load_dataset("mnist").x_test[:30]
    np.testing.assert_array_equal(trained.decision_function(images, workers), trained.decision_function(images))
    assert on_bars(workers=workers).state_sha256 == on_bars().state_sha256


@pytest.mark.parametrize(
    ("name", "value", "got"),
    [
        ("full_scale", "255", "'255'"),
        ("full_scale", [255], "[255]"),
        ("full_scale", 0, "0"),
        ("image_shape", np.array([6, 6]), "array"),
        ("image_shape", (), "()"),
        ("image_shape", 36, "36"),
        ("start", 3, "3"),
        ("start", "", "''"),
        ("checkpoints", "ck", "'ck'"),
        ("on_progress", 3, "3"),
        ("progress", "no", "'no'"),
        ("seed", "1", "'1'"),
    ],
)
def test_train_refuses_other_kinds_of_options(name: str, value: Any, got: str) -> None:
    with pytest.raises(SynarrayError, match=rf"{name}.*: got {re.escape(got)}.*\(.*{name}\)"):
        on_bars(**{name: value})


@pytest.mark.parametrize("settings", NO_SETTINGS, ids=repr)
def test_settings_are_a_mapping(settings: Any) -> None:
    for use in (
        lambda: train("local-fields", settings=settings),
        lambda: load_experiment("full-field", settings),
        lambda: judge("pcm", settings=settings),
    ):
        with pytest.raises(SpecError, match="must be a mapping of dotted keys to values"):
            use()


def test_settings_may_be_numbers_of_numpy() -> None:
    assert load_experiment("full-field", {"epochs": np.int64(2)}).epochs == 2
    with pytest.raises(SpecError, match="trainings must be"):  # the settings are read after it
        judge("pcm", settings={"epochs": np.int64(1)}, trainings=0)
    with pytest.raises(SpecError, match="a setting must be"):
        judge("pcm", settings={"epochs": Path("x")})


JUDGED = [
    ("trainings", [0, -1, 1001, "2", 1.5, True]),
    ("endurance", ["1e6", 0, -1e6, np.nan, np.inf, [1e6], True]),
    ("reach", ["95", 200, 0.94, 100, np.nan, [95]]),
    ("pulse", [3, "", "0.85 A", ["1 V"], {"v": 1}]),
    ("on_update", [3, "print"]),
    ("task", [3, "", ["mnist"]]),
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in JUDGED for value in values], ids=repr)
def test_judge_refuses_what_cannot_be_asked(name: str, value: Any) -> None:
    with pytest.raises(SpecError) as refused:
        judge("pcm", **{name: value})
    assert refused.value.where == f"argument {name}"
    assert "--" not in str(refused.value)


@pytest.mark.parametrize("path", [*NO_PATHS, None], ids=repr)
def test_paths_are_paths(trained: Result, path: Any) -> None:
    uses = [(open_run, RunError), (price, RunError), (load_table, RunError), (read_pulses, DataError)]
    if path is not None:
        uses += [(trained.save, RunError), (lambda prices: price(trained, prices=prices), SpecError)]
    for use, error in uses:
        with pytest.raises(error, match="must be the path of") as refused:
            use(path)
        assert "argument" in refused.value.where
        assert "--out" not in str(refused.value)


@pytest.mark.parametrize("text", [3, {"a": "b"}, ["long"]], ids=repr)
@pytest.mark.parametrize("name", ["format", "columns"])
def test_pulses_are_described_by_text(name: str, text: Any) -> None:
    with pytest.raises(DataError, match=f"{name} must be text"):
        read_pulses("pulses.csv", **{name: text})


def test_what_is_asked_of_a_training_has_its_kind(trained: Result) -> None:
    for use in (
        lambda: price(trained, node=45),  # type: ignore[arg-type]
        lambda: trained.lifetime(node=45),  # type: ignore[arg-type]
        lambda: trained.lifetime("1%"),  # type: ignore[arg-type]
        lambda: trained.lifetime(None),  # type: ignore[arg-type]
        lambda: trained.plot(3),  # type: ignore[arg-type]
        lambda: trained.plot(["spikes"]),  # type: ignore[arg-type]
    ):
        with pytest.raises(SynarrayError, match="must"):
            use()
    assert price(trained, node="45 nm").total > 0
    assert trained.lifetime(np.float32(0.01)).share == pytest.approx(0.01)


@pytest.mark.parametrize(
    "measured", [None, np.zeros((3, 2)), pd.DataFrame({"G": [1.0]}), "pulses.csv", [1, 2]], ids=type
)
def test_a_fit_is_of_pulses_that_were_read(measured: Any) -> None:
    with pytest.raises(DataError, match=r"measured must be what read_pulses returns.*\(argument measured\)"):
        fit(measured)
