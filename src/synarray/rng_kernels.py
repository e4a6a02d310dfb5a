"""Philox, compiled: the numbers of ``rng.py`` at the same places (a test holds the two together)."""

from __future__ import annotations

import numpy as np

from synarray.compiled import compiled, woven_in

__all__ = ["fill_words", "philox", "word"]

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@woven_in
def _round(c0, c1, c2, c3, k0, k1):
    """One round of Philox."""
    p0, p1 = c0 * _M0, c2 * _M1
    return (p1 >> _HALF) ^ c1 ^ (k0 & _LOW), p1 & _LOW, (p0 >> _HALF) ^ c3 ^ (k1 & _LOW), p0 & _LOW


@compiled(allocates=False, inside=True, inlined=True)
def philox(block, step, presentation, seed, stream):
    """Philox-4x32-10 of one place: four 32-bit words, each in 64 bits. Written out, so that loops over it vectorise."""
    k0, k1 = np.uint64(seed), np.uint64(stream)
    c = _round(np.uint64(block), np.uint64(step), np.uint64(presentation), np.uint64(0), k0, k1)
    c = _round(c[0], c[1], c[2], c[3], k0 + _W0, k1 + _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(2) * _W0, k1 + np.uint64(2) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(3) * _W0, k1 + np.uint64(3) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(4) * _W0, k1 + np.uint64(4) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(5) * _W0, k1 + np.uint64(5) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(6) * _W0, k1 + np.uint64(6) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(7) * _W0, k1 + np.uint64(7) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(8) * _W0, k1 + np.uint64(8) * _W1)
    c = _round(c[0], c[1], c[2], c[3], k0 + np.uint64(9) * _W0, k1 + np.uint64(9) * _W1)
    return c


@compiled(allocates=False)
def word(block, step, presentation, seed, stream):
    """First random word of one place, where single ones are drawn."""
    return philox(block, step, presentation, seed, stream)[0]


@compiled(allocates=False)
def fill_words(words, n, seed, stream, step, presentation):
    """Fill ``words`` with the random words of one place, enough for n 16-bit numbers and whole registers."""
    for block in range(min((n + 63) // 64 * 8, words.size // 4)):
        c0, c1, c2, c3 = philox(block, step, presentation, seed, stream)
        words[4 * block] = c0
        words[4 * block + 1] = c1
        words[4 * block + 2] = c2
        words[4 * block + 3] = c3
