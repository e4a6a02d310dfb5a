"""How much of a fit is decided by how a processor rounds, and whether the intervals of its range hold the truth.

    python benchmarks/fit_rounding.py [--noise 0.01 0.03] [--decades 0.5 1 2 3]

Made-up cells over decades of conductance from ``tests/laws/test_wide_ranges.py``: pulses without noise, reads with it, of two
shapes, one of which no law describes. Each file is fitted three times, its reads times 1, 1 + 3e-13 and 1 - 7e-13, which no
instrument tells apart. Of each number: by how much the three fits differ, as a share of the narrowest 95 % interval.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from synarray.lab.fitting import fit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "laws"))
from test_wide_ranges import read

SHARES = (0.0, 3e-13, -7e-13)
NAMES = ("g_min", "g_max", "sigma_read", "sigma_c2c")


def row(decades: float, noise: float, devices: int, cycles: int, even: bool) -> tuple[list[float], int]:
    """Fit one kind three times; return the differences and how many of its ends are within their intervals."""
    with tempfile.TemporaryDirectory() as folder:
        rows = read(Path(folder), decades, noise, devices, cycles, even=even)
    began = time.process_time()
    tables = [fit(replace(rows, G_S=rows.G_S * (1.0 + share))).table for share in SHARES]
    spent = (time.process_time() - began) / len(SHARES)
    width = {name: min(table[name].high - table[name].low for table in tables) for name in NAMES}
    apart = [float(np.ptp([t[name].value for t in tables])) / max(width[name], 1e-300) for name in NAMES]
    ends = (("g_min", 1e-5 * 10.0**-decades), ("g_max", 1e-5))
    held = sum(t[name].low <= truth <= t[name].high for t in tables for name, truth in ends)
    shape = "even" if even else "bent"
    cells = " | ".join(f"{value:.2f}" for value in apart)
    print(
        f"| {decades:g} | {noise:.0%} | {devices} x {cycles} | {shape} | {cells} | {held} of 6 | {spent:.1f} s |",
        flush=True,
    )
    return apart, held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.01, 0.03])
    parser.add_argument("--decades", type=float, nargs="+", default=[0.5, 1.0, 2.0, 3.0])
    asked = parser.parse_args()
    print(
        "| decades | read noise | devices x cycles | shape | g_min | g_max | sigma_read | sigma_c2c | ends held | a fit |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    kinds = itertools.product(asked.decades, asked.noise, ((5, 3), (3, 2)), (False, True))
    found = [row(decades, noise, *size, even) for decades, noise, size, even in kinds]
    most = np.max([apart for apart, _ in found], axis=0)
    held = sum(held for _, held in found)
    print(f"| most | | | | {' | '.join(f'{value:.2f}' for value in most)} | {held} of {6 * len(found)} | |")


if __name__ == "__main__":
    main()
