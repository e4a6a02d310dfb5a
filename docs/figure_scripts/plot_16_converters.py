"""
Bits of the converters
======================

The read of every column is digitised to so many bits, in learning and in inference. Winners are drawn from
differences between columns. So a converter that covers a quarter of the full range needs two bits fewer.
Small networks in local fields; 95 % intervals over three seeds.

The command: ``synarray study run converters`` asks the same of larger networks, and ``synarray report
studies/converters`` draws them.
"""

import numpy as np

import synarray
from synarray.report.charts import Line, lines_chart

settings = {
    "images": 4000,
    "validation": 2000,
    "epochs": 1,
    "n_neurons": 60,
    "device": "ecram",
}
lines = []
for share in (1.0, 0.25):
    points = []
    for bits in range(3, 9):
        converter = {"array.adc_bits": bits, "array.adc_range": share}
        runs = [
            synarray.train(settings=settings | converter, seed=seed)
            for seed in range(3)
        ]
        points.append((bits, np.array([run.accuracy for run in runs])))
    lines.append(Line.of(f"range: {share:.0%} of full", points, 0.95))
ends = np.array([line.ends for line in lines])
figure = lines_chart(
    lines,
    "bits",
    "accuracy",
    ("bits of a conversion", "accuracy on held-out images (%)"),
    (ends.min(), ends.max()),
)
figure
