"""Randomness without a state: every random number is a pure function of where it is used.

Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a counter of four 32-bit
words and a key of two into four random words. Here the key is (seed, stream) and the counter is (block, step,
presentation, lane): the same seed gives the same number at the same place, whatever was drawn before, for any number
of workers and after any resume. Named streams keep the noises apart: switching one off shifts no other.

Numbers are used as 16-bit halves, eight to a block: number i is half i % 2 (low half first) of word (i // 2) % 4 of
block i // 8. The compiled kernels carry their own copy of this law; a test holds the two together.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Phase",
    "Stream",
    "normal",
    "normal_quantiles",
    "permutation",
    "philox",
    "random_u16",
    "random_u32",
    "uniform",
]

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = 0xFFFFFFFF


class Stream(IntEnum):
    """What a random number is for. Values are part of the results: never renumber, only append."""

    ORDER = 1  # order of the images in an epoch
    INPUT = 2  # input spikes
    WINNER = 3  # which neuron fires
    PULSE = 4  # whether a programming pulse is sent
    INITIAL = 5  # initial weights
    PRUNE = 6  # which cells random pruning takes
    SUBSET = 7  # which training images are used when not all are
    CYCLE = 8  # cycle-to-cycle spread of learning pulses
    FAILURE = 9  # which learning pulses fail
    PROGRAM = 10  # spread and failure of the pulses of write-verify programming
    RANGE = 11  # device-to-device: the ends of each cell's range
    STEP = 12  # device-to-device: the size of each cell's step
    NONLINEARITY = 13  # device-to-device: the curvature of each cell's response
    STUCK = 14  # which cells are stuck
    READ = 15  # read noise
    DRIFT = 16  # device-to-device: the drift of each cell
    LIFE = 17  # device-to-device: pulses each cell lives through
    DEATH = 18  # the state of cells whose lives ended before the training; which cells of a compound stay on
    PLACE = 19  # at which places a tile is read while learning


class Phase(IntEnum):
    """Which pass over images the number belongs to; added to the stream in the high bits of the key's second word."""

    TRAIN = 0
    LABEL = 1
    TEST = 2
    REBALANCE = 3
    FEATURES = 4  # spikes of frozen layers, for the layer above that learns


