"""The exception tree: what can go wrong, in four parts.

    SynarrayError                 everything this package raises on purpose
    ├── SpecError                 a key, value or unit of an experiment or device is not allowed   (also a ValueError)
    ├── DataError                 images, labels or a data file cannot be used                     (also a ValueError)
    ├── RunError                  a run folder cannot be read or written                           (also an OSError)
    └── MissingExtraError         a package that this needs is not installed                       (also an ImportError)

Every message has four parts: the rule, what came (value, unit, shape), where it came from (file and key), and what
to do. The command line prints it without a traceback and exits with status 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["DataError", "MissingExtraError", "RunError", "SpecError", "SynarrayError", "nearest", "printable"]


class SynarrayError(Exception):
    """A four-part message: the rule, what came, where it came from, what to do.

    Parameters
    ----------
    rule : str
        What must hold, as a sentence without its full stop.
    got : str
        What came instead: value, unit, shape.
    where : str
        File and key, or the argument's name.
    do : str
        The remedy.

    Examples
    --------
    >>> str(SpecError("epochs must be at least 1", got="0", where="my.toml, key epochs", do="Use 3."))
    'epochs must be at least 1: got 0 (my.toml, key epochs). Use 3.'
    """

    def __init__(self, rule: str, *, got: str, where: str, do: str) -> None:
        super().__init__(rule, got, where, do)
        self.rule, self.got, self.where, self.do = rule, got, where, do

    def __str__(self) -> str:
        """Join the four parts into one message, on one line."""
        return printable(f"{self.rule}: got {self.got} ({self.where}). {self.do}")

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the four parts, so that an error crosses process borders."""
        return (_rebuild, (type(self), self.rule, self.got, self.where, self.do))


class SpecError(SynarrayError, ValueError):
    """A key, value or unit of an experiment or device is not allowed.

    Examples
    --------
    >>> import synarray
    >>> try:
    ...     synarray.load_experiment("local-fields", {"epochs": 0})
    ... except synarray.SpecError as error:
    ...     print(error.got, "|", error.do)
    0 | Correct epochs.
    """


class DataError(SynarrayError, ValueError):
    """Images, labels or a data file cannot be used.

    Examples
    --------
    >>> import synarray
    >>> try:
    ...     synarray.load_dataset("no/such/file.npz")
    ... except synarray.DataError as error:
    ...     print(error.got)
    "no/such/file.npz", which is neither
    """


class RunError(SynarrayError, OSError):
    """A run folder cannot be read or written.

    Examples
    --------
    >>> import synarray
    >>> try:
    ...     synarray.open_run("no/such/folder")
    ... except synarray.RunError as error:
    ...     print(error.got, "|", error.where)
    no such folder | no/such/folder
    """


class MissingExtraError(SynarrayError, ImportError):
    """A package that this needs is not installed.

    Parameters
    ----------
    what : str
        What needs it, in the plural, e.g. "figures".
    package : str
        The package, e.g. "matplotlib".
    extra : str
        Which extra of synarray brings it, e.g. "report".

    Examples
    --------
    >>> print(MissingExtraError("figures", "matplotlib", extra="report"))
    figures need matplotlib: got a Python without it (figures). pip install 'synarray[report]'
    """

    def __init__(self, what: str, package: str, *, extra: str) -> None:
        do = f"pip install 'synarray[{extra}]'"
        super().__init__(f"{what} need {package}", got="a Python without it", where=what, do=do)
        self.what, self.package, self.extra = what, package, extra

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from what was asked for."""
        return (_missing, (self.what, self.package, self.extra))


def _missing(what: str, package: str, extra: str) -> MissingExtraError:
    return MissingExtraError(what, package, extra=extra)


def _rebuild(kind: type[SynarrayError], rule: str, got: str, where: str, do: str) -> SynarrayError:
    return kind(rule, got=got, where=where, do=do)


def printable(text: str, keep: str = "") -> str:
    r"""Escape what is not printable (but what is to be kept): words of a file must not steer the terminal.

    Examples
    --------
    >>> printable("a\x1b[2Jb\n")
    'a\\x1b[2Jb\\n'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant.

    Parameters
    ----------
    name : str
        The name that was not recognised.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        A sentence for the last part of an error.

    Examples
    --------
    >>> nearest("epohcs", ["epochs", "seed"])
    'Did you mean "epochs"? Known: epochs, seed.'
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f'Did you mean "{close[0]}"? ' if close else ""
    return f"{hint}Known: {', '.join(known)}."
