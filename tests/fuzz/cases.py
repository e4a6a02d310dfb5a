"""One hostile case after another: which file, how it is damaged, and the command that reads it."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mutations import (
    damage_bytes,
    damage_checkpoint,
    damage_gzip,
    damage_idx,
    damage_json,
    damage_npz,
    damage_table,
    damage_toml,
)

__all__ = ["KINDS", "Case", "Seeds", "make_case", "make_seeds"]

_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_LITTLE = ("--set", "n_neurons=12", "--set", "epochs=1")


@dataclass(frozen=True)
class Seeds:
    """Sound files, to be damaged."""

    folder: Path

    @property
    def data(self) -> Path:
        """A small .npz of images."""
        return self.folder / "bars.npz"

    @property
    def idx(self) -> Path:
        """The same as a folder of four IDX files."""
        return self.folder / "idx"

    @property
    def runs(self) -> tuple[Path, ...]:
        """Finished runs: ideal weights, cells of a device, pairs of cells."""
        return tuple(self.folder / name for name in ("ideal", "cells", "pairs"))

    @property
    def pulses(self) -> Path:
        """Folder of measured pulses, a file in each format."""
        return self.folder / "pulses"

    @property
    def study(self) -> Path:
        """A finished study of four runs."""
        return self.folder / "study"


@dataclass(frozen=True)
class Case:
    """What a command is to be tried on."""

    arguments: tuple[str, ...]
    slow: bool
    """The command may compute for as long as the file asks."""
    spent: str = ""
    """A folder that the command may change and remove."""


def make_seeds(folder: Path) -> Seeds:
    """Write the sound files."""
    from synarray.learn.checkpoint import Checkpoints
    from synarray.learn.training import train
    from synarray.run.experiment import load_experiment, task_images
    from synarray.run.folder import reserve, write_run
    from synarray.study.conduct import run_study
    from synarray.study.engines import LocalEngine
    from synarray.study.plan import load_study

    seeds = Seeds(folder)
    rng = np.random.default_rng(0)
    y = np.arange(36) % 3
    x = rng.integers(0, 60, (36, 8, 8)).astype(np.uint8)
    x[np.arange(36), y] += 190
    parts = {"x_train": x[:24], "y_train": y[:24], "x_test": x[24:], "y_test": y[24:]}
    np.savez_compressed(seeds.data, **parts)
    seeds.idx.mkdir()
    for name, array in zip(_IDX, parts.values(), strict=True):
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        (seeds.idx / name).write_bytes(header + array.astype(np.uint8).tobytes())
    kinds = ("local-fields", {}), ("cbram-everything", {}), ("full-field", {"device": "pcm", "synapse.scheme": "pair"})
    for path, (name, changes) in zip(seeds.runs, kinds, strict=True):
        spec = load_experiment(name, {"data": str(seeds.data), "n_neurons": 12, "epochs": 1, **changes})
        data, *task = task_images(spec)
        result = train(spec, *task, image_shape=data.image_shape, full_scale=data.full_scale)
        write_run(result, spec, reserve(path, spec))
        shutil.copytree(path, path.with_name(f"{path.name}.partial"))
        checkpoints = Checkpoints(path.with_name(f"{path.name}.partial"), 0.0)
        train(spec, *task, image_shape=data.image_shape, full_scale=data.full_scale, checkpoints=checkpoints)
    _measure(seeds)
    plan = folder / "plan.toml"
    plan.write_text(
        f'base = "full-field"\nset = {{ data = "{seeds.data}", n_neurons = 12, epochs = 1 }}\nseeds = [0, 1]\n'
        '[axes]\nstep = { key = "cell.step", values = [0.1, 0.2] }\n[figure]\nx = "step"\n'
    )
    run_study(load_study(plan), seeds.study, engine=LocalEngine(1))
    return seeds


def _measure(seeds: Seeds) -> None:
    from synarray.device.library import load_device
    from synarray.lab.formats import FORMATS
    from synarray.lab.synthetic import measure_devices

    seeds.pulses.mkdir()
    measured = measure_devices(load_device("hzo-fefet").model_copy(update={"sigma_d2d_step": 0.1}), 2, 2, 0)
    for form in FORMATS.values():
        for name, content in form.write(measured).items() if form.write else ():
            (seeds.pulses / f"{form.name}-{Path(name).name}").write_bytes(content)


def _experiment(seeds: Seeds, folder: Path, rng: random.Random) -> Case:
    from synarray.run.experiment import experiment_names

    if rng.random() < 0.5:
        sound = (rng.choice(seeds.runs) / "experiment.toml").read_bytes()
    else:
        sound = _packaged("run", "experiments", rng.choice(experiment_names()))
    (folder / "my.toml").write_bytes(damage_toml(sound, rng))
    images = ("--set", f"data={seeds.data}", "--set", "images=12", "--set", "epochs=1", "--set", "validation=0")
    return Case(("train", "my.toml", *images, "--out", "out/run"), slow=True)


def _device(seeds: Seeds, folder: Path, rng: random.Random) -> Case:
    from synarray.device.library import device_names

    (folder / "cell.toml").write_bytes(damage_toml(_packaged("device", "library", rng.choice(device_names())), rng))
    if rng.random() < 0.5:
        return Case(("devices", "show", "cell.toml", "--out", "out"), slow=False)
    little = ("--set", f"data={seeds.data}", "--set", "array.count=64", *_LITTLE)
    return Case(("train", "full-field", "--set", "device=cell.toml", *little, "--out", "out/run"), slow=True)


def _data(seeds: Seeds, folder: Path, rng: random.Random) -> Case:
    (folder / "data.npz").write_bytes(damage_npz(seeds.data.read_bytes(), rng))
    return Case(("train", "full-field", "--set", "data=data.npz", *_LITTLE, "--out", "out/run"), slow=True)


def _idx(seeds: Seeds, folder: Path, rng: random.Random) -> Case:
    shutil.copytree(seeds.idx, folder / "idx")
    victim = folder / "idx" / rng.choice(_IDX)
    content = victim.read_bytes()
    if rng.random() < 0.5:
        victim.unlink()
        victim.with_name(f"{victim.name}.gz").write_bytes(damage_gzip(content, rng))
    else:
        victim.write_bytes(damage_idx(content, rng))
    return Case(("train", "full-field", "--set", "data=idx", *_LITTLE, "--out", "out/run"), slow=True)


def _run(seeds: Seeds, folder: Path, rng: random.Random) -> Case:
    shutil.copytree(rng.choice(seeds.runs), folder / "run")
    how: dict[str, Callable[[bytes, random.Random], bytes]] = {
        "experiment.toml": damage_toml, "metrics.json": damage_json, "arrays.npz": damage_npz, "provenance.json": damage_json,
    }  # fmt: skip
    for name in rng.sample(sorted(how), rng.choice((1, 1, 1, 1, 2))):
        file = folder / "run" / name
        file.write_bytes(rng.choice((how[name],) * 5 + (damage_bytes,))(file.read_bytes(), rng))
    command = rng.choice((("show",), ("array", "show")))
    return Case((*command, "run", "--out", "out", *rng.choice(((), ("--json",)))), slow=False)


def _resume(seeds: Seeds, folder: Path, rng: random.Random) -> Case:
    run = rng.choice(seeds.runs)
    shutil.copytree(run.with_name(f"{run.name}.partial"), folder / "run.partial")
    for name in ("metrics.json", "arrays.npz", "provenance.json"):
        (folder / "run.partial" / name).unlink()
    if rng.random() < 0.2:
        file = folder / "run.partial" / "experiment.toml"
        file.write_bytes(damage_toml(file.read_bytes(), rng))
    for name in rng.choice((("checkpoint-0",), ("checkpoint-1",), ("checkpoint-0", "checkpoint-1"))):
        file = folder / "run.partial" / name
        file.write_bytes(damage_checkpoint(file.read_bytes(), rng))
    return Case(("resume", "run"), slow=True, spent="run.partial")


def _pulses(seeds: Seeds, folder: Path, rng: random.Random) -> Case:
    sound = rng.choice(sorted(seeds.pulses.iterdir()))
    damage = damage_bytes if sound.suffix == ".xlsx" else damage_table
    (folder / "pulses.csv").write_bytes(damage(sound.read_bytes(), rng))
    form = rng.choice(
        ((), (), ("--format", rng.choice(("synarray", "neurosim", "aihwkit-steps", "arc", "simbrain", "n2d2"))))
    )
    return Case(("device", "fit", "pulses.csv", "-o", "out/cell.toml", "--out", "out", "--json", *form), slow=True)


def _study(seeds: Seeds, folder: Path, rng: random.Random) -> Case:
    shutil.copytree(seeds.study, folder / "study")
    victim = rng.choice(sorted(path for path in (folder / "study").iterdir() if path.is_file()))
    damage = {".toml": damage_toml, ".jsonl": damage_table}.get(victim.suffix, damage_bytes)
    victim.write_bytes(damage(victim.read_bytes(), rng))
    command = rng.choice((("show",), ("best",)))
    return Case(("study", *command, "study", *rng.choice(((), ("--json",)))), slow=False)


def _packaged(package: str, folder: str, name: str) -> bytes:
    from importlib import resources

    return (resources.files(f"synarray.{package}") / folder / f"{name}.toml").read_bytes()


KINDS: dict[str, Callable[[Seeds, Path, random.Random], Case]] = {
    "experiment": _experiment, "device": _device, "data": _data, "idx": _idx, "run": _run, "resume": _resume,
    "pulses": _pulses, "study": _study,
}  # fmt: skip


def make_case(number: int, seeds: Seeds, folder: Path, kinds: tuple[str, ...] = tuple(KINDS)) -> tuple[str, Case]:
    """Write the files of a case into a folder; the same number gives the same case."""
    rng = random.Random(number)
    kind = kinds[number % len(kinds)]
    return kind, KINDS[kind](seeds, folder, rng)
