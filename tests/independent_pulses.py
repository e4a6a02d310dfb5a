"""Pulse trains of cells that are not the product's model: numpy only, nothing of synarray takes part in making them.

A cell moves along a curve x(p), p = 0 to 1 over N pulses: from state x a pulse leads to x(p(x) + 1 / N), plus noise, cut at the
ends of the cell's range. LTD is a curve of its own, from the upper end down. Reads are taken after every pulse. What is known of
each kind is in ``Made.truth``; a number that the kind does not define (the spread of a pulse whose noise depends on the state) is
not in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import erf
from typing import Any

import numpy as np

G_MIN, G_MAX = 1e-6, 9e-6
LABELS = (1.5, -2.5)


@dataclass
class Kind:
    """How one kind of cell moves and is read; all spreads are shares."""

    ltp: Callable[[np.ndarray], np.ndarray]
    ltd: Callable[[np.ndarray], np.ndarray]
    n: tuple[int, int] = (40, 30)
    labels: tuple[float, float] | None = None
    c2c: Callable[[np.ndarray, np.ndarray], np.ndarray] = field(default=lambda x, step: np.full(len(x), 0.01))
    tails: float | None = None
    """Degrees of freedom of Student's t, scaled to the same variance; None: normal."""
    read: float = 0.0
    """Spread of a read relative to the conductance."""
    read_constant: float = 0.0
    """Spread of a read in units of g_max, whatever the conductance."""
    flicker: float = 0.0
    """Spread of 1/f noise of the reads, relative to the conductance."""
    fatigue: float = 0.0
    """Share of g_max - g_min that is lost from cycle to cycle."""
    d2d_step: float = 0.1
    populations: bool = False
    known: dict[str, float] = field(default_factory=dict)


def exponential(label: float) -> Callable[[np.ndarray], np.ndarray]:
    """NeuroSim's curve of a label: it departs from the straight line by 0.07 sqrt(2) per unit; A by bisection."""
    p, low, high = np.linspace(0, 1, 20_001), 0.01, 200.0
    for _ in range(60):
        a = np.sqrt(low * high)
        away = ((1 - np.exp(-p / a)) / (1 - np.exp(-1 / a)) - p).max()
        low, high = (a, high) if away > 0.07 * np.sqrt(2) * abs(label) else (low, a)
    return lambda p: (1 - np.exp(-p / a)) / (1 - np.exp(-1 / a))


def stretched(p: np.ndarray) -> np.ndarray:
    return (1 - np.exp(-((p / 0.3) ** 0.6))) / (1 - np.exp(-((1 / 0.3) ** 0.6)))


def logarithmic(p: np.ndarray) -> np.ndarray:
    return np.log1p(20 * p) / np.log(21.0)


def two_slopes(p: np.ndarray) -> np.ndarray:
    return np.where(p < 0.25, 2.4 * p, 0.6 + (p - 0.25) * 0.4 / 0.75)


def bell(p: np.ndarray) -> np.ndarray:
    """Small steps at both ends, large ones in the middle."""
    z = np.array([erf((v - 0.5) / 0.35) for v in np.ravel(p)]).reshape(np.shape(p))
    return (z / erf(0.5 / 0.35) + 1) / 2


_UP, _DOWN = exponential(LABELS[0]), exponential(LABELS[1])


def _bent(**changes: Any) -> Kind:
    return Kind(_UP, _DOWN, labels=LABELS, **changes)


_ONE, _BOTH = {"sigma_c2c": 0.01}, {"sigma_c2c": 0.01, "sigma_read": 0.02}
KINDS: dict[str, Kind] = {
    "the model itself": _bent(read=0.02, known=_BOTH),
    "pulse noise by state": _bent(c2c=lambda x, step: 0.003 + 0.017 * x),
    "pulse noise by step": _bent(c2c=lambda x, step: 0.4 * step),
    "heavy tails": _bent(tails=3.0, known=_ONE),
    "constant read noise": _bent(read_constant=0.01, known=_ONE),
    "1/f read noise": _bent(flicker=0.02),
    "two populations": _bent(populations=True, known=_ONE),
    "fatigue": _bent(fatigue=0.03, known=_ONE),
    "stretched exponential": Kind(stretched, stretched, (60, 60), known={"sigma_c2c": 0.012},
                                  c2c=lambda x, step: np.full(len(x), 0.012)),
    "abrupt RESET": Kind(_UP, lambda p: 2.0 * p, (40, 1), known={"sigma_c2c": 0.01}),
    "logarithmic": Kind(logarithmic, logarithmic, (60, 60), known=_ONE),
    "two slopes": Kind(two_slopes, two_slopes, (60, 60), known={"sigma_c2c": 0.008},
                       c2c=lambda x, step: np.full(len(x), 0.008)),
    "bell": Kind(bell, bell, (60, 60), known={"sigma_c2c": 0.006}, c2c=lambda x, step: np.full(len(x), 0.006)),
    "soft bound": _bent(known=_ONE),
    "soft bound, steep": Kind(exponential(4.0), exponential(-1.0), (50, 25), labels=(4.0, -1.0), known=_ONE),
}  # fmt: skip


