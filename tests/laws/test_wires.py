"""Laws of the wires: closed forms, Kirchhoff, superposition, reciprocity, power, and an independent nodal matrix."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from synarray.array.wire_fold import effective_read, effective_write
from synarray.array.wires import Circuit, Solution, WireSpec, solve, solve_read, solve_write
from synarray.errors import DataError, SpecError

Floats = npt.NDArray[np.float64]
RESISTANCES = ("r_row", "r_column", "r_driver", "r_sense", "r_access")
RANGES = {"subquantum": (0.2e-6, 2.3e-6), "metal": (1e-6, 70e-6)}
"""Conductances of a subquantum and of a metal-filament CBRAM cell, S."""


def cells(
    shape: tuple[int, int], seed: int = 0, low: float = 1e-6, high: float = 70e-6, missing: float = 0.2
) -> Floats:
    """Random conductances, some of them 0."""
    rng = np.random.default_rng(seed)
    return rng.uniform(low, high, shape) * (rng.random(shape) >= missing)


def volts(n: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).uniform(-1, 1, n)


@st.composite
def circuits(draw: st.DrawFn) -> tuple[Floats, Floats, WireSpec]:
    """Any small array, any row voltages, any wires (many of resistance 0)."""
    shape = draw(st.tuples(st.integers(1, 13), st.integers(1, 13)))
    seed = draw(st.integers(0, 10**6))
    ohms = st.just(0.0) | st.floats(1e-3, 1e4)
    wires = WireSpec(**{name: draw(ohms) for name in RESISTANCES})
    return cells(shape, seed, missing=draw(st.sampled_from([0.0, 0.3, 0.9]))), volts(shape[0], seed), wires


any_circuit = settings(derandomize=True, deadline=None, max_examples=60)


# An independent solution: every resistor of the circuit as a list, every node by name, one sparse matrix


def nodal(g: Floats, u_row: Floats, u_column: Floats, wires: WireSpec, end: float) -> tuple[Floats, Floats, Floats]:
    """Solve Kirchhoff's current law at every node; return column currents, row voltages and column voltages."""
    n_rows, n_columns = g.shape
    branches: list[tuple[object, object, float]] = []
    for i, k in itertools.product(range(n_rows), range(n_columns)):
        branches.append((("row", i, k - 1), ("row", i, k), wires.row + (wires.r_driver if k == 0 else 0)))
        branches.append((("column", i + 1, k), ("column", i, k), wires.column + (end if i == n_rows - 1 else 0)))
        if g[i, k] > 0:
            branches.append((("row", i, k), ("column", i, k), 1 / g[i, k] + wires.r_access))
    same: dict[object, object] = {}

    def node(name: object) -> object:
        while name in same:
            name = same[name]
        return name

    for a, b, r in branches:
        if r == 0 and node(a) != node(b):
            same[node(b)] = node(a)
    known = {node(("row", i, -1)): u for i, u in enumerate(u_row)}
    known |= {node(("column", n_rows, k)): u for k, u in enumerate(u_column)}
    names = {node(name) for branch in branches for name in branch[:2]}
    number = {name: at for at, name in enumerate(names - known.keys())}
    entries: list[tuple[int, int, float]] = []
    injected = np.zeros(len(number))
    for a, b, r in branches:
        if r > 0:
            for here, there in ((node(a), node(b)), (node(b), node(a))):
                if here in number:
                    entries.append((number[here], number[here], 1 / r))
                    if there in number:
                        entries.append((number[here], number[there], -1 / r))
                    else:
                        injected[number[here]] += known[there] / r
    v = np.zeros(0)
    if number:
        at_row, at_column, values = zip(*entries, strict=True)
        matrix = scipy.sparse.csc_matrix((values, (at_row, at_column)), shape=(len(number), len(number)))
        v = np.atleast_1d(scipy.sparse.linalg.spsolve(matrix, injected))

    def voltages(kind: str) -> Floats:
        found = [(node((kind, i, k))) for i, k in itertools.product(range(n_rows), range(n_columns))]
        return np.array([v[number[a]] if a in number else known[a] for a in found]).reshape(g.shape)

    row_v, column_v = voltages("row"), voltages("column")
    return np.sum(g / (1 + g * wires.r_access) * (row_v - column_v), axis=0), row_v, column_v


