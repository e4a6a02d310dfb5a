"""``synarray report`` and ``synarray cite``: the page of a run or a study, and what it is to cite."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from synarray.report import figures
from synarray.report.folder_page import citations_of, page_of
from synarray.report.run_tables import standard_output
from synarray.report.sections import write
from synarray.run.folder import check_writable

__all__ = ["cite", "report"]


def report(path: Path, out: Path | None, kind: str, as_json: bool) -> None:
    """Write the page of a run or a study, and its figures beside it."""
    figures.check_format(kind)
    told = page_of(path)
    folder = figures.folder_beside(path, out, "report")
    check_writable(folder)
    page, files = write(told, folder, kind)
    if as_json:
        numbers = {
            "folder": str(path),
            "report": str(page),
            "bytes": page.stat().st_size,
            "figures": [str(file) for file in files],
        }
        print(json.dumps(numbers))
        return
    console: Console = standard_output()
    console.print(
        f"Report: {page} ({page.stat().st_size / 1e6:.2f} MB), {len(files)} files of figures beside it", soft_wrap=True
    )


def cite(path: Path, as_json: bool) -> None:
    """Print what a run or a study is to cite, as BibTeX."""
    cited = citations_of(path)
    if as_json:
        print(json.dumps({"folder": str(path), "entries": cited.summary(), "bibtex": cited.bibtex}))
        return
    print(cited.bibtex, end="")
