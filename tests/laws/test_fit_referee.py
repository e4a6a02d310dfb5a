"""An independent referee: the same pulses, a small hierarchical model in scipy alone, and numbers that agree within errors.

Nothing of synarray's likelihood takes part: steps on straight lines over the state (an affine law), one factor per device and
polarity, log-normal over the devices, noise of the pulses normal, cut at the ends (Tobin); factors by Laplace's method.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from synarray.lab.fitting import fit
from synarray.lab.formats import read_pulses

sys.path.insert(0, str(Path(__file__).parents[1]))
from independent_pulses import G_MAX, G_MIN, Made, make

DEVICES = 8


def steps_seen(made: Made) -> tuple[np.ndarray, ...]:
    """State before and after, polarity (0 LTD, 1 LTP) and device of each pulse."""
    x = (made.columns["G_S"] - G_MIN) / (G_MAX - G_MIN)
    pulsed = np.flatnonzero(made.columns["polarity"])
    on = (made.columns["polarity"][pulsed] > 0).astype(int)
    return x[pulsed - 1], x[pulsed], on, made.columns["device_id"][pulsed]


def negative_log(theta: np.ndarray, own: np.ndarray, seen: tuple[np.ndarray, ...]) -> float:
    """Of all pulses: theta = (first and last step of LTP, of LTD, ln sigma), own [device, polarity] = ln factors."""
    before, after, on, device = seen
    first, last = np.where(on, theta[0], theta[2]), np.where(on, theta[1], theta[3])
    gone = np.where(on, before, 1.0 - before)
    factor = np.exp(own[device, on])
    mean = before + np.where(on, 1, -1) * factor * (first + (last - first) * gone)
    spread = factor * np.exp(theta[4])
    inside = norm.logpdf(after, mean, spread)
    low, high = norm.logcdf((0.0 - mean) / spread), norm.logsf((1.0 - mean) / spread)
    return -float(np.where(after <= 1e-7, low, np.where(after >= 1 - 1e-7, high, inside)).sum())


def climbed(theta: np.ndarray, tau: float, own: float, part: tuple[np.ndarray, ...]) -> tuple[float, float]:
    """Most probable ln factor of one device and polarity by Newton's method, and its variance."""
    before, after, on, device = part
    part = before, after, on, np.zeros_like(device)

    def lost(f: float) -> float:
        return negative_log(theta, np.full((1, 2), f), part) + 0.5 * (f / tau) ** 2

    h, curve = 0.01, 1.0
    for _ in range(3):
        down, here, up = lost(own - h), lost(own), lost(own + h)
        curve = (up - 2 * here + down) / h**2
        own -= (up - down) / (2 * h) / curve
    return own, 1.0 / curve


def referee(made: Made) -> tuple[np.ndarray, float]:
    """Most probable theta and spread of the ln factors: in turns, the spread by the mean square of the factors (EM)."""
    seen = steps_seen(made)
    theta, own, tau = np.array([0.05, 0.02, 0.08, 0.02, np.log(0.02)]), np.zeros((DEVICES, 2)), 0.1
    for _ in range(6):
        theta = minimize(negative_log, theta, (own, seen), "Nelder-Mead", options={"maxiter": 600, "xatol": 1e-5}).x
        square = 0.0
        for device in range(DEVICES):
            for polarity in (0, 1):
                part = tuple(column[(seen[3] == device) & (seen[2] == polarity)] for column in seen)
                own[device, polarity], variance = climbed(theta, tau, own[device, polarity], part)
                square += own[device, polarity] ** 2 + variance
        tau = float(np.sqrt(square / own.size))
        own -= own.mean(axis=0)
    return theta, tau


@pytest.mark.parametrize("name", ["soft bound", "soft bound, steep"])
def test_the_referee_agrees_within_errors(tmp_path: Path, name: str) -> None:
    """First and last steps to 5 % of the largest; both spreads within the fit's intervals."""
    made = make(name, DEVICES, 4, 0)
    (tmp_path / "pulses.csv").write_text(made.csv(), "utf-8")
    found = fit(read_pulses(tmp_path / "pulses.csv"))
    theta, tau = referee(made)
    x = np.array([-1.0, 1.0])
    ltd, ltp = found.spec.steps(x) / 2.0
    np.testing.assert_allclose([ltp[0], ltp[1], ltd[1], ltd[0]], theta[:4], atol=0.05 * max(theta[:4]))
    low, high = found.table["sigma_c2c"][1:]
    assert low <= np.exp(theta[4]) <= high
    low, high = found.table["sigma_d2d_step"][1:]
    assert low <= tau <= high
