"""The array's solver and ngspice solve the same circuits: currents and cell voltages to 1e-6."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from synarray.array import spice
from synarray.array.wires import Circuit, WireSpec, solve
from synarray.errors import RunError

needs_ngspice = pytest.mark.skipif(
    shutil.which("ngspice") is None, reason="needs ngspice: apt-get install ngspice (Debian, Ubuntu)"
)

REALISTIC = WireSpec(r_wire=2.0, r_driver=50.0, r_sense=20.0, r_access=5e3)
WIRES = {
    "wires only": WireSpec(r_wire=2.0),
    "everything": REALISTIC,
    "long thin rows": WireSpec(r_row=100.0, r_column=0.5, r_driver=1e3),
    "columns of no resistance": WireSpec(r_row=5.0, r_sense=300.0, r_access=1e4),
    "rows of no resistance": WireSpec(r_column=5.0, r_driver=300.0),
    "ideal": WireSpec(),
}


def cells(shape: tuple[int, int], high: float = 70e-6, missing: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(11)
    return rng.uniform(high / 70, high, shape) * (rng.random(shape) >= missing)


def assert_same(circuit: Circuit) -> None:
    ours, theirs = solve(circuit), spice.measure(circuit)
    np.testing.assert_allclose(
        ours.currents, theirs.currents, rtol=1e-6, atol=1e-9 * np.abs(ours.cell_i).sum(axis=0).max()
    )
    highest = max(np.abs(circuit.u_row).max(), np.abs(circuit.u_column).max())
    np.testing.assert_allclose(ours.cell_v, theirs.cell_v, rtol=1e-6, atol=1e-9 * highest)


@needs_ngspice
@pytest.mark.parametrize("wires", WIRES.values(), ids=WIRES.keys())
def test_reads_agree(wires: WireSpec) -> None:
    assert_same(Circuit.read(cells((16, 12)), np.random.default_rng(3).uniform(0, 0.2, 16), wires))


@needs_ngspice
@pytest.mark.parametrize("high", [2.3e-6, 70e-6, 5e-3])
def test_reads_of_64_by_64_agree(high: float) -> None:
    active = np.random.default_rng(4).random(64) < 0.25
    assert_same(Circuit.read(cells((64, 64), high), 0.1 * active, REALISTIC))


@needs_ngspice
@pytest.mark.parametrize("wires", WIRES.values(), ids=WIRES.keys())
def test_writes_agree(wires: WireSpec) -> None:
    g = cells((9, 7), missing=0)
    for circuit in (
        Circuit.half_selected(g, 4, [2, 5], 2.0, wires),
        Circuit.one_row(g, 4, [2, 5], 2.0, wires),
        Circuit.one_row(g, 8, 0, -1.5, wires, floating=True),
        Circuit.read(g, np.linspace(0, 1, 9), wires, floating=np.arange(9) == 3),
    ):
        assert_same(circuit)


@needs_ngspice
def test_a_deck_ngspice_cannot_solve_is_told() -> None:
    with pytest.raises(RunError, match="ngspice must solve the deck"):
        spice.run_ngspice("nothing\nR1 a b none\n.end\n")


def test_without_ngspice_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RunError, match="apt-get install ngspice"):
        spice.measure(Circuit.read([[1e-6]], [1.0], WireSpec()))
