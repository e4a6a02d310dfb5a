"""
1. Your device's CSV to a verdict
=================================

You measured a memory device: conductance after each programming pulse. This tutorial fits a
device to the file, looks at the fit, and judges it.
"""

# %%
# Pulses
# ------
# Here a library device is measured, so that there is a file. Put your own file in its place.
# Spreadsheets, LTP and LTD side by side, and the files of other simulators are read, too.

from pathlib import Path

import synarray
from synarray.lab.formats import format_named
from synarray.lab.synthetic import measure_devices

measured = measure_devices(
    synarray.load_device("taox-hfox"), devices=6, cycles=4
)
for content in format_named("synarray").write(measured).values():
    Path("pulses.csv").write_bytes(content)
print(Path("pulses.csv").read_text()[:220], "...")

# %%
# The fit
# -------
# ``read_pulses`` says what it understood of the file. ``fit`` finds the law, the range, the
# levels and the spreads, each with its uncertainty.

pulses = synarray.read_pulses("pulses.csv")
fit = synarray.fit(pulses, name="my-device")
device = fit.spec
print(f"law: {device.law}")
print(f"range: {device.g_min * 1e6:.2f} to {device.g_max * 1e6:.2f} uS")
print(
    f"levels: {device.n_levels_ltp:.0f} up, {device.n_levels_ltd:.0f} down"
)
print(f"cycle to cycle: {device.sigma_c2c:.2%} of the range")

# %%
# What the fit says a pulse does, for a train of LTP pulses and a train of LTD pulses:

from synarray.device.response import measure
from synarray.report.figures import pulse_train

figure = pulse_train("my-device", measure(device))
figure

# %%
# The verdict
# -----------
# ``judge`` trains networks in cells of this device. Each training draws another device from the
# fit, so the interval holds what the fit leaves open. Four short trainings serve here. Leave
# ``settings`` and ``trainings`` away for the full answer; it comes after about a minute.

verdict = synarray.judge(fit, trainings=4, settings={"images": 10000})
for sentence in verdict.sentences:
    print(sentence)

# %%
# What a training costs, by the component of the array:

for row in verdict.ledger:
    energy = sum(row.energy.values())
    if energy > 0:
        print(f"{row.component:8} {row.action:31} {1e9 * energy:6.1f} nJ")

# %%
# The page to send to a colleague, with every figure and number:

print(verdict.save("verdict", measured=pulses, fit=fit))
