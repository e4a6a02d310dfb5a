"""
Energy by component
===================

The same training in the array, without its savings, and on processors with the weights in SRAM or
DRAM. The scale is logarithmic. A component that is missing costs nothing there.

The command: ``synarray show RUN --figure energy``; ``synarray energy RUN`` prints the numbers.
"""

import synarray

settings = {"images": 12000, "epochs": 1, "n_neurons": 100}
run = synarray.train("cbram-analog", settings=settings)
figure = run.plot("energy")
figure
