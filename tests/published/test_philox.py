"""Known answers of Philox-4x32-10, published with the generator (Random123, examples/kat_vectors)."""

from __future__ import annotations

import numpy as np
import pytest

from synarray.rng import Phase, Stream, philox, random_u16
from synarray.rng_kernels import fill_words

ONES, PI = 0xFFFFFFFF, (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
KNOWN = [
    ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((ONES, ONES, ONES, ONES), (ONES, ONES), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (PI, (0xA4093822, 0x299F31D0), "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers(counter: tuple[int, ...], key: tuple[int, int], words: str) -> None:
    assert " ".join(f"{int(word):08x}" for word in philox(counter, key)) == words  # type: ignore[arg-type]
    several = philox(tuple(np.array([word, 0]) for word in counter), key)  # type: ignore[arg-type]
    assert " ".join(f"{int(word[0]):08x}" for word in several) == words


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_the_compiled_generator_is_the_same(seed: int) -> None:
    words = np.zeros(104, np.uint32)
    key1 = int(Stream.PULSE) + (int(Phase.TEST) << 8)
    fill_words(words, 203, seed, key1, 7, 123456)
    expected = random_u16(203, seed=seed, stream=Stream.PULSE, phase=Phase.TEST, step=7, presentation=123456)
    np.testing.assert_array_equal(words.view(np.uint16)[:203], expected)
