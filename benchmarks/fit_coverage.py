"""Whether the intervals of a fit hold the truth where the cells are not the model.

    python benchmarks/fit_coverage.py [--seeds 20] [--devices 10] [--cycles 6] [NAME ...]

Pulses come from ``tests/independent_pulses.py``, which knows nothing of synarray. Of each kind: the share of the 95 % intervals
that hold what is true (target 90 to 99 %), the laws chosen, what the residuals were found to show (in how many fits), and the
processor time of a fit. Kinds with read noise take a third of the seeds: their fits take longer.

    python benchmarks/fit_coverage.py --single [--seeds 40]

One LTP and one LTD train of Ag:a-Si's labels (2.4 / -4.88) with read noise of 2, 4 and 6 %: how often a curved law is chosen, and
how often the labels are right (within 15 %, or their interval holds them and is narrower than +-1.5).
"""

from __future__ import annotations

import argparse
import collections
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from synarray.device.library import load_device
from synarray.lab.fitting import Fit, fit
from synarray.lab.formats import read_pulses
from synarray.lab.synthetic import measure_devices

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from independent_pulses import KINDS, Made, make


def fitted(made: Made) -> Fit:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pulses.csv"
        file.write_text(made.csv(), "utf-8")
        return fit(read_pulses(file))


def kind_row(name: str, seeds: int, devices: int, cycles: int) -> tuple[int, int]:
    kind = KINDS[name]
    seeds = max(seeds // 3, 1) if kind.read or kind.read_constant or kind.flicker else seeds
    held = count = 0
    missed: collections.Counter[str] = collections.Counter()
    laws: collections.Counter[str] = collections.Counter()
    shown: collections.Counter[str] = collections.Counter()
    began = time.process_time()
    for seed in range(seeds):
        made = make(name, devices, cycles, seed)
        found = fitted(made)
        laws[found.spec.law] += 1
        shown.update({one.name.partition(",")[0] for one in found.findings})
        for key, truth in made.truth.items():
            inside = found.table[key].low - 1e-12 <= truth <= found.table[key].high + 1e-12
            held, count = held + inside, count + 1
            missed.update([] if inside else [key])
    spent = (time.process_time() - began) / seeds
    words = [", ".join(f"{key} {n}x" for key, n in part.items()) or "-" for part in (laws, missed, shown)]
    print(
        f"| {name} | {held} of {count} | {held / count:.0%} | {words[0]} | {words[1]} | {words[2]} | {spent:.1f} s |",
        flush=True,
    )
    return held, count


def single(seeds: int) -> None:
    device = load_device("ag-a-si").model_copy(update={"sigma_c2c": 0.0})
    truth = {"nonlinearity_ltp": 2.4, "nonlinearity_ltd": -4.88}
    print("| read noise | curved law | labels right | intervals that hold |\n|---|---|---|---|")
    for read in (0.02, 0.04, 0.06):
        curved = right = inside = 0
        for seed in range(seeds):
            found = fit(measure_devices(device.model_copy(update={"sigma_read": read}), 1, 1, seed))
            curved += found.spec.law != "linear"
            for key, label in truth.items():
                value, low, high = found.table[key]
                inside += low <= label <= high
                right += abs(value - label) < 0.15 * abs(label) or (low <= label <= high and high - low < 3.0)
        print(f"| {read:.0%} | {curved} of {seeds} | {right} of {2 * seeds} | {inside} of {2 * seeds} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--devices", type=int, default=10)
    parser.add_argument("--cycles", type=int, default=6)
    parser.add_argument("--single", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.single:
        single(options.seeds)
        return
    print(
        "| cells | intervals that hold | share | law | missed | found in the residuals | a fit |\n|---|---|---|---|---|---|---|"
    )
    rows = [kind_row(name, options.seeds, options.devices, options.cycles) for name in options.names or KINDS]
    held, count = np.sum(rows, axis=0)
    print(f"| all | {held} of {count} | {held / count:.1%} | | | | |")


if __name__ == "__main__":
    main()
