"""Pages: templates in one language of looks, rendered with everything they need inside, and written whole.

Every page extends ``base.html`` (heading, looks for light and dark, narrow and wide, no scripts, nothing from outside) and
fills it with the parts of ``parts.html``: facts, tables, figures, commands. What comes from files is always escaped.
"""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from typing import Any

from synarray import __version__
from synarray.errors import RunError
from synarray.report.style import stylesheet

__all__ = ["Code", "data_uri", "render", "write_page"]


class Code(str):
    """A cell of a table, or a fact, that is a command or a fingerprint: printed in the type of code."""

    __slots__ = ()


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
    try:
        import jinja2
    except ImportError:
        raise RunError(
            "pages need jinja2", got="an environment without it", where="report", do="pip install 'synarray[report]'"
        ) from None
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("synarray", "report"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    pages.tests["code"] = lambda value: isinstance(value, Code)
    pages.globals |= {"version": __version__, "stylesheet": stylesheet}
    return pages.get_template(template).render(**values)


def data_uri(content: bytes, kind: str = "image/png") -> str:
    """Return an address that carries its content, so that a page needs no second file."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def write_page(file: Path, text: str) -> Path:
    """Write a page (or another text) so that a reader sees the old one or the new one, whole; its folder is made.

    Raises
    ------
    RunError
        When it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as beside:
            try:
                beside.write(text)
                beside.flush()
                os.fsync(beside.fileno())
            except BaseException:
                Path(beside.name).unlink()
                raise
        Path(beside.name).chmod(0o644)
        try:
            Path(beside.name).replace(file)
        except OSError:
            Path(beside.name).unlink()
            raise
    except (OSError, ValueError) as error:
        raise RunError(
            "the folder for the report must be writable", got=getattr(error, "strerror", None) or str(error),
            where=str(file.parent), do="Free some space, or give another with --out.",
        ) from None  # fmt: skip
    return file
