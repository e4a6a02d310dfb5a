"""Where runs are run: in processes of this machine, or on a Dask cluster. Both give the same bits.

An engine takes jobs (see ``measure.perform``) and yields outcomes as they are finished, in any order. Images and compiled
kernels are not sent: each process loads them once. What kills a process (a lack of memory, say) is the failure of that
run alone.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Protocol

from synarray.errors import RunError
from synarray.study.measure import Job, Outcome, perform
from synarray.study.scheduler import connect

__all__ = ["DaskEngine", "Engine", "LocalEngine"]

_ATTEMPTS = 2
"""Processes that a run may kill before it has failed."""
_STARTS = 4
"""Processes in a row that may die while they start, besides one for each worker: something may kill them all at once."""
_PATIENCE = 0.2
"""Seconds between two looks at whether the study is to stop."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from synarray.study.worker import serve; serve()"

Stop = Callable[[], bool]
Lines = queue.SimpleQueue[tuple["_Worker", bytes]]


def cores() -> int:
    """Count the cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class Engine(Protocol):
    """Runs jobs."""

    title: str
    here: bool
    """Whether runs read the files of this machine."""

    def run(self, jobs: Iterable[Job], stop: Stop) -> Iterator[Outcome]:
        """Run jobs and yield their outcomes as they come; end early, with unfinished runs thrown away, when asked to stop."""
        ...

    def close(self) -> None:
        """End the processes that were started, or leave the cluster."""
        ...


class LocalEngine:
    """Processes of this machine, each with one thread, started when they are needed.

    Parameters
    ----------
    workers : int, optional
        Runs at a time; default: the number of cores that this process may use.
    """

    here = True

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or cores()
        self.title = f"{self.workers} worker{'s' * (self.workers > 1)}"
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        self._lines: Lines = queue.SimpleQueue()
        self._lost = 0
        """Processes in a row that died while they started."""

    def run(self, jobs: Iterable[Job], stop: Stop) -> Iterator[Outcome]:
        """Run jobs, each in one process; a process that dies is replaced.

        Raises
        ------
        RunError
            When process after process dies while it starts.
        """
        waiting: Iterator[Job] = iter(jobs)
        again: collections.deque[tuple[Job, int]] = collections.deque()

        def take() -> tuple[Job, int] | None:
            if again:
                return again.popleft()
            job = next(waiting, None)
            return None if job is None else (job, 0)

        outcome: Outcome | None = None
        try:
            while True:
                while not stop() and len(self._busy) < self.workers and (task := take()):
                    worker = self._idle.pop() if self._idle else _Worker(self._lines)
                    worker.begin(*task)
                    self._busy.append(worker)
                if outcome is not None:  # the workers are busy again while the caller takes it
                    yield outcome
                if stop() or not self._busy:
                    return
                outcome = self._next(again)
        finally:
            for worker in self._busy:
                worker.end()
            self._busy.clear()

    def _next(self, again: collections.deque[tuple[Job, int]]) -> Outcome | None:
        """Take one line of one worker; None when it is no outcome, or none came for a moment."""
        try:
            worker, line = self._lines.get(timeout=_PATIENCE)
        except queue.Empty:
            return None
        if worker in self._idle and not line:
            self._idle.remove(worker)
            worker.end()
        if worker not in self._busy:  # a process that was ended since
            return None
        if not line:
            self._busy.remove(worker)
            return self._died(worker, again)
        if not worker.started:  # its first line says that it is ready
            worker.started, self._lost = True, 0
            return None
        self._busy.remove(worker)
        self._idle.append(worker)
        outcome: Outcome = json.loads(line)
        return outcome

    def _died(self, worker: _Worker, again: collections.deque[tuple[Job, int]]) -> Outcome | None:
        """Give the run of a dead process to another one; or fail the run, after too many."""
        with contextlib.suppress(subprocess.TimeoutExpired):  # its last line may come before its end
            worker.process.wait(5)
        reason, attempt = worker.end(), worker.attempt + worker.started
        self._lost += not worker.started
        if self._lost >= _STARTS + self.workers:
            raise RunError(
                "a worker process must start",
                got=f"{self._lost} in a row that did not, the last one: {reason}",
                where=sys.executable,
                do="Try a single run (synarray train), or allow more memory and open files (ulimit -v, ulimit -n).",
            )
        if attempt < _ATTEMPTS:
            again.append((worker.job, attempt))
            return None
        return {
            "identity": worker.job["identity"],
            "failed": f"The process of the run died {_ATTEMPTS} times: {reason}",
        }

    def close(self) -> None:
        """End the processes."""
        for worker in (*self._idle, *self._busy):
            worker.end()
        self._idle.clear()
        self._busy.clear()


class _Worker:
    """One process and the run it has; each line that it writes is put into a queue, an empty one when it ends."""

    def __init__(self, lines: Lines) -> None:
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps([path or os.curdir for path in sys.path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1")},
        )
        self.job: Job = {}
        self.attempt, self.started = 0, False
        self._lines = lines
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def begin(self, job: Job, attempt: int) -> None:
        """Send a run; a process that cannot take it has ended, and says so with its last line."""
        self.job, self.attempt = job, attempt
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put((self, line))
        self._lines.put((self, b""))

    def end(self) -> str:
        """Kill the process if it lives, wait until it is gone, and say how it ended."""
        if (status := self.process.poll()) is None:
            self.process.kill()
            status = self.process.wait()
        self._reader.join(5)
        self.errors.seek(max(0, self.errors.seek(0, os.SEEK_END) - 2000))
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()
        name = signal.Signals(-status).name if status < 0 else ""
        hint = ", perhaps because memory ran out" if name == "SIGKILL" else ""
        return (f"killed by {name}{hint}" if name else f"exit status {status}") + (f": {words[-1]}" if words else "")


class DaskEngine:
    """A Dask cluster: any scheduler that can be reached, with any number of workers that have this version of synarray.

    Parameters
    ----------
    address : str
        Of the scheduler, such as "tcp://10.0.0.1:8786".

    Raises
    ------
    RunError
        When dask.distributed is not installed, or the scheduler does not answer within 9 s.
    """

    here = False

    def __init__(self, address: str) -> None:
        self.address = address
        self._client = connect(address)
        n = len(self._client.nthreads())
        threads = sum(self._client.nthreads().values())
        self.title = f"Dask at {address}, {n} worker{'s' * (n != 1)}, {threads} run{'s' * (threads != 1)} at a time"

    def run(self, jobs: Iterable[Job], stop: Stop) -> Iterator[Outcome]:
        """Run jobs on the cluster; only some more than it can run at a time are with the scheduler."""
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        pending: dict[str, Any] = {}
        waiting, lost_since, looked, most = iter(jobs), 0.0, -9.0, 16
        try:
            while not stop():
                if time.monotonic() - looked > 2.0:  # workers come and go
                    looked, most = time.monotonic(), self._room(most)
                while len(pending) < most and (job := next(waiting, None)):
                    key = f"synarray-{job['identity']}"
                    future = self._client.submit(perform, job, key=key, pure=False, retries=0)
                    pending[key] = future
                    future.add_done_callback(finished.put)
                if not pending:
                    return
                try:
                    future = finished.get(timeout=_PATIENCE)
                except queue.Empty:
                    lost_since = self._lost_since(lost_since)
                    continue
                if pending.pop(future.key, None) is not None:
                    yield self._outcome(future)
        finally:
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self._client.cancel(list(pending.values()), force=True)

    def close(self) -> None:
        """Leave the cluster; it keeps running."""
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._client.close(timeout=2)

    def _room(self, before: int) -> int:
        """Count the tasks that the scheduler may have; as before when it cannot be asked just now."""
        try:
            return int(2 * sum(self._client.nthreads().values()) + 16)
        except Exception:  # whether it is gone is found out later
            return before

    def _lost_since(self, since: float) -> float:
        """Raise when the scheduler has been gone for a while."""
        if self._client.status == "running":
            return 0.0
        now = time.monotonic()
        if since and now - since > 10:
            raise self._gone()
        return since or now

    def _outcome(self, future: Any) -> Outcome:
        identity = future.key.removeprefix("synarray-")
        if future.status in ("cancelled", "lost"):
            raise self._gone()
        try:
            if future.status == "error":  # not of the run, which reports its own: of the worker, again and again
                words = " ".join(str(future.exception()).split())
                return {"identity": identity, "failed": f"Its workers died or could not run it: {words[:300]}"}
            outcome: Outcome = future.result()
            future.release()
        except Exception:  # the result of a run that ended well cannot be fetched
            raise self._gone() from None
        return outcome

    def _gone(self) -> RunError:
        return RunError(
            "the Dask scheduler must stay reachable",
            got="no connection any more",
            where=f"--dask {self.address}",
            do="Start it again, then resume: --resume. Finished runs are whole on disk.",
        )
