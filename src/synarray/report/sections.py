"""What a page is made of: facts, and sections of words, tables and figures; the same for a run, a study, the paper's experiment.

    write(Page("My run", sections=(Section("claims", "Claims", tables=(Table("Claims", ("claim", "found"), rows),)),)), folder)

A figure is in the page in the reader's own colours, and beside it as a file, with its numbers as CSV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synarray.report import figures
from synarray.report.html import render, write_page
from synarray.report.style import inline_svg
from synarray.report.tables import Code, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Code", "Fact", "Page", "Picture", "Section", "Table", "write"]


@dataclass(frozen=True)
class Fact:
    """One number at the head of a page: its name, the number with its unit, and a few words below it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure with its numbers and the command that draws it again."""

    name: str
    """Of its file; letters, digits, hyphens; no two on a page are the same."""
    title: str
    caption: str
    figure: Figure
    table: Table | None = None
    command: str = ""
    wide: bool = False
    """Whether it takes the whole width of the page."""
    alt: str = ""
    """What it shows, for those who do not see it; if nothing is said, title and caption."""

    @property
    def svg(self) -> str:
        """The figure as an element of a page."""
        return inline_svg(self.figure, self.name, self.alt or f"{self.title}. {self.caption}")


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading of its own: words, tables, figures, notes, code (folded), in this order.

    ``key`` is its address in the page (``#key``): letters, digits, hyphens. ``narrow``: its figures are small, more of them
    are side by side. Figures ``beside`` the page are files only, for which the page has no room.
    """

    key: str
    title: str
    words: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    notes: Sequence[str] = ()
    code: str = ""
    code_title: str = "Text"
    narrow: bool = False
    beside: Sequence[Picture] = ()


@dataclass(frozen=True)
class Page:
    """A whole page: title, what is said first, the facts, the sections."""

    title: str
    sections: Sequence[Section]
    lead: Sequence[str] = ()
    facts: Sequence[Fact] = ()


def write(page: Page, folder: Path, kind: str = "svg") -> tuple[Path, list[Path]]:
    """Write ``index.html``, and beside it every figure in ``figures/`` as a file of its own, its numbers as CSV.

    Parameters
    ----------
    page : Page
    folder : Path
        Is made.
    kind : str
        ``svg``, ``png`` or ``pdf``: of the files beside the page.

    Returns
    -------
    page : Path
    files : list of Path
        Of the figures and their numbers.

    Raises
    ------
    RunError
        When the folder cannot be written, or jinja2 or matplotlib is missing.
    """
    text = render("sections.html", page=page)
    pictures = [picture for section in page.sections for picture in (*section.pictures, *section.beside)]
    files = figures.save({picture.name: picture.figure for picture in pictures}, folder / "figures", kind)
    files += [
        write_page(folder / "figures" / f"{picture.name}.csv", picture.table.csv())
        for picture in pictures
        if picture.table
    ]
    return write_page(folder / "index.html", text), files
