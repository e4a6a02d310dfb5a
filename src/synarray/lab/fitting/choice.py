"""Which law: the simplest whose held-out score is not clearly worse, devices (or trains) being left out in turn.

Each law predicts the next read from the state before the pulse. In the state a linear device steps by a constant, a soft-bound
one along a straight line; a table joins eleven states by straight lines, bent no more than the data ask, and never steps back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["NODES", "Steps", "choose", "fit_table"]

NODES = 11
_FOLDS, _SMOOTH = 5, 1e-4
_CLEARLY = {"linear": 0.0, "soft-bound": 2.0, "table": 3.0}
"""Standard errors by which a law must beat the simpler ones."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Steps of one polarity that no end cut short: way gone before them (0 to 1), size, weight, and whose they are."""

    gone: Floats
    size: Floats
    weight: Floats
    cluster: npt.NDArray[np.int64]


def choose(sides: list[Steps]) -> tuple[str, dict[str, float]]:
    """Return the law, and the mean squared error of each on what was left out, relative to the linear one's."""
    errors: dict[str, list[Floats]] = {law: [] for law in _CLEARLY}
    for steps in sides:
        _, codes = np.unique(steps.cluster, return_inverse=True)
        codes = codes.reshape(-1)
        if codes.max(initial=0) < 1 or len(codes) < 4 * NODES:
            codes = np.arange(len(steps.gone)) * 40 // max(len(steps.gone), 1)  # one train: stretches of it
        for law in _CLEARLY:
            left = np.zeros(len(steps.gone))
            for fold in range(_FOLDS):
                out = codes % _FOLDS == fold
                if out.any() and (~out).any():
                    coefficients = _fitted(law, steps, ~out)
                    left[out] = (steps.size[out] - _basis(law, steps.gone[out]) @ coefficients) ** 2 * steps.weight[out]
            totals = np.bincount(codes, left) / max(float(steps.weight.sum()), 1e-30)
            errors[law].append(totals)
    score = {law: float(sum(part.sum() for part in parts)) for law, parts in errors.items()}
    best = "linear"
    for law in ("soft-bound", "table"):
        gains = [old - new for old, new in zip(errors[best], errors[law], strict=True)]
        gain = sum(float(part.sum()) for part in gains)
        doubt = np.sqrt(sum(float(part.var(ddof=1)) * len(part) if len(part) > 1 else 0.0 for part in gains))
        if gain > _CLEARLY[law] * doubt and gain > 1e-3 * score[best]:
            best = law
    return best, {law: value / max(score["linear"], 1e-300) for law, value in score.items()}


def fit_table(steps: Steps, weight: Floats | None = None) -> Floats:
    """Return the table's steps at evenly spaced states of the way gone, shape (11,)."""
    return _fitted("table", steps, np.ones(len(steps.gone), bool), weight)


def _basis(law: str, gone: Floats) -> Floats:
    count = {"linear": 1, "soft-bound": 2, "table": NODES}[law]
    if count == 1:
        return np.ones((len(gone), 1))
    nodes = np.linspace(0.0, 1.0, count)
    return np.stack([np.interp(gone, nodes, row) for row in np.eye(count)], axis=1)


def _fitted(law: str, steps: Steps, chosen: npt.NDArray[np.bool_], weight: Floats | None = None) -> Floats:
    from scipy.optimize import nnls

    w = steps.weight[chosen] * (1.0 if weight is None else weight[chosen])
    basis = _basis(law, steps.gone[chosen])
    weighted = basis * w[:, None]
    square, pull = basis.T @ weighted, weighted.T @ steps.size[chosen]
    scale = float(np.trace(square)) / len(square)
    if len(square) == NODES:
        bend = np.diff(np.eye(NODES), n=2, axis=0)
        square = square + _SMOOTH * scale * NODES * (bend.T @ bend)
    square = square + 1e-9 * scale * np.eye(len(square))
    root = np.linalg.cholesky(square)
    return np.asarray(nnls(root.T, np.linalg.solve(root, pull))[0])