def assert_equal_to_nodal(solution: Solution, expected: tuple[Floats, Floats, Floats], tolerance: float = 1e-9) -> None:
    scale = np.abs(solution.cell_i).sum(axis=0).max() + 1e-300
    np.testing.assert_allclose(solution.currents / scale, expected[0] / scale, atol=tolerance)
    np.testing.assert_allclose(solution.row_v, expected[1], atol=tolerance)
    np.testing.assert_allclose(solution.column_v, expected[2], atol=tolerance)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (9, 5), (30, 41)])
@pytest.mark.parametrize("high", [2.3e-6, 1e-2])
def test_equals_a_direct_sparse_solve(shape: tuple[int, int], high: float) -> None:
    g, v = cells(shape, high=high), volts(shape[0])
    wires = WireSpec(r_wire=2.0, r_column=5.0, r_driver=50.0, r_sense=20.0, r_access=1e3)
    expected = nodal(g, v, np.zeros(shape[1]), wires, wires.r_sense)
    assert_equal_to_nodal(solve_read(g, v, wires), expected)


@pytest.mark.parametrize("present", list(itertools.product([False, True], repeat=5)))
def test_any_resistance_may_be_zero(present: tuple[bool, ...]) -> None:
    ohms = dict(zip(RESISTANCES, (300.0, 70.0, 1000.0, 500.0, 9000.0), strict=True))
    wires = WireSpec(**{name: ohms[name] * there for name, there in zip(RESISTANCES, present, strict=True)})
    g, v = cells((7, 5)), volts(7)
    assert_equal_to_nodal(solve_read(g, v, wires), nodal(g, v, np.zeros(5), wires, wires.r_sense))
    written = solve_write(g, 2, [1, 4], 1.5, wires)
    u_row, u_column = np.full(7, 0.75), np.full(5, 0.75)
    u_row[2], u_column[[1, 4]] = 1.5, 0
    assert_equal_to_nodal(written, nodal(g, u_row, u_column, wires, wires.r_driver))


@settings(any_circuit)
@given(circuits())
def test_equals_a_direct_solve_for_any_circuit(drawn: tuple[Floats, Floats, WireSpec]) -> None:
    g, v, wires = drawn
    assert_equal_to_nodal(solve_read(g, v, wires), nodal(g, v, np.zeros(g.shape[1]), wires, wires.r_sense))


# Closed forms


def test_a_single_cell_is_a_chain_of_resistors() -> None:
    wires = WireSpec(r_wire=3.0, r_driver=100.0, r_sense=40.0, r_access=2000.0)
    solution = solve_read([[1e-4]], [0.7], wires)
    assert solution.currents[0] == pytest.approx(0.7 / (100 + 3 + 1e4 + 2000 + 3 + 40), rel=1e-12)
    assert solution.cell_v[0, 0] == pytest.approx(solution.currents[0] * 1e4, rel=1e-12)


def test_ideal_wires_are_the_ideal_product() -> None:
    g, v = cells((37, 23)), volts(37)
    solution = solve_read(g, v, WireSpec())
    np.testing.assert_allclose(solution.currents, v @ g, rtol=0, atol=1e-15 * np.abs(v) @ g.max(axis=1) * 37)
    assert np.array_equal(solution.row_v, np.repeat(v[:, None], 23, axis=1))
    assert not solution.column_v.any()
    access = 1e4
    np.testing.assert_allclose(
        solve_read(g, v, WireSpec(r_access=access)).currents, v @ (g / (1 + g * access)), rtol=1e-12
    )
    np.testing.assert_allclose(effective_read(g, WireSpec()).a, g, atol=1e-14 * g.max())


def test_one_line_of_many_equal_cells_is_a_ladder() -> None:
    """A row of n cells, columns grounded: V_k = cosh((n - k - 1/2) a) / cosh((n + 1/2) a), 2 sinh(a / 2) = (r g)^(1/2)."""
    n, r, g = 200, 2.0, 35e-6
    a = 2 * np.arcsinh(np.sqrt(r * g) / 2)
    expected = np.cosh((n - np.arange(1, n + 1) + 0.5) * a) / np.cosh((n + 0.5) * a)
    np.testing.assert_allclose(solve_read(np.full((1, n), g), [1.0], WireSpec(r_row=r)).row_v[0], expected, rtol=1e-11)
    sensed = solve_read(np.full((n, 1), g), np.ones(n), WireSpec(r_column=r))
    np.testing.assert_allclose(1 - sensed.column_v[::-1, 0], expected, rtol=1e-11)


