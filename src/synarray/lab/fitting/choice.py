"""Which law: by likelihood, read by read, and what its numbers cost.

Each law is fitted with noises of its own. Twice the gain in log-likelihood must exceed the price of the numbers that it takes
more: two for each curvature (Akaike), ln(reads) for each step of a table (Schwarz), which follows any curve, and any fault of the
noises.

In the state a linear device steps by a constant, a soft-bound one along a straight line; a table joins states by straight lines,
bent no more than the data ask, and never steps back. Its states are even, or where cells stay among few of them (ranges over
several decades) so far apart that each part of the axis has as many reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.climb import maximise_fit, total
from synarray.lab.fitting.departures import compare_devices
from synarray.lab.fitting.grid import expected
from synarray.lab.fitting.likelihood import nearly_expected
from synarray.lab.fitting.model import cells_of
from synarray.lab.fitting.noises import shape_noises
from synarray.lab.fitting.state import SIDES, Analog

__all__ = ["Steps", "choose_law", "fit_table", "steps_of"]

_NODES, _SMOOTH, _WIDEST = 11, 1e-4, 0.2
_PASSES = 2
"""How often a table and the noises are fitted in turn."""
_CURVED = 6.0
"""Standard errors of a curvature from which on no linear law needs to be tried."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Steps of one polarity that no end cut short: way gone before them (0 to 1), size, weight, and whose they are."""

    gone: Floats
    size: Floats
    weight: Floats
    cluster: npt.NDArray[np.int64]


def choose_law(fit: Analog, rng: np.random.Generator, draws: int) -> None:
    """Choose the law, and leave its numbers and noises in the fit."""
    if fit.silent:
        fit.law = "linear" if all(abs(fit.theta[f"bend_{way}"]) < 1e-3 for way, _ in SIDES) else "soft-bound"
        return
    assert fit.maximum is not None
    tried = {"soft-bound": fit}
    reads, bends = len(fit.units[0]), [name for name in fit.maximum.free if name.startswith("bend")]
    price = {"soft-bound": 2.0 * len(bends), "linear": 0.0}
    if not _surely_curved(fit):
        tried["linear"] = _linear(fit)
    if (table := _table(fit, rng, draws)) is not None:
        tried["table"] = table
        price["table"] = np.log(reads) * sum(len(fit.nodes) - 2 for _ in bends)
    scores = {law: price[law] + np.log(reads) * len(one.shapes) - 2.0 * total(one) for law, one in tried.items()}
    best = min(scores, key=lambda law: scores[law])
    fit.scores = {law: score - scores[best] for law, score in scores.items()}
    if best != "soft-bound":
        chosen = tried[best]
        fit.curved = fit.maximum
        for name in ("law", "shapes", "theta", "own", "spreads", "local", "maximum", "prior", "tables", "nodes"):
            setattr(fit, name, getattr(chosen, name))


def _surely_curved(fit: Analog) -> bool:
    assert fit.maximum is not None
    known = dict(zip(fit.maximum.free, np.sqrt(np.diag(fit.maximum.covariance)), strict=True))
    return any(abs(fit.theta[name]) > _CURVED * known[name] for name in known if name.startswith("bend"))


def _copied(fit: Analog, law: str) -> Analog:
    own = replace(fit.own, log_factor=fit.own.log_factor.copy())
    return replace(fit, law=law, theta=dict(fit.theta), own=own, spreads=dict(fit.spreads), warnings=fit.warnings)


def _linear(fit: Analog) -> Analog:
    linear = _copied(fit, "linear")
    linear.theta |= {f"bend_{way}": 0.0 for way, _ in SIDES}
    maximise_fit(linear)
    return linear


def _table(fit: Analog, rng: np.random.Generator, draws: int) -> Analog | None:
    """Fit tables and noises in turn; None where the steps ask for none."""
    sides = {way: steps for way, sign in SIDES if (steps := steps_of(fit, way, sign)) is not None}
    if not sides:
        return None
    table = _copied(fit, "table")
    table.nodes, table.shapes = _nodes(sides), ()
    table.theta |= dict.fromkeys(fit.shapes, 0.0)
    price, gain = np.log(max(len(fit.units[0]), 2)) * (len(table.nodes) - 2), 0.0
    for way, steps in sides.items():
        law = cells_of(fit.theta, fit.placed(fit.theta)).nodes.mean(axis=0)[int(way == "ltp")]
        law = (law if way == "ltp" else law[::-1]) / (fit.theta["high"] - fit.theta["low"])
        left = [
            float((steps.weight * (steps.size - np.interp(steps.gone, np.linspace(0.0, 1.0, len(line)), line)) ** 2).sum())
            for line in (law, np.interp(np.linspace(0.0, 1.0, 641), _way(table.nodes, way), fit_table(steps, table.nodes, way)))
        ]  # fmt: skip
        gain += len(steps.gone) * float(np.log(max(left[0], 1e-300) / max(left[1], 1e-300)))
    if gain < 0.5 * price:  # by least squares, before anything is fitted again
        return None
    for _ in range(_PASSES):
        _set_tables(table)
        maximise_fit(table)
        compare_devices(table, rng, draws)
    _set_tables(table)
    maximise_fit(table)
    shape_noises(table)
    return table


