"""
The pruning mask over the training
==================================

Four neurons at six moments. Blue synapses still learn. Yellow ones are pruned: they are read, but never
receive a pulse again. In the end three quarters are pruned, in five steps.

The command: ``synarray show RUN --figure pruning``
"""

import synarray

settings = {"images": 12000, "epochs": 1, "n_neurons": 100}
run = synarray.train("soft-pruned", settings=settings)
figure = run.plot("pruning")
figure
