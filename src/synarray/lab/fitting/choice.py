"""Which law: by likelihood, read by read, and what its numbers cost.

Each law is fitted with noises of its own. Twice the gain in log-likelihood must exceed the price of the numbers that it takes
more: two for each curvature (Akaike), ln(reads) for each step of a table (Schwarz), which follows any curve, and any fault of the
noises.

In the state a linear device steps by a constant, a soft-bound one along a straight line; a table joins states by straight lines,
bent no more than the data ask, and never steps back. Its states are even, or where steps change over decades dense at one end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from synarray.lab.fitting.climb import CLEARLY, maximise_fit, maximise_quieter, total
from synarray.lab.fitting.departures import compare_devices
from synarray.lab.fitting.grid import expected
from synarray.lab.fitting.likelihood import innovations, nearly_expected
from synarray.lab.fitting.model import Deviations, cells_of
from synarray.lab.fitting.noises import shape_noises
from synarray.lab.fitting.state import SIDES, Analog

__all__ = ["Steps", "choose_law", "drawn_tables", "steps_of"]

_LOG = np.array([0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
_NODES = (np.linspace(0.0, 1.0, 11), _LOG, 1.0 - _LOG[::-1])
"""States of a table: even, or dense at the lower or the upper end."""
_SMOOTH = 1e-4
_MANY = 1000
"""Reads from which on a table is tried only where least squares asks for it."""
_CLUSTERS, _STRETCH = 5, 6
"""Devices or trains whose scatter tells how well a table is known; else stretches of so many pulses."""
_CHOSEN = (
    "law", "stopped", "gridded", "shapes", "theta", "own", "spreads", "local", "maximum", "prior", "tables", "nodes",
    "alone",
)  # fmt: skip
"""What a fit takes over from that of the law that is chosen."""
_PASSES, _GAINED = 8, 1.0
"""How often at most a table and the noises are fitted in turn, and log of the likelihood ratio that is worth another turn."""
_ENDS = 2
"""Numbers that ends cost which stop cells: those of trains are where these end."""
_FOLLOWED, _SMALL = 3, 1e-5
"""How often a table is improved by the reads that it predicts, and by how much steps are changed to see what that does."""
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
    fit.scores = {law: float(score - scores[best]) for law, score in scores.items()}
    if best != "soft-bound":
        chosen = tried[best]
        fit.curved = fit.maximum
        for name in _CHOSEN:
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
    """Fit tables and noises in turn, ends stopping the cells or not; None where the steps ask for no table."""
    plain = _copied(fit, "table")  # noises that excuse a law are no weights for another
    plain.theta |= dict.fromkeys(fit.shapes, 0.0)
    plain.shapes = ()
    sides = {way: steps for way, sign in SIDES if (steps := steps_of(plain, way, sign)) is not None}
    if not sides:
        return None
    price = np.log(max(len(fit.units[0]), 2)) * len(sides)
    cells, span = cells_of(fit.theta, fit.placed(fit.theta)), fit.theta["high"] - fit.theta["low"]
    law = {way: cells.nodes.mean(axis=0)[i, :: 1 if way == "ltp" else -1] / span for i, (way, _) in enumerate(SIDES)}
    lost = sum(
        len(steps.gone) * np.log(_left(steps, np.linspace(0.0, 1.0, len(law[way])), law[way]))
        for way, steps in sides.items()
    )
    nodes, left = _nodes(sides, price)
    if len(fit.units[0]) > _MANY and lost - left < 0.5 * price * (
        len(nodes) - 2
    ):  # by least squares, before anything is fitted again
        return None
    found = _filled(plain, rng, draws)
    if not (fit.noisy and fit.stopped):
        return found
    free = _copied(plain, "table")
    free.stopped = free.gridded = False
    free.own, free.local, free.prior = Deviations.none(fit.n_devices, 0.0, 0.0), None, 0.0
    free = _filled(free, rng, draws)
    more = len(found.shapes) + _ENDS - len(free.shapes)
    return found if total(found) > total(free) + 0.5 * np.log(len(fit.units[0])) * more + CLEARLY else free


def _filled(table: Analog, rng: np.random.Generator, draws: int) -> Analog:
    """Fit the steps of a table, then noises and devices, and with these the steps again, as long as that gains.

    Where ends stop cells, steps are taken from the reads again, and twice only: followed further, they explain what clipping
    leaves of the reads at the ends (of Y-Flash cells the first LTP step became 0).
    """
    best = None
    for _ in range(_PASSES if not table.stopped else 2):
        if table.noisy and not table.stopped and best is not None:
            _keep_or_renew(table)
        else:
            _set_tables(table)
        if table.noisy:
            _follow_reads(table)
        table.theta |= dict.fromkeys(table.shapes, 0.0)
        table.shapes = ()
        maximise_fit(table)
        if table.noisy and not table.gridded:
            maximise_quieter(table)
        compare_devices(table, rng, draws)
        maximise_fit(table)
        shape_noises(table)
        before, best = best, table if best is None or total(table) > total(best) else best
        if before is not None and total(best) < total(before) + _GAINED:
            break
        table = _copied(best, "table")
    assert best is not None
    return best


def _nodes(sides: dict[str, Steps], price: float) -> tuple[Floats, float]:
    """Return the states of the tables that leave least of the steps, and how much; even ones, unless others are better."""
    left = [
        sum(len(s.gone) * np.log(_left(s, _way(nodes, way), fit_table(s, nodes, way))) for way, s in sides.items())
        for nodes in _NODES
    ]
    best = int(np.argmin([left[0] - price, *left[1:]]))
    return _NODES[best], float(left[best])


def _left(steps: Steps, nodes: Floats, line: Floats) -> float:
    """Sum of the squares that steps on straight lines between nodes leave."""
    return max(float((steps.weight * (steps.size - np.interp(steps.gone, nodes, line)) ** 2).sum()), 1e-300)


def _set_tables(fit: Analog) -> None:
    sides = {way: steps for way, sign in SIDES if (steps := steps_of(fit, way, sign)) is not None}
    fit.nodes, _ = _nodes(sides, np.log(max(len(fit.units[0]), 2)) * len(sides))
    rows = {way: fit_table(steps, fit.nodes, way) for way, steps in sides.items()}
    flat = np.full(len(fit.nodes), 1.0)
    ltp = rows.get("ltp", flat)
    other = flat if "ltd" in fit.abrupt else np.interp(1.0 - fit.nodes, fit.nodes, ltp)
    ltd = rows["ltd"][::-1] if "ltd" in rows else other
    fit.tables = np.stack([ltd, ltp])


def _keep_or_renew(fit: Analog) -> None:
    """Take tables from the steps again, unless the present ones are more probable."""
    before, nodes, kept = total(fit), fit.nodes, fit.tables
    _set_tables(fit)
    if not total(fit) > before:
        fit.nodes, fit.tables = nodes, kept


def _follow_reads(fit: Analog) -> None:
    """Improve tables by what they predict of all later reads (Gauss and Newton), not of the next one only.

    Behind read noise the state before a step is known from the same table: steps alone lead to the best one too slowly.
    """
    assert fit.tables is not None
    ways = [i for i, (way, _) in enumerate(SIDES) if way not in fit.abrupt + fit.absent]
    shape, bend = fit.tables.shape, np.diff(np.eye(len(fit.nodes)), n=2, axis=0)

    def errors(tables: Floats) -> tuple[Floats, Floats, Floats]:
        return innovations(fit.trains, replace(fit, tables=tables).cells(fit.theta, fit.placed(fit.theta)))

    for _ in range(_FOLLOWED):
        z, spread, mean = errors(fit.tables)
        slopes = np.zeros((len(z), fit.tables.size))
        for i in (way * shape[1] + node for way in ways for node in range(shape[1])):
            moved = fit.tables.ravel().copy()
            moved[i] += _SMALL
            slopes[:, i] = (errors(moved.reshape(shape))[2] - mean) / (_SMALL * spread)
        weight = np.clip(np.abs(z), 1.0, None) ** -1.0  # a read that may be anything decides nothing
        square, pull = slopes.T @ (weight[:, None] * slopes), slopes.T @ (weight * z)
        known = np.diag(square).reshape(shape)[:, 1:-1]
        known = np.maximum(known, 1e-6 * max(float(known.max()), 1e-12))
        smooth = np.zeros_like(square)
        for way in range(shape[0]):
            mine = slice(way * shape[1], (way + 1) * shape[1])
            smooth[mine, mine] = _SMOOTH * shape[1] * (bend.T @ (known[way][:, None] * bend))
        lift = 1e-9 * np.trace(square) * np.eye(len(square))
        move = np.linalg.solve(square + smooth + lift, pull - smooth @ fit.tables.ravel())
        before, tables = total(fit), fit.tables
        for part in (1.0, 0.3):
            fit.tables = np.maximum(tables + part * move.reshape(shape), 0.0)
            if total(fit) > before:
                break
        else:
            fit.tables = tables
            return


def _way(nodes: Floats, way: str) -> Floats:
    """Nodes as shares of the way gone, rising."""
    return nodes if way == "ltp" else 1.0 - nodes[::-1]


def fit_table(steps: Steps, nodes: Floats, way: str) -> Floats:
    """Return the steps at the nodes, in the order of the way gone."""
    from scipy.optimize import nnls

    at = _way(nodes, way)
    basis = np.stack([np.interp(steps.gone, at, row) for row in np.eye(len(at))], axis=1)
    weighted = basis * steps.weight[:, None]
    square, pull = basis.T @ weighted, weighted.T @ steps.size
    scale = float(np.trace(square)) / len(square)
    bend = np.diff(np.eye(len(at)), n=2, axis=0)
    known = np.maximum(
        np.diag(square)[1:-1], 1e-6 * scale
    )  # what is known there: few steps are not smoothed away by many
    square = square + _SMOOTH * len(at) * (bend.T @ (known[:, None] * bend)) + 1e-9 * scale * np.eye(len(at))
    root = np.linalg.cholesky(square)
    return np.asarray(nnls(root.T, np.linalg.solve(root, pull))[0])


def drawn_tables(steps: Steps, nodes: Floats, way: str, draws: int, rng: np.random.Generator) -> list[Floats]:
    """Draw tables by a wild bootstrap: what the table leaves of the steps of a cluster changes its sign, or not."""
    at, row = _way(nodes, way), fit_table(steps, nodes, way)
    line = np.interp(steps.gone, at, row)
    _, codes = np.unique(steps.cluster, return_inverse=True)
    signs = rng.choice([-1.0, 1.0], (draws, int(codes.max()) + 1))
    return [
        fit_table(replace(steps, size=line + turned[codes.reshape(-1)] * (steps.size - line)), nodes, way)
        for turned in signs
    ]


def steps_of(fit: Analog, way: str, sign: int) -> Steps | None:
    """Return the steps of a polarity that no end can have cut short, from the best known state before each."""
    if way in fit.abrupt + fit.absent:
        return None
    cells = fit.cells(fit.theta, fit.placed(fit.theta))
    low, span = fit.theta["low"], fit.theta["high"] - fit.theta["low"]
    on = int(sign > 0)
    if fit.noisy:
        before = expected(fit.trains, cells) if fit.gridded else nearly_expected(fit.trains, cells)
        there = np.isfinite(fit.trains.x[1:]) & (fit.trains.sign[1:] == sign)
        at, train = np.nonzero(there)
        states, moves = before[:-1][there], sign * (fit.trains.x[1:][there] - before[:-1][there])
        device = fit.trains.device[train]
    else:
        p = fit.pulses.where(fit.pulses.sign == sign)
        states, moves, device, train = p.before, sign * (p.after - p.before), p.device, p.train
        starts = np.flatnonzero(np.r_[True, np.diff(train) != 0])
        at = np.arange(len(train)) - np.repeat(starts, np.diff(np.r_[starts, len(train)]))
    factor = cells.factor[device, on]
    reach = states + sign * factor * cells.steps(states, device, np.full(len(states), on))[0]
    shape = np.exp(cells.tilt[on] * (np.clip((states - low) / span, 0.0, 1.0) - 0.5))
    read = cells.read * (fit.trains.origin / fit.trains.span + cells.base + states) if fit.noisy else 0.0
    clear = 4.0 * np.hypot(max(cells.sigma, 1e-9) * shape, read)
    free = (reach < cells.high[device] - clear) & (reach > cells.low[device] + clear)
    if np.count_nonzero(free) < 4:
        return None
    gone = np.clip((states - low) / span, 0.0, 1.0)
    gone = gone if sign > 0 else 1.0 - gone
    cluster = next(
        (codes for codes in (device, train) if len(np.unique(codes)) >= _CLUSTERS), train * len(at) + at // _STRETCH
    )
    return Steps(gone[free], (moves / factor / span)[free], (factor / shape)[free] ** 2, cluster[free])
