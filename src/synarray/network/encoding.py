"""From an image to input spikes: which pixels become inputs, gain control, and each input's probability of firing.

    gain        v <- min(255, v target / sum v)          target: the mean total of the training images
    rate        r_i = r_max (v_i / 255)^gamma            per second; 0 where v_i <= floor
    spikes      P(spike in a step) = r_i dt              steps of dt = 1 ms
    window      P(x_i = 1) = 1 - (1 - r_i dt)^(t_window / dt)

Pixel values are held in 8 bits (255 = full scale of the data set), chances in 16 bits. The selection of inputs follows
Shi et al. 2018, who kept 397 of MNIST's 784 pixels.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from synarray.errors import DataError
from synarray.spec import Spec
from synarray.units import Hertz, Seconds

__all__ = ["EncodingSpec", "InputSpec", "PopulationCode", "Retina", "chance_table", "channel_table", "image_keys"]

FULL = 255
_MOST_DRAWS = 1000


class InputSpec(Spec):
    """Which features of the data become inputs of the network."""

    select: Literal["active", "all"] = "active"
    """``active``: features above ``level`` in more than ``share`` of the training images; ``all``: every feature."""
    level: Annotated[int, Field(ge=0, lt=FULL)] = 1
    """Intensity an active feature exceeds, in 1/255 of full scale."""
    share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the training images in which it must do so."""


