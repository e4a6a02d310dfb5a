"""The constants of an exported learner as C: ``synarray_model.h`` and ``synarray_model.c``."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from synarray.export.c_model import LearnerModel, cell_bytes

__all__ = ["members", "model_header", "model_source"]

_TYPES = {"u1": "uint8_t", "u2": "uint16_t", "u4": "uint32_t", "u8": "uint64_t", "i4": "int32_t", "f4": "float"}
_WIDTH = 110


@cache
def members(stack: bool = False) -> list[tuple[str, str, bool]]:
    """Read the members of ``synarray_model`` from the header itself: name, type, and whether it is a pointer.

    ``stack``: with those of a network whose header defines SYNARRAY_STACK.
    """
    header = (resources.files("synarray.export") / "c" / "synarray_learner.h").read_text("utf-8")
    body = re.sub(r"/\*.*?\*/", "", header.split("struct synarray_model {")[1].split("\n};")[0])
    body = re.sub(r"#ifdef SYNARRAY_STACK(.*?)#endif", r"\1" if stack else "", body, flags=re.DOTALL)
    found = []
    for part in filter(str.strip, body.split(";")):
        kind, names = part.replace("const ", "").strip().split(None, 1)
        found += [(name.strip(" *"), kind, "*" in name) for name in names.split(",")]
    return found


def model_header(model: LearnerModel, blob: int = 0) -> str:
    """Write the sizes that a program needs at compile time; ``blob``: bytes of a trained state that goes with it."""
    layers = model.layers
    last = layers[-1].numbers
    winners = max(int(each.numbers["windows"]) * each.draws for each in layers)
    defined = {
        "FEATURES": (model.numbers["features"], "8-bit intensities of an image"),
        "CLASSES": (last["classes"], ""),
        "NEURONS": (last["neurons"], ""),
        "WINNERS": (winners, "of one learned image"),
        "RAM_BYTES": (model.ram_bytes, "memory for synarray_init(), beside sizeof(synarray)"),
        "TABLE_BYTES": (model.table_bytes + blob, "constants in flash"),
        "BLOB_BYTES": (0 if model.predicts_only else model.blob_bytes, "of a saved state"),
        "CELL_BITS": (last["bits"], "2, 4, 8: packed; 32: float32 beside 8 bits; 0: behind a port"),
        "CELL_STORE": (cell_bytes(last, layers[-1].tables), "bytes of packed cells, or number of float cells"),
        "MASKED": (last["masked"], "1: cells are pruned while learning"),
    }
    defined |= {
        "LAYERS": (len(layers), "synarray s[SYNARRAY_LAYERS]"),
        "TEACHER": (last.get("teacher", 0), "0: labels name neurons; 1: class groups compete; 2: contrastive"),
    }
    for i, layer in enumerate(layers[:-1], 1):
        n = layer.numbers
        of_layer = {"NEURONS": n["neurons"], "CELL_BITS": n["bits"], "MASKED": n["masked"]}
        of_layer |= {"CELL_STORE": cell_bytes(n, layer.tables), "IMAGES": n["total"]}
        defined |= {f"LAYER_{i}_{name}": (value, "") for name, value in of_layer.items()}
    lines = [
        f"#define SYNARRAY_{name} {value}u{f'  /* {why} */' if why else ''}" for name, (value, why) in defined.items()
    ]
    declared = "extern const synarray_model synarray_model_data;"
    if blob:
        lines.append(f"#define SYNARRAY_TRAINED_BYTES {blob}u")
        declared += "\n/* The trained state: give it to synarray_load() after synarray_init(). */\n"
        declared += "extern const uint8_t synarray_trained[SYNARRAY_TRAINED_BYTES];"
    classes = _comment(", ".join(str(name) for name in layers[-1].classes.tolist()))
    return _HEADER.format(classes=classes, lines="\n".join(lines), declared=declared)


_HEADER = """/* Sizes of this model, written by synarray. Classes, in the order of their numbers: {classes}. */
#ifndef SYNARRAY_MODEL_H
#define SYNARRAY_MODEL_H

#include "synarray_learner.h"

{lines}

#ifdef __cplusplus
extern "C" {{
#endif
{declared}
#ifdef __cplusplus
}}
#endif
#endif
"""


def model_source(model: LearnerModel, trained: bytes = b"") -> str:
    """Write the constant tables and the model that points to them; of several layers, the last one first."""
    parts = ['/* Constant tables of this model, written by synarray. */\n#include "synarray_model.h"\n']
    layers = model.layers
    for i in range(len(layers), 0, -1):
        own = "" if i == 1 else f"_{i}"
        above = f"&synarray_model_data_{i + 1}" if i < len(layers) else "NULL"
        parts += _layer(layers[i - 1], own, above, members(model.stack))
    if trained:
        parts.append(f"const uint8_t synarray_trained[{len(trained)}] = {{\n{_rows([str(b) for b in trained])}}};\n")
    return "\n".join(parts)


def _layer(layer: LearnerModel, own: str, above: str, of_struct: list[tuple[str, str, bool]]) -> list[str]:
    """Write one layer's tables and constants; ``own`` ends their names."""
    tables, values = list[str](), list[str]()
    for name, _, pointer in of_struct:
        if name == "above":
            value = above
        elif not pointer:
            value = _number(name, layer.numbers[name])
        elif name in layer.tables:
            value = f"{name}{own}_table"
            tables.append(_array(value, layer.tables[name]))
        else:
            value = "NULL"
        values.append(f"    /* {name} */ {value}")
    kind = "static const" if own else "const"
    return [*tables, f"{kind} synarray_model synarray_model_data{own} = {{\n" + ",\n".join(values) + "};\n"]


def _number(name: str, value: int | float) -> str:
    if name == "constant":
        return _float(float(np.float32(value)))
    if isinstance(value, float):
        return repr(float(value))
    if name in ("gain_total", "final_q", "vote_scale"):
        return f"UINT64_C({value})"
    return f"{value}" if name == "refractory" else f"{value}u"


def _float(value: float) -> str:
    text = f"{value:.9g}"
    return text + ("" if "." in text or "e" in text else ".0") + "f"


def _array(name: str, table: npt.NDArray[np.generic]) -> str:
    if table.dtype.names:
        rows = [f"{{{m}u, {i}u, {p}u}}" for m, i, p in table.tolist()]
        return f"static const synarray_correction {name}[{len(table)}] = {{\n{_rows(rows)}}};\n"
    flat = table.ravel()
    kind = flat.dtype.str[1:]
    if kind == "f4":
        words = [_float(value) for value in flat.tolist()]
    elif kind == "u8":
        words = [f"UINT64_C({value})" for value in flat.tolist()]
    else:
        words = [f"{value}{'u' if kind[0] == 'u' else ''}" for value in flat.tolist()]
    return f"static const {_TYPES[kind]} {name}[{len(flat)}] = {{\n{_rows(words)}}};\n"


def _rows(words: list[str]) -> str:
    """Break a list of values into lines."""
    lines, line = [], "    "
    for word in words:
        if len(line) + len(word) > _WIDTH:
            lines.append(line.rstrip())
            line = "    "
        line += word + ", "
    return "\n".join([*lines, line.rstrip().rstrip(",")])


def _comment(text: str) -> str:
    """Keep a label from ending the comment it is in."""
    return text.replace("*/", "* /").replace("\n", " ").replace("\\", "/").encode("ascii", "replace").decode()[:400]
