"""One HTML file that learns in the reader's browser: the C learner as WebAssembly, networks, digits and the page around them.

The page loads nothing: everything is in the file, and its content policy forbids requests. ``browser/learner.wasm`` is built by
``scripts/build_wasm.py`` from the C file that ``synarray export c`` writes.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from synarray.cost.counts import Counts
from synarray.cost.ledger import Ledger, price
from synarray.cost.prices import load_periphery
from synarray.errors import SpecError
from synarray.events import LEVELS as MOST_LEVELS
from synarray.events import NetworkEvent, NeuronEvent
from synarray.export.c_model import LearnerModel
from synarray.export.c_prepare import export_experiment
from synarray.export.run_c import EVENTS
from synarray.export.wasm_image import image_of
from synarray.run.experiment import ExperimentSpec, load_experiment, task_images

__all__ = ["DEVICES", "LEVELS", "PRUNED", "Network", "browser_page", "networks", "prices_of"]

DEVICES = (
    "subquantum-cbram", "taox-tio2", "taox-hfox", "alox-hfo2", "hzo-fefet", "ecram", "epiram", "pcmo", "ag-a-si",
    "metal-filament-cbram",
)  # fmt: skip
"""Devices of the library whose weight lives in one cell."""
LEVELS = (4, 8, 16, 32, 64)
"""Levels of ideal cells to choose among."""
PRUNED = (0.0, 0.5, 0.75)
"""Shares of cells that are soft-pruned, to choose among."""
_NAMING, _CHECK, _LABELLED = 1500, 500, 3000
"""Training images that name neurons for a point of the curve, that are then read, and that name them at the end."""
_TEST = 1000
_MIDDLE = MOST_LEVELS // 2
"""Conductance that reads of cells are taken to meet."""


@dataclass(frozen=True)
class Network:
    """One network of the page."""

    spec: ExperimentSpec
    model: LearnerModel
    levels: int
    """Of an ideal cell; 0 for a device."""
    pruned: float
    dropped: list[str]
    """Imperfections of the device that were left out."""


def networks(
    base: str, images: int, on_network: Callable[[int, int], None] = lambda done, total: None
) -> list[Network]:
    """Export an experiment for every device, number of levels and share of pruned cells that the page offers.

    Parameters
    ----------
    base : str
        Name or path of an experiment.
    images : int
        Training images, shown once.
    on_network : callable
        Called with how many are done, and of how many.

    Raises
    ------
    SpecError
        When the learner cannot do what the experiment asks.
    """
    cells: list[tuple[str, int]] = [*((name, 0) for name in DEVICES), *(("", n) for n in LEVELS)]
    wanted = [(device, levels, pruned) for device, levels in cells for pruned in PRUNED]
    made = []
    for i, (device, levels, pruned) in enumerate(wanted):
        changes: dict[str, Any] = {"epochs": 1, "images": images}
        changes |= {"device": device} if device else {"cell.n_levels": levels}
        if pruned:
            changes |= {"pruning.mode": "soft", "pruning.fraction": pruned}
        spec = load_experiment(base, changes)
        if spec.layers:
            raise SpecError(
                "the page that learns in the browser shows a network without layers",
                got=f"{len(spec.layers)} layers",
                where=base,
                do="Name an experiment without layers, for example local-fields.",
            )
        ready = export_experiment(spec, ideal_device=bool(device))
        made.append(Network(spec, ready.model, levels, pruned, ready.dropped))
        on_network(i + 1, len(wanted))
    return made


def browser_page(offered: Iterable[Network]) -> str:
    """Write the page.

    Raises
    ------
    SpecError
        When the images are not square and grey, or the networks do not share them.
    """
    offered = list(offered)
    block, page = _Block(), dict[str, Any]()
    module = (resources.files("synarray.export") / "browser" / "learner.wasm").read_bytes()
    page["module"] = {"at": block.add(module), "bytes": len(module)}
    fields = list[list[dict[str, Any]]]()
    page["networks"] = [_described(network, block, fields) for network in offered]
    page["fields"] = fields
    page |= _images(offered[0].spec, block)
    page |= {"levels": sorted({network.levels for network in offered} - {0}) or [0]}
    page |= {
        "pruned": sorted({network.pruned for network in offered}),
        "events": EVENTS,
        "naming": _NAMING,
        "check": _CHECK,
    }
    page["data"] = base64.b64encode(zlib.compress(bytes(block.bytes), 9)).decode()
    folder = resources.files("synarray.export") / "browser"
    text, script = ((folder / f"page.{kind}").read_text("utf-8") for kind in ("html", "js"))
    nominal = "nominal" if any(network.dropped for network in offered) else "whole"
    for word, value in (("CHECK", _CHECK), ("NAMING", _NAMING), ("TEST", f"{_TEST:,}"), ("NOMINAL", nominal)):
        text = text.replace(f"@{word}@", str(value))
    return text.replace("@SCRIPT@", script).replace("@PAGE@", json.dumps(page).replace("</", "<\\/"))


def prices_of(spec: ExperimentSpec, model: LearnerModel) -> dict[str, list[float]] | None:
    """Return what one of each event of the C learner costs, J: in all, and on cells and lines; None for ideal weights.

    A row of the ledger is a count times a price, and the energy of pulses is linear in the conductance they met, which C counts
    too: each coefficient is the difference that one more event makes. The conductance that reads met is not counted in C:
    it is taken to be the middle of the range.
    """
    if spec.device is None:
        return None
    device, synapse = spec.device, spec.synapse.model_copy(update={"scheme": spec.synapse.scheme_for(spec.device).name})
    groups = model.tables["group_rows"].astype(int), model.tables["group_columns"].astype(int)
    sizes = {"inputs": int(model.numbers["inputs"]), "neurons": spec.n_neurons, "groups": len(groups[0])}
    sizes |= {"weights": int(groups[0] @ groups[1]), "rows": spec.array.rows, "columns": spec.array.columns}
    periphery, some, wide = load_periphery(), 10**6, spec.n_neurons // len(groups[0])

    def ledger(more: str = "") -> Ledger:
        names = [event.name.lower() for event in (*NeuronEvent, *NetworkEvent)]
        events = {name: some * (1 + (name == more)) for name in names}
        events |= {"cell_read_level": events["cell_read"] * _MIDDLE, "row_cell": events["row_read"] * wide}
        events["row_level"] = events["row_cell"] * _MIDDLE
        draws = events["presentation"] * spec.encoding.draws
        return price(Counts(events, draws, **sizes), device, synapse, periphery)

    now, then = ledger(), {name: ledger(name) for name in EVENTS}
    return {
        "prices": [(then[name].total - now.total) / some for name in EVENTS],
        "programming": [(then[name].programming - now.programming) / some for name in EVENTS],
    }


class _Block:
    """Bytes that the page holds in one piece."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def add(self, part: bytes) -> int:
        """Append; return where it begins."""
        at = len(self.bytes)
        self.bytes += part
        return at


