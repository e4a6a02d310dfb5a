"""The one way to compile: numba with the same options everywhere, and a cache that notices every edit.

numba's own cache looks only at the file of the function it stores, although a compiled function contains the code of all those
it calls. Here the cache folder is named by a digest of all compiled sources and of the versions that compile them, so kernels may
call across files: an edit anywhere leads to another folder. It lies beside the package, else in the user's cache folder, else in
a temporary folder of this process; ``NUMBA_CACHE_DIR`` overrides that, and ``NUMBA_DISABLE_JIT=1`` runs all kernels as plain
Python.

A function that allocates nothing is compiled without reference counting (``compiled(allocates=False)``, and all that is
``woven_in``): arrays then pass between kernels at no cost.
"""

from __future__ import annotations

import gc
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import caching, config
from numba.core.compiler import Compiler
from numba.core.event import Listener, register

from synarray.files import user_cache

__all__ = ["compiled", "woven_in"]

_PACKAGE = Path(__file__).resolve().parent
_KEPT = 3
"""Folders of earlier sources that are left in place."""


@cache
def digest() -> str:
    """Fingerprint of everything that compiled code is made of: its sources, the compiler, the version of Python."""
    found = hashlib.sha256(f"{sys.version}{numba.__version__}{llvmlite.__version__}{np.__version__}".encode())
    sources = [*_PACKAGE.rglob("*kernels.py"), *(_PACKAGE / f"{name}.py" for name in ("compiled", "events", "rng"))]
    for source in sorted(sources):
        found.update(str(source.relative_to(_PACKAGE)).encode() + source.read_bytes())
    return found.hexdigest()[:16]


@cache
def cache_folder() -> Path:
    """Folder of the compiled code, made when it is missing: the first place that can be written."""
    given = [Path(str(root)) for root in [getattr(config, "CACHE_DIR", "")] if root]
    for root in (*given, _PACKAGE / "__pycache__", user_cache()):
        folder = root / f"kernels-{digest()}"
        try:
            new = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        if new:
            _forget_older(root)
        return folder
    return Path(tempfile.mkdtemp(prefix="synarray-kernels-"))


def _forget_older(root: Path) -> None:
    """Remove the folders of earlier sources, but for the newest."""
    try:
        folders = sorted(root.glob("kernels-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    except OSError:  # another process removes them too
        return
    for folder in folders[_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


class _Locator(caching._CacheLocator):
    """Tells numba where a function's compiled code is, and that it is valid while the folder's name is."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._py_file, self._lineno = (
            function.__code__.co_filename,
            function.__code__.co_firstlineno,
        )  # for numba's warnings

    def get_cache_path(self) -> str:
        return str(cache_folder() / self._function.__module__)

    def get_source_stamp(self) -> str:
        return digest()

    def get_disambiguator(self) -> str:
        return str(self._lineno)

    @classmethod
    def from_function(cls, function: Callable[..., Any], _: str) -> _Locator:
        return cls(function)


class _Files(caching.CompileResultCacheImpl):
    _locator_classes: Any = [_Locator]  # noqa: RUF012  # as numba declares it


class _Cache(caching.FunctionCache):
    _impl_class = _Files


class _Pause(Listener):
    """Looks for no unreachable objects while numba compiles: it makes many, and the search takes up to a fifth of the time."""

    depth, collects = 0, False

    def on_start(self, event: Any) -> None:
        if self.depth == 0:
            self.collects = gc.isenabled()
            gc.disable()
        self.depth += 1

    def on_end(self, event: Any) -> None:
        self.depth -= 1
        if self.depth == 0 and self.collects:
            gc.enable()


register("numba:compile", _Pause())  # type: ignore[no-untyped-call]

_njit: Any = numba.njit  # its private options are not in its types
_cache_of: Any = _Cache


class _Apart(Compiler):
    """Compiles a function whose arrays never overlap: its loops are vectorised without asking whether they do."""

    def __init__(self, *context: Any) -> None:
        *_, flags, _locals = context
        flags.noalias = True
        super().__init__(*context)  # type: ignore[no-untyped-call]


def compiled(
    *, allocates: bool = True, inside: bool = False, inlined: bool = False, apart: bool = False
) -> Callable[[Any], Any]:
    """Compile a function when it is first called, or load it from the cache.

    ``inside``: it is called by compiled code only; ``inlined``: whose optimiser takes it over whole; ``apart``: its arrays never
    overlap.
    """
    options: dict[str, Any] = {"no_cpython_wrapper": True, "forceinline": inlined} if inside else {}
    if apart:
        options["pipeline_class"] = _Apart

    def decorate(function: Callable[..., Any]) -> Any:
        made = _njit(error_model="numpy", nogil=True, _nrt=allocates, no_cfunc_wrapper=True, **options)(function)
        if hasattr(made, "_cache"):  # not where NUMBA_DISABLE_JIT leaves the function as it is
            made._cache = _cache_of(function)
        return made

    return decorate


def woven_in(function: Callable[..., Any]) -> Any:
    """Compile a stage into its caller's own code: left as a call, its loops would not be vectorised (5x slower)."""
    return _njit(error_model="numpy", nogil=True, inline="always")(function)
