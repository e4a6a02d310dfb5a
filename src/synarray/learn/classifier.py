"""The learning machine as a scikit-learn classifier, for any features: images with their shape, or plain tables."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from synarray.device.cell import CellSpec
from synarray.errors import DataError, SpecError
from synarray.learn.readout import count_spikes, log_posterior, soft_votes
from synarray.learn.spec import LearningSpec
from synarray.learn.trainer import Trainer, infer
from synarray.network.encoding import EncodingSpec, InputSpec, PopulationCode, Retina
from synarray.network.machine import Machine
from synarray.network.neuron import NeuronSpec
from synarray.network.pruning import MODES, PruningSpec
from synarray.network.topology import FieldSpec, check_geometry, place_groups
from synarray.rng import Phase, Stream, permutation
from synarray.task.datasets import check_images

__all__ = ["SpikingClassifier"]

_PRESENTATIONS = 20_000
"""Presentations that ``epochs="auto"`` makes sure of."""
_FEW_FEATURES = 64
"""Features up to which ``receptors="auto"`` gives each a population."""

_PRUNING = tuple(word for word, mode in MODES.items() if not mode.after_training)
"""Modes of pruning that a classifier may have: it may learn on."""


class SpikingClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Unsupervised spiking network in an array of memory cells, read out as a classifier.

    The network learns by STDP without labels; labels only name what its neurons respond to.

    Parameters
    ----------
    n_neurons : int
        Output neurons.
    epochs : int or "auto"
        Passes over the training data; "auto": 3, or as many as make 20,000 presentations.
    image_shape : tuple of int, optional
        Height and width behind the features of images; gives local fields. Images must not be negative. None: a table of
        features of any range, one full field.
    receptors : int or "auto"
        Inputs per feature of a table, with bell-shaped tuning; "auto": 10 up to 64 features, else 1.
    step : float
        Weight moved by one programming pulse, in (0, 2].
    pruning : {"none", "soft", "conventional", "random"}
        What becomes of each neuron's lowest cells during training.
    pruning_fraction : float
        Share of the cells pruned, 0 to 1.
    expected_samples : int
        Samples after which the schedules of ``partial_fit`` have come to their end.
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
    label_counts_ : ndarray, shape (n_neurons, n_classes)
        Output spikes by neuron and class.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> x, y = load_iris(return_X_y=True)
    >>> SpikingClassifier(random_state=0).fit(x, y).score(x, y) > 0.9
    True
    """

    def __init__(
        self,
        n_neurons: int = 100,
        *,
        epochs: int | Literal["auto"] = "auto",
        image_shape: tuple[int, ...] | None = None,
        receptors: int | Literal["auto"] = "auto",
        step: float = 0.1,
        pruning: str = "none",
        pruning_fraction: float = 0.0,
        expected_samples: int = 20_000,
        spec: LearningSpec | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_neurons = n_neurons
        self.epochs = epochs
        self.image_shape = image_shape
        self.receptors = receptors
        self.step = step
        self.pruning = pruning
        self.pruning_fraction = pruning_fraction
        self.expected_samples = expected_samples
        self.spec = spec
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Train from nothing on samples, shape (n_samples, n_features), with classes, shape (n_samples,)."""
        X, y = self._check(X, y, reset=True)
        self._check_parameters(X)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self._require_two_classes()
        enough = self.spec.epochs if self.spec else max(3, -(-_PRESENTATIONS // len(X)))
        epochs = enough if self.epochs == "auto" else self.epochs
        self._begin(X, epochs * len(X))
        pixels = self._see(X)
        for epoch in range(epochs):
            order = permutation(len(X), seed=self._trainer.machine.spec.seed, stream=Stream.ORDER, presentation=epoch)
            self._trainer.learn(pixels, order, labels)
        self.label_counts_ = self._label(pixels, labels).astype(np.float64)
        return self

    def partial_fit(self, X: npt.ArrayLike, y: npt.ArrayLike, classes: npt.ArrayLike | None = None) -> Self:
        """Learn on from one batch, in its order; ``classes`` are all there will be, given at the first call."""
        first = not hasattr(self, "machine_")
        X, y = self._check(X, y, reset=first)
        if first:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self.classes_ = np.unique(classes)
            self._require_two_classes()
            self._require_known(y)
            self._check_parameters(X)
            self._begin(X, self.expected_samples)
            self.label_counts_ = np.zeros((self._spec.n_neurons, len(self.classes_)))
        self._require_known(y)
        labels, pixels = np.searchsorted(self.classes_, y), self._see(X)
        self._trainer.learn(pixels, np.arange(len(X)), labels)
        self.label_counts_ = 0.9 * self.label_counts_ + self._label(pixels, labels)
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

    def _check(self, X: npt.ArrayLike, y: npt.ArrayLike, reset: bool) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        checked: tuple[npt.NDArray[Any], npt.NDArray[Any]] = validate_data(self, X, y, reset=reset, dtype=np.float64)
        check_classification_targets(checked[1])
        return checked

    def _check_parameters(self, X: npt.NDArray[np.float64]) -> None:
        """Refuse parameters that the specs do not look at themselves."""
        allowed = {
            "epochs": ("a whole number of at least 1, or 'auto'", _whole(self.epochs) or self.epochs == "auto"),
            "receptors": (
                "a whole number of at least 1, or 'auto'",
                _whole(self.receptors) or self.receptors == "auto",
            ),
            "expected_samples": ("a whole number of at least 1", _whole(self.expected_samples)),
            "spec": ("a LearningSpec, as of load_experiment", self.spec is None or isinstance(self.spec, LearningSpec)),
            "pruning": (
                f"{', '.join(_PRUNING[:-1])} or {_PRUNING[-1]}",
                self.pruning in _PRUNING,
            ),
        }
        for name, (rule, holds) in allowed.items():
            if not holds:
                raise SpecError(
                    f"{name} must be {rule}", got=repr(getattr(self, name)), where=name, do=f"Change {name}."
                )
        if self.spec is not None and self.spec.pruning.kind.after_training:
            raise SpecError(
                "spec must prune while training, if at all, since a classifier may learn on", where="spec",
                got=f'pruning.mode = "{self.spec.pruning.mode}"', do="Use soft, conventional or random; or synarray.train.",
            )  # fmt: skip
        check_geometry(self.image_shape, X.shape[1])
        if self.image_shape is not None:
            check_images(X, "X")

    def _require_known(self, y: npt.NDArray[Any]) -> None:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise DataError(
                "every class must have been passed to the first partial_fit", got=str(unknown.tolist()), where="y",
                do=f"Use only {self.classes_.tolist()}, or start anew with fit.",
            )  # fmt: skip

    def _require_two_classes(self) -> None:
        if len(self.classes_) < 2:
            raise DataError(
                "a classifier needs at least two classes", got=f"one class, {self.classes_.tolist()}", where="y",
                do="Give samples of another class too.",
            )  # fmt: skip

    def _machine_spec(self) -> LearningSpec:
        """Compose the machine that the parameters ask for."""
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        if self.spec is not None:
            return type(self.spec)(**{**dict(self.spec), "seed": int(seed)})
        local = self.image_shape is not None
        return LearningSpec(
            n_neurons=self.n_neurons, seed=int(seed),
            inputs=InputSpec(select="active" if local else "all"),
            encoding=EncodingSpec(t_present=10e-3) if local else EncodingSpec(floor=0, gain_control=False),
            fields=FieldSpec(kind="local" if local else "full"),
            neuron=NeuronSpec(refractory=0.5 if local else 0.0),
            cell=CellSpec(step=self.step),
            pruning=PruningSpec(mode=self.pruning, fraction=self.pruning_fraction),
        )  # fmt: skip

    def _begin(self, X: npt.NDArray[np.float64], total: int) -> None:
        """Learn the inputs' scaling and build an untrained network."""
        spec = self._spec = self._machine_spec()
        local = self.image_shape is not None
        n_receptors = self.receptors
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
        groups = place_groups(spec.fields, spec.n_neurons, self._retina.inputs, self.image_shape)
        self.machine_ = Machine.build(spec, groups, total)
        self._trainer = Trainer(self.machine_, len(self.classes_), total)

    def _see(self, X: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
        return self._retina.see(self._code.encode(X) if self._code else X)

    def _label(
        self, pixels: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]], labels: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        spec = self._spec
        spikes = infer(self.machine_, pixels, spec.readout.label_windows, Phase.LABEL)
        return count_spikes(spikes, labels, spec.n_neurons, len(self.classes_))

    def _votes(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        check_is_fitted(self, "machine_")
        checked = validate_data(self, X, reset=False, dtype=np.float64)
        readout = self._spec.readout
        spikes = infer(self.machine_, self._see(checked), readout.test_windows, Phase.TEST)
        return soft_votes(spikes, log_posterior(self.label_counts_, readout.smoothing))


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 1
