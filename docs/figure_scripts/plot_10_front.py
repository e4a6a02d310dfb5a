"""
Accuracy against energy
=======================

Twenty-four small networks in words of binary cells: their size, pruning and bits are drawn at random. The
points in colour are beaten by no other one in both accuracy and energy.

The command: ``synarray study run pareto`` searches with 400 trainings, and ``synarray report
studies/pareto`` draws them.
"""

from pathlib import Path

import synarray
from synarray.report.study_figures import drawings

Path("front.toml").write_text(
    """
name = "front"
base = "cbram-2-bit"
seeds = [0]
set = { images = 3000, epochs = 1, validation = 10000 }

[search]
sampler = "random"
trials = 24
batch = 24
objectives = ["accuracy", "energy"]

[search.space]
n_neurons = { low = 20, high = 200, log = true, integer = true }
"pruning.fraction" = { low = 0.1, high = 0.9 }
"synapse.n_bits" = { choices = [1, 2, 3, 4] }

[figure]
x = "energy"
y = "accuracy"
log_x = true
"""
)
study = synarray.load_study("front.toml")
synarray.run_study(study, "studies/front")
table = synarray.load_table("studies/front")
(drawing,) = drawings(study, table, "synarray study run front.toml")
figure = drawing.picture.figure
figure
