"""
Raster of spikes
================

Eight test images are shown for ten windows each. Above: the inputs that spike. Below: the neuron that
wins each window; neurons are sorted by the class that they name. Most spikes of an image are
in the band of its class, and the spikes together say the class below.

The command: ``synarray show RUN --figure spikes``
"""

import synarray

settings = {"images": 12000, "epochs": 1, "n_neurons": 100}
run = synarray.train("soft-pruned", settings=settings)
figure = run.plot("spikes")
figure