# Conservation


def test_kirchhoff_holds_at_every_node() -> None:
    g, v = cells((40, 30)), volts(40)
    wires = WireSpec(r_row=2.0, r_column=3.0, r_driver=10.0, r_sense=5.0, r_access=500.0)
    solution = solve_read(g, v, wires)
    x, c, cell = solution.row_v, solution.column_v, solution.cell_i
    np.testing.assert_allclose(cell, (x - c) / (1 / np.where(g > 0, g, np.inf) + 500.0) * (g > 0), rtol=1e-12)
    into_row = np.diff(np.concatenate([v[:, None], x, x[:, -1:]], axis=1), axis=1) / -2.0
    into_row[:, 0] *= 2.0 / 12.0
    np.testing.assert_allclose(into_row[:, :-1] - into_row[:, 1:], cell, atol=1e-10 * cell.max())
    down_column = np.diff(np.concatenate([c[:1], c, np.zeros((1, 30))]), axis=0) / -3.0
    down_column[-1] *= 3.0 / 8.0
    np.testing.assert_allclose(down_column[1:] - down_column[:-1], cell, atol=1e-10 * cell.max())
    np.testing.assert_allclose(down_column[-1], solution.currents, rtol=1e-9)


@settings(any_circuit)
@given(circuits(), st.booleans())
def test_power_supplied_is_power_dissipated(drawn: tuple[Floats, Floats, WireSpec], write: bool) -> None:
    g, v, wires = drawn
    solution = solve_write(g, 0, 0, 2.0, wires) if write else solve_read(g, v, wires)
    supplied, dissipated = solution.power()
    assert supplied == pytest.approx(dissipated, rel=1e-8, abs=1e-18)
    if not any(wires.model_dump(exclude_none=True, mode="python").get(name) for name in RESISTANCES[:4]):
        potential = np.subtract.outer(solution.circuit.u_row, solution.circuit.u_column)
        assert supplied == pytest.approx(np.sum(solution.circuit.g * potential**2), rel=1e-9)


@settings(any_circuit)
@given(circuits())
def test_currents_superpose_and_are_reciprocal(drawn: tuple[Floats, Floats, WireSpec]) -> None:
    g, v, wires = drawn
    circuit = Circuit.read(g, v, wires)
    none = np.zeros(g.shape[0])
    by_rows = np.array([solve(replace(circuit, u_row=row)).currents for row in np.eye(g.shape[0])])
    by_columns = [
        -solve(replace(circuit, u_row=none, u_column=column)).cell_i.sum(axis=1) for column in np.eye(g.shape[1])
    ]
    scale = g.sum(axis=0).max() + 1e-300
    np.testing.assert_allclose(by_rows / scale, np.array(by_columns).T / scale, atol=1e-9)
    np.testing.assert_allclose(v @ by_rows / scale, solve(circuit).currents / scale, atol=1e-9)


@settings(any_circuit)
@given(circuits(), st.sampled_from(RESISTANCES), st.floats(0.1, 1e4))
def test_more_resistance_never_delivers_more(drawn: tuple[Floats, Floats, WireSpec], name: str, more: float) -> None:
    """Rayleigh's law: with every row at the same voltage, the array is one resistor between two terminals."""
    g, _, wires = drawn
    v = np.ones(g.shape[0])
    raised = WireSpec(**{**{key: getattr(wires, key) for key in RESISTANCES}, name: getattr(wires, name) + more})
    before, after = (solve_read(g, v, w).currents.sum() for w in (wires, raised))
    assert after <= before * (1 + 1e-9)


# Beginning from an earlier solution


def test_a_warm_start_gives_the_same_answer_sooner() -> None:
    g, wires, v = cells((200, 100)), WireSpec(r_wire=2.0), np.full(200, 0.1)
    before = solve_read(g, v, wires)
    moved = np.where(np.random.default_rng(2).random(g.shape) < 0.01, 1.2 * g, g)
    cold, warm = solve_read(moved, v, wires), solve_read(moved, v, wires, start=before)
    np.testing.assert_allclose(warm.currents, cold.currents, rtol=1e-9)
    assert warm.iterations < cold.iterations
    again = solve_read(g, v, wires, start=before)
    assert again.iterations <= 1


