"""The plan of the house: no import circle, also none hidden in a function or behind TYPE_CHECKING; no file or room too large."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import synarray

PACKAGE = Path(synarray.__file__).parent
FILES = {
    path: ".".join(["synarray", *path.relative_to(PACKAGE).with_suffix("").parts]) for path in PACKAGE.rglob("*.py")
}
MODULES = {name.removesuffix(".__init__"): path for path, name in FILES.items()}
LARGEST_FILE, LARGEST_FUNCTION, LARGEST_ROOM = 500, 80, 4500
LARGER = {"network/kernels.py"}
PENDING: set[str] = set()


def imported(path: Path) -> set[str]:
    """Every module of the package that a file names in an import, wherever in the file that is."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("synarray"):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("synarray")}
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Files that import each other in a circle, the first one again at the end; none: an empty list."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_import_circle() -> None:
    graph = {name: imported(path) - {"synarray", name} for name, path in MODULES.items() if name != "synarray"}
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert sum(map(len, graph.values())) > 2 * len(graph)
    assert circle(graph) == []


def test_no_file_or_function_is_too_large() -> None:
    long, large = [], []
    for path in MODULES.values():
        text, name = path.read_text("utf-8"), path.relative_to(PACKAGE).as_posix()
        if text.count("\n") > LARGEST_FILE and name not in LARGER:
            long.append(name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > LARGEST_FUNCTION:
                large.append(f"{name}: {node.name}")
    assert not long
    assert set(large) <= PENDING


def test_no_room_is_too_large() -> None:
    sizes: dict[str, int] = {}
    for path in MODULES.values():
        room = path.relative_to(PACKAGE).parent.as_posix()
        sizes[room] = sizes.get(room, 0) + path.read_text("utf-8").count("\n")
    assert {room: size for room, size in sizes.items() if size > LARGEST_ROOM} == {}


def test_files_of_a_name_differ_by_more_than_a_letter() -> None:
    """Within a room no two names are alike up to one letter, as store and stored were."""
    rooms: dict[Path, set[str]] = {}
    for path in MODULES.values():
        rooms.setdefault(path.parent, set()).add(path.stem)
    alike = [
        (room.name, one) for room, names in rooms.items() for one in names for end in "sd" if f"{one}{end}" in names
    ]
    assert alike == []


def test_kernels_hand_each_other_no_literal() -> None:
    """For every number or truth value that stands in a call, numba would compile the called function once more."""
    trees = [ast.parse(path.read_text("utf-8")) for path in FILES if path.name.endswith("kernels.py")]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    compiled = {
        function.name for function in functions if "compiled(" in "".join(map(ast.unparse, function.decorator_list))
    }
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert len(compiled) > 20
    assert [
        ast.unparse(call)
        for call in calls
        if ast.unparse(call.func) in compiled
        and any(
            isinstance(value, ast.Constant) and value.value is not None
            for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
            for value in (argument, getattr(argument, "operand", None))
        )
    ] == []
