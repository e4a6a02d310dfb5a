"""Pages: templates in one language of looks, rendered with everything they need inside, and written whole.

Every page extends ``base.html`` (heading, looks for light and dark, narrow and wide, no scripts, nothing from outside) and
fills it with the parts of ``parts.html``: facts, tables, figures, commands. What comes from files is always escaped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synarray import __version__
from synarray.extras import require
from synarray.files import replace_file, writing
from synarray.report.style import stylesheet
from synarray.report.tables import Code

__all__ = ["render", "write_page"]


def render(template: str, **values: Any) -> str:
    """Fill a template of this package; what is filled in is escaped, and a name that nothing was given for is an error.

    Parameters
    ----------
    template : str
        File name, such as ``"run.html"``.
    **values
        What the template names.

    Returns
    -------
    str
        The page.

    Raises
    ------
    RunError
        When jinja2 is missing.
    """
    jinja2 = require("report", "pages", "jinja2")
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("synarray", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.tests["code"] = lambda value: isinstance(value, Code)
    pages.globals |= {"version": __version__, "stylesheet": stylesheet}
    text: str = pages.get_template(template).render(**values)
    return text


def write_page(file: Path, text: str) -> Path:
    """Write a page (or another text) so that a reader sees the old one or the new one, whole; its folder is made.

    Raises
    ------
    RunError
        When it cannot be written.
    """
    where, do = file.parent, "Free some space, or give another with --out."
    with writing("the folder for the report must be writable", where, do):
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, lambda beside: beside.write_text(text, "utf-8", newline="\n"))
    return file