class EncodingSpec(Spec):
    """How intensities become Poisson-like input spikes, and how time is cut.

    Raises
    ------
    SpecError
        When times are not positive, a window is no whole number of steps, or r_max dt exceeds 1.
    """

    form: Literal["windows", "sliding"] = "windows"
    """``windows``: one winner per window, windows start empty; ``sliding``: one winner per step, the window slides."""
    dt: Annotated[Seconds, Field(ge=1e-6, le=1)] = 1e-3
    t_window: Annotated[Seconds, Field(gt=0)] = 10e-3
    """STDP window: an input that spiked within it before the output spike gets LTP, the others LTD."""
    t_present: Annotated[Seconds, Field(gt=0)] = 40e-3
    """How long an image is shown while learning."""
    rate_max: Annotated[Hertz, Field(gt=0)] = 240.0
    """Firing rate of an input at full intensity."""
    gamma: Annotated[float, Field(gt=0)] = 1.0
    floor: Annotated[int, Field(ge=0, lt=FULL)] = 50
    """Intensity up to which an input stays silent, in 1/255."""
    gain_control: bool = True
    """Bring every image to the mean total intensity of the training images first."""
    channels: Annotated[int, Field(ge=0, le=16)] = 0
    """Thermometer channels of each feature: channel i of n is active above (i + 1/2) / n of full scale; 0: rates instead."""
    sharpness: Annotated[float, Field(gt=0, le=1000)] = 48.0
    """Steepness of the edge of a channel: P(active in a window) = 1 / (1 + exp(-sharpness (v - edge))), v in 0..1."""
    off: bool = False
    """On and off channels: besides those of each feature, the same of its negative, which are active where it is dark."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name in ("t_window", "t_present"):
            unit = self.dt if name == "t_window" or self.form == "sliding" else self.t_window
            ratio = getattr(self, name) / unit
            if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-6:
                raise ValueError(f"{name} must be a whole multiple of {unit:g} s")
        if self.draws > _MOST_DRAWS:
            raise ValueError(
                f"t_present must not hold more than {_MOST_DRAWS} output spikes of a group, not {self.draws:,}"
            )
        if self.steps_per_window > 65_535:
            raise ValueError("t_window must not hold more than 65,535 steps of dt")
        if self.channelled and self.form == "sliding":
            raise ValueError("channels need windows; the sliding form has rates only")
        if self.rate_max * self.dt > 1:
            raise ValueError(f"rate_max x dt must not exceed 1 spike per step (rate_max at most {1 / self.dt:g} Hz)")
        return self

    @property
    def channelled(self) -> bool:
        """Whether features have channels, rather than one rate each."""
        return self.channels > 0 or self.off

    @property
    def per_feature(self) -> int:
        """Inputs that each feature is encoded by."""
        return max(1, self.channels) * (2 if self.off else 1)

    @property
    def steps_per_window(self) -> int:
        """Time steps in a window."""
        return round(self.t_window / self.dt)

    @property
    def draws(self) -> int:
        """Output spikes of each group while one image is shown: windows, or steps in the sliding form."""
        return round(self.t_present / (self.dt if self.form == "sliding" else self.t_window))


@lru_cache(maxsize=64)
def chance_table(spec: EncodingSpec, *, per_step: bool) -> npt.NDArray[np.uint16]:
    """Probability that an input of each 8-bit intensity is active in a window (or spikes in a step), in 1/65536.

    Returns
    -------
    ndarray of uint16, shape (256,)

    Examples
    --------
    >>> int(chance_table(EncodingSpec(rate_max=100.0), per_step=True)[255])  # 0.1 of 65536
    6554
    """
    v = np.arange(FULL + 1)
    per_dt = np.where(v > spec.floor, spec.rate_max * spec.dt * (v / FULL) ** spec.gamma, 0.0)
    chance = per_dt if per_step else 1.0 - (1.0 - per_dt) ** spec.steps_per_window
    return np.minimum(np.rint(chance * 65536), 65535).astype(np.uint16)


@lru_cache(maxsize=16)
def channel_table(spec: EncodingSpec) -> npt.NDArray[np.uint16]:
    """Probability that a channel of a feature of each 8-bit intensity is active in a window, in 1/65536; shape (channels, 256).

    Without thermometer channels a feature has its rate; off channels come after the others.

    Examples
    --------
    >>> channel_table(EncodingSpec(channels=4))[:, [0, 96, 255]].tolist()
    [[162, 65535, 65535], [0, 33924, 65535], [0, 0, 65535], [0, 0, 65374]]
    >>> channel_table(EncodingSpec(channels=1, off=True))[:, [0, 127, 255]].tolist()
    [[0, 31227, 65535], [65535, 34309, 0]]
    """
    if spec.channels:
        v, edge = np.arange(FULL + 1) / FULL, (np.arange(spec.channels) + 0.5) / spec.channels
        chance = 1.0 / (1.0 + np.exp(-spec.sharpness * (v - edge[:, None])))
        on = np.minimum(np.rint(chance * 65536), 65535).astype(np.uint16)
    else:
        on = chance_table(spec, per_step=False)[None]
    return np.concatenate([on, on[:, ::-1]]) if spec.off else on


@dataclass(frozen=True)
class Retina:
    """What the encoder has learned from the training images: which features are inputs, full scale, and the mean total."""

    inputs: npt.NDArray[np.int64]
    """Features that are inputs, rising; shape (n_inputs,)."""
    n_features: int
    """Features of the data."""
    full_scale: float
    """Value of full intensity."""
    mean_total: float
    """Mean over the training images of the sum of 8-bit intensities."""
    gain_control: bool

    @classmethod
    def fit(cls, x: npt.NDArray[np.generic], inputs: InputSpec, *, full_scale: float, gain_control: bool) -> Retina:
        """Select inputs and learn the mean total from training images ``x``, shape (n_images, n_features)."""
        x = _to_bytes(x, full_scale)
        active = np.count_nonzero(x > inputs.level, axis=0) > inputs.share * len(x)
        if inputs.select == "all":
            active[:] = True
        if not active.any():
            raise DataError(
                f"at least one feature must exceed {inputs.level}/{FULL} in more than {inputs.share:.0%} of the images",
                got="none that does", where="inputs.level, inputs.share",
                do='Lower them, or set inputs.select = "all".',
            )  # fmt: skip
        return cls(np.flatnonzero(active), x.shape[1], full_scale, float(x.sum(axis=1).mean()), gain_control)

    def see(self, x: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
        """Turn images, shape (n_images, n_features), into input intensities and one gain per image (in 1/65536).

        Returns
        -------
        pixels : ndarray of uint8, shape (n_images, n_inputs)
        gains : ndarray of uint32, shape (n_images,)

        Raises
        ------
        DataError
            When the images have another number of features than the training images.
        """
        if x.shape[1] != self.n_features:
            raise DataError(
                "images must have as many features as the training images", where="x",
                got=f"{x.shape[1]:,} features, trained on {self.n_features:,}", do="Bring them to the same size.",
            )  # fmt: skip
        x = _to_bytes(x, self.full_scale)
        gains = np.full(len(x), 65536.0)
        if self.gain_control:
            gains = 65536.0 * self.mean_total / np.maximum(x.sum(axis=1), 1)
        pixels = np.take(x, self.inputs, axis=1)  # ten times as fast as an index
        return pixels, np.minimum(np.rint(gains), 65536.0 * FULL).astype(np.uint32)


_KEYS: dict[tuple[bytes, tuple[int, ...]], npt.NDArray[np.uint32]] = {}
"""Keys by the digest of all images: many trainings read the same ones."""
_MOST_KEYS = 16


def image_keys(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Key each image by its content (CRC-32): where its random numbers are drawn at read-out.

    What is read from an image then depends neither on its position nor on the images shown with it.
    """
    content = np.ascontiguousarray(pixels)
    same = hashlib.sha256(content.data).digest(), content.shape
    if same not in _KEYS:
        view, width = content.reshape(-1).data, content.shape[1]
        starts = range(0, content.size, max(width, 1))
        keys = np.fromiter((zlib.crc32(view[a : a + width]) for a in starts), np.uint32, len(content))
        if len(_KEYS) >= _MOST_KEYS:
            _KEYS.clear()
        _KEYS[same] = keys
        return keys.copy()
    return _KEYS[same].copy()


