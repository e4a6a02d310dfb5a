"""A machine in Python and its exported C, side by side: built from one experiment, shown the same images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import synarray
from synarray.export.c_folder import c_files, write_files
from synarray.export.c_model import LearnerModel, learner_model, learning_of, pack
from synarray.export.c_refused import nominal
from synarray.export.run_c import CLearner, shared_library
from synarray.learn.readout import count_spikes
from synarray.learn.result import Result
from synarray.learn.trainer import Trainer, infer
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.topology import place_groups
from synarray.rng import Phase, Stream, permutation


@dataclass
class Twin:
    """One network twice; ``show`` trains the Python one, ``order`` is what both are shown."""

    spec: Any
    model: LearnerModel
    trainer: Trainer
    retina: Retina
    x: np.ndarray
    y: np.ndarray
    order: np.ndarray
    shape: tuple[int, ...]

    @classmethod
    def of(
        cls, name: str, changes: dict[str, Any], x: np.ndarray, y: np.ndarray, epochs: int = 1, port: bool = False
    ) -> Twin:
        spec, _ = nominal(synarray.load_experiment(name, {**changes, "epochs": epochs}))
        flat = x.reshape(len(x), -1)
        retina = Retina.fit(flat, spec.inputs, full_scale=255.0, gain_control=spec.encoding.gain_control)
        groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, x.shape[1:])
        machine = Machine.build(spec, groups, epochs * len(x))
        classes = np.unique(y)
        model = learner_model(machine, retina, classes, spec, len(x), port=port)
        orders = [permutation(len(x), seed=spec.seed, stream=Stream.ORDER, presentation=e) for e in range(epochs)]
        trainer = Trainer(machine, len(classes), epochs * len(x))
        return cls(spec, model, trainer, retina, flat, y, np.concatenate(orders), x.shape[1:])

    @property
    def machine(self) -> Machine:
        return self.trainer.machine

    def compiled(self, folder: Path, flags: tuple[str, ...] = ("-O1",), trained: bytes = b"") -> CLearner:
        """Write the export, compile it, load it."""
        write_files(folder, c_files(self.model, trained))
        return CLearner(folder, shared_library(folder, flags))

    def show(self) -> np.ndarray:
        """Train the Python machine; return its winners [image, window x group]."""
        pixels, winners, n = self.retina.see(self.x), [], len(self.x)
        show = self.trainer._show

        def watched(pixels: Any, images: Any, block: np.ndarray, *rest: Any, **more: Any) -> None:
            show(pixels, images, block, *rest, **more)
            winners.append(block.reshape(len(block), -1).copy())

        self.trainer._show = watched  # type: ignore[method-assign]
        for begin in range(0, len(self.order), n):
            self.trainer.learn(pixels, self.order[begin : begin + n], self.y)
        return np.concatenate(winners)

    def label(self) -> np.ndarray:
        """Count the Python machine's spikes by class."""
        spikes = infer(self.machine, self.retina.see(self.x), self.spec.readout.label_windows, Phase.LABEL)
        return count_spikes(spikes, self.y, self.spec.n_neurons, len(np.unique(self.y)))

    def result(self) -> Result:
        """Return the trained network as ``train`` would."""
        return Result(
            self.spec, self.machine, self.retina, np.unique(self.y), self.shape, self.label(), [], {}, len(self.order)
        )

    def cells(self) -> np.ndarray:
        """Return the Python machine's cells as the C learner packs them."""
        array, bits = self.machine.array, self.model.numbers["bits"]
        tiles = [array.tile(g) for g in range(len(self.machine.groups))]
        if bits == 32:
            return np.concatenate([tile.T.ravel() for tile in tiles])
        codes = learning_of(self.machine, self.spec, len(self.x))[1]
        return np.concatenate([pack(codes.encode(tile), int(bits)) for tile in tiles])

    def alive(self) -> np.ndarray:
        """Return which cells still learn, in the order of the C learner's bits."""
        array = self.machine.array
        tiles = [array.alive[array.neurons(g), :rows].T.ravel() for g, (rows, _) in enumerate(array.shapes)]
        return np.concatenate(tiles)
