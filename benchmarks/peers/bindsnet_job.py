"""BindsNET's nearest job: its Diehl & Cook 2015 network on MNIST, 784 inputs, 400 neurons, learning on.

Two forms: one image at a time for 350 ms, the paper's presentation, and 32 at once for 100 ms, as in its own example
batch_eth_mnist.py, whose constants serve both. A timed repetition includes Poisson encoding, simulation with STDP and
the reset between images; it excludes labelling and monitors. One thread. Prints one JSON line. Run by run.py in
BindsNET's own environment.
"""

import argparse
import json
import statistics
import time
from importlib.metadata import version

import numpy as np
import torch

if torch.version.cuda is None:  # torchvision's wheel wants a CUDA torch; on a CPU torch its import needs these names
    for op in ("nms", "qnms"):
        torch.library.define(f"torchvision::{op}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from bindsnet.encoding import poisson
from bindsnet.models import DiehlAndCook2015

N_NEURONS = 400
FULL_RATE = 128.0  # Hz of a white pixel, the examples' "intensity"
THETA_PLUS = 0.05  # mV a spike
REPETITIONS = 5


def measure(images: torch.Tensor, batch: int, t_present: int, n_batches: int) -> dict:
    """Time REPETITIONS x n_batches presentations of `batch` images for `t_present` ms, after one warm-up repetition."""
    torch.manual_seed(0)
    network = DiehlAndCook2015(
        n_inpt=784, n_neurons=N_NEURONS, exc=22.5, inh=120, dt=1.0, norm=78.4, nu=(1e-4, 1e-2), theta_plus=THETA_PLUS,
        inpt_shape=(1, 28, 28), batch_size=batch,
    )  # fmt: skip
    order = iter(torch.randperm(len(images)).split(batch))
    seconds = []
    for _ in range(1 + REPETITIONS):
        start = time.perf_counter()
        for _ in range(n_batches):
            rates = images[next(order)].view(batch, 1, 28, 28) * FULL_RATE
            network.run(inputs={"X": poisson(rates, time=t_present, dt=1.0)}, time=t_present)
            network.reset_state_variables()
        seconds.append(time.perf_counter() - start)
    timed = seconds[1:]
    rate = batch * n_batches / statistics.median(timed)
    n_shown = (1 + REPETITIONS) * n_batches * batch
    spikes_per_image = float(network.layers["Ae"].theta.sum()) / THETA_PLUS / n_shown  # one theta_plus a spike
    if spikes_per_image == 0:
        raise RuntimeError("the neurons never spiked, so nothing was learned: the figure would not count")
    return {
        "job": f"Diehl & Cook, 784-400, {t_present} ms, batch {batch}",
        "images_per_second": rate,
        "time_steps_per_second": rate * t_present,
        "pulses_per_second": None,
        "repetition_seconds": timed,
        "output_spikes_per_image": spikes_per_image,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="FILE.npz with x_train, uint8 [n, 28, 28]")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images = torch.from_numpy(np.load(arguments.images)["x_train"][:2000]).float() / 255
    rows = [measure(images, batch=1, t_present=350, n_batches=8), measure(images, batch=32, t_present=100, n_batches=4)]
    versions = {"bindsnet": version("bindsnet"), "torch": torch.__version__}
    print(json.dumps({"tool": "bindsnet", "versions": versions, "rows": rows}))


if __name__ == "__main__":
    main()
