"""What networks that are shown the same images could gain if they shared the encoding: an upper bound.

python benchmarks/shared_encoding.py --device subquantum-cbram

Networks that differ only in numbers see the same spikes. Winners differ from network to network, so reading and learning
cannot be shared; encoding can. Its share of the training time, on one core, bounds the gain of doing it once for N networks:

    gain < 1 / (1 - share (1 - 1 / N))
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from synarray.learn.trainer import Trainer
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.topology import place_groups
from synarray.run.experiment import load_experiment, task_images


def share_of_encoding(experiment: str, device: str, images: int, turns: int) -> float:
    """Least CPU seconds of encoding over least CPU seconds of training, encoding included."""
    spec = load_experiment(experiment, {"epochs": 1, "images": images, **({"device": device} if device else {})})
    data, x, y, _, _ = task_images(spec)
    flat, order = x.reshape(len(x), -1), np.arange(len(x))
    retina = Retina.fit(flat, spec.inputs, full_scale=data.full_scale, gain_control=spec.encoding.gain_control)
    pixels = retina.see(flat)
    encoding, training = [], []
    for _ in range(turns):
        machine = Machine.build(
            spec, place_groups(spec.fields, spec.n_neurons, retina.inputs, data.image_shape), len(x)
        )
        trainer = Trainer(machine, data.n_classes, len(y))
        trainer.compile(pixels)
        start = time.thread_time()
        for first in range(0, len(x), 512):
            machine.encode(pixels, order[first : first + 512], order[first : first + 512], spec.encoding.draws)
        encoding.append(time.thread_time() - start)
        start = time.thread_time()
        trainer.learn(pixels, order, y)
        training.append(time.thread_time() - start)
    return min(encoding) / min(training)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="subquantum-cbram")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    for experiment, device in (("local-fields", ""), ("full-field", ""), ("judge", options.device)):
        share = share_of_encoding(experiment, device, options.images, options.turns)
        gain = ", ".join(f"{n} networks {1 / (1 - share * (1 - 1 / n)):.2f}x" for n in (2, 10, 40))
        print(f"{experiment} {device or 'ideal weights'}: encoding is {100 * share:.1f} % of training; at most {gain}")
