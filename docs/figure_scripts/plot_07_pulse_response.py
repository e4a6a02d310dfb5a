"""
Pulse response with its fit
===========================

Measured trains (grey), the fitted device without noise (orange), and cells of twenty draws of the
fit (blue). The draws hold what the measurement leaves open, and all noises.

The command: ``synarray device fit pulses.csv``
"""

import synarray
from synarray.lab.synthetic import measure_devices

device = synarray.load_device("pcmo")
fit = synarray.fit(measure_devices(device, devices=3, cycles=2))
figure = fit.plot()
figure.set_size_inches(5, 4)
figure
