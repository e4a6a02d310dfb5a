"""
What each imperfection costs
============================

From a device without imperfections (top) to the device as it is (bottom), on the same spikes. The
lines are 95 % intervals: where one includes 0 points, a cost may be nothing but the scatter of
trainings. This is a small network; the command takes a full one.

The command: ``synarray device judge pcm``
"""

import synarray
from synarray.report.verdict_figures import waterfall

verdict = synarray.judge(
    "pcm",
    trainings=4,
    settings={"images": 4000, "n_neurons": 60},
)
figure = waterfall(verdict.attribution)
figure
