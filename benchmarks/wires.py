"""The array's wires: how long an exact read takes, and what it costs others. 2 ohm per pitch, every row driven.

    python benchmarks/wires.py                                             # about a minute, most of it the rivals
    python benchmarks/wires.py --direct 128 128 --badcrossbar 128 128       # rivals on smaller arrays

SciPy and badcrossbar are rivals, not dependencies of synarray: pip install scipy badcrossbar (whose plots, not needed here,
build against cairo; without it: pip install --no-deps badcrossbar pathvalidate sigfig).
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import resource
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from synarray.array.wire_fold import effective_read
from synarray.array.wires import WireSpec, solve_read

Floats = npt.NDArray[np.float64]
RANGES = {"0.2-2.3 uS": (0.2e-6, 2.3e-6), "1-70 uS": (1e-6, 70e-6)}
WHOLE = (1024, 512)
R_WIRE = 2.0
REPEATS = 7


def cells(shape: tuple[int, int], name: str, seed: int = 0) -> Floats:
    """Conductances drawn uniformly from a range."""
    return np.random.default_rng(seed).uniform(*RANGES[name], shape)


def timed(work: Callable[[], Any], repeats: int = REPEATS) -> tuple[float, Any]:
    """Median time in seconds (after one run to warm up, if it is repeated), and the last answer."""
    if repeats > 1:
        work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        answer = work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times), answer


def one_solve(name: str) -> float:
    """Solve once in a process of its own; return its peak memory in MB, Python, NumPy and numba included."""
    solve_read(cells(WHOLE, name), np.ones(WHOLE[0]), WireSpec(r_wire=R_WIRE))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def exact(name: str) -> None:
    g, v, wires = cells(WHOLE, name), np.ones(WHOLE[0]), WireSpec(r_wire=R_WIRE)
    seconds, solution = timed(lambda: solve_read(g, v, wires))
    finest = solve_read(g, v, wires, tolerance=1e-13)
    off = np.abs(solution.currents / finest.currents - 1).max()
    supplied, dissipated = solution.power()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        peak = pool.apply(one_solve, (name,))
    print(f"\n{name}, {WHOLE[0]} x {WHOLE[1]}, {2 * g.size:,} nodes")
    print(f"  exact read              {1e3 * seconds:6.0f} ms   {solution.iterations} iterations, peak {peak:.0f} MB")
    print(
        f"  currents                {off:9.1e} from a solve to 1e-13; power out of balance by {supplied / dissipated - 1:.1e}"
    )
    ends = solve_read(g, v, WireSpec(r_wire=R_WIRE, r_driver=100.0, r_sense=100.0))
    share, with_ends = (100 * s.currents.sum() / (v @ g).sum() for s in (solution, ends))
    print(f"  share of ideal current  {share:6.1f} %    {with_ends:.1f} % with drivers and sense amplifiers of 100 ohm")

    moved = np.random.default_rng(1).random(g.shape) < 0.01
    later = np.where(moved, cells(WHOLE, name, seed=2), g)
    seconds, solution = timed(lambda: solve_read(later, v, wires, start=finest))
    print(f"  1 % of the cells moved  {1e3 * seconds:6.0f} ms   {solution.iterations} iterations, warm start")
    folded(g, wires)


def folded(g: Floats, wires: WireSpec) -> None:
    """Compare the effective read with exact solves on patterns it was not fitted to."""
    seconds, effective = timed(lambda: effective_read(g, wires), 3)
    print(f"  effective read          {1e3 * seconds:6.0f} ms   its own estimate of its error {effective.error:.1e}")
    rng, row = np.random.default_rng(3), np.arange(len(g))
    patterns = {
        "24 % of the rows": [rng.random(len(g)) < 0.24 for _ in range(5)],
        "128 neighbouring rows": [row // 128 == block for block in range(8)],
        "one row": [row == i for i in rng.integers(0, len(g), 8)],
        "all rows": [row >= 0],
    }
    for name, active in patterns.items():
        errors = []
        for pattern in active:
            currents = solve_read(g, pattern.astype(float), wires, tolerance=1e-7).currents
            errors.append(np.linalg.norm(pattern @ effective.a - currents) / np.linalg.norm(currents))
        print(f"    {name:22s}{max(errors):9.1e}  (worst of {len(errors)})")


def nodal_matrix(g: Floats) -> tuple[Any, Floats]:
    """Assemble the nodal matrix of the rows and columns, and the current injected at 1 V per row."""
    import scipy.sparse as sp

    def lines(n: int, driven_first: bool) -> Any:
        """Chain of n segments, one end driven, the other open."""
        own = np.full(n, 2.0)
        own[-1 if driven_first else 0] = 1.0
        return sp.diags([-np.ones(n - 1), own, -np.ones(n - 1)], [-1, 0, 1]) / R_WIRE

    n_rows, n_columns = g.shape
    cell = sp.diags(g.ravel())
    row = sp.kron(sp.eye(n_rows), lines(n_columns, True)) + cell
    column = sp.kron(lines(n_rows, False), sp.eye(n_columns)) + cell
    injected = np.zeros((2, n_rows, n_columns))
    injected[0, :, 0] = 1 / R_WIRE
    return sp.bmat([[row, -cell], [-cell, column]], format="csc"), injected.ravel()


def against_scipy(shape: tuple[int, int]) -> None:
    try:
        from scipy.sparse.linalg import splu
    except ImportError:
        print("\nSciPy is not installed: pip install scipy")
        return
    print(f"\nSciPy's direct sparse solver (SuperLU), {shape[0]} x {shape[1]}")
    for name in RANGES:
        g = cells(shape, name)
        matrix, injected = nodal_matrix(g)
        theirs, v = timed(lambda m=matrix, b=injected: splu(m, permc_spec="MMD_AT_PLUS_A").solve(b), 1)
        ours, solution = timed(lambda g=g: solve_read(g, np.ones(len(g)), WireSpec(r_wire=R_WIRE)))
        expected = v.reshape(2, *shape)[1, -1] / R_WIRE
        off = np.abs(solution.currents / expected - 1).max()
        print(
            f"  {name:12s} {theirs:8.2f} s against {1e3 * ours:5.1f} ms: {theirs / ours:6.0f} x; currents agree to {off:.1e}"
        )


def against_badcrossbar(shape: tuple[int, int]) -> None:
    logging.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from badcrossbar import compute
        except ImportError:
            print("\nbadcrossbar is not installed: pip install --no-deps badcrossbar pathvalidate sigfig")
            return
    print(f"\nbadcrossbar, {shape[0]} x {shape[1]}")
    for name in RANGES:
        g = cells(shape, name)
        asked = {"r_i": R_WIRE, "node_voltages": False, "all_currents": False}
        theirs, answer = timed(lambda g=g, asked=asked: compute(np.ones((len(g), 1)), 1 / g, **asked), 1)
        ours, solution = timed(lambda g=g: solve_read(g, np.ones(len(g)), WireSpec(r_wire=R_WIRE)))
        off = np.abs(solution.currents / answer.currents.output[0] - 1).max()
        print(
            f"  {name:12s} {theirs:8.2f} s against {1e3 * ours:5.1f} ms: {theirs / ours:6.0f} x; currents agree to {off:.1e}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--direct", type=int, nargs=2, default=WHOLE, metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--badcrossbar", type=int, nargs=2, default=(256, 256), metavar=("ROWS", "COLUMNS"))
    chosen = parser.parse_args()
    for name in RANGES:
        exact(name)
    against_scipy(tuple(chosen.direct))
    against_badcrossbar(tuple(chosen.badcrossbar))
