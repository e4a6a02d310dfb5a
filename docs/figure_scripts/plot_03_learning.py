"""
Learning, as a film
===================

The weights of the 24 busiest neurons while they learn from 12,000 images. Each becomes a picture of
what it spikes for. The film trains the run again, to the same bits, and looks at it on its way.

The command: ``synarray show RUN --figure learning``
"""

import synarray

settings = {"images": 12000, "epochs": 1, "n_neurons": 100}
run = synarray.train("soft-pruned", settings=settings)
figure = run.plot("learning")
figure
