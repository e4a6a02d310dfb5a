"""How well a fit of synthetic measurements recovers the device they came from, and whether its intervals hold the truth.

    python benchmarks/fit_recovery.py [--seeds 10] [--devices 20] [--cycles 10] [NAME ...]

Each number is judged by its error over the seeds: range (target 2 %), labels (10 %; labels below 0.1 as a share of 0.1) and
noises (15 %); root mean square, and the largest. Intervals: the share of 95 % intervals that hold the truth (target 90 to 99 %
over the library). Where devices differ, 20 of them are a sample: the spread over them has a standard error of 16 % (11 % where
both ends or both polarities share it), and the ends of the range one of sigma / sqrt(20). For those the error is given against
the sample that was drawn, too.

Beside the error of the labels stands the limit of information: the smallest root mean square error an unbiased estimator can have
on these very pulses (Cramer and Rao), though it saw the state before and after each pulse without read noise, and knew the ends,
the noise and each device's factor. A target below the limit cannot be held by any unbiased fit of as many pulses. N counts as
known where the fit takes it from the length of the trains, else N and the curvature are both unknown.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import norm

from synarray.device.library import device_names, load_device
from synarray.device.spec import DeviceSpec
from synarray.device.variation import draw_stuck, draw_traits
from synarray.lab.fitting import Fit, fit
from synarray.lab.fitting.model import bend_of, label_of, soft_nodes
from synarray.lab.synthetic import measure_devices

RANGE, LABELS = ("g_min", "g_max"), ("nonlinearity_ltp", "nonlinearity_ltd")
NOISES = ("sigma_c2c", "sigma_read", "sigma_d2d_range", "sigma_d2d_step")
NEAR = 1.3
"""An error is at the limit of information where it is at most as many times as large."""
TARGETS = {"range": 0.02, "labels": 0.10, "noises": 0.15}


def error(found: float, truth: float, least: float = 0.0) -> float:
    scale = max(abs(truth), least)
    return abs(found - truth) / scale if scale else abs(found)


def sample(device: DeviceSpec, devices: int, seed: int) -> dict[str, float]:
    """Range and spreads of the cells that were drawn."""
    ltd, ltp, low, high = draw_traits(device, (1, 1, devices), seed)[0, :, 0].astype(float)
    stuck = draw_stuck(device, (1, 1, devices), seed)
    there = np.ones(devices, bool) if stuck is None else ~(stuck.low | stuck.high)[0, 0]
    ends = {"g_min": device.conductance(low)[there], "g_max": device.conductance(high)[there]}
    truth = {key: float(values.mean()) for key, values in ends.items()}
    if device.sigma_d2d_range:
        spread = [values.var(ddof=1) / values.mean() ** 2 for values in ends.values()]
        truth["sigma_d2d_range"] = float(np.sqrt(np.mean(spread)))
    if device.sigma_d2d_step:
        logs = [np.log(values[there]).var(ddof=1) for values in (ltd, ltp)]
        truth["sigma_d2d_step"] = float(np.sqrt(np.expm1(np.mean(logs))))
    return truth


def limit(device: DeviceSpec, devices: int, cycles: int, seed: int, key: str, counted: bool) -> float:
    """Least standard error of a label on the pulses of a seed, after Cramer and Rao.

    Of a pulse of mean m and spread s, cut at ends a and b, the information on m is that of a censored normal number:
    (1/s^2) [integral of z^2 phi(z) from A to B + phi(A)^2 / Phi(A) + phi(B)^2 / Phi(-B)], A = (a - m) / s, B = (b - m) / s.
    """
    on = int(key.endswith("ltp"))
    seen = measure_devices(device.model_copy(update={"sigma_read": 0.0}), devices, cycles, seed)
    x = (seen.G_S - device.g_min) / device.g_range
    pulsed = np.flatnonzero(seen.polarity == (1 if on else -1))
    before, cell = np.clip(x[pulsed - 1], 0.0, 1.0), seen.device_id[pulsed]
    ltd, ltp, low, high = draw_traits(device, (1, 1, devices), seed)[0, :, 0].astype(float)
    factor, label = (ltp if on else ltd)[cell], abs(getattr(device, key))
    gone = before if on else 1.0 - before
    way = 1.0 if getattr(device, key) * (1 if on else -1) >= 0 else -1.0  # whether steps slow down
    log_n, bend = float(np.log(getattr(device, f"n_levels_{key[-3:]}"))), way * float(bend_of(label))

    def steps(log_n: float, bend: float) -> np.ndarray:
        first, last = soft_nodes(log_n, bend)
        return first + (last - first) * gone

    mean = before + (1 if on else -1) * factor * steps(log_n, bend)
    spread, h = factor * device.sigma_c2c, 1e-4
    a, b = (((end[cell] + 1.0) / 2.0 - mean) / spread for end in (low, high))
    pa, pb = norm.pdf(a), norm.pdf(b)
    within = norm.cdf(b) - norm.cdf(a) + a * pa - b * pb
    told = within + np.exp(2 * norm.logpdf(a) - norm.logcdf(a)) + np.exp(2 * norm.logpdf(b) - norm.logsf(b))
    slopes = [
        (steps(log_n + up, bend + bent) - steps(log_n - up, bend - bent)) / (2 * h) / device.sigma_c2c
        for up, bent in ((0.0, h), (h, 0.0))[: 1 if counted else 2]
    ]
    information = np.array([[float((told * one * other).sum()) for one in slopes] for other in slopes])
    per_bend = float(label_of(bend + h) - label_of(bend - h)) / (2 * h)
    return abs(per_bend) * float(np.sqrt(np.linalg.inv(information)[0, 0]))


def limits(device: DeviceSpec, found: list[Fit], devices: int, cycles: int) -> float:
    """Least root mean square error of the labels, in the unit of their error."""
    squares = []
    for seed, one in enumerate(found):
        for key in LABELS if device.law == "soft-bound" and device.sigma_c2c else ():
            levels = one.table[f"n_levels_{key[-3:]}"]
            if getattr(device, key) and getattr(device, f"n_levels_{key[-3:]}") >= 2:
                least = limit(device, devices, cycles, seed, key, levels.low == levels.high)
                squares.append((least / max(abs(getattr(device, key)), 0.1)) ** 2)
    return float(np.sqrt(np.mean(squares))) if squares else 0.0


def judged(device: DeviceSpec) -> tuple[str, ...]:
    """Numbers that act in a device."""
    if device.binary:
        return (*RANGE, "sigma_read", "p_switch_ltp", "p_switch_ltd")
    levels = ("n_levels_ltp", "n_levels_ltd")
    return (*RANGE, *levels, *(LABELS if device.law == "soft-bound" else ()), *NOISES)


def row(
    name: str, found: list[Fit], device: DeviceSpec, samples: list[dict[str, float]], least: float
) -> tuple[str, int, int, list[str]]:
    errors: dict[str, list[float]] = {
        kind: [] for kind in ("range", "range, sample", "labels", "noises", "noises, sample")
    }
    held = count = 0
    missed: dict[str, int] = {}
    for one, drawn in zip(found, samples, strict=True):
        for key in judged(device):
            truth, estimate = float(getattr(device, key)), one.table[key]
            kind = "range" if key in RANGE else "labels" if key in LABELS else "noises" if key in NOISES else ""
            if kind and (truth or estimate.value or kind == "range"):  # spreads that are not there dilute no mean
                errors[kind].append(error(estimate.value, truth, 0.1 if key in LABELS else 0.0))
            if f"{kind}, sample" in errors and (truth or estimate.value):
                errors[f"{kind}, sample"].append(error(estimate.value, drawn.get(key, truth)))
            inside = estimate.low - 1e-12 <= truth <= estimate.high + 1e-12
            held, count = held + inside, count + 1
            if not inside:
                missed[key] = missed.get(key, 0) + 1
    rms = {kind: float(np.sqrt(np.mean(np.square(values or [0.0])))) for kind, values in errors.items()}
    misses = []
    for kind, target in TARGETS.items():
        if rms[kind] > target:
            bound = f", limit {least:.1%}, error {rms[kind] / least:.2f} times it" if kind == "labels" and least else ""
            below = kind == "labels" and least > target and rms[kind] <= NEAR * least
            misses.append(f"{kind} {rms[kind]:.1%} > {target:.0%}{bound}{' (below the limit)' * below}")
    cells = [f"{rms[kind]:7.2%} /{max(values, default=0.0):6.1%}" for kind, values in errors.items()]
    cells.insert(3, f"{least:8.2%}" if least else f"{'-':>8s}")
    outside = ", ".join(f"{key} {n}x" for key, n in missed.items())
    law = {one.spec.law for one in found}
    return f"{name:20s}{''.join(cells)} {held / count:9.1%}  {'/'.join(sorted(law))}  {outside}", held, count, misses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--cycles", type=int, default=10)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    print(
        f"{options.devices} devices x {options.cycles} cycles, seeds 0 to {options.seeds - 1}; errors: root mean square / largest"
    )
    heads = "".join(f"{head:>15s}" for head in ("range", "(sample)", "labels"))
    heads += f"{'(limit)':>8s}" + "".join(f"{head:>15s}" for head in ("noises", "(sample)"))
    print(f"{'device':20s}{heads}{'coverage':>10s}  law, outside")
    held = count = 0
    misses = []
    began = time.perf_counter()
    for name in options.names or device_names():
        device = load_device(name)
        seeds = range(options.seeds)
        found = [fit(measure_devices(device, options.devices, options.cycles, seed)) for seed in seeds]
        drawn = [sample(device, options.devices, seed) for seed in seeds]
        least = limits(device, found, options.devices, options.cycles)
        line, inside, of, missed = row(name, found, device, drawn, least)
        held, count = held + inside, count + of
        misses += [f"{name}: {miss}" for miss in missed]
        print(line, flush=True)
    print(f"intervals that hold the truth: {held} of {count}, {held / count:.1%} (target 90 to 99 %)")
    print("missed targets:", "" if misses else "none")
    for miss in misses:
        print(f"  {miss}")
    print(
        f"of these below the limit of information (it exceeds the target, and the error is at most {NEAR} times it):",
        ", ".join(miss.partition(":")[0] for miss in misses if miss.endswith("(below the limit)")) or "none",
    )
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
