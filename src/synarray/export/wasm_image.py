"""The constants of a learner as WebAssembly's memory holds them: ``synarray_model`` and its tables in one block of bytes.

A page loads one module for every network and lays such a block into its memory. Pointers are written as offsets from the
block's start; whoever lays it down adds the start to each of them.
"""

from __future__ import annotations

import struct

import numpy as np

from synarray.export.c_model import LearnerModel
from synarray.export.c_source import members

__all__ = ["image_of"]

_FORMATS = {
    "uint8_t": "B",
    "uint16_t": "H",
    "uint32_t": "I",
    "uint64_t": "Q",
    "int32_t": "i",
    "float": "f",
    "double": "d",
}
_ALIGNED = 8


def image_of(model: LearnerModel) -> tuple[bytes, list[int]]:
    """Lay a model out for a 32-bit little-endian target with C's natural alignment.

    Returns
    -------
    bytes
        The struct, then its tables, each aligned to 8 bytes.
    list of int
        Where in it the pointers are that need the start of the block added.
    """
    at, fields = 0, list[tuple[int, str, str]]()
    for name, kind, pointer in members():
        form = "I" if pointer else _FORMATS[kind]
        at = _up(at, struct.calcsize(form))
        fields.append((at, form, name))
        at += struct.calcsize(form)
    block, tables = bytearray(_up(at, _ALIGNED)), dict[str, int]()
    for name, table in model.tables.items():
        tables[name] = len(block)
        block += np.ascontiguousarray(table).tobytes()
        block += bytes(_up(len(block), _ALIGNED) - len(block))
    pointers = {name for name, _, pointer in members() if pointer}
    for place, form, name in fields:
        if name not in pointers:
            struct.pack_into(f"<{form}", block, place, model.numbers[name])
        elif name in tables:
            struct.pack_into("<I", block, place, tables[name])
    return bytes(block), [place for place, _, name in fields if name in tables]


def _up(at: int, step: int) -> int:
    """Round up to a multiple."""
    return -(-at // step) * step