@dataclass
class Made:
    """Columns as a probe station writes them, and what is true."""

    columns: dict[str, np.ndarray]
    truth: dict[str, float]
    steps: dict[str, np.ndarray]
    """True mean steps of LTP and LTD, shares of the range, at ``STATES`` (share of the range from g_min)."""

    def csv(self) -> str:
        names = list(self.columns)
        rows = zip(*self.columns.values(), strict=True)
        return "\n".join([",".join(names), *(",".join(f"{v:.9g}" for v in row) for row in rows)]) + "\n"


STATES = np.linspace(0.05, 0.95, 19)


def stepper(curve: Callable[[np.ndarray], np.ndarray], n: int) -> Callable[[np.ndarray], np.ndarray]:
    """Mean step from the way gone: a pulse leads from x(p) to x(p + 1 / n)."""
    p = np.linspace(0, 1, 20_001)
    gone = curve(p)
    further = curve(p + 1.0 / n) - gone
    return lambda x: np.interp(x, gone, further)


def pink(rng: np.random.Generator, n: int, devices: int) -> np.ndarray:
    """1/f noise of unit variance over the record, [n, device]."""
    f = np.fft.rfftfreq(n)
    f[0] = np.inf
    z = rng.standard_normal((len(f), devices)) + 1j * rng.standard_normal((len(f), devices))
    y = np.fft.irfft(z / np.sqrt(f)[:, None], n, axis=0)
    return np.asarray(y / y.std(axis=0))


def make(name: str, devices: int = 10, cycles: int = 6, seed: int = 0) -> Made:
    """Measure devices of a kind: ``cycles`` trains of N LTP and N LTD pulses, a read after each and one before."""
    kind, rng = KINDS[name], np.random.default_rng([seed, list(KINDS).index(name)])
    up, down = stepper(kind.ltp, kind.n[0]), stepper(kind.ltd, kind.n[1])
    factor = np.exp(rng.normal(0, kind.d2d_step, (2, devices)) - kind.d2d_step**2 / 2)
    scale = np.where(rng.random(devices) < 0.3, 0.35, 1.0) if kind.populations else np.ones(devices)
    polarity = np.r_[np.ones(kind.n[0], int), -np.ones(kind.n[1], int)]
    x, reads, shape = np.zeros(devices), [], []
    for cycle in range(cycles):
        top = (1.0 - kind.fatigue) ** cycle
        for k, sign in enumerate(np.r_[0, polarity]):
            if sign:
                z = x / top
                step = up(z) * factor[0] if sign > 0 else down(1.0 - z) * factor[1]
                noise = rng.standard_t(kind.tails, devices) / np.sqrt(kind.tails / (kind.tails - 2)) if kind.tails else (
                    rng.standard_normal(devices)
                )  # fmt: skip
                own = factor[0 if sign > 0 else 1]
                moved = z + sign * step + kind.c2c(z, step / own) * own * noise
                x = top * np.clip(moved, 0.0, 1.0)
            reads.append(scale * (G_MIN + (G_MAX - G_MIN) * x))
            shape.append((cycle, k, int(sign)))
    g = np.array(reads)
    relative = kind.read * rng.standard_normal(g.shape)
    if kind.flicker:
        relative = relative + kind.flicker * pink(rng, *g.shape)
    seen = g * (1 + relative) + kind.read_constant * G_MAX * rng.standard_normal(g.shape)
    rows = np.tile(np.array(shape), (devices, 1))
    columns = {"device_id": np.repeat(np.arange(devices), len(g)), "cycle": rows[:, 0], "pulse": rows[:, 1],
               "polarity": rows[:, 2], "G_S": seen.T.ravel()}  # fmt: skip
    truth = dict(kind.known)
    if not kind.populations:
        truth |= {"g_min": G_MIN} | ({} if kind.fatigue else {"g_max": G_MAX})
    if kind.labels:
        truth |= {"nonlinearity_ltp": kind.labels[0], "nonlinearity_ltd": kind.labels[1]}
        truth |= {"n_levels_ltp": float(kind.n[0]), "n_levels_ltd": float(kind.n[1])}
    return Made(columns, truth, {"ltp": up(STATES), "ltd": down(1.0 - STATES)})
