"""An exported learner as a folder: sources, constants, an example, and the layouts of CMake, Zephyr and Arduino."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from synarray.export.c_model import LearnerModel
from synarray.export.c_source import model_header, model_source

__all__ = ["c_files"]

SOURCES = ("synarray_learner.h", "synarray_learner.c")


def c_files(model: LearnerModel, trained: bytes = b"") -> dict[str, str]:
    """Return the files of an export by their paths in its folder."""
    packaged = resources.files("synarray.export") / "c"
    files = {f"src/{name}": (packaged / name).read_text("utf-8") for name in SOURCES}
    files["src/synarray_model.h"] = model_header(model, len(trained))
    files["src/synarray_model.c"] = model_source(model, trained)
    return files


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write the files of an export."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
