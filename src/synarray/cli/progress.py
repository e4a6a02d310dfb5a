"""Progress on the terminal, and signals: Ctrl-C and SIGTERM end a command where it can be resumed."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

    from synarray.report.terminal import Terminal

__all__ = ["Bar", "bars", "on_signals"]

_BAR = 10
"""Characters of a bar: what is beside it must not be cut on a terminal of 80."""


class Bar:
    """One progress bar, with a few words about the latest."""

    def __init__(self, progress: Progress, name: str, total: int | None, state: str) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=total, state=state)

    def show(self, completed: int, state: str, total: int | None = None) -> None:
        """Show how much is done."""
        self._progress.update(self._task, completed=completed, state=state, total=total)

    def advance(self, state: str) -> None:
        """Count one more."""
        self._progress.update(self._task, advance=1, state=state)


@contextlib.contextmanager
def bars(people: Terminal, name: str, total: int | None = None, state: str = "") -> Iterator[Bar]:
    """Show a bar with its name, count, time left and state, until the end of the block."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    time = len("0:00:00")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=_BAR),
        MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=2 * len(f"{total or 0}") + 1)),
        TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=time)),
        TextColumn("left", table_column=Column(no_wrap=True, min_width=len("left"))),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=time)),
        TextColumn("{task.fields[state]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
    )
    with Progress(*columns, console=people, transient=True) as progress:
        yield Bar(progress, name, total, state)


@contextlib.contextmanager
def on_signals(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Have Ctrl-C and SIGTERM call a function until the end of the block."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
