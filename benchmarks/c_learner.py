"""Speed of the exported C on one core, against the compiled kernels in the same run: images learned per CPU second.

    python benchmarks/c_learner.py [EXPERIMENT] [IMAGES]

CPU seconds of this process, best of three; both are shown the same images and end at the same bits.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "twins"))

from c_twin import Twin

import synarray


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "local-2-bit"
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    data = synarray.load_dataset("mnist")
    x, y = data.x_train[:n], data.y_train[:n]
    ours, theirs = [], []
    for _ in range(3):
        twin = Twin.of(name, {}, x, y)
        learner = twin.compiled(Path(tempfile.mkdtemp(prefix="synarray-bench-")), ("-O3",))
        twin.trainer.compile(twin.retina.see(twin.x))
        start = time.process_time()
        winners = learner.learn(twin.x[twin.order])
        ours.append(time.process_time() - start)
        start = time.process_time()
        expected = twin.show()
        theirs.append(time.process_time() - start)
        assert np.array_equal(winners, expected)
    c, kernels = n / min(ours), n / min(theirs)
    print(f"{name}, {n:,} images: C {c:,.0f} images/s, kernels {kernels:,.0f} images/s, ratio {c / kernels:.2f}")


if __name__ == "__main__":
    main()
