"""Speed of the exported C on one core, against the compiled kernels in the same run: images learned per CPU second.

    python benchmarks/c_learner.py [EXPERIMENT] [IMAGES]

CPU seconds of this process; both are shown the same images and end at the same winners. A loop in C shows the images to the
learner, as a program of its own would. Five pairs, one after the other; the ratio is the median of theirs. CC names the compiler.
"""

from __future__ import annotations

import sys
import tempfile
import time
from ctypes import c_size_t, c_void_p
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "twins"))

from c_twin import Twin

import synarray
from synarray.export.run_c import compiler

PAIRS = 5
LOOP = """#include "synarray_model.h"
int learn_all(synarray *s, const uint8_t *x, size_t n, uint16_t *winners)
{
    for (; n; n--, x += SYNARRAY_FEATURES, winners += SYNARRAY_WINNERS)
        if (synarray_learn(s, x, SYNARRAY_FEATURES, winners) != SYNARRAY_OK) return 1;
    return 0;
}
"""


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "local-2-bit"
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    data = synarray.load_dataset("mnist")
    x, y = data.x_train[:n], data.y_train[:n]
    ours, theirs = [], []
    folder = Path(tempfile.mkdtemp(prefix="synarray-bench-"))
    (folder / "loop.c").write_text(LOOP)
    for _ in range(PAIRS):
        twin = Twin.of(name, {}, x, y)
        learner = twin.compiled(folder, ("-O3", "-I", str(folder / "src"), str(folder / "loop.c")))
        twin.trainer.compile(twin.retina.see(twin.x))
        shown = np.ascontiguousarray(twin.x[twin.order])
        winners = np.zeros((n, learner.sizes["winners"]), np.uint16)
        start = time.process_time()
        status = learner._c.learn_all(
            learner._s, c_void_p(shown.ctypes.data), c_size_t(n), c_void_p(winners.ctypes.data)
        )
        ours.append(time.process_time() - start)
        assert status == 0
        start = time.process_time()
        expected = twin.show()
        theirs.append(time.process_time() - start)
        assert np.array_equal(winners, expected)
    ratio = float(np.median(np.array(theirs) / np.array(ours)))
    speeds = f"C {n / min(ours):,.0f} images/s, kernels {n / min(theirs):,.0f} images/s, ratio {ratio:.2f}"
    print(f"{name}, {n:,} images, {' '.join(compiler() or [])}: {speeds}")


if __name__ == "__main__":
    main()
