"""An exported learner as a folder: sources, constants, examples, and the layouts of CMake, Zephyr and Arduino."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from synarray.export.c_model import LearnerModel
from synarray.export.c_readme import has_floats, readme
from synarray.export.c_source import model_header, model_source

__all__ = ["c_files", "write_files"]

_SOURCES = ("synarray_learner.h", "synarray_learner.c")
_STACK = "#define SYNARRAY_STACK /* this model has layers or a teacher */"
_LAYOUT = (
    *("CMakeLists.txt", "library.properties", "examples/desktop/main.c", "examples/Learn/Learn.ino"),
    *("zephyr/module.yml", "zephyr/Kconfig", "zephyr/CMakeLists.txt"),
)


def c_files(
    model: LearnerModel,
    trained: bytes = b"",
    name: str = "network",
    folder: str = "DIR",
    dropped: list[str] | None = None,
) -> dict[str, str]:
    """Return the files of an export by their paths in its folder."""
    packaged = resources.files("synarray.export") / "c"
    files = {f"src/{source}": (packaged / source).read_text("utf-8") for source in _SOURCES}
    if model.stack:
        header = "src/synarray_learner.h"
        files[header] = files[header].replace("#include <stddef.h>", f"{_STACK}\n\n#include <stddef.h>", 1)
    files["src/synarray_model.h"] = model_header(model, len(trained))
    files["src/synarray_model.c"] = model_source(model, trained)
    flags = "-ffp-contract=off" if has_floats(model) else "-DSYNARRAY_NO_FLOAT"
    for path in _LAYOUT:
        text = (packaged / "layout" / path).read_text("utf-8")
        files[path] = text.replace("@FLAGS@", flags).replace("@ZEPHYR_FLAGS@", flags)
    files["README.md"] = readme(model, name, folder, len(trained), dropped)
    return files


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write the files of an export."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
