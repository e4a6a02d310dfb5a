"""Which page a folder gets: that of a run, or that of a study."""

from __future__ import annotations

from pathlib import Path

from synarray.errors import RunError
from synarray.files import is_there
from synarray.report.citing import Citations, cite_run
from synarray.report.run_page import run_page
from synarray.report.sections import Page
from synarray.report.study_page import cite_study, is_study, study_page
from synarray.run.folder import PARTIAL, partial_of
from synarray.run.opened import open_run

__all__ = ["citations_of", "page_of"]


def page_of(folder: Path) -> Page:
    """Make the page of a run or a study.

    Raises
    ------
    RunError
        When the folder is neither, or it is unfinished or damaged.
    """
    return study_page(folder) if is_study(folder) else run_page(open_run(_checked(folder)))


def citations_of(folder: Path) -> Citations:
    """Collect what a run or a study is to cite; raises what ``page_of`` does."""
    return cite_study(folder) if is_study(folder) else cite_run(open_run(_checked(folder)))


def _what(path: Path) -> str:
    """Say what is in the place of a run or a study."""
    if is_there(path, folder=True):
        return "a folder of neither"
    return "a file" if is_there(path) else "no such folder"


def _checked(folder: Path) -> Path:
    """Refuse a folder in which there is no sign of a run."""
    begun = folder if folder.name.endswith(PARTIAL) else partial_of(folder)
    signs = (folder / "experiment.toml", folder / "metrics.json", begun / "experiment.toml")
    if not any(is_there(sign) for sign in signs):
        raise RunError(
            "a report is about a run or a study",
            where=str(folder),
            got=_what(folder),
            do='Give a folder that "synarray train" or "synarray study run" made.',
        )
    return folder
