"""
7. A learner on a microcontroller
=================================

The network that learned here can be written as one C99 file. It needs no heap, no libc and no
floating-point unit. It learns on the microcontroller, and computes the same bits.
"""

# %%
# Train
# -----
# Cells of four levels take two bits each, so a whole network fits into a few kilobytes.

import subprocess
import sys
from pathlib import Path

import synarray

settings = {"images": 5000, "epochs": 1, "n_neurons": 120}
result = synarray.train("local-2-bit", settings=settings)
run = result.save("runs/small")
print(f"{result.accuracy:.1%} of the test images; saved in {run}")

# %%
# Export
# ------

command = [
    sys.executable,
    "-m",
    "synarray",
    "export",
    "c",
    str(run),
    "-o",
    "exports/my-learner",
]
print(
    subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout
)

# %%
# The folder holds four source files and the layouts of CMake, Zephyr and Arduino.

for path in sorted(Path("exports/my-learner").rglob("*")):
    if path.is_file():
        print(f"{path.stat().st_size:8,} {path}")

# %%
# The same bits
# -------------
# If there is a C compiler here, the learner is compiled and compared with the network it came
# from. It continues to learn, too.

from synarray.export.run_c import compiler, load

mnist = synarray.load_dataset("mnist")
if compiler():
    learner = load("exports/my-learner")
    same = learner.predict(mnist.x_test[:500]) == result.predict(
        mnist.x_test[:500]
    )
    print(f"{same.mean():.0%} of 500 predictions are the same")
else:
    print("no C compiler here: cmake -S exports/my-learner -B build")

# %%
# Weights for your own code
# -------------------------
# A header for C, or arrays for NumPy: the name of the file decides.

command = [
    sys.executable,
    "-m",
    "synarray",
    "export",
    "weights",
    str(run),
]
for name in ("weights.h", "weights.npz"):
    subprocess.run(
        [*command, "-o", name], capture_output=True, check=True
    )
print(Path("weights.h").read_text()[:300], "...")

# %%
# The first group of neurons: four levels, one row for each neuron and one column for each input.

import matplotlib.pyplot as plt
import numpy as np

weights = np.load("weights.npz")["weights_0"]
figure, axis = plt.subplots(figsize=(7, 2.5), layout="constrained")
drawn = axis.imshow(weights.T, cmap="magma", aspect="auto")
axis.set(xlabel="input", ylabel="neuron")
axis.grid(False)
figure.colorbar(drawn, label="weight, -127 to 127")
figure