def _set_tables(fit: Analog) -> None:
    sides = {way: steps for way, sign in SIDES if (steps := steps_of(fit, way, sign)) is not None}
    rows = {way: fit_table(steps, fit.nodes, way) for way, steps in sides.items()}
    flat = np.full(len(fit.nodes), 1.0)
    ltp = rows.get("ltp", flat)
    other = flat if "ltd" in fit.abrupt else np.interp(1.0 - fit.nodes, fit.nodes, ltp)
    ltd = rows["ltd"][::-1] if "ltd" in rows else other
    fit.tables = np.stack([ltd, ltp])


def _way(nodes: Floats, way: str) -> Floats:
    """Nodes as shares of the way gone, rising."""
    return nodes if way == "ltp" else 1.0 - nodes[::-1]


def _nodes(sides: dict[str, Steps]) -> Floats:
    """Return the states of the tables."""
    states = np.concatenate([steps.gone if way == "ltp" else 1.0 - steps.gone for way, steps in sides.items()])
    nodes = np.quantile(states, np.linspace(0.0, 1.0, _NODES))
    nodes[0], nodes[-1] = 0.0, 1.0
    nodes = nodes[np.r_[True, np.diff(nodes) > 1e-3]]
    nodes[-1] = 1.0
    if np.diff(nodes).max() < _WIDEST and np.diff(nodes).min() > 0.25 / _NODES:
        return np.linspace(0.0, 1.0, _NODES)
    while (gaps := np.diff(nodes)).max() > _WIDEST:
        at = int(gaps.argmax())
        nodes = np.insert(nodes, at + 1, (nodes[at] + nodes[at + 1]) / 2.0)
    return np.asarray(np.round(nodes, 6))


def fit_table(steps: Steps, nodes: Floats, way: str, weight: Floats | None = None) -> Floats:
    """Return the steps at the nodes, in the order of the way gone."""
    from scipy.optimize import nnls

    w = steps.weight * (1.0 if weight is None else weight)
    at = _way(nodes, way)
    basis = np.stack([np.interp(steps.gone, at, row) for row in np.eye(len(at))], axis=1)
    weighted = basis * w[:, None]
    square, pull = basis.T @ weighted, weighted.T @ steps.size
    scale = float(np.trace(square)) / len(square)
    bend = np.diff(np.eye(len(at)), n=2, axis=0)
    square = square + _SMOOTH * scale * len(at) * (bend.T @ bend) + 1e-9 * scale * np.eye(len(at))
    root = np.linalg.cholesky(square)
    return np.asarray(nnls(root.T, np.linalg.solve(root, pull))[0])


def steps_of(fit: Analog, way: str, sign: int) -> Steps | None:
    """Return the steps of a polarity that no end can have cut short, from the best known state before each."""
    if way in fit.abrupt + fit.absent:
        return None
    cells = fit.cells(fit.theta, fit.placed(fit.theta))
    low, span = fit.theta["low"], fit.theta["high"] - fit.theta["low"]
    if fit.noisy:
        before = expected(fit.trains, cells) if fit.gridded else nearly_expected(fit.trains, cells)
        there = np.isfinite(fit.trains.x[1:]) & (fit.trains.sign[1:] == sign)
        train = np.broadcast_to(np.arange(len(fit.trains.device)), there.shape)[there]
        states, moves = before[:-1][there], sign * (fit.trains.x[1:][there] - before[:-1][there])
        device = fit.trains.device[train]
    else:
        p = fit.pulses.where(fit.pulses.sign == sign)
        states, moves, device, train = p.before, sign * (p.after - p.before), p.device, p.train
    factor = cells.factor[device, int(sign > 0)]
    reach = states + sign * factor * cells.steps(states, device, np.full(len(states), int(sign > 0)))[0]
    clear = 4.0 * max(cells.sigma, 1e-9) + (3.0 * np.sqrt(fit.noise.read) if fit.noisy else 0.0)
    free = (reach < cells.high[device] - clear) & (reach > cells.low[device] + clear)
    if np.count_nonzero(free) < 4:
        return None
    gone = np.clip((states - low) / span, 0.0, 1.0)
    gone = gone if sign > 0 else 1.0 - gone
    cluster = device if fit.n_devices > 1 else train
    return Steps(gone[free], moves[free] / factor[free] / span, factor[free] ** 2, cluster[free])