def philox(
    counter: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike, npt.ArrayLike], key: tuple[int, int], rounds: int = 10
) -> tuple[npt.NDArray[np.uint32], ...]:
    """Turn counters into random words with Philox-4x32.

    Parameters
    ----------
    counter : tuple of four array_like of uint32
        The counter words; they broadcast together.
    key : tuple of two int
        The key words, 0 to 2^32 - 1.
    rounds : int
        10 is the standard generator.

    Returns
    -------
    tuple of four ndarray of uint32
        The random words, each of the broadcast shape.

    Examples
    --------
    The known answer published with the generator (Random123, kat_vectors):

    >>> [f"{int(word):08x}" for word in philox((0, 0, 0, 0), (0, 0))]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    words: Any
    if all(isinstance(word, int | np.integer) for word in counter):  # Python's integers are faster for one draw
        words = (int(word) for word in counter)  # type: ignore[arg-type]
    else:
        words = np.broadcast_arrays(*(np.asarray(word, dtype=np.uint64) for word in counter))
    c0, c1, c2, c3 = words
    k0, k1 = (int(word) for word in key)
    for _ in range(rounds):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _LOW, (p0 >> 32) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return tuple(np.uint32(word) for word in (c0, c1, c2, c3))  # type: ignore[misc]


def random_u32(
    n: int, *, seed: int, stream: Stream, phase: Phase = Phase.TRAIN, step: int = 0, presentation: npt.ArrayLike = 0
) -> npt.NDArray[np.uint32]:
    """Draw n random 32-bit words at one place of the run.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Seed of the run, 0 to 2^32 - 1.
    stream, phase : Stream, Phase
        What they are for, and in which pass.
    step : int
        The place: window (or group and window), 0 to 2^32 - 1.
    presentation : int or array_like of int, shape (n_presentations,)
        The place: image presentation, 0 to 2^32 - 1.

    Returns
    -------
    ndarray of uint32, shape (n,), or (n_presentations, n) for an array of presentations

    Examples
    --------
    >>> a = random_u32(8, seed=1, stream=Stream.INPUT, presentation=5)
    >>> b = random_u32(4, seed=1, stream=Stream.INPUT, presentation=5)
    >>> bool((a[:4] == b).all())
    True
    """
    blocks = np.arange((n + 3) // 4, dtype=np.uint64)
    words = philox((blocks, step, np.asarray(presentation)[..., None], 0), (seed, stream + (phase << 8)))
    return np.stack(words, axis=-1).reshape(*np.shape(presentation), -1)[..., :n]


def random_u16(
    n: int, *, seed: int, stream: Stream, phase: Phase = Phase.TRAIN, step: int = 0, presentation: int = 0
) -> npt.NDArray[np.uint16]:
    """Draw n random 16-bit numbers at one place of the run: the low half, then the high half of each word.

    Parameters and errors are those of :func:`random_u32`.
    """
    words = random_u32((n + 1) // 2, seed=seed, stream=stream, phase=phase, step=step, presentation=presentation)
    halves = np.stack([words & np.uint32(0xFFFF), words >> np.uint32(16)], axis=1)
    return halves.reshape(-1)[:n].astype(np.uint16)


def uniform(n: int, *, seed: int, stream: Stream, step: int = 0, presentation: int = 0) -> npt.NDArray[np.float64]:
    """Draw n numbers evenly from [0, 1), on a grid of 2^-32, at one place of the run."""
    words = random_u32(n, seed=seed, stream=stream, step=step, presentation=presentation)
    return words.astype(np.float64) * 2.0**-32


def normal(n: int, *, seed: int, stream: Stream, step: int = 0, presentation: int = 0) -> npt.NDArray[np.float64]:
    """Draw n standard normal numbers at one place of the run."""
    from scipy.special import ndtri

    u = uniform(n, seed=seed, stream=stream, step=step, presentation=presentation)
    numbers: npt.NDArray[np.float64] = ndtri(u + 2.0**-33)
    return numbers


@lru_cache(maxsize=1)
def normal_quantiles() -> npt.NDArray[np.float32]:
    """1025 quantiles of |z|, from which 16 random bits make a normal number: a sign, and a place between two of them.

    The last one is placed where the variance of the numbers so made is 1. Rounded to 2^-16, so that every machine has the same.
    """
    from statistics import NormalDist  # SciPy's, the same after rounding, takes longer to import than all of this

    q = np.empty(1025)
    q[:-1] = [NormalDist().inv_cdf(0.5 + i / 2048.0) for i in range(1024)]
    part = (np.arange(32) + 0.5) / 32.0
    inner = (q[:-2, None] + np.diff(q[:-1])[:, None] * part) ** 2
    # sum over the last piece of (q + d part)^2 = 32 x 1024 - the rest, for its length d
    a, b, c = (part**2).sum(), 2.0 * q[-2] * part.sum(), 32 * q[-2] ** 2 - (32 * 1024 - inner.sum())
    q[-1] = q[-2] + (-b + np.sqrt(b * b - 4.0 * a * c)) / (2.0 * a)
    rounded: npt.NDArray[np.float32] = (np.rint(q * 65536.0) / 65536.0).astype(np.float32)
    return rounded


def permutation(n: int, *, seed: int, stream: Stream, presentation: npt.ArrayLike = 0) -> npt.NDArray[np.int64]:
    """Shuffle 0..n-1 by sorting random keys: the same for every version of NumPy.

    For an array of presentations there is a row for each.

    Examples
    --------
    >>> sorted(permutation(5, seed=0, stream=Stream.ORDER).tolist())
    [0, 1, 2, 3, 4]
    >>> permutation(5, seed=0, stream=Stream.ORDER, presentation=range(3)).shape
    (3, 5)
    """
    words = random_u32(2 * n, seed=seed, stream=stream, presentation=presentation).astype(np.uint64)
    return np.argsort((words[..., 0::2] << np.uint64(32)) | words[..., 1::2], kind="stable")
