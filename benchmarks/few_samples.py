"""How much faster ``SpikingClassifier.fit`` is where short epochs go through the kernels together, to the same bits.

python benchmarks/few_samples.py

Iris (every seventh, every third, all samples), epochs together and one after the other, in turns; least seconds of each.
"""

from __future__ import annotations

import time
from typing import Any
from unittest.mock import patch

from sklearn.datasets import load_iris

from synarray import SpikingClassifier
from synarray.learn.trainer import Trainer


def one_by_one(trainer: Trainer, pixels: Any, orders: Any, y: Any) -> None:
    """Show epochs one after the other."""
    for order in orders:
        trainer.learn(pixels, order, y)


def seconds(x: Any, y: Any, device: str | None) -> tuple[float, bytes]:
    """Fit once: seconds, and the weights."""
    model = SpikingClassifier(device=device, random_state=0)
    start = time.perf_counter()
    model.fit(x, y)
    return time.perf_counter() - start, model.machine_.array.w.tobytes()


def main() -> None:
    """Print the table."""
    x, y = load_iris(return_X_y=True)
    print("device   samples   together   one by one   times")
    for device in (None, "pcm"):
        for every in (7, 3, 1):
            part = x[::every], y[::every], device
            seconds(*part)  # compile
            together, single = [], []
            for _ in range(5):
                together.append(seconds(*part))
                with patch.object(Trainer, "learn_epochs", one_by_one):
                    single.append(seconds(*part))
            assert len({bits for _, bits in together + single}) == 1
            one, other = min(together)[0], min(single)[0]
            print(f"{device or 'ideal':<7}{len(part[0]):>9}{one:>9.3f} s{other:>11.3f} s{other / one:>8.1f}")


if __name__ == "__main__":
    main()
