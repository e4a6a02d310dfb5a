"""
Maps of an array
================

Every cell of an array of 400 word lines and 100 bit lines after a training: its conductance, the
pulses that it received, and what became of it. Stuck cells are drawn larger than they are.

The command: ``synarray array show RUN``, or ``synarray show RUN --figure array``
"""

import synarray

settings = {
    "images": 12000,
    "epochs": 1,
    "n_neurons": 100,
    "array.rows": 400,
    "array.columns": 100,
}
run = synarray.train("cbram-analog", settings=settings)
figure = run.plot("array")
figure
