"""synarray's own figure beside the peers: the full-field network (500 neurons) learning MNIST, one core.

Timed by the run itself (its "train" seconds): encoding into spikes, array reads, winners, STDP and pulses; without the
once-only scaling of the images, labelling and test. A short training first compiles the kernels. Pulses are
those the run counted, over the same seconds. So are output spikes: one window (the time step) has one, and it updates
the row of cells of one neuron. Prints one JSON line. Runs in the environment synarray is installed in.
"""

import argparse
import json
import statistics
from importlib.metadata import version

import numpy as np

import synarray

EXPERIMENT = "full-field"
N_WARM, N_TIMED, REPETITIONS = 500, 20_000, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="FILE.npz with x_train, uint8 [n, 28, 28], and y_train")
    arguments = parser.parse_args()
    with np.load(arguments.images) as data:
        images, labels = data["x_train"][:N_TIMED], data["y_train"][:N_TIMED]
    spec = synarray.load_experiment(EXPERIMENT)
    synarray.train(spec, images[:N_WARM], labels[:N_WARM], seed=0)
    results = [synarray.train(spec, images, labels, seed=seed) for seed in range(REPETITIONS)]
    spike_rates = [result.events["output_spike"] / result.seconds["train"] for result in results]
    row = {
        "job": f"{EXPERIMENT}, learning on",
        "images_per_second": statistics.median(result.images_per_second for result in results),
        "pulses_per_second": statistics.median(result.pulses / result.seconds["train"] for result in results),
        "time_steps_per_second": statistics.median(spike_rates),
        "rows_per_second": statistics.median(spike_rates),
        "repetition_seconds": [result.seconds["train"] for result in results],
        "prepare_seconds": [result.seconds["prepare"] for result in results],
    }
    print(json.dumps({"tool": "synarray", "versions": {"synarray": version("synarray")}, "rows": [row]}))


if __name__ == "__main__":
    main()
