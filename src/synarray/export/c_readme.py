"""The README of an exported learner: what it is, what it needs, how it is called."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from synarray.export.c_model import LearnerModel
from synarray.export.c_place import CONTRAST

__all__ = ["Need", "has_floats", "images_of", "measured", "needs", "readme", "struct_bytes"]

_STRUCT, _STRUCT_STACK = 288, 296
"""``sizeof(synarray)`` on a 32-bit processor, without and with SYNARRAY_STACK; a test compiles it there."""
_TEXT = """# {name}: a spiking network that learns on the device

Written by `synarray export c`. {what} C99, freestanding: no heap, no libc, no libm. (A compiler may call `memset` and its own
64-bit arithmetic, as every C program does.)

| what | bytes |
| --- | ---: |
| RAM: memory for `synarray_init` (`SYNARRAY_RAM_BYTES`) | {ram:,} |
| RAM: `sizeof(synarray)`, 32-bit | {struct:,} |
| flash: constant tables (`SYNARRAY_TABLE_BYTES`) | {tables:,} |
| a saved state (`SYNARRAY_BLOB_BYTES`) | {blob:,} |

| target | code, bytes | flash with tables | RAM | instructions per learned image | per predicted image |
| --- | ---: | ---: | ---: | ---: | ---: |
{targets}

Code sizes: {compiler}{without}. {measured}

## Use

```c
#include "synarray_model.h"

static uint64_t memory[(SYNARRAY_RAM_BYTES + 7) / 8];
synarray {declared};

synarray_init({s}, memory, sizeof memory, &synarray_model_data, {port});
{calls}```

An image is {features:,} bytes, one intensity each{scale}. Classes by number: {classes}. Every function returns `SYNARRAY_OK` or a
status (see `synarray_learner.h`); a wrong size, class, checksum or version changes nothing. Work per call is bounded; nothing is
kept of an image.

* **CMake**: `cmake -B build && cmake --build build`, then `build/desktop TRAIN TEST` (records: a byte of class, then the image).
* **Zephyr**: add this folder to `ZEPHYR_EXTRA_MODULES` and set `CONFIG_SYNARRAY_LEARNER=y`.
* **Arduino**: copy this folder into `libraries/`; example *Learn*.
* **Python**: `synarray.export.load("{folder}")` compiles and runs these very files.
* Anything else: compile the two files in `src/`{no_float}.

## The same bits

