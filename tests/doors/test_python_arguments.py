"""Arguments of the Python functions: what is ignored is said, and what cannot be used is refused in four parts."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from synarray import LearningSpec, SpikingClassifier, load_device, load_experiment
from synarray.errors import DataError, SpecError

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
