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
def members() -> list[tuple[str, str, bool]]:
    """Read the members of ``synarray_model`` from the header itself: name, type, and whether it points to a table."""
    header = (resources.files("synarray.export") / "c" / "synarray_learner.h").read_text("utf-8")
    body = re.sub(
        r"/\*.*?\*/",
        "",
        header.split("exported network;")[1].split("} synarray_model;")[0].split("typedef struct {")[1],
    )
    found = []
    for part in filter(str.strip, body.split(";")):
        kind, names = part.replace("const ", "").strip().split(None, 1)
        found += [(name.strip(" *"), kind, "*" in name) for name in names.split(",")]
    return found


def model_header(model: LearnerModel, blob: int = 0) -> str:
    """Write the sizes that a program needs at compile time; ``blob``: bytes of a trained state that goes with it."""
    n = model.numbers
    defined = {
        "FEATURES": (n["features"], "8-bit intensities of an image"),
        "CLASSES": (n["classes"], ""),
        "NEURONS": (n["neurons"], ""),
        "WINNERS": (int(n["windows"]) * int(n["groups"]), "of one learned image"),
        "RAM_BYTES": (model.ram_bytes, "memory for synarray_init(), beside sizeof(synarray)"),
        "TABLE_BYTES": (model.table_bytes + blob, "constants in flash"),
        "BLOB_BYTES": (0 if model.predicts_only else model.blob_bytes, "of a saved state"),
        "CELL_BITS": (n["bits"], "2, 4, 8: packed; 32: float32 beside 8 bits; 0: behind a port"),
        "CELL_STORE": (cell_bytes(n, model.tables), "bytes of packed cells, or number of float cells"),
        "MASKED": (n["masked"], "1: cells are pruned while learning"),
    }
    lines = [
        f"#define SYNARRAY_{name} {value}u{f'  /* {why} */' if why else ''}" for name, (value, why) in defined.items()
    ]
    declared = "extern const synarray_model synarray_model_data;"
    if blob:
        lines.append(f"#define SYNARRAY_TRAINED_BYTES {blob}u")
        declared += "\n/* The trained state: give it to synarray_load() after synarray_init(). */\n"
        declared += "extern const uint8_t synarray_trained[SYNARRAY_TRAINED_BYTES];"
    classes = _comment(", ".join(str(name) for name in model.classes.tolist()))
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
    """Write the constant tables and the model that points to them."""
    parts = ['/* Constant tables of this model, written by synarray. */\n#include "synarray_model.h"\n']
    parts += [_array(name, model.tables[name]) for name, _, pointer in members() if pointer and name in model.tables]
    values = []
    for name, _, pointer in members():
        if pointer:
            values.append(f"    /* {name} */ {name + '_table' if name in model.tables else 'NULL'}")
        else:
            values.append(f"    /* {name} */ {_number(name, model.numbers[name])}")
    parts.append("const synarray_model synarray_model_data = {\n" + ",\n".join(values) + "};\n")
    if trained:
        parts.append(f"const uint8_t synarray_trained[{len(trained)}] = {{\n{_rows([str(b) for b in trained])}}};\n")
    return "\n".join(parts)


def _number(name: str, value: int | float) -> str:
    if name == "constant":
        return _float(float(np.float32(value)))
    if isinstance(value, float):
        return repr(float(value))
    if name in ("gain_total", "final_q"):
        return f"UINT64_C({value})"
    return f"{value}" if name == "refractory" else f"{value}u"


def _float(value: float) -> str:
    text = f"{value:.9g}"
    return text + ("" if "." in text or "e" in text else ".0") + "f"


def _array(name: str, table: npt.NDArray[np.generic]) -> str:
    if table.dtype.names:
        rows = [f"{{{m}u, {i}u, {p}u}}" for m, i, p in table.tolist()]
        return f"static const synarray_correction {name}_table[{len(table)}] = {{\n{_rows(rows)}}};\n"
    flat = table.ravel()
    kind = flat.dtype.str[1:]
    if kind == "f4":
        words = [_float(value) for value in flat.tolist()]
    elif kind == "u8":
        words = [f"UINT64_C({value})" for value in flat.tolist()]
    else:
        words = [f"{value}{'u' if kind[0] == 'u' else ''}" for value in flat.tolist()]
    return f"static const {_TYPES[kind]} {name}_table[{len(flat)}] = {{\n{_rows(words)}}};\n"


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
