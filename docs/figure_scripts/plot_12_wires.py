"""
What the wires leave
====================

An array with 2 ohm from cell to cell. Left: how much of its current each cell has left in a read. Cells
far from the drivers and from the sense circuits lose most. Right: how much of a pulse's voltage arrives.

The command: ``synarray show RUN --figure wires``
"""

import synarray

settings = {
    "images": 6000,
    "epochs": 1,
    "n_neurons": 128,
    "array.rows": 400,
    "array.columns": 128,
    "array.wires.r_wire": "2 ohm",
}
run = synarray.train("cbram-analog", settings=settings)
figure = run.plot("wires")
figure
