"""A progress bar of a training, in a terminal or a notebook; nothing where there is no reader (a pipe, a batch job)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from synarray.learn.trainer import Progress

__all__ = ["progress_bar", "somebody_looks"]


def somebody_looks() -> bool:
    """Say whether standard error is a terminal, or this is a notebook."""
    return "ipykernel" in sys.modules or bool(sys.stderr and sys.stderr.isatty())


@contextmanager
def progress_bar(
    total: int, show: bool | None = None, on_progress: Callable[[Progress], None] | None = None
) -> Iterator[Callable[[Progress], None]]:
    """Show a bar while a training runs; yields what the training calls.

    Parameters
    ----------
    total : int
        Presentations of the training.
    show : bool, optional
        None: only where ``somebody_looks``.
    on_progress : callable, optional
        Called too.
    """
    from tqdm.auto import tqdm

    visible = somebody_looks() if show is None else show
    with tqdm(total=total, unit="image", unit_scale=True, desc="compiling (once)", disable=not visible) as bar:

        def advance(progress: Progress) -> None:
            shown = progress.presentations - (progress.total - total)  # those of an earlier training do not count
            bar.set_description_str("labels, test" if progress.presentations >= progress.total else "learning", False)
            if progress.accuracy is not None:
                bar.set_postfix_str(f"{progress.accuracy:.1%} so far", False)
            bar.update(shown - bar.n)
            if on_progress:
                on_progress(progress)

        yield advance
