"""
Potentials and thresholds
=========================

Three test images, ten windows each. Of every image, the two neurons that win most are followed. The
class that a neuron names is in brackets. A neuron that spikes (dot) is held back for the rest of the
image: its threshold falls, so that others are heard, too.

The command: ``synarray show RUN --figure potentials``
"""

import synarray

settings = {"images": 12000, "epochs": 1, "n_neurons": 100}
run = synarray.train("soft-pruned", settings=settings)
figure = run.plot("potentials")
figure