@dataclass(frozen=True)
class PopulationCode:
    """Turn features of any range into intensities: each feature excites a row of receptors with bell-shaped tuning.

    Receptor j of a feature has its centre at j / (n - 1) of the feature's range in the training data and the width of one
    spacing, after Bohte et al. 2002 (doi 10.1016/S0925-2312(01)00658-0). One receptor is the feature itself, scaled.
    """

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    """Range of each feature in the training data; values beyond it are taken to its edge; shape (n_features,)."""
    n_receptors: int

    @classmethod
    def fit(cls, x: npt.NDArray[np.float64], n_receptors: int) -> PopulationCode:
        """Learn each feature's range from training data, shape (n_samples, n_features)."""
        return cls(x.min(axis=0), x.max(axis=0), n_receptors)

    def encode(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
        """Return intensities, shape (n_samples, n_features * n_receptors)."""
        span = self.high / 2 - self.low / 2  # halves, so that no range overflows
        place = (np.clip(x, self.low, self.high) / 2 - self.low / 2) / np.where(span > 0, span, 1.0)
        if self.n_receptors > 1:
            centres = np.linspace(0.0, 1.0, self.n_receptors)
            place = np.exp(-0.5 * ((place[:, :, None] - centres) * (self.n_receptors - 1)) ** 2).reshape(len(x), -1)
        intensities: npt.NDArray[np.uint8] = np.rint(FULL * place).astype(np.uint8)
        return intensities


def _to_bytes(x: npt.NDArray[np.generic], full_scale: float) -> npt.NDArray[np.uint8]:
    if x.dtype == np.uint8 and full_scale == FULL:
        return x.view(np.uint8)
    scaled: npt.NDArray[np.uint8] = np.clip(np.rint(x.astype(np.float64) * (FULL / full_scale)), 0, FULL).astype(
        np.uint8
    )
    return scaled