# Writing


def test_half_selected_cells_see_half_the_voltage() -> None:
    written = solve_write(np.full((3, 4), 1e-6), 1, 2, 3.0, WireSpec())
    expected = np.zeros((3, 4))
    expected[1], expected[:, 2], expected[1, 2] = 1.5, 1.5, 3.0
    assert np.array_equal(written.cell_v, expected)


def test_effective_write_is_what_arrives_at_the_only_selected_cell() -> None:
    g = cells((6, 5), missing=0)
    wires = WireSpec(r_row=200.0, r_column=90.0, r_driver=1000.0, r_access=5000.0, r_sense=77.0)
    share = effective_write(g, wires)
    for row, column in itertools.product(range(6), range(5)):
        written = solve(Circuit.one_row(g, row, column, -2.0, wires, floating=True))
        assert written.cell_v[row, column] / -2.0 == pytest.approx(share[row, column], rel=1e-9)
        others = np.delete(written.cell_v.ravel(), row * 5 + column)
        np.testing.assert_allclose(others, 0, atol=1e-9)
    np.testing.assert_array_equal(effective_write(g, WireSpec()), 1)


def test_in_a_1t1r_write_only_the_selected_row_conducts() -> None:
    g = cells((6, 5), missing=0)
    written = solve_write(g, 3, [0, 1], 2.0, WireSpec(r_wire=100.0, r_access=5000.0), scheme="1t1r")
    assert not np.delete(written.cell_v, 3, axis=0).any()
    assert (written.cell_v[3, :2] > 0.5).all()
    assert np.abs(written.cell_v[3, 2:]).max() < 0.2 * written.cell_v[3, :2].min()


# The effective read


@pytest.mark.parametrize("r_wire", [0.5, 2.0])
@pytest.mark.parametrize("kind", ["random", "in clusters"])
def test_effective_read_agrees_with_exact_solves(kind: str, r_wire: float) -> None:
    """Scattered inputs within 1e-3 of their currents, a block of neighbouring rows within 3e-3, a row alone within 5e-3."""
    shape, (low, high) = (1024, 512), RANGES["subquantum"]
    rng = np.random.default_rng(7)
    g = rng.uniform(low, high, shape)
    if kind == "in clusters":  # each column conducts where its rows, seen as an image of 32 x 32, lie in a blot
        y, x = np.divmod(np.arange(1024), 32)
        at = rng.uniform(8, 24, (2, 512))
        g = low + (g - low) * np.exp(-((y[:, None] - at[0]) ** 2 + (x[:, None] - at[1]) ** 2) / 40)
    wires = WireSpec(r_wire=r_wire)
    effective = effective_read(g, wires)
    assert effective.error < 1e-3
    patterns = [rng.random(1024) < 0.24, np.arange(1024) // 128 == 3, np.ones(1024), np.arange(1024) == 300]
    for pattern, tolerance in zip(patterns, (1e-3, 3e-3, 1e-3, 5e-3), strict=True):
        exact = solve_read(g, pattern.astype(float), wires).currents
        assert np.linalg.norm(pattern @ effective.a - exact) < tolerance * np.linalg.norm(exact)


@settings(any_circuit)
@given(circuits())
def test_effective_read_of_two_by_two_lines_is_exact(drawn: tuple[Floats, Floats, WireSpec]) -> None:
    g, v, wires = drawn
    g, v = g[:2, :2], v[:2]
    exact = solve_read(g, v, wires, tolerance=1e-12).currents
    np.testing.assert_allclose(v @ effective_read(g, wires).a, exact, atol=2e-4 * (g.max() + 1e-300))


# Bad input

GOOD = [[1e-6, 2e-6], [3e-6, 4e-6]]


@pytest.mark.parametrize(
    ("g", "v", "part"),
    [
        ([[1e-6, np.nan], [1e-6, 1e-6]], [1, 1], "g must be finite and at least 0: got nan S at [0, 1]"),
        ([[1e-6, -1e-6], [-1e-6, 1e-6]], [1, 1], "got -1e-06 S at [0, 1] and 1 more"),
        ([1e-6, 2e-6], [1, 1], "g must have two axes, [pre, post], neither empty: got shape (2,)"),
        (np.zeros((0, 3)), [], "neither empty"),
        ([["a"]], [1], "g must be an array of numbers"),
        (GOOD, [1, 1, 1], "v must have one entry per row of g: got shape (3,), not (2,)"),
        (GOOD, [1, np.inf], "v must be finite: got inf V at [1]"),
    ],
)
def test_impossible_arrays_are_refused(g: npt.ArrayLike, v: npt.ArrayLike, part: str) -> None:
    with pytest.raises(DataError) as caught:
        solve_read(g, v, WireSpec(r_wire=1.0))
    assert part in str(caught.value)
    assert caught.value.where.startswith("argument ") and caught.value.do.endswith(".")


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"r_wire": -1.0}, "r_wire should be greater than or equal to 0"),
        ({"r_access": float("nan")}, "r_access should be a finite number"),
        ({"r_driver": "3 V"}, "r_driver must be in ohm, not V"),
        ({"r_wires": 1.0}, 'Did you mean "r_wire"?'),
    ],
)
def test_impossible_wires_are_refused(values: dict[str, object], part: str) -> None:
    with pytest.raises(SpecError, match="r_") as caught:
        WireSpec(**values)
    assert part in str(caught.value)