For the same images in the same order, weights, thresholds, winners, label counts and predictions equal those of synarray's
Python kernels, on every processor: all arithmetic is on integers{floats}, and every random number is a function of its place
(Philox-4x32-10).
{notes}"""


class Need:
    """What a learner needs on one target, bytes; instructions where they were measured."""

    def __init__(self, title: str, code: int, tables: int, ram: int, learn: int | None, predict: int | None) -> None:
        self.title, self.code, self.flash, self.ram = title, code, code + tables, ram
        self.learn, self.predict = learn, predict


def struct_bytes(model: LearnerModel) -> int:
    """Bytes of the learner itself, ``synarray`` for each layer, on a 32-bit processor."""
    return len(model.layers) * _STRUCT_STACK if model.stack else _STRUCT


@cache
def measured() -> dict[str, Any]:
    """Return what ``scripts/c_targets.py`` measured."""
    text = (resources.files("synarray.export") / "c" / "targets.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def needs(model: LearnerModel, trained: int = 0) -> list[Need]:
    """Return what the learner needs on each target."""
    numbers, known = model.numbers, measured()
    alike = not (model.predicts_only or model.stack)
    alike = alike and all(numbers[key] == value for key, value in known["shape"].items())
    kind = ("code_stack" if model.stack else "code") + ("_float" if has_floats(model) else "")
    tables = model.table_bytes + trained
    found = []
    for title, figures in known["targets"].items():
        code = figures[kind]
        instructions = (figures["learn"], figures["predict"]) if alike else (None, None)
        found.append(Need(title, code, tables, model.ram_bytes + struct_bytes(model), *instructions))
    return found


def images_of(layer: LearnerModel) -> int:
    """Images that a layer learns from before the one above it begins; 0: it only predicts, or stays at random."""
    return int(layer.numbers["total"])


def has_floats(model: LearnerModel) -> bool:
    """Whether a layer keeps its cells as float32."""
    return any(layer.numbers["bits"] == 32 for layer in model.layers)


def readme(model: LearnerModel, name: str, folder: str, trained: int = 0, dropped: list[str] | None = None) -> str:
    """Write the README of an export."""
    numbers, floats = model.numbers, has_floats(model)
    rows = [
        f"| {need.title} | {need.code:,} | {need.flash:,} | {need.ram:,} | {_or_not(need.learn)} | {_or_not(need.predict)} |"
        for need in needs(model, trained)
    ]
    rows.append("| ESP32 (Xtensa) | not measured | | | | |")
    notes = [*model.notes, *_order(model)]
    if dropped:
        notes.append(f"Left out of the device (--nominal): {', '.join(dropped)}.")
    alike = any(need.learn for need in needs(model, trained))
    return _TEXT.format(
        name=name,
        what=_what(model, trained),
        ram=model.ram_bytes,
        struct=struct_bytes(model),
        declared="s[SYNARRAY_LAYERS]" if model.stack else "s",
        s="s" if model.stack else "&s",
        tables=model.table_bytes + trained,
        blob=0 if model.predicts_only else model.blob_bytes,
        targets="\n".join(rows),
        compiler=measured()["compiler"],
        without="" if floats else ", with `-DSYNARRAY_NO_FLOAT`",
        measured="Instructions: counted in an emulator."
        if alike
        else f"Instructions were counted for {measured()['experiment']} only.",
        port="&port" if numbers["bits"] == 0 else "NULL",
        calls=_calls(model, trained),
        features=numbers["features"],
        scale="" if model.full_scale == 255 else f" (255 is {model.full_scale:g} in the data it was trained on)",
        classes=", ".join(f"{i} is {label}" for i, label in enumerate(model.classes.tolist()[:20])),
        folder=folder,
        no_float="" if floats else " with `-DSYNARRAY_NO_FLOAT`: no floating point is then compiled",
        floats=", and on float32 sums of cells, rounded one by one" if floats else "",
        notes="".join(f"\n* {note}" for note in notes) + "\n" if notes else "",
    )


def _or_not(instructions: int | None) -> str:
    return f"{instructions:,}" if instructions else "not measured"


def _what(model: LearnerModel, trained: int) -> str:
    does = "it only predicts" if model.predicts_only else "trained, and able to learn on" if trained else "untrained"
    if len(model.layers) == 1:
        return f"{_shape(model)}; {does}."
    said = [f" Layer {i}: {_shape(layer)}." for i, layer in enumerate(model.layers, 1)]
    return f"{len(said)} layers; {does}.{''.join(said)}"


def _shape(layer: LearnerModel) -> str:
    n = layer.numbers
    cells = {0: "cells of a real array, behind a port", 32: "float32 cells"}.get(
        int(n["bits"]), f"cells of {n['bits']} bits"
    )
    places = f", each read at {n['sites']:,} places" if int(n.get("sites", 1)) > 1 else ""
    return f"{n['neurons']:,} neurons in {n['groups']} group{'s' if n['groups'] != 1 else ''}{places}, {cells}"


def _calls(model: LearnerModel, trained: int) -> str:
    s, teacher = "s" if model.stack else "&s", int(model.layers[-1].numbers.get("teacher", 0))
    predict = f"synarray_predict({s}, image, SYNARRAY_FEATURES, &class, NULL);\n"
    if model.predicts_only:
        return predict
    lines = [(f"synarray_load({s}, synarray_trained, SYNARRAY_TRAINED_BYTES);", "the trained cells")] if trained else []
    if teacher:
        lines.append((f"synarray_teach({s}, image, SYNARRAY_FEATURES, class, NULL);", "for every image"))
    else:
        lines.append((f"synarray_learn({s}, image, SYNARRAY_FEATURES, NULL);", "for every image"))
    if teacher != CONTRAST:
        lines.append((f"synarray_label({s}, image, SYNARRAY_FEATURES, class);", "for some whose class is known"))
    return "".join(f"{call:<75} /* {why} */\n" for call, why in lines) + predict


def _order(model: LearnerModel) -> list[str]:
    """Say which layer learns from which images."""
    learned = [(i, images_of(layer)) for i, layer in enumerate(model.layers[:-1], 1) if images_of(layer)]
    if not learned or model.predicts_only:
        return []
    parts = [f"layer {i} from {'the first' if j == 0 else 'the next'} {n:,} images" for j, (i, n) in enumerate(learned)]
    last = f"layer {len(model.layers)} from all that follow, {images_of(model.layers[-1]):,} in its schedule"
    return [f"Layers learn one after the other: {', '.join(parts)}, {last}."]
