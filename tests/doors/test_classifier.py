"""The scikit-learn door: every check scikit-learn has, three small tables, and what its users do with a classifier."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from synarray import LearningSpec, SpikingClassifier, SynarrayError, load_experiment

Split = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]
Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


def split_of(load: Callable[..., Any], seed: int) -> Split:
    x, y = load(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=seed, stratify=y)
    return x_train, x_test, y_train, y_test


@pytest.fixture(scope="module")
def digits() -> Split:
    """Digits of 8 x 8 pixels."""
    return split_of(load_digits, 0)


@pytest.fixture(scope="module")
def fitted(digits: Split) -> SpikingClassifier:
    """Show the digits once to a classifier."""
    return SpikingClassifier(30, epochs=1, random_state=0).fit(digits[0], digits[2])


@parametrize_with_checks([SpikingClassifier()])
def test_scikit_learn_accepts_it(estimator: SpikingClassifier, check: Callable[[SpikingClassifier], None]) -> None:
    check(estimator)


@pytest.mark.parametrize(
    ("load", "least"),
    [(load_iris, 0.90), (load_wine, 0.91), (load_digits, 0.88)],  # lowest of six splits: 0.933, 0.944, 0.907
)
@pytest.mark.parametrize("seed", [0, 1])
def test_small_tables_are_learned(load: Callable[..., Any], least: float, seed: int) -> None:
    x_train, x_test, y_train, y_test = split_of(load, seed)
    model = SpikingClassifier(random_state=seed).fit(x_train, y_train)
    assert model.score(x_test, y_test) >= least


def test_without_a_relation_between_features_and_classes_nothing_is_learned() -> None:
    """Shuffled labels: on held-out data no better than chance, so the scores above are no leak."""
    x_train, x_test, y_train, y_test = split_of(load_digits, 0)
    shuffled = np.random.default_rng(0).permutation(y_train)
    model = SpikingClassifier(epochs=3, random_state=0).fit(x_train, shuffled)
    assert model.score(x_test, y_test) < 0.25


def test_images_get_local_fields(digits: Split) -> None:
    x_train, x_test, y_train, y_test = digits
    model = SpikingClassifier(image_shape=(8, 8), random_state=0).fit(x_train, y_train)
    assert len(model.machine_.groups) == 6
    assert model.score(x_test, y_test) > 0.75  # lowest of six splits: 0.80


def test_what_is_read_depends_neither_on_batch_nor_order(fitted: SpikingClassifier, digits: Split) -> None:
    x = digits[1][:60]
    together = fitted.predict_proba(x)
    np.testing.assert_array_equal(fitted.predict_proba(x[::-1])[::-1], together)
    np.testing.assert_array_equal(
        np.concatenate([fitted.predict_proba(x[i : i + 7]) for i in range(0, 60, 7)]), together
    )
    np.testing.assert_array_equal(fitted.predict_proba(np.repeat(x, 2, axis=0))[::2], together)
    np.testing.assert_array_equal(fitted.predict(x), fitted.classes_[together.argmax(axis=1)])


def test_reading_changes_nothing(fitted: SpikingClassifier, digits: Split) -> None:
    before = pickle.dumps((fitted.machine_.array, fitted.machine_.threshold, fitted.machine_.neuron_events))
    fitted.predict(digits[1])
    assert pickle.dumps((fitted.machine_.array, fitted.machine_.threshold, fitted.machine_.neuron_events)) == before


def test_memory_layout_and_number_type_of_the_data_do_not_matter(digits: Split) -> None:
    x, y = digits[0][:200], digits[2][:200]
    plain = SpikingClassifier(10, epochs=1, random_state=0).fit(x, y)
    for same in (np.asfortranarray(x), x.astype(np.float32), x.astype(np.int16), x.tolist()):
        other = SpikingClassifier(10, epochs=1, random_state=0).fit(same, y)
        np.testing.assert_array_equal(other.machine_.array.w, plain.machine_.array.w)


def test_the_same_seed_gives_the_same_network_and_another_another(digits: Split) -> None:
    x, y = digits[0][:200], digits[2][:200]
    weights = [SpikingClassifier(10, epochs=1, random_state=seed).fit(x, y).machine_.array.w for seed in (3, 3, 4)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_fitting_again_starts_from_nothing(digits: Split) -> None:
    x, y = digits[0][:200], digits[2][:200]
    model = SpikingClassifier(10, epochs=1, random_state=3).fit(x, y)
    first = model.machine_.array.w.copy()
    model.fit(digits[0][200:400], digits[2][200:400])
    np.testing.assert_array_equal(model.fit(x, y).machine_.array.w, first)


def test_labels_do_not_steer_learning(digits: Split) -> None:
    x, y = digits[0][:300], digits[2][:300]
    one = SpikingClassifier(10, epochs=1, random_state=0).fit(x, y)
    other = SpikingClassifier(10, epochs=1, random_state=0).fit(x, y[::-1])
    np.testing.assert_array_equal(one.machine_.array.w, other.machine_.array.w)


@pytest.mark.parametrize("names", [[-3, 7, 100], ["a", "b", "c"], [0.0, 1.0, 2.0]])
def test_classes_keep_their_names(names: list[Any]) -> None:
    x, y = load_iris(return_X_y=True)
    model = SpikingClassifier(30, epochs=20, random_state=0).fit(x, np.array(names)[y])
    assert model.classes_.tolist() == names
    assert set(model.predict(x)) <= set(names)
    assert model.score(x, np.array(names)[y]) > 0.8


def test_learning_in_batches_works(digits: Split) -> None:
    x_train, x_test, y_train, y_test = digits
    model = SpikingClassifier(60, expected_samples=5 * len(x_train), random_state=0)
    for _ in range(5):
        for begin in range(0, len(x_train), 200):
            part = slice(begin, begin + 200)
            model.partial_fit(x_train[part], y_train[part], classes=np.arange(10))
    assert model.classes_.tolist() == list(range(10))
    assert model.score(x_test, y_test) > 0.8


def test_batches_may_lack_classes_and_hold_one_sample(digits: Split) -> None:
    x, y = digits[0], digits[2]
    model = SpikingClassifier(12, random_state=0).partial_fit(x[y == 3], y[y == 3], classes=range(10))
    model.partial_fit(x[:1], y[:1])
    assert model.predict(x[:5]).shape == (5,)
    assert (model.predict(x[y == 3]) == 3).all()


def test_batches_must_name_their_classes_first_and_keep_to_them(digits: Split) -> None:
    x, y = digits[0], digits[2]
    with pytest.raises(ValueError, match="classes"):
        SpikingClassifier().partial_fit(x, y)
    with pytest.raises(ValueError, match="9"):
        SpikingClassifier().partial_fit(x, y, classes=range(9))


def test_a_refused_first_batch_leaves_no_half_made_network(digits: Split) -> None:
    x, y = digits[0], digits[2]
    model = SpikingClassifier(12, random_state=0)
    with pytest.raises(ValueError, match="9"):
        model.partial_fit(x, y, classes=range(9))
    model.partial_fit(x, y, classes=range(10))
    assert model.classes_.tolist() == list(range(10))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_nothing_can_be_read_before_learning(digits: Split, method: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(SpikingClassifier(), method)(*(digits[1], digits[3])[: 1 + (method == "score")])


def test_clones_share_parameters_and_nothing_else(fitted: SpikingClassifier) -> None:
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    assert not hasattr(twin, "machine_")
    assert fitted.set_params(n_neurons=30).get_params()["n_neurons"] == 30


def test_it_survives_pickling_and_learns_on(digits: Split) -> None:
    x, y = digits[0][:200], digits[2][:200]
    model = SpikingClassifier(12, random_state=0).partial_fit(x, y, classes=range(10))
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict_proba(digits[1]), model.predict_proba(digits[1]))
    for each in (model, twin):
        each.partial_fit(digits[0][200:400], digits[2][200:400])
    np.testing.assert_array_equal(twin.machine_.array.w, model.machine_.array.w)


def test_grid_search_and_pipelines_work() -> None:
    x, y = load_iris(return_X_y=True)
    search = GridSearchCV(
        SpikingClassifier(epochs=20, random_state=0), {"n_neurons": np.array([5, 40]), "step": [0.1, 0.2]}, cv=3
    ).fit(x, y)
    assert search.best_params_["n_neurons"] == 40
    assert search.best_score_ > 0.85
    pipeline = make_pipeline(StandardScaler(), SpikingClassifier(40, epochs=20, random_state=0))
    assert cross_val_score(pipeline, x, y, cv=3).mean() > 0.85


def test_pruning_is_carried_out(digits: Split) -> None:
    for mode in ("soft", "conventional", "random"):
        model = SpikingClassifier(12, epochs=4, pruning=mode, pruning_fraction=0.5, random_state=0)
        array = model.fit(digits[0], digits[2]).machine_.array
        assert array.n_alive / array.n_cells == pytest.approx(0.5, abs=0.02), mode


def test_a_whole_machine_may_be_given(digits: Split) -> None:
    spec = LearningSpec(n_neurons=9, epochs=2)
    model = SpikingClassifier(spec=spec, random_state=0).fit(digits[0], digits[2])
    assert len(model.machine_.threshold) == 9
    assert model.label_counts_.shape == (9, 10)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_neurons": 0},
        {"n_neurons": -5},
        {"epochs": 0},
        {"epochs": 2.5},
        {"epochs": "many"},
        {"epochs": None},
        {"step": 0.0},
        {"step": float("nan")},
        {"step": 3.0},
        {"pruning": "hard"},
        {"pruning": "soft"},  # without a fraction
        {"pruning": "after", "pruning_fraction": 0.5},  # is not done here, and must not seem to be
        {"pruning_fraction": 1.5, "pruning": "soft"},
        {"receptors": 0},
        {"receptors": -1},
        {"receptors": "many"},
        {"image_shape": (5, 5)},  # 64 features
        {"image_shape": (64,)},
        {"image_shape": 64},
        {"image_shape": (8, 8), "n_neurons": 3},  # six groups
        {"random_state": -1},
        {"spec": {}},
        {"spec": "local-fields"},
        {"spec": load_experiment("full-field", {"pruning.mode": "after", "pruning.fraction": 0.5, "n_neurons": 12})},
    ],
    ids=lambda parameters: ",".join(f"{key}={value}"[:30] for key, value in parameters.items()),
)
def test_a_parameter_that_makes_no_sense_is_refused_in_words(digits: Split, parameters: dict[str, Any]) -> None:
    with pytest.raises(SynarrayError):
        SpikingClassifier(**{"n_neurons": 12, "epochs": 1, "random_state": 0, **parameters}).fit(digits[0], digits[2])


@pytest.mark.parametrize("expected", [0, -5])
def test_expected_samples_must_be_positive(digits: Split, expected: int) -> None:
    with pytest.raises(ValueError, match="expected_samples"):
        SpikingClassifier(12, expected_samples=expected).partial_fit(digits[0], digits[2], classes=range(10))


def test_negative_images_are_refused(bar_images: Images) -> None:
    """Tables may have any range; images, whose zero is dark, may not."""
    x, y = bar_images[0][:100].reshape(100, -1).astype(float), bar_images[1][:100]
    assert SpikingClassifier(12, epochs=1).fit(x - 100, y).predict(x).shape == (100,)
    with pytest.raises(ValueError, match="negative"):
        SpikingClassifier(12, epochs=1, image_shape=(12, 12)).fit(x - 100, y)


def test_features_of_any_range_are_learned_alike() -> None:
    x, y = load_iris(return_X_y=True)
    plain = SpikingClassifier(20, epochs=3, random_state=0).fit(x, y)
    for scaled in (x * 1024.0, x / 1024.0, x - 4.0):
        other = SpikingClassifier(20, epochs=3, random_state=0).fit(scaled, y)
        np.testing.assert_allclose(other.machine_.array.w, plain.machine_.array.w, atol=0.2)
        assert (other.predict(scaled) == plain.predict(x)).mean() > 0.9


def test_huge_and_constant_features_do_no_harm() -> None:
    x, y = load_iris(return_X_y=True)
    odd = np.hstack([x, np.full((150, 1), 7.0), x[:, :1] * 1e300])
    model = SpikingClassifier(40, epochs=20, random_state=0).fit(odd, y)
    assert model.score(odd, y) > 0.85
