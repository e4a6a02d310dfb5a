"""Worker processes: one for each open page, a limited number of them; one that died is replaced, and the page is informed.

A worker reads requests from a pipe and ends when that is closed, so none outlives the server, however the server ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any

from synarray import errors
from synarray.errors import RunError, SynarrayError

__all__ = ["MOST_PAGES", "Crew", "WorkerProcess"]

MOST_PAGES = 4
"""Pages that are served at a time, each by a process of some hundred MB."""
_LONGEST = 64 << 20
"""Bytes of the longest answer."""
_PATIENCE = 120.0
"""Seconds in which a process must have started."""


class WorkerProcess:
    """One process that computes, and the first thing it said."""

    def __init__(self, process: Process, hello: bytes) -> None:
        self.process, self.hello = process, hello
        self._ended = False

    @classmethod
    async def start(cls, source: str, watch: bool) -> WorkerProcess:
        """Start it, and wait until it is ready.

        Raises
        ------
        SynarrayError
            What it said of a source it cannot open.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "synarray.studio.worker", source, "watch" if watch else "",
            stdin=PIPE, stdout=PIPE, limit=_LONGEST,
        )  # fmt: skip
        worker = cls(process, b"")
        try:
            worker.send({"t": "hello"})
            async with asyncio.timeout(_PATIENCE):
                worker.hello = await worker.answer()
        except BaseException:
            await worker.stop()
            raise
        said = json.loads(worker.hello or b"{}")
        if said.get("t") == "hello":
            return worker
        await worker.stop()
        parts = {key: str(said.get(key, "nothing")) for key in ("got", "where", "do")}
        kind = getattr(errors, str(said.get("kind")), RunError)
        assert issubclass(kind, SynarrayError)
        raise kind(str(said.get("rule", "the studio's worker must start")), **parts)

    @property
    def alive(self) -> bool:
        """Whether the process still runs, as far as is known."""
        return self.process.returncode is None and not self._ended

    def send(self, request: dict[str, Any]) -> None:
        """Send a request; to a process that has died, nothing."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):
            self.process.stdin.write(json.dumps(request).encode() + b"\n")

    async def answer(self) -> bytes:
        """Wait for the next answer; empty: the process has died."""
        assert self.process.stdout is not None
        try:
            line = await self.process.stdout.readline()
        except (ValueError, OSError):  # longer than any answer
            line = b""
        self._ended = not line  # the process may not have been collected yet
        return line.rstrip(b"\n")

    async def stop(self) -> None:
        """End the process."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        await self.process.wait()


class Crew:
    """The workers of all pages.

    Parameters
    ----------
    source : str
        What every page begins with.
    watch : bool
    """

    def __init__(self, source: str, watch: bool) -> None:
        self._source, self._watch = source, watch
        self._idle: WorkerProcess | None = None
        self.at_work: set[WorkerProcess] = set()

    async def prepare(self) -> None:
        """Start the first worker before there is a page; raises what it said of its source."""
        self._idle = await WorkerProcess.start(self._source, self._watch)

    @property
    def full(self) -> bool:
        """Whether there are as many pages as are served."""
        return len(self.at_work) >= MOST_PAGES

    async def take(self) -> WorkerProcess:
        """Take the worker that waits, or start one."""
        worker, self._idle = self._idle, None
        if worker is None or not worker.alive:
            worker = await WorkerProcess.start(self._source, self._watch)
        self.at_work.add(worker)
        return worker

    async def leave(self, worker: WorkerProcess) -> None:
        """Have a worker wait for the next page (its data are loaded), if none waits yet; else end it."""
        self.at_work.discard(worker)
        if self._idle is not None or not worker.alive:
            await worker.stop()
            return
        worker.send({"t": "cancel"})
        self._idle = worker

    async def stop(self) -> None:
        """End them all."""
        everyone = [*self.at_work, *([self._idle] if self._idle else [])]
        self.at_work, self._idle = set(), None
        for worker in everyone:
            await worker.stop()
