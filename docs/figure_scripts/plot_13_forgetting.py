"""
Forgetting
==========

Five pairs of digits are learned one after another in the same cells. The lines say how much of the
first pair is still read, with 95 % intervals over five seeds. Each method consolidates differently; the first one not at all.

The command: ``synarray continual split-mnist``
"""

from synarray.report.continual_views import continual_figures
from synarray.run.continual import METHODS, learn_in_order, sequence_of

tasks = sequence_of("split-mnist", images=2000)
shown = ("no consolidation", "75 % soft-pruned", "maturity 100")
found = {
    name: [
        learn_in_order(tasks, {"n_neurons": 100, **METHODS[name]}, seed)
        for seed in range(5)
    ]
    for name in shown
}
figure = continual_figures({"methods": found})["first"]
figure
