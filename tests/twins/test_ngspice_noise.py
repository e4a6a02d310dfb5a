"""The noise of one driven column: ours, and a ``.noise`` run of ngspice on resistors and the shot noise of as many diodes."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.constants import e, k

from synarray.array.read_noise import read_noise
from synarray.device.library import load_device
from synarray.device.spec import DeviceSpec

pytestmark = pytest.mark.skipif(
    shutil.which("ngspice") is None, reason="needs ngspice: apt-get install ngspice (Debian, Ubuntu)"
)
SATURATION = 1e-15
"""Saturation current of the diodes, A."""


def deck(g: np.ndarray, volts: float, kelvins: float) -> str:
    """Write a column at virtual ground: each cell a resistor, and beside it a copy of the noise of a diode of its current."""
    celsius = kelvins - 273.15
    lines = ["noise of a column", f".options temp={celsius} tnom={celsius}", f"Vread row 0 dc {volts} ac 1"]
    for i, siemens in enumerate(g.tolist()):
        bias = k * kelvins / e * math.log1p(siemens * volts / SATURATION)
        lines += [
            f"R{i} row column {1 / siemens!r}", f"Vbias{i} a{i} 0 dc {bias!r}", f"D{i} a{i} b{i} shot",
            f"Vmeter{i} b{i} 0 0", f"F{i} row column Vmeter{i} 1",
        ]  # fmt: skip
    lines += [
        "Vsense column 0 0", "Hout out 0 Vsense 1", f".model shot d(is={SATURATION} n=1 rs=0)", ".control",
        "noise v(out) Vread dec 1 1 10", "setplot noise1", "print onoise_spectrum", "quit", ".endc", ".end",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("kelvins", [300.0, 358.15])
@pytest.mark.parametrize("name", ["subquantum-cbram", "ecram", "pcm", "pcmo"])
def test_ngspice_finds_the_same_noise(name: str, kelvins: float, tmp_path: Path) -> None:
    device: DeviceSpec = load_device(name)
    g = np.random.default_rng(5).uniform(device.g_min, device.g_max, 12)
    (tmp_path / "noise.cir").write_text(deck(g, device.v_read, kelvins))
    done = subprocess.run(["ngspice", "-b", "noise.cir"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    density = float(re.findall(r"^0\s+\S+\s+(\S+)\s*$", done.stdout, re.MULTILINE)[0])  # A / sqrt(Hz)
    theirs = density / math.sqrt(2 * device.t_read)
    ours = math.sqrt(np.sum(read_noise(g, device, kelvins) ** 2)) * device.v_read
    assert ours == pytest.approx(theirs, rel=1e-3)
