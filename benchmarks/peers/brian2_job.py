"""Brian2's nearest job: a Diehl & Cook type network as one compiled program (cpp_standalone), 784 inputs, 400 neurons.

Poisson inputs of at most 63.75 Hz, integrate-and-fire neurons with an adaptive threshold, one inhibitory partner each,
pair STDP on all 313,600 synapses; dt 1 ms, 350 ms of image and 150 ms of rest. The constants are the defaults of
BindsNET's network, but weights are not normalised after an image (a standalone program has no cheap way), which saves
this peer work.
The program is built once and run several times; its own clock times the second of two runs, after a warm-up of images.
Prints one JSON line, with the compile time apart.
"""

import argparse
import json
import statistics
import tempfile
import time

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV

N_NEURONS = 400
FULL_RATE = 63.75  # Hz of a white pixel (Diehl & Cook 2015: 255 / 4)
N_WARM, N_TIMED, REPETITIONS = 40, 200, 5
EXCITATORY = """
dv/dt = (-65*mV - v) / (100*ms) : volt (unless refractory)
dtheta/dt = -theta / (1e7*ms) : volt
"""
INHIBITORY = "dv/dt = (-60*mV - v) / (10*ms) : volt (unless refractory)"
STDP = """
w : 1
dx_in/dt = -x_in / (20*ms) : 1 (event-driven)
dx_out/dt = -x_out / (20*ms) : 1 (event-driven)
"""


def schedule(images: np.ndarray) -> b2.TimedArray:
    """Lay out input rates in 50-ms rows: seven rows of image (350 ms), then three of rest (150 ms)."""
    rows = np.zeros((len(images), 10, 784))
    rows[:, :7] = images.reshape(-1, 1, 784) / 255 * FULL_RATE
    return b2.TimedArray(rows.reshape(-1, 784) * Hz, dt=50 * ms)


def measure(images: np.ndarray, build: str) -> dict:
    """Build the network's program in the directory `build`, run it REPETITIONS times and take the median."""
    b2.set_device("cpp_standalone", directory=build, build_on_run=False)
    b2.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j1"]
    b2.defaultclock.dt = 1 * ms
    b2.seed(0)

    inputs = b2.PoissonGroup(784, rates="image_rates(t, i)", namespace={"image_rates": schedule(images)})
    excitatory = b2.NeuronGroup(
        N_NEURONS, EXCITATORY, threshold="v > -52*mV + theta", reset="v = -60*mV; theta += 0.05*mV",
        refractory=5 * ms, method="exact",
    )  # fmt: skip
    inhibitory = b2.NeuronGroup(
        N_NEURONS, INHIBITORY, threshold="v > -40*mV", reset="v = -45*mV", refractory=2 * ms, method="exact"
    )
    excitatory.v, inhibitory.v = -65 * mV, -60 * mV
    learn = b2.Synapses(
        inputs, excitatory, STDP,
        on_pre="v_post += w*mV; x_in = 1; w = clip(w - 1e-4*x_out, 0, 1)",
        on_post="x_out = 1; w = clip(w + 1e-2*x_in, 0, 1)",
    )  # fmt: skip
    learn.connect()
    learn.w = "0.3 * rand()"
    drive = b2.Synapses(excitatory, inhibitory, on_pre="v_post += 22.5*mV")
    drive.connect(j="i")
    inhibit = b2.Synapses(inhibitory, excitatory, on_pre="v_post -= 17.5*mV")
    inhibit.connect(condition="i != j")
    spikes = b2.SpikeMonitor(excitatory, record=False)
    network = b2.Network(inputs, excitatory, inhibitory, learn, drive, inhibit, spikes)
    network.run(N_WARM * 500 * ms)
    network.run(N_TIMED * 500 * ms)

    start = time.perf_counter()
    b2.device.build(directory=build, compile=True, run=False, with_output=False)
    compile_seconds = time.perf_counter() - start
    timed = []
    for _ in range(REPETITIONS):
        b2.device.run(directory=build, with_output=False)
        timed.append(b2.device._last_run_time)  # the program's own clock, of its second run only
    rate = N_TIMED / statistics.median(timed)
    row = {
        "job": "Diehl & Cook type, 784-400, pair STDP, 350 + 150 ms, cpp_standalone",
        "images_per_second": rate,
        "time_steps_per_second": rate * 500,
        "pulses_per_second": None,
        "repetition_seconds": timed,
        "compile_seconds": compile_seconds,
        "output_spikes_per_image": float(spikes.num_spikes) / (N_WARM + N_TIMED),
    }
    if row["output_spikes_per_image"] == 0:
        raise RuntimeError("the neurons never spiked, so nothing was learned: the figure would not count")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="FILE.npz with x_train, uint8 [n, 28, 28]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="brian2-") as build:
        row = measure(np.load(arguments.images)["x_train"][: N_WARM + N_TIMED], build)
    versions = {"brian2": b2.__version__, "numpy": np.__version__}
    print(json.dumps({"tool": "brian2", "versions": versions, "rows": [row]}))


if __name__ == "__main__":
    main()
