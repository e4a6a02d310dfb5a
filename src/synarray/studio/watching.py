"""Following a run or a study that another process is at work on: what it has saved so far, read again and again.

A run saves a checkpoint from time to time (``checkpoint.seconds``); a study adds a line for every finished run. Nothing is
written or locked here, so the other process is not disturbed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from synarray.errors import RunError
from synarray.files import is_there, parse_toml, read_text
from synarray.learn.checkpoint import CHECKPOINTS, read_checkpoint, restore
from synarray.learn.trainer import Trainer
from synarray.network.encoding import Retina
from synarray.network.machine import Machine
from synarray.network.topology import place_groups
from synarray.run.experiment import ExperimentSpec, task_images
from synarray.run.folder import PARTIAL, partial_of
from synarray.run.opened import open_run
from synarray.studio import views
from synarray.studio.asked import as_asked
from synarray.studio.bill import bill_of
from synarray.studio.controls import disabled, values_of
from synarray.study.plan import load_study
from synarray.study.store import read_plan, read_records

__all__ = ["follow"]

_EVERY = 0.5
"""Seconds between two looks."""
_ROWS = 400
"""Most runs of a study that are listed: the latest."""
_LARGEST = 1 << 31

Send = Callable[[dict[str, Any]], None]


def follow(path: Path, send: Send, look: Callable[[], None], wait: Callable[[float], None]) -> None:
    """Send what is known of a run or study whenever that has changed, until it is finished; ``look`` and ``wait`` may raise."""
    answers = _study(path) if is_there(path / "study.toml") else _run(path)
    for answer in answers:
        look()
        if answer:
            send({"id": 0, **answer})
        wait(_EVERY)


def _study(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the table of a study whenever runs were added; nothing where none was."""
    known = (-1, -1)
    while True:
        spec, (_, planned), records = load_study(folder), read_plan(folder), read_records(folder)
        done = sum(record.metrics is not None for record in records.values())
        if (len(records), len(planned)) != known:
            known = len(records), len(planned)
            rows = [
                {"at": row.at, "seed": row.seed, "accuracy": record.metrics and record.metrics.get("accuracy"),
                 "pulses": record.metrics and record.metrics.get("pulses"), "failed": record.failed}
                for row in planned if (record := records.get(row.identity)) is not None
            ]  # fmt: skip
            yield {
                "t": "study", "name": spec.name, "planned": len(planned), "done": done, "failed": len(records) - done,
                "rows": rows[-_ROWS:],
            }  # fmt: skip
        if planned and len(records) >= len(planned):
            return
        yield {}


def _run(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the state of a run whenever a checkpoint was saved, and its result in the end."""
    partial = path if path.name.endswith(PARTIAL) else partial_of(path)
    target = partial.with_name(partial.name.removesuffix(PARTIAL))
    trainer: Trainer | None = None
    begun, known, points = False, -1, 0
    while not is_there(target / "metrics.json"):
        spec = _experiment(partial)
        if spec is None:  # it is being moved to its place, or was abandoned
            if not is_there(target / "metrics.json") and not is_there(partial, folder=True):
                raise RunError(
                    "a run in progress must be there", got="no such folder", where=str(partial), do="Start it again."
                )
            yield {}
            continue
        if not begun:
            begun = True
            yield {"t": "begin", "watching": True, **_words(spec)}
        state = None if spec.layers else _newest(partial)
        if state is not None and int(state["trainer.presentations"]) != known:
            if trainer is None:
                trainer, places = _built(spec)
                yield {"t": "frame", "places": places, "points": []}
            known = int(state["trainer.presentations"])
            with contextlib.suppress(ValueError):  # of another training: the next one counts
                restore(trainer, state)
                yield {
                    "t": "frame", "n": known, "total": trainer.total, "rate": known / max(trainer.seconds, 1e-9),
                    "points": views.points_view(trainer, points), "fields": views.fields_view(trainer.machine),
                    "array": views.conductance_view(trainer.machine), "spikes": views.spikes_view(trainer),
                }  # fmt: skip
                points = len(trainer.history)
        yield {}
    run = open_run(target)
    if not begun:
        yield {"t": "begin", "watching": True, **_words(run.experiment)}
    history = [[p.presentations, p.accuracy, p.pulses, p.pruned_fraction] for p in run.history]
    result, shape = run.result, run.image_shape
    pixels = None if run.experiment.layers else result.retina.inputs
    places = views.field_places(result.machine, pixels, shape, result.retina.n_features)
    yield {
        "t": "frame",
        "n": run.metrics["images_seen"],
        "total": run.metrics["images_seen"],
        "points": history[points:],
        "places": places,
    }
    bill = bill_of(result) | {key: run.metrics[key] for key in ("accuracy", "accuracy_low", "accuracy_high")}
    seen = {"fields": views.fields_view(result.machine), "array": views.array_view(result.machine)}
    yield {"t": "done", **seen, "bill": bill}


def _words(spec: ExperimentSpec) -> dict[str, Any]:
    asked = as_asked(spec)
    return {
        "asked": asked.described(), "values": values_of(spec), "disabled": disabled(spec), "command": asked.command(),
        "python": asked.python(), "toml": asked.toml(), "device": spec.device.name if spec.device else None,
    }  # fmt: skip


def _experiment(folder: Path) -> ExperimentSpec | None:
    try:
        return ExperimentSpec.read(parse_toml(read_text(folder / "experiment.toml")), str(folder))
    except (OSError, ValueError):
        return None


def _newest(folder: Path) -> dict[str, Any] | None:
    """Return the newest checkpoint that can be read; one that is being replaced is read next time."""
    found = []
    for name in CHECKPOINTS:
        with contextlib.suppress(OSError, ValueError, KeyError):
            _, state = read_checkpoint(folder / name, _LARGEST)
            found.append((int(state["trainer.presentations"]), name, state))
    return max(found)[2] if found else None


def _built(spec: ExperimentSpec) -> tuple[Trainer, dict[str, Any]]:
    """Build the network of an experiment, into which a checkpoint is then put."""
    data, x, y, _, _ = task_images(spec)
    flat = x.reshape(len(x), -1)
    retina = Retina.fit(flat, spec.inputs, full_scale=data.full_scale, gain_control=spec.encoding.gain_control)
    groups = place_groups(spec.fields, spec.n_neurons, retina.inputs, data.image_shape)
    total = spec.epochs * len(x)
    trainer = Trainer(Machine.build(spec, groups, total), len(set(y.tolist())), total)
    return trainer, views.field_places(trainer.machine, retina.inputs, data.image_shape, flat.shape[1])
