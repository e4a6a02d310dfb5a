"""
The life of an array
====================

How many cells have failed after so many trainings like this one. The array's life ends where 1 % of
them have. Addresses that are shifted from training to training spread the wear, and the array lives
longer. The endurance of this device is not confirmed: read ratios.

The command: ``synarray lifetime RUN``, or ``synarray show RUN --figure life``
"""

import synarray

settings = {"images": 12000, "epochs": 1, "n_neurons": 120}
run = synarray.train("cbram-local", settings=settings)
figure = run.plot("life")
figure
