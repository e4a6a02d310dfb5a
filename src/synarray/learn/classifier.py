"""The learning machine as a scikit-learn classifier, for any features: images with their shape, or plain tables."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from synarray.arguments import is_whole, require
from synarray.device.cell import CellSpec
from synarray.device.spec import DeviceSpec
from synarray.errors import DataError, SpecError
from synarray.learn.auto_fields import KINDS, Kind, better, split
from synarray.learn.readout import log_posterior, soft_votes, spike_counts, weigh_spikes
from synarray.learn.scale import Scale
from synarray.learn.spec import LearningSpec
from synarray.learn.trainer import Trainer, infer
from synarray.learn.weights import scaled_weights, shown
from synarray.network.encoding import EncodingSpec, InputSpec, PopulationCode, Retina
from synarray.network.machine import Machine
from synarray.network.neuron import NeuronSpec
from synarray.network.pruning import MODES, PruningSpec
from synarray.network.topology import FieldSpec, FieldTrial, check_geometry, place_groups
from synarray.rng import Phase, Stream, permutation
from synarray.task.datasets import check_images

__all__ = ["SpikingClassifier"]

_PRESENTATIONS = 20_000
"""Presentations that ``epochs="auto"`` makes sure of."""
_TOGETHER = 4096
"""Presentations whose order is drawn at once."""
_FEW_FEATURES = 64
"""Features up to which ``receptors="auto"`` gives each a population."""
_SMALL = 16 * 16
"""Pixels below which a full field reads better than local fields (benchmarks/small_images.py)."""

Weights = npt.NDArray[np.float64]

_PRUNING = tuple(word for word, mode in MODES.items() if not mode.after_training)
"""Modes of pruning that a classifier may have: it may learn on."""


class SpikingClassifier(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Train an unsupervised spiking network in an array of memory cells, and read it out as a classifier.

    The network learns by STDP without labels; labels only name what its neurons respond to.

    Parameters
    ----------
    n_neurons : int
        Output neurons.
    device : str, Path, DeviceSpec, optional
        The device that the weights are stored in: a name of the library (``synarray.device_names()``), the path of a device file,
        or what ``synarray.load_device`` returns. None: ideal weights, or the device of ``spec``.
    epochs : int or "auto"
        Passes over the training data; "auto": 3, or as many as make 20,000 presentations.
    image_shape : tuple of int, optional
        Height and width behind the features of images; gives local fields. Images must not be negative. None: a table of
        features of any range, one full field. Small images read better without it: see Notes.
    fields : {"local", "full", "auto"}, optional
        With an ``image_shape``: local fields; one full field, as if there were no shape; or the one that reads more of a part of
        the training data, after both have learned from another part (at most 5,000 samples in all). None: those of ``spec``,
        else local fields.
    receptors : int or "auto"
        Inputs per feature of a table, with bell-shaped tuning; "auto": 10 up to 64 features, else 1.
    step : float
        Weight moved by one programming pulse, in (0, 2]; a device has steps of its own.
    pruning : {"none", "soft", "conventional", "random"}
        What becomes of each neuron's lowest cells during training.
    pruning_fraction : float
        Share of the cells pruned, 0 to 1.
    expected_samples : int
        Samples after which the schedules of ``partial_fit`` end.
    spec : LearningSpec, optional
        A whole machine, e.g. ``load_experiment("local-fields")``, in place of what ``n_neurons``, ``step``, ``pruning`` and
        ``pruning_fraction`` say; "auto" epochs are then the spec's. It must not prune after training.
    random_state : int, RandomState or None
        Seed.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    n_features_in_ : int
    machine_ : Machine
        The trained network with its cells and counted events.
    fields_ : str
        Fields of the network, "local" or "full".
    fields_trial_ : FieldTrial or None
        What both kinds of fields read of how many held-out samples, where ``fields`` is "auto".
    label_counts_ : ndarray, shape (n_neurons, n_classes)
        Output spikes by neuron and class, each counted as its sample's weight.

    Warns
    -----
    UserWarning
        When samples are on another scale than those of training (0..1 and 0..255, say), when images are so small that a full
        field reads better, or when a parameter has no effect: ``step`` beside a device, ``n_neurons`` beside a spec, and so on.

    Notes
    -----
    ``sample_weight`` of ``fit`` and ``partial_fit``: weights are scaled to a mean of 1; a sample of weight w is shown w times in
    an epoch on average (the number of presentations does not change), and each of its output spikes counts w for the class
    labels. Samples of weight 0 are left out. Since the order of presentations is random, a weight of 2 is not the same, to the
    bit, as giving the sample twice.

    Local fields (``image_shape`` given) and one full field (left out), on MNIST shrunk to several sizes: test accuracy in per
    cent, 100 neurons, 10,000 training images, three seeds (standard deviation 0.1 to 1.6; ``benchmarks/small_images.py``).
    The border is near 16 x 16; with 500 neurons, one seed, it lies between 16 x 16 (-0.4) and 20 x 20 (+1.1).

    ============  =====  =====  =====  =======  =======  =======  =======  =======  =====================
    pixels        6 x 6  8 x 8  10x10  12 x 12  14 x 14  16 x 16  20 x 20  28 x 28  8 x 8 of scikit-learn
    ============  =====  =====  =====  =======  =======  =======  =======  =======  =====================
    local fields  36.1   60.8   70.8   77.2     82.9     85.9     88.9     90.8     84.0
    full field    78.0   82.5   80.5   83.2     86.0     85.7     86.9     86.4     91.7
    ============  =====  =====  =====  =======  =======  =======  =======  =======  =====================

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> x, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier(random_state=0).fit(x, y)
    >>> model.score(x, y) > 0.9
    True

    The output spikes of each neuron, as features for another model:

    >>> model.transform(x).shape
    (150, 100)
    """

    def __init__(
        self,
        n_neurons: int = 100,
        *,
        device: str | Path | DeviceSpec | None = None,
        epochs: int | Literal["auto"] = "auto",
        image_shape: tuple[int, ...] | None = None,
        fields: Literal["local", "full", "auto"] | None = None,
        receptors: int | Literal["auto"] = "auto",
        step: float = 0.1,
        pruning: str = "none",
        pruning_fraction: float = 0.0,
        expected_samples: int = 20_000,
        spec: LearningSpec | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_neurons = n_neurons
        self.device = device
        self.epochs = epochs
        self.image_shape = image_shape
        self.fields = fields
        self.receptors = receptors
        self.step = step
        self.pruning = pruning
        self.pruning_fraction = pruning_fraction
        self.expected_samples = expected_samples
        self.spec = spec
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train a new network on samples.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,)
            Classes; they serve the labels of neurons only.
        sample_weight : array_like, shape (n_samples,), optional
            Not negative; see Notes of the class.
        """
        X, y = self._check(X, y, reset=True)
        self._check_parameters(X)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self._require_two_classes()
        X, labels, weights = self._weighted(X, labels, sample_weight)
        enough = self.spec.epochs if self.spec else max(3, -(-_PRESENTATIONS // len(X)))
        epochs = enough if self.epochs == "auto" else self.epochs
        self._begin(X, labels, weights, epochs * len(X))
        pixels = self._see(X)
        n, seed = len(X), self._spec.seed
        for first in range(0, epochs, per := max(1, _TOGETHER // n)):
            some = range(first, min(first + per, epochs))
            mixed = permutation(n, seed=seed, stream=Stream.ORDER, presentation=some)
            orders = [shown(weights, n, seed, epoch)[order] for epoch, order in zip(some, mixed, strict=True)]
            self._trainer.learn_epochs(pixels, np.array(orders), labels)
        self.label_counts_ = self._label(pixels, labels, weights)
        return self

    def partial_fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Continue to learn from one batch, in its order.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,)
        classes : array_like, optional
            All classes there will be; must be given at the first call, and be the same if given again.
        sample_weight : array_like, shape (n_samples,), optional
            Not negative; see Notes of the class. Weights are relative to the other samples of the batch.
        """
        first = not hasattr(self, "machine_")
        X, y = self._check(X, y, reset=first)
        if first:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self.classes_ = np.unique(classes)
            self._require_two_classes()
            self._require_known(y)
            self._check_parameters(X)
        elif classes is not None:
            self._require_same(np.unique(classes))
        self._require_known(y)
        X, labels, weights = self._weighted(X, np.searchsorted(self.classes_, y), sample_weight)
        if first:
            self._begin(X, labels, weights, self.expected_samples)
            self.label_counts_ = np.zeros((self._spec.n_neurons, len(self.classes_)))
        else:
            self._scale.warn_if_other(X, "this classifier")
        pixels = self._see(X)
        self._trainer.learn(pixels, shown(weights, len(X), self._spec.seed, self._trainer.presentations), labels)
        self.label_counts_ = 0.9 * self.label_counts_ + self._label(pixels, labels, weights)
        return self

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the class of each sample by soft votes, shape (n_samples,)."""
        votes = self._votes(X)
        read: npt.NDArray[Any] = self.classes_[votes.argmax(axis=1)]
        return read

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the normalised soft votes, shape (n_samples, n_classes)."""
        votes = self._votes(X)
        shares = np.exp(votes - votes.max(axis=1, keepdims=True))
        proba: npt.NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
        return proba

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return each neuron's output spikes while a sample is shown, without learning: shape (n_samples, n_neurons)."""
        return spike_counts(self._spikes(X), self._spec.n_neurons).astype(np.float64)

    def _check(self, X: npt.ArrayLike, y: npt.ArrayLike, reset: bool) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        checked: tuple[npt.NDArray[Any], npt.NDArray[Any]] = validate_data(self, X, y, reset=reset, dtype=np.float64)
        check_classification_targets(checked[1])
        return checked

    def _check_parameters(self, X: npt.NDArray[np.float64]) -> None:
        """Refuse parameters that the specs do not look at themselves."""
        allowed = {
            "epochs": ("a whole number of at least 1, or 'auto'", is_whole(self.epochs) or _word(self.epochs, "auto")),
            "receptors": (
                "a whole number of at least 1, or 'auto'",
                is_whole(self.receptors) or _word(self.receptors, "auto"),
            ),
            "expected_samples": ("a whole number of at least 1", is_whole(self.expected_samples)),
            "fields": (
                "'local', 'full', 'auto' or None",
                self.fields is None or _word(self.fields, "local", "full", "auto"),
            ),
            "spec": ("a LearningSpec, as of load_experiment", self.spec is None or isinstance(self.spec, LearningSpec)),
            "pruning": (f"{', '.join(_PRUNING[:-1])} or {_PRUNING[-1]}", _word(self.pruning, *_PRUNING)),
        }
        for name, (rule, holds) in allowed.items():
            require(holds, name, rule, getattr(self, name))
        if self.spec is not None and self.spec.pruning.kind.after_training:
            raise SpecError(
                "spec must prune while training, if at all, since a classifier may learn on",
                where="spec",
                got=f'pruning.mode = "{self.spec.pruning.mode}"',
                do="Use soft, conventional or random; or synarray.train.",
            )
        check_geometry(self.image_shape, X.shape[1])
        if self.image_shape is not None:
            check_images(X, "X")
        self._warn_of_parameters()

    def _warn_of_parameters(self) -> None:
        """Say what has no effect, and what would read better."""
        for name, why in self._without_effect():
            warnings.warn(f"{name} = {getattr(self, name)!r} has no effect: {why}.", UserWarning, stacklevel=4)
        fields = self.fields or (self.spec.fields.kind if self.spec else "full")
        if self.image_shape is None and fields != "full":
            warnings.warn(
                f"{fields} fields need an image_shape: without it the network has one full field.",
                UserWarning,
                stacklevel=4,
            )
        sides = (self.image_shape or ())[:2]
        if sides and self._kind_asked == "local" and math.prod(sides) < _SMALL:
            warnings.warn(
                f"Images of {' x '.join(map(str, sides))} pixels read better through one full field: leave "
                'image_shape out, or say fields="auto". (Local fields are better from about 16 x 16 pixels on.)',
                UserWarning,
                stacklevel=4,
            )

    def _without_effect(self) -> Iterator[tuple[str, str]]:
        """List parameters that were changed and are not used, and why."""
        unused: dict[str, str] = {}
        if not MODES[self.pruning].acts:
            unused["pruning_fraction"] = 'pruning is "none"'
        if self.device is not None:
            unused["step"] = "the device has steps of its own"
        if self.spec is not None:
            unused = dict.fromkeys(("n_neurons", "step", "pruning", "pruning_fraction"), "spec says it")
        for name, parameter in inspect.signature(SpikingClassifier).parameters.items():
            if name in unused and not np.array_equal(getattr(self, name), parameter.default):
                yield name, unused[name]

    def _weighted(
        self, X: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], sample_weight: npt.ArrayLike | None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], Weights | None]:
        """Check weights, leave out samples of weight 0, and scale the others to a mean of 1 (None: all alike)."""
        if sample_weight is None:
            return X, labels, None
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        counted = weights > 0
        if not counted.any():
            do = "Give a positive weight to the samples that count."
            raise DataError("some sample must have a weight above 0", got="0 throughout", where="sample_weight", do=do)
        return X[counted], labels[counted], scaled_weights(weights[counted])

    def _require_same(self, classes: npt.NDArray[Any]) -> None:
        if not np.array_equal(classes, self.classes_):
            raise DataError(
                "classes must be the same as before",
                got=str(classes.tolist()),
                where="classes",
                do=f"Leave them out, or give {self.classes_.tolist()} again.",
            )

    def _require_known(self, y: npt.NDArray[Any]) -> None:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise DataError(
                "every class must have been passed to the first partial_fit",
                got=str(unknown.tolist()),
                where="y",
                do=f"Use only {self.classes_.tolist()}, or start again with fit.",
            )

    def _require_two_classes(self) -> None:
        if len(self.classes_) < 2:
            raise DataError(
                "a classifier needs at least two classes",
                got=f"one class, {self.classes_.tolist()}",
                where="y",
                do="Give samples of another class too.",
            )

    @property
    def _kind_asked(self) -> Literal["full", "local", "auto"]:
        return self.fields or (self.spec.fields.kind if self.spec else "local")

    def _decide_fields(
        self, X: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], weights: Weights | None, seed: int
    ) -> tuple[Kind, FieldTrial | None]:
        """Say which fields the network gets, and how they were chosen if they were."""
        if self._kind_asked != "auto" or self.image_shape is None:
            return ("local" if self._kind_asked == "local" and self.image_shape else "full"), None
        learned, held = split(labels, seed)
        part = None if weights is None else weights[learned]
        accuracy: dict[Kind, float] = {}
        for kind in KINDS:
            model = clone(self).set_params(fields=kind, random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # that small images read better through a full field is what is asked here
                accuracy[kind] = model.fit(X[learned], labels[learned], part).score(X[held], labels[held])
        return better(accuracy, len(held))

    def _machine_spec(self, seed: int) -> LearningSpec:
        """Compose the machine that the parameters ask for."""
        device: dict[str, Any] = {} if self.device is None else {"device": self.device}
        if self.spec is not None:
            if self.spec.layers or self.spec.encoding.channelled:
                raise SpecError(
                    "the classifier has one layer, and rates at its inputs", got="layers, or channels", where="spec",
                    do="Use synarray.train for networks of several layers.",
                )  # fmt: skip
            fields = self.spec.fields.model_copy(update={"kind": self.fields_, "trial": self.fields_trial_})
            kept = self.spec.fields if self.image_shape is None else fields
            return type(self.spec)(**{**dict(self.spec), "seed": seed, "fields": kept, **device})
        local = self.fields_ == "local"
        return LearningSpec(
            n_neurons=self.n_neurons,
            seed=seed,
            inputs=InputSpec(select="active" if local else "all"),
            encoding=EncodingSpec(t_present=10e-3) if local else EncodingSpec(floor=0, gain_control=False),
            fields=FieldSpec(kind=self.fields_, trial=self.fields_trial_),
            neuron=NeuronSpec(refractory=0.5 if local else 0.0),
            cell=CellSpec(step=self.step),
            pruning=PruningSpec(mode=self.pruning, fraction=self.pruning_fraction),
            **device,
        )

    def _begin(
        self, X: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], weights: Weights | None, total: int
    ) -> None:
        """Learn the inputs' scaling and build an untrained network."""
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        self.fields_, self.fields_trial_ = self._decide_fields(X, labels, weights, int(seed))
        spec = self._spec = self._machine_spec(int(seed))
        self._n_features_out, self._scale = spec.n_neurons, Scale.of(X)
        local = self.image_shape is not None and (self.spec is not None or self.fields_ == "local")
        n_receptors = self.receptors
        if local and n_receptors != "auto":
            warnings.warn(
                f"receptors = {n_receptors} has no effect: each pixel of images is one input.",
                UserWarning,
                stacklevel=3,
            )
        if n_receptors == "auto":
            n_receptors = 10 if X.shape[1] <= _FEW_FEATURES else 1
        self._code = None if local else PopulationCode.fit(X, n_receptors)
        x = self._code.encode(X) if self._code else X
        self._retina = Retina.fit(
            x,
            spec.inputs,
            full_scale=float(x.max()) or 1.0 if local else 255.0,
            gain_control=spec.encoding.gain_control,
        )
        shape = self.image_shape if local else None
        groups = place_groups(spec.fields, spec.n_neurons, self._retina.inputs, shape)
        self.machine_ = Machine.build(spec, groups, total)
        self._trainer = Trainer(self.machine_, len(self.classes_), total)

    def _see(self, X: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
        return self._retina.see(self._code.encode(X) if self._code else X)

    def _label(
        self,
        pixels: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]],
        labels: npt.NDArray[np.int64],
        weights: Weights | None,
    ) -> npt.NDArray[np.float64]:
        spec = self._spec
        spikes = infer(self.machine_, pixels, spec.readout.label_windows, Phase.LABEL)
        return weigh_spikes(spikes, labels, spec.n_neurons, len(self.classes_), weights)

    def _spikes(self, X: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Show samples without learning: the winners [sample, window, group]."""
        check_is_fitted(self, "machine_")
        checked = validate_data(self, X, reset=False, dtype=np.float64)
        self._scale.warn_if_other(checked, "this classifier")
        return infer(self.machine_, self._see(checked), self._spec.readout.test_windows, Phase.TEST)

    def _votes(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return soft_votes(self._spikes(X), log_posterior(self.label_counts_, self._spec.readout.smoothing))


def _word(value: object, *words: str) -> bool:
    return isinstance(value, str) and value in words
