"""Which of many flags are set, compiled: eight are looked at in one step, where a loop would ask one after the other."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from synarray.compiled import woven_in

__all__ = ["list_set"]

_FLAGS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
_PLACES = np.argsort(1 - _FLAGS, axis=1, kind="stable").astype(np.uint8)
"""By the bits of eight flags: the places of those that are set, then of the others."""


@woven_in
def list_set(flags, n, first, listed):
    """List where flags are 1, as ``first`` + place, of n flags (64 bits each; there is room for n). Returns how many are."""
    some, whole = np.uint64(0), n & ~7
    for j in range(0, whole, 8):
        some = _list_eight(flags, np.uint64(j), _PLACES, listed, some, np.uint64(first + j))
    for j in range(whole, n):
        listed[some] = first + j
        some += np.uint64(flags[j])
    return np.int64(some)


def _list_eight(flags, at, places, listed, some, start):
    """List which of eight flags, from ``at`` on, are 1: all eight places are stored, those that are set first."""
    for j in range(int(at), int(at) + 8):
        if flags[j]:
            listed[some] = start + np.uint64(j) - at
            some += np.uint64(1)
    return some


@intrinsic
def _pack_eight(context, flags, at, places, listed, some, start):
    """``_list_eight``, as vectors of the processor: flags to bits, bits to places, and one store."""
    byte, word = ir.IntType(8), ir.IntType(64)
    bytes_, words = ir.VectorType(byte, 8), ir.VectorType(word, 8)

    def generate(context, builder, signature, values):
        def place(i, index, kind):
            data = make_array(signature.args[i])(context, builder, values[i]).data
            return builder.bitcast(builder.gep(data, [index]), kind.as_pointer())

        eight = builder.load(place(0, values[1], bytes_), align=1)
        bits = builder.bitcast(builder.icmp_unsigned("!=", eight, ir.Constant(bytes_, [0] * 8)), byte)
        bits = builder.zext(bits, word)
        found = builder.load(place(2, builder.mul(bits, ir.Constant(word, 8)), bytes_), align=1)
        nothing, lane = ir.Constant(words, ir.Undefined), ir.IntType(32)
        first = builder.insert_element(nothing, values[5], ir.Constant(lane, 0))
        first = builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(lane, 8), [0] * 8))
        builder.store(builder.add(first, builder.zext(found, words)), place(3, values[4], words), align=8)
        return builder.add(values[4], builder.ctpop(bits))

    return types.uint64(flags, at, places, listed, some, start), generate


@overload(_list_eight, inline="always")
def _(flags, at, places, listed, some, start):
    def pack(flags, at, places, listed, some, start):
        return _pack_eight(flags, at, places, listed, some, start)  # type: ignore[call-arg]

    return pack
