"""Arguments of functions in Python: those that cannot be used are refused in four parts, before any work is done."""

from __future__ import annotations

import numbers
import operator
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from synarray.errors import SpecError, SynarrayError

__all__ = ["as_argument", "is_number", "is_whole", "path_of", "require", "settings_of", "shown", "workers_of"]


def require(
    holds: bool, name: str, rule: str, got: object, do: str = "", error: type[SynarrayError] = SpecError
) -> None:
    """Refuse an argument for which a rule does not hold.

    Examples
    --------
    >>> require(False, "progress", "True, False or None", "yes")
    Traceback (most recent call last):
    synarray.errors.SpecError: progress must be True, False or None: got 'yes' (argument progress). Change progress.
    """
    if not holds:
        raise error(f"{name} must be {rule}", got=shown(got), where=f"argument {name}", do=do or f"Change {name}.")


def shown(value: object) -> str:
    """Write what came as an argument, at most 80 characters."""
    if is_number(value):
        return f"{value:g}"
    try:
        kind = "" if type(value).__module__ == "builtins" else f"{type(value).__name__} "
        return " ".join(f"{kind}{value!r}".split())[:80]
    except Exception:  # of an object of somebody else's
        return f"a {type(value).__name__}"


def is_number(value: object) -> bool:
    """Say whether a value is one real number, of Python or NumPy; True and False are none."""
    number = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    return isinstance(number, numbers.Real) and not isinstance(number, bool)


def is_whole(value: Any, least: int = 1, most: float = np.inf) -> bool:
    """Say whether a value is a whole number in a range, of Python or NumPy; 2.0 and True are none."""
    try:
        return not isinstance(value, bool) and least <= operator.index(value) <= most
    except TypeError:
        return False


def workers_of(workers: Any) -> int:
    """Return how many workers are asked for; None: one for each processor core."""
    if workers is None:
        return os.cpu_count() or 1
    require(is_whole(workers), "workers", "a whole number of at least 1", workers, "Leave it out for the usual number.")
    return int(workers)


def path_of(path: Any, name: str, what: str, error: type[SynarrayError] = SpecError) -> Path:
    """Return a path; refuse what is none, and an empty text, which would mean the folder one is in."""
    holds = isinstance(path, str | os.PathLike) and path != ""
    require(holds, name, f"the path of {what}", path, "Give it as text or as a pathlib.Path.", error)
    return Path(path)


def settings_of(settings: Any, name: str) -> dict[str, Any]:
    """Return dotted keys and their values; None: none."""
    holds = settings is None or (isinstance(settings, Mapping) and _is_named(settings))
    require(holds, name, "a mapping of dotted keys to values", settings, f'Write for example {name}={{"epochs": 1}}.')
    plain = np.generic | np.ndarray
    return {key: value.tolist() if isinstance(value, plain) else value for key, value in (settings or {}).items()}


def _is_named(value: object) -> bool:
    """Say whether all keys of a table, and of tables in it, are text."""
    return not isinstance(value, Mapping) or all(isinstance(key, str) and _is_named(value[key]) for key in value)


@contextmanager
def as_argument(name: str) -> Iterator[None]:
    """Say of what is refused within that it was an argument in Python, not an option of a command."""
    try:
        yield
    except SpecError as error:
        raise SpecError(error.rule, got=error.got, where=f"argument {name}", do=error.do) from None
