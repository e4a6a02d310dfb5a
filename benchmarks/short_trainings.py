"""Measure what few images cost, by number of levels and by device, with and without a threshold step raised for short trainings.

    python benchmarks/short_trainings.py [--images 2000 5000] [--seeds 3]

``local-fields`` with one epoch, read on the last 10,000 training images. Printed: accuracy in per cent, mean and standard
deviation over seeds, and neurons that fired less than a twentieth of their share; first with
``neuron.homeostasis_travel = 0``, then as packaged.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import synarray

LEVELS = (2, 4, 8, 16, 32, 64, 128, 254)


def measure(device: str | dict[str, Any], images: int, seeds: int, changes: dict[str, Any]) -> str:
    """Train with each seed; return what is printed."""
    read, silent = [], []
    for seed in range(seeds):
        settings = {"device": device, "images": images, "epochs": 1, "validation": 10_000, "seed": seed, **changes}
        result = synarray.train("local-fields", settings=settings, progress=False)
        machine = result.machine
        read.append(100 * (result.accuracy or 0.0))
        silent.append(np.count_nonzero(machine.spikes < 0.05 * machine.expected_spikes))
    spread = np.std(read, ddof=1) if seeds > 1 else 0.0
    return f"{np.mean(read):6.2f} +- {spread:4.2f}, {np.mean(silent):3.0f} silent"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[2000, 5000])
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    levels = {f"taox-tio2, {n} pulses": {"base": "taox-tio2", "n_levels_ltp": n, "n_levels_ltd": n} for n in LEVELS}
    for images in given.images:
        print(f"{images:,} images{'without':>26}{'as packaged':>28}")
        for name, device in {**levels, **{name: name for name in synarray.device_names()}}.items():
            before = measure(device, images, given.seeds, {"neuron.homeostasis_travel": 0.0})
            print(f"{name:23}{before:>28}{measure(device, images, given.seeds, {}):>28}", flush=True)


if __name__ == "__main__":
    main()
