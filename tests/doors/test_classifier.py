"""The scikit-learn door: every check scikit-learn has, three small tables, and what its users do with a classifier."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from synarray import LearningSpec, SpikingClassifier, SynarrayError, load_device, load_experiment
from synarray.events import NeuronEvent
from synarray.learn.weights import scaled_weights, shown

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


ONE_BY_ONE = "samples are shown one by one in a random order: giving one twice is not, to the bit, a weight of 2"


@parametrize_with_checks(
    [SpikingClassifier()],
    expected_failed_checks=lambda _: {"check_sample_weight_equivalence_on_dense_data": ONE_BY_ONE},
)
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
    with pytest.warns(UserWarning, match=r"8 x 8 pixels read better through one full field.*16 x 16"):
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
@pytest.mark.filterwarnings("ignore:Images of 8 x 8")
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


def test_large_images_and_full_fields_get_no_advice(bar_images: Images) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 255, (60, 256)).astype(float), np.arange(60) % 3
    SpikingClassifier(12, epochs=1, image_shape=(16, 16)).fit(x, y)  # a warning is an error here
    full = load_experiment("full-field", {"n_neurons": 12})
    SpikingClassifier(epochs=1, image_shape=(12, 12), spec=full).fit(
        bar_images[0].reshape(600, -1)[:60], bar_images[1][:60]
    )


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


# Devices


@pytest.mark.parametrize("device", ["pcm", "subquantum-cbram", "file", "spec"])
def test_weights_are_stored_in_a_device(device: str, digits: Split, tmp_path: Path) -> None:
    given: Any = device
    if device == "file":
        given = tmp_path / "mine.toml"
        given.write_text((resources.files("synarray.device") / "library" / "pcm.toml").read_text("utf-8"), "utf-8")
    elif device == "spec":
        given = load_device("pcm")
    model = clone(SpikingClassifier(30, device=given, epochs=3, random_state=0)).fit(digits[0], digits[2])
    array = model.machine_.array
    assert array.device == load_device("pcm" if device in ("file", "spec") else device)
    conductance = array.conductance()[0][array.exists]
    lowest, highest = (array.device.conductance(end) for end in (array.traits[:, 2].min(), array.traits[:, 3].max()))
    left = 0.5 if array.device.drift_nu else 0.999  # cells that drift fall below their range, by (1 + t / t0)^-nu
    assert lowest * left <= conductance.min() < conductance.max() <= highest * 1.001
    assert model.machine_.neuron_events[:, NeuronEvent.INITIAL_PULSE].sum() > 0
    assert model.score(digits[1], digits[3]) > 0.6


def test_a_device_replaces_that_of_a_whole_machine(digits: Split) -> None:
    spec = LearningSpec(n_neurons=9, epochs=1, device="pcm")
    own = SpikingClassifier(spec=spec, random_state=0).fit(digits[0][:100], digits[2][:100])
    other = SpikingClassifier(spec=spec, device="epiram", random_state=0).fit(digits[0][:100], digits[2][:100])
    assert (own.machine_.array.device.name, other.machine_.array.device.name) == ("pcm", "epiram")


def test_an_unknown_device_is_answered_with_the_nearest(digits: Split) -> None:
    with pytest.raises(SynarrayError, match="subquantum-cbram"):
        SpikingClassifier(device="subquantum-cbrm").fit(digits[0], digits[2])


def test_a_step_beside_a_device_is_said_to_have_no_effect(digits: Split) -> None:
    with pytest.warns(UserWarning, match=r"step = 0\.2 has no effect"):
        SpikingClassifier(9, device="pcm", step=0.2, epochs=1).fit(digits[0][:50], digits[2][:50])


# Spikes as features


def test_spikes_are_features_for_another_model(fitted: SpikingClassifier, digits: Split) -> None:
    counts = fitted.transform(digits[1])
    assert counts.shape == (len(digits[1]), 30)
    assert counts.dtype == np.float64
    assert (counts.sum(axis=1) == 10).all()  # one winner in each of ten windows
    assert (counts == np.rint(counts)).all()
    np.testing.assert_array_equal(fitted.transform(digits[1][::-1])[::-1], counts)


def test_soft_votes_follow_from_the_features(fitted: SpikingClassifier, digits: Split) -> None:
    """The class read is that of the largest sum of log P(class | neuron) over the spikes."""
    posterior = np.log((fitted.label_counts_ + 0.5) / (fitted.label_counts_ + 0.5).sum(axis=1, keepdims=True))
    votes = fitted.transform(digits[1]) @ posterior
    assert (fitted.classes_[votes.argmax(axis=1)] == fitted.predict(digits[1])).mean() > 0.999  # ties in the last bit


def test_features_have_names_and_come_as_a_table(fitted: SpikingClassifier, digits: Split) -> None:
    names = [f"spikingclassifier{k}" for k in range(30)]
    assert fitted.get_feature_names_out().tolist() == names
    table = clone(fitted).set_output(transform="pandas").fit(digits[0][:100], digits[2][:100]).transform(digits[1][:5])
    assert (table.shape, table.columns.tolist()) == ((5, 30), names)


def test_a_linear_model_reads_the_features(digits: Split) -> None:
    x_train, x_test, y_train, y_test = digits
    spikes = SpikingClassifier(100, random_state=0).fit(x_train, y_train)
    linear = RidgeClassifier().fit(spikes.transform(x_train), y_train)
    assert linear.score(spikes.transform(x_test), y_test) > 0.85


# Weights of samples


def test_weights_that_are_all_alike_change_nothing(digits: Split) -> None:
    x, y = digits[0][:200], digits[2][:200]
    plain = SpikingClassifier(10, epochs=2, random_state=0).fit(x, y)
    for weight in (1.0, 0.1, 7.0):
        other = SpikingClassifier(10, epochs=2, random_state=0).fit(x, y, np.full(200, weight))
        np.testing.assert_array_equal(other.machine_.array.w, plain.machine_.array.w)
        np.testing.assert_array_equal(other.label_counts_, plain.label_counts_)


def test_samples_of_weight_zero_are_left_out_to_the_bit(digits: Split) -> None:
    x, y = digits[0][:200], digits[2][:200]
    weights = (np.arange(200) % 2).astype(float)
    weighted = SpikingClassifier(10, epochs=2, random_state=0).fit(x, y, weights)
    without = SpikingClassifier(10, epochs=2, random_state=0).fit(x[1::2], y[1::2])
    np.testing.assert_array_equal(weighted.machine_.array.w, without.machine_.array.w)
    np.testing.assert_array_equal(weighted.label_counts_, without.label_counts_)


def test_a_sample_is_shown_as_often_as_its_weight_says() -> None:
    rng = np.random.default_rng(0)
    weights = scaled_weights(rng.exponential(size=50))
    assert weights is not None
    counts = np.stack([np.bincount(shown(weights, 50, 3, epoch), minlength=50) for epoch in range(2000)])
    assert (counts.sum(axis=1) == 50).all()
    assert ((counts == np.floor(weights)) | (counts == np.floor(weights) + 1)).all()
    sigma = np.sqrt(0.25 / 2000)  # of the mean of a number that is one of two neighbours, at most
    assert np.abs(counts.mean(axis=0) - weights).max() < 4.5 * sigma


def test_weights_draw_the_network_and_its_labels_towards_heavy_classes(digits: Split) -> None:
    """Neurons that see a class more often represent it more often."""
    x, y = digits[0], digits[2]
    weights = np.where(y == 3, 20.0, 1.0)
    plain = SpikingClassifier(50, random_state=0).fit(x, y)
    heavy = SpikingClassifier(50, random_state=0).fit(x, y, weights)
    of_three = [(model.label_counts_.argmax(axis=1) == 3).sum() for model in (plain, heavy)]
    assert of_three[1] > 3 * of_three[0]
    assert heavy.label_counts_.sum() == pytest.approx(plain.label_counts_.sum())  # weights have a mean of 1
    expected = weights / weights.mean() * 3
    assert heavy.label_counts_[:, 3].sum() == pytest.approx(expected[y == 3].sum())


def test_batches_take_weights(digits: Split) -> None:
    x, y = digits[0][:100], digits[2][:100]
    weights = np.where(y == 3, 0.0, 1.0)
    model = SpikingClassifier(10, random_state=0).partial_fit(x, y, range(10), weights)
    assert model.label_counts_[:, 3].sum() == 0
    assert model._trainer.presentations == (y != 3).sum()


@pytest.mark.parametrize("weights", [np.zeros(100), -np.ones(100), np.ones(99), np.full(100, np.nan)])
def test_weights_that_make_no_sense_are_refused(digits: Split, weights: npt.NDArray[np.float64]) -> None:
    for learn in (SpikingClassifier(10).fit, SpikingClassifier(10).partial_fit):
        classes = {"classes": range(10)} if learn.__name__ == "partial_fit" else {}
        with pytest.raises(ValueError, match=r"(?i)weight|NaN"):
            learn(digits[0][:100], digits[2][:100], sample_weight=weights, **classes)


# Scale


@pytest.mark.parametrize("image_shape", [None, (16, 16)])
@pytest.mark.parametrize(("fitted_on", "asked"), [(1.0, 255.0), (255.0, 1.0)])
def test_samples_on_another_scale_are_said_to_be(
    image_shape: tuple[int, int] | None, fitted_on: float, asked: float
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((100, 256)), np.arange(100) % 4
    model = SpikingClassifier(12, epochs=1, image_shape=image_shape, random_state=0).fit(x * fitted_on, y)
    for look in (model.predict, model.predict_proba, model.transform, lambda x: model.score(x, y[:50])):
        look(x[:50] * fitted_on)  # a warning is an error here
        with pytest.warns(UserWarning, match=rf"to {asked:g},.*trained on values from \S+ to {fitted_on:g}:"):
            look(np.minimum(x[:50] * asked + asked / 2, asked))
    with pytest.warns(UserWarning, match="Scale both alike"):
        model.partial_fit(x * asked, y)


def test_dark_and_empty_images_are_not_taken_for_another_scale(digits: Split, fitted: SpikingClassifier) -> None:
    fitted.predict(digits[1] / 2)
    fitted.predict(digits[1] * 2)
    fitted.predict(np.zeros((3, 64)))
