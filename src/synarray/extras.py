"""Packages that only some commands need: imported when they are, or refused with the command that installs them."""

from __future__ import annotations

import importlib
from typing import Any

from synarray.errors import MissingExtraError

__all__ = ["require"]


def require(extra: str, what: str, *packages: str) -> Any:
    """Import the packages of an extra and return the first one.

    Parameters
    ----------
    extra : str
        Name of the extra in ``pip install 'synarray[extra]'``.
    what : str
        What needs them, in the plural: the subject of the message.
    *packages : str
        Names of modules.

    Raises
    ------
    MissingExtraError
        When one of them is not installed.

    Examples
    --------
    >>> require("report", "figures", "matplotlib.figure").__name__
    'matplotlib.figure'
    """
    try:
        first, *_ = [importlib.import_module(name) for name in packages]
    except ImportError as error:
        missing = (error.name or str(error)).partition(".")[0]
        raise MissingExtraError(what, missing, extra=extra) from None
    return first
