"""
Receptive fields
================

The weights of 48 neurons at the end, laid over the image. Each neuron sees one part of the image
only; grey is where it has no cell.

The command: ``synarray show RUN --figure receptive-fields``
"""

import synarray

settings = {"images": 12000, "epochs": 1, "n_neurons": 120}
run = synarray.train("local-fields", settings=settings)
figure = run.plot("receptive-fields")
figure
