"""Run a NIR graph in Norse on given spikes; called by nir_in_norse.py in Norse's own environment.

norse_job.py GRAPH.nir SPIKES.npz OUT.npz: ``spikes`` [step, example, input] in, ``read_out`` [example, class] and ``fired``
[neuron] out, both summed over the steps.
"""

import sys
import warnings
from importlib.metadata import version

import nir
import numpy as np
import torch

warnings.filterwarnings("ignore")

import norse.torch  # noqa: E402

torch.set_num_threads(1)


def main(graph: str, spikes: str, out: str) -> None:
    """Step through the spikes; the state carries potentials and the inhibition of the step before."""
    net = norse.torch.from_nir(nir.read(graph))
    state, total, fired = None, 0.0, 0.0
    with torch.no_grad():
        for step in np.load(spikes)["spikes"]:
            _, state = net(torch.from_numpy(step.astype(np.float32)), state)
            total = total + state.cache["read_out"]
            fired = fired + state.cache["neurons"].sum(axis=0)
    np.savez(out, read_out=total.numpy(), fired=fired.numpy())
    print(f"norse {version('norse')}, nirtorch {version('nirtorch')}, torch {torch.__version__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