def _described(network: Network, block: _Block, fields: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Say of a network what the page must know; its constants and fields go where all are."""
    model, device = network.model, network.spec.device
    image, pointers = image_of(model)
    rows, inputs = model.tables["row_input"], model.tables["input_feature"]
    counts = model.tables["group_rows"].astype(int)
    parts = np.split(inputs[rows.astype(int)], np.cumsum(counts)[:-1])
    seen = [
        {"pixels": part.tolist(), "neurons": n}
        for part, n in zip(parts, model.tables["group_columns"].tolist(), strict=True)
    ]
    if seen not in fields:
        fields.append(seen)
    about = "Ideal cells: every pulse makes the same step."
    if device is not None:
        about = device.title or device.name
    return {
        "device": device.name if device else "",
        "title": (device.name if device else "ideal cell"),
        "about": about.rstrip(".") + (f". Left out: {', '.join(network.dropped)}." if network.dropped else "."),
        "levels": network.levels,
        "pruned": network.pruned,
        "at": block.add(image),
        "bytes": len(image),
        "pointers": pointers,
        "fields": fields.index(seen),
        **(prices_of(network.spec, model) or {"prices": None, "programming": None}),
    }


def _images(spec: ExperimentSpec, block: _Block) -> dict[str, Any]:
    """Put the images into the page: those to learn from, and some of the test set."""
    _, x, y, x_test, y_test = task_images(spec)
    x, x_test = (np.ascontiguousarray(images.reshape(len(images), -1)) for images in (x, x_test))
    side = round(float(np.sqrt(x.shape[1])))
    if x.dtype != np.uint8 or side * side != x.shape[1]:
        raise SpecError(
            "the page shows square images of 8-bit intensities",
            got=f"{x.shape[1]} features of {x.dtype}",
            where=spec.data,
            do="Use MNIST, or an .npz of such images.",
        )
    if len(x) < _NAMING + _CHECK:
        raise SpecError(
            f"the page needs at least {_NAMING + _CHECK} training images",
            got=f"{len(x)}",
            where="--images",
            do="Give more.",
        )
    test = min(_TEST, len(x_test))
    classes, labels = np.unique(np.concatenate([y, y_test[:test]]), return_inverse=True)
    at = block.add(x.tobytes() + x_test[:test].tobytes())
    return {
        "features": x.shape[1],
        "side": side,
        "classes": [str(name) for name in classes.tolist()],
        "labels": labels.tolist(),
        "images": {"at": at, "train": len(x), "test": test, "naming": min(_LABELLED, len(x))},
    }