def test_wires_of_a_file_carry_their_unit() -> None:
    assert WireSpec.read({"r_wire": "2 ohm", "r_access": "5 kohm"}, "my.toml") == WireSpec(r_wire=2.0, r_access=5e3)
    with pytest.raises(SpecError, match="needs its unit"):
        WireSpec.read({"r_wire": 2.0}, "my.toml")


def test_a_floating_node_is_refused() -> None:
    g = cells((4, 3), missing=0)
    g[2] = 0
    floating = np.array([False, False, True, False])
    with pytest.raises(DataError, match=r"singular \(floating node\): got row 2 floating") as caught:
        solve_read(g, np.ones(4), WireSpec(r_wire=2.0), floating=floating)
    assert caught.value.where == "argument floating" and caught.value.do
    g[2, 1] = 1e-6
    solution = solve_read(g, np.ones(4), WireSpec(r_wire=2.0), floating=floating)
    assert abs(solution.cell_i[2].sum()) < 1e-9 * solution.currents.max()
    assert solution.power().supplied == pytest.approx(solution.power().dissipated, rel=1e-9)
    with pytest.raises(DataError, match="column 0 floating"):
        Circuit.one_row([[0.0, 1e-6]], 0, 1, 1.0, WireSpec(), floating=True)


def test_a_floating_row_finds_its_own_voltage() -> None:
    """Between two columns it is a voltage divider: here two rows at 1 V and one floating, ideal wires but for the sensing."""
    g, sense = np.array([[2e-6, 0.0], [1e-6, 3e-6]]), 1e5
    solution = solve_read(g, [1.0, 0.0], WireSpec(r_sense=sense), floating=[False, True])
    path = 1 / (1 / 1e-6 + 1 / 3e-6 + sense)  # from column 0, along the floating row, to the second sense amplifier
    column = 2e-6 / (2e-6 + 1 / sense + path)
    np.testing.assert_allclose(solution.currents, [column / sense, column * path], rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"row": 5}, "row must be of the array: got [5]"),
        ({"columns": [0, -1]}, "columns must be of the array: got [0, -1]"),
        ({"columns": 0.5}, "Use whole numbers from 0 to 1."),
        ({"v": float("nan")}, "v must be finite: got nan V"),
        ({"scheme": "v/3"}, "scheme must be one that is known: got 'v/3'"),
        ({"tolerance": 1e-20}, "tolerance must be at least 1e-13"),
        ({"start": None}, "start must be a solution of an array of the same shape"),
    ],
)
def test_impossible_writes_are_refused(arguments: dict[str, object], part: str) -> None:
    if "start" in arguments:  # solved here: an import compiles nothing
        arguments = {"start": solve_read([[1.0]], [1.0], WireSpec())}
    with pytest.raises((DataError, SpecError)) as caught:
        solve_write(GOOD, **{"row": 0, "columns": 0, "v": 1.0, "wires": WireSpec(), **arguments})  # type: ignore[arg-type]
    assert part in str(caught.value)


def test_a_mask_of_floating_rows_holds_booleans() -> None:
    with pytest.raises(DataError, match="floating must be True or False: got int64"):
        solve_read(GOOD, [1, 1], WireSpec(), floating=[0, 1])
