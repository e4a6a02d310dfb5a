"""Run a trained network in Norse through NIR, and say how far it agrees with synarray.

    python benchmarks/peers/nir_in_norse.py [RUN] [--images 1000] [--venvs DIR]

Without RUN, ``local-fields`` is trained. The graph that ``synarray export nir`` writes is read by ``norse.torch.from_nir`` in an
environment of its own (norse.txt, norse-nodeps.txt), and shown the network's own input spikes of test images. Compared are Norse,
the graph in ``synarray.export.load_nir`` (float64) and the network itself. Ends with 1 where Norse and the graph differ in the
class of more than 1 % of the images, or Norse reads more than 5 points less than the network.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from run import HERE, JOB_SECONDS, call, environment_of

import synarray
from synarray.export import load_nir
from synarray.network.encoding import image_keys
from synarray.rng import Phase
from synarray.run.experiment import task_images

STEPS, MOST_OTHER, MOST_LOST = 10, 0.01, 0.05


def input_spikes(run: synarray.Run, x: np.ndarray) -> np.ndarray:
    """Draw the spikes that the network itself reads these images from: [step, image, feature]; ten steps a window."""
    machine, retina = run.result.machine, run.result.retina
    pixels = retina.see(x.reshape(len(x), -1))
    keys, windows = image_keys(pixels[0]).astype(np.int64), run.experiment.readout.test_windows
    block = machine.encode(pixels, np.arange(len(x)), keys, windows, Phase.TEST)
    shown = np.zeros((windows, len(x), retina.n_features), np.uint8)
    shown[:, :, retina.inputs] = block.transpose(1, 0, 2)
    return np.repeat(shown, STEPS, axis=0)


def main() -> int:
    """Compare, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", type=Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--venvs", type=Path, default=HERE.parents[1].parent / ".peers")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = asked.run or synarray.train("local-fields").save(folder / "run")
        run, graph = synarray.open_run(path), folder / "net.nir"
        subprocess.run(
            [sys.executable, "-m", "synarray", "export", "nir", str(path), "-o", str(graph)],
            check=True,
            capture_output=True,
        )
        data, *_, x, y = task_images(run.experiment)
        x, y = x[: asked.images], y[: asked.images]
        shown = input_spikes(run, x)
        np.savez_compressed(folder / "spikes.npz", spikes=shown)
        python = environment_of("norse", asked.venvs)
        files = [str(graph), str(folder / "spikes.npz"), str(folder / "out.npz")]
        versions = call([str(python), str(HERE / "norse_job.py"), *files], JOB_SECONDS).splitlines()[-1]
        theirs = np.load(folder / "out.npz")["read_out"]
        ours = load_nir(graph).run(shown).sum(axis=0)
    classes = run.arrays["classes"]
    norse, here = classes[theirs.argmax(axis=1)], classes[ours.argmax(axis=1)]
    network, other = float((run.predict(x) == y).mean()), float((norse != here).mean())
    accuracy = float((norse == y).mean())
    print(f"{run.experiment.name}, {len(x):,} test images of {data.name}, {len(shown)} steps each; {versions}")
    print(f"classes that Norse and the graph in synarray read alike: {1 - other:.2%}")
    print(
        f"largest difference of a class's summed read-out: {np.abs(theirs - ours).max():.3g} of {np.abs(ours).max():.3g}"
    )
    print(f"right: Norse {accuracy:.2%}, the graph {float((here == y).mean()):.2%}, the network {network:.2%}")
    return int(other > MOST_OTHER or accuracy < network - MOST_LOST)


if __name__ == "__main__":
    sys.exit(main())
