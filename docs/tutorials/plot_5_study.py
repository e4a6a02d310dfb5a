"""
5. One question, many runs
==========================

A study is a file: a base experiment, what is varied, how many seeds. Finished runs are on disk at
once, so a stopped study can be resumed.
"""

# %%
# The question
# ------------
# How many levels must a device have? Three numbers of levels, two seeds, small networks.

from pathlib import Path

import synarray

Path("levels.toml").write_text(
    """
name = "my-levels"
base = "local-fields"
seeds = [0, 1]

[set]
images = 3000
epochs = 1
n_neurons = 60
device = "ideal"

[axes.levels]
title = "pulses across the range"
zip = { "device.n_levels_ltp" = [2, 8, 64], "device.n_levels_ltd" = [2, 8, 64] }
"""
)
study = synarray.load_study("levels.toml")

# %%
# The runs
# --------
# They run on all cores of this machine. On a cluster, start a Dask scheduler and name it:
# ``synarray study run levels.toml --dask tcp://HOST:8786``. The results are the same bits,
# wherever they ran.

done = synarray.run_study(study, "studies/levels")
print(f"{done.done} runs done, {done.failed} failed")

# %%
# The table
# ---------

table = synarray.load_table("studies/levels")
print(
    table[["levels", "seed", "accuracy", "pulses"]].to_string(index=False)
)

# %%
# The figure
# ----------

import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
axis.plot(table["levels"], 100 * table["accuracy"], "o")
axis.set(xscale="log", xlabel="levels", ylabel="accuracy (%)")
axis.set_xticks([2, 8, 64], ["2", "8", "64"], minor=False)
axis.minorticks_off()
figure

# %%
# ``synarray study list`` names the studies of the package. ``synarray report
# studies/levels`` writes a page.
