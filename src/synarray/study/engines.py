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
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Protocol

from synarray.errors import RunError
from synarray.study.measure import Job, Outcome, perform
from synarray.study.scheduler import connect

__all__ = ["DaskEngine", "Engine", "LocalEngine"]

_ATTEMPTS = 2
"""Processes that a run may kill before it has failed."""
_PATIENCE = 0.2
"""Seconds between two looks at whether the study is to stop."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from synarray.study.worker import serve; serve()"

Stop = Callable[[], bool]


class Engine(Protocol):
    """Runs jobs."""

    title: str
    here: bool
    """Whether runs read the files of this machine."""

    def run(self, jobs: Iterable[Job], stop: Stop) -> Iterator[Outcome]:
        """Run jobs and yield their outcomes as they come; end early, with what runs thrown away, when told to stop."""
        ...

    def close(self) -> None:
        """End the processes that were started, or let the cluster go."""
        ...


class LocalEngine:
    """Processes of this machine, each with one thread, started when they are needed.

    Parameters
    ----------
    workers : int, optional
        Runs at a time; the number of cores that this process may use if nothing is said.
    """

    here = True

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or len(os.sched_getaffinity(0))
        self.title = f"{self.workers} worker{'s' * (self.workers > 1)}"
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def run(self, jobs: Iterable[Job], stop: Stop) -> Iterator[Outcome]:
        """Run jobs, each in one process; a process that dies is started anew."""
        waiting: Iterator[Job] = iter(jobs)
        again: collections.deque[tuple[Job, int]] = collections.deque()

        def take() -> tuple[Job, int] | None:
            if again:
                return again.popleft()
            job = next(waiting, None)
            return None if job is None else (job, 0)

        try:
            while not stop():
                while len(self._busy) < self.workers and (task := take()):
                    worker = self._idle.pop() if self._idle else _Worker()
                    worker.begin(*task)
                    self._busy.append(worker)
                if not self._busy:
                    return
                outcomes = []
                for worker in self._ready():
                    outcome = worker.outcome()
                    if outcome is None:
                        continue
                    self._busy.remove(worker)
                    if "died" not in outcome:
                        outcomes.append(outcome)
                        if task := take():  # before anything else is done with the outcome
                            worker.begin(*task)
                            self._busy.append(worker)
                        else:
                            self._idle.append(worker)
                    elif worker.attempt + 1 < _ATTEMPTS:
                        again.append((worker.job, worker.attempt + 1))
                    else:
                        outcomes.append({"identity": worker.job["identity"], "failed": outcome["died"]})
                yield from outcomes
        finally:
            for worker in self._busy:
                worker.end()
            self._busy.clear()

    def _ready(self) -> list[_Worker]:
        with selectors.DefaultSelector() as selector:
            for worker in self._busy:
                selector.register(worker.out, selectors.EVENT_READ, worker)
            return [key.data for key, _ in selector.select(_PATIENCE)]

    def close(self) -> None:
        """End the processes."""
        for worker in (*self._idle, *self._busy):
            worker.end()
        self._idle.clear()
        self._busy.clear()


class _Worker:
    """One process and the run it has."""

    def __init__(self) -> None:
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps([path or os.curdir for path in sys.path])], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.errors, env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1")},
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.out = self.process.stdout
        self.job: Job = {}
        self.attempt = 0
        self._into, self._heard, self._started = self.process.stdin, b"", False

    def begin(self, job: Job, attempt: int) -> None:
        """Send a run; what keeps it from arriving is found when the outcome is waited for."""
        self.job, self.attempt = job, attempt
        with contextlib.suppress(BrokenPipeError):
            self._into.write(json.dumps(job).encode() + b"\n")
            self._into.flush()

    def outcome(self) -> Outcome | None:
        """Read what there is; None when the run is not finished, ``died`` when it never will be."""
        heard = os.read(self.out.fileno(), 1 << 20)
        if not heard:
            return self._died()
        self._heard += heard
        while b"\n" in self._heard:
            line, _, self._heard = self._heard.partition(b"\n")
            if self._started:
                outcome: Outcome = json.loads(line)
                return outcome
            self._started = True  # its first word is that it is ready
        return None

    def end(self) -> None:
        """Kill the process, and wait until it is gone."""
        self.process.kill()
        self.process.wait()
        for stream in (self._into, self.out, self.errors):
            with contextlib.suppress(OSError):
                stream.close()

    def _died(self) -> Outcome:
        status = self.process.wait()
        self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, self.errors.tell() - 2000))
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        last = f": {words[-1]}" if words else ""
        reason = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        hint = ", perhaps for want of memory" if status == -signal.SIGKILL else ""
        self.end()
        if not self._started:
            raise RunError(
                "a worker process must start", got=f"{reason}{hint}{last}", where=sys.executable,
                do="Try a single run (synarray train), or allow more memory and open files (ulimit -v, ulimit -n).",
            )  # fmt: skip
        return {"died": f"The process of the run died {_ATTEMPTS} times: {reason}{hint}{last}"}


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
        """Let the cluster go; it goes on without us."""
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._client.close(timeout=2)

    def _room(self, before: int) -> int:
        """Count the tasks that the scheduler may have; as before when it cannot be asked just now."""
        try:
            return int(2 * sum(self._client.nthreads().values()) + 16)
        except Exception:  # it is found to be gone, or not, by and by
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
            if future.status == "error":  # not of the run, which tells its own: of the worker, time after time
                words = " ".join(str(future.exception()).split())
                return {"identity": identity, "failed": f"Its workers died or could not run it: {words[:300]}"}
            outcome: Outcome = future.result()
            future.release()
        except Exception:  # the result of a run that ended well cannot be fetched
            raise self._gone() from None
        return outcome

    def _gone(self) -> RunError:
        return RunError(
            "the Dask scheduler must stay reachable", got="no connection any more", where=f"--dask {self.address}",
            do="Start it again and go on: --resume. Finished runs are whole on disk.",
        )  # fmt: skip
