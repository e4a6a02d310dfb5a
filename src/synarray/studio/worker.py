"""The process that computes for one page: a line of JSON in for each request, a line of JSON out for each answer.

One thread reads requests, one computes: the newest request counts, an older one ends at its next look (some milliseconds), and
only then the newer one begins. While a network learns, what is seen of it is sent ten times a second; when it is tested, its
bill; after that the verdict is worked out in the background, until the next request.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from synarray import __version__
from synarray.device.library import device_names, load_device
from synarray.errors import SpecError, SynarrayError
from synarray.learn.result import Result
from synarray.learn.trainer import Trainer
from synarray.learn.training import train
from synarray.network.encoding import Retina
from synarray.run.experiment import ExperimentSpec, experiment_names, task_images
from synarray.studio import views
from synarray.studio.asked import Asked, read_asked
from synarray.studio.bill import bill_of
from synarray.studio.controls import CONTROLS, disabled, values_of
from synarray.studio.glossary import load_glossary
from synarray.studio.source import Source, open_source
from synarray.task.datasets import Dataset, load_dataset

__all__ = ["Worker", "main"]

_FRAME, _PICTURE = 0.1, 0.3
"""Seconds between two frames, and between two pictures of the array."""

Send = Callable[[dict[str, Any]], None]


class _EndedError(BaseException):
    """A newer request came; no Exception, so that nothing on the way answers it."""


class Job:
    """One request that is being worked on.

    Attributes
    ----------
    number : int
        The page's number of it, which every answer carries.
    """

    def __init__(self, number: int, work: Callable[[Job], None]) -> None:
        self.number, self.work = number, work
        self._ended = threading.Event()

    def end(self) -> None:
        """Have it end at its next look."""
        self._ended.set()

    def look(self, *_: object) -> None:
        """Raise when it is to end."""
        if self._ended.is_set():
            raise _EndedError

    def wait(self, seconds: float) -> None:
        """Wait, unless it is to end."""
        if self._ended.wait(seconds):
            raise _EndedError


class Worker:
    """Answers the requests of one page.

    Parameters
    ----------
    source : Source
        What the page begins with.
    send : callable
        Sends an answer; called from any thread.
    """

    def __init__(self, source: Source, send: Send) -> None:
        self.source, self._send = source, send
        self._data: dict[str, Dataset] = {}
        self._inputs: dict[str, npt.NDArray[np.int64]] = {}
        self._next: Job | None = None
        self._running: Job | None = None
        self._change = threading.Condition()
        self._file = "pulses.csv"
        threading.Thread(target=self._work, daemon=True, name="studio").start()

    # ---- requests -----------------------------------------------------------------------------------------------------------

    def receive(self, request: dict[str, Any]) -> None:
        """Take a request up; what is none is answered in words."""
        number = request.get("id")
        number = number if isinstance(number, int) and not isinstance(number, bool) and abs(number) < 2**53 else 0
        try:
            self._take_up(request, number)
        except (SynarrayError, ValueError, TypeError, RecursionError) as error:
            self._refuse(number, error)

    def _take_up(self, request: dict[str, Any], number: int) -> None:
        kind = request.get("t")
        if kind == "hello":
            self._start(None)
            self._send(self._hello())
        elif kind == "train":
            asked = read_asked(request.get("asked"), self.source.data)
            self._start(Job(number, lambda job: self._train(job, asked)))
        elif kind == "cancel":
            self._start(None)
        elif kind == "file":
            self._file = str(request.get("name"))[:200]
        elif kind == "content":
            content = base64.b64decode(str(request.get("content")), validate=True)
            name = self._file
            self._start(Job(number, lambda job: self._read(job, name, content)))
        elif kind == "opened" and self.source.pulses is not None:
            path = self.source.pulses
            self._start(Job(number, lambda job: self._read(job, path)))
        elif kind == "watch" and self.source.watched is not None:
            watched = self.source.watched
            self._start(Job(number, lambda job: self._follow(job, watched)))
        else:
            raise SpecError(
                "a request must be one the studio knows", got=repr(kind)[:60], where="the page", do="Reload the page."
            )

    def _hello(self) -> dict[str, Any]:
        library = [load_device(name) for name in device_names()]
        return {
            "t": "hello",
            "version": __version__,
            "controls": [control.described() for control in CONTROLS],
            "library": [[device.name, device.title or device.technology] for device in library],
            "experiments": experiment_names(),
            "data": list(self.source.data),
            "asked": self.source.asked.described(),
            "pulses": self.source.pulses.name if self.source.pulses else None,
            "watched": str(self.source.watched) if self.source.watched else None,
            "glossary": load_glossary(),
        }

    def _refuse(self, number: int, error: BaseException) -> None:
        if isinstance(error, SynarrayError):
            parts = {"rule": error.rule, "got": error.got, "where": error.where, "do": error.do}
        else:
            said = " ".join(str(error).split())[:200] or type(error).__name__
            parts = {
                "rule": "the request could not be answered",
                "got": said,
                "where": "the studio",
                "do": "Change it, or reload the page.",
            }
        self._send({"t": "error", "id": number, **parts})

    # ---- the thread that computes ----------------------------------------------------------------------------------------------

    def _start(self, job: Job | None) -> None:
        with self._change:
            self._next = job
            if self._running is not None:
                self._running.end()
            self._change.notify()

    def _work(self) -> None:
        while True:
            with self._change:
                while self._next is None:
                    self._change.wait()
                job, self._next = self._next, None
                self._running = job
            try:
                job.work(job)
            except _EndedError:
                pass
            except (
                Exception,
                MemoryError,
            ) as error:  # whatever it is, the page says so, and the next request is answered
                self._refuse(job.number, error)
            finally:
                with self._change:
                    self._running = None

    def _train(self, job: Job, asked: Asked) -> None:
        spec = asked.spec()
        self._send({
            "t": "begin", "id": job.number, "asked": asked.described(), "values": values_of(spec), "disabled": disabled(spec),
            "command": asked.command(), "python": asked.python(), "toml": asked.toml(),
            "device": spec.device.name if spec.device else None,
        })  # fmt: skip
        data, *task = task_images(spec, self._dataset(spec.data))
        job.look()
        trained = train(
            spec, *task, image_shape=data.image_shape, full_scale=data.full_scale, workers=os.cpu_count() or 1,
            observe=_Eye(job, self._send, lambda trainer: self._places(spec, data, task[0], trainer),
                         [i for i, layer in enumerate(spec.layers, 1) if layer.learn]).look,
        )  # fmt: skip
        self._send({"t": "done", "id": job.number, **self._last_look(trained), "bill": bill_of(trained)})
        del trained
        self._judge(job, spec)

    # Libraries that only these need are imported here, so that the page is usable sooner.

    def _read(self, job: Job, file: str | Path, content: bytes | None = None) -> None:
        from synarray.studio.pulses import read_content, read_pulse_file

        found = read_pulse_file(Path(file)) if content is None else read_content(str(file), content)
        job.look()
        self._send({"t": "file", "id": job.number, **found})

    def _follow(self, job: Job, watched: Path) -> None:
        from synarray.studio.watching import follow

        follow(watched, self._send, job.look, job.wait)

    def _judge(self, job: Job, spec: ExperimentSpec) -> None:
        from synarray.studio.verdict import verdicts

        for verdict in verdicts(spec, self._dataset(spec.data), job.look):
            self._send({"t": "verdict", "id": job.number, **verdict})

    def _dataset(self, name: str) -> Dataset:
        if name not in self._data:
            self._data[name] = load_dataset(name)
        return self._data[name]

    def _places(
        self, spec: ExperimentSpec, data: Dataset, x: npt.NDArray[np.generic], trainer: Trainer
    ) -> dict[str, Any]:
        """Say where the shown neurons' weights are in the image; what the retina selects is remembered."""
        if spec.layers:
            return views.field_places(trainer.machine, None, None, 0)
        key = f"{spec.data} {spec.inputs} {spec.images} {spec.validation} {spec.seed if spec.images else ''}"
        features = int(np.prod(x.shape[1:]))
        if key not in self._inputs:
            flat = x.reshape(len(x), -1)
            self._inputs = {key: Retina.fit(flat, spec.inputs, full_scale=data.full_scale, gain_control=False).inputs}
        return views.field_places(trainer.machine, self._inputs[key], data.image_shape, features)

    @staticmethod
    def _last_look(result: Result) -> dict[str, Any]:
        return {"fields": views.fields_view(result.machine), "array": views.array_view(result.machine)}


class _Eye:
    """Looks at a training as it is, sends what it sees ten times a second, and ends it when it is to end.

    Layers learn one after the other, each with a trainer of its own; ``layers`` are the numbers of those that learn.
    """

    def __init__(self, job: Job, send: Send, places: Callable[[Trainer], dict[str, Any]], layers: list[int]) -> None:
        self._job, self._send, self._places, self._layers = job, send, places, layers
        self._trainer: Trainer | None = None
        self._sent = self._pictured = 0.0
        self._points = 0
        self._said_reading = False
        self._one = threading.Lock()

    def look(self, trainer: Trainer) -> None:
        """Be called by the trainer; while it infers, from several threads."""
        self._job.look()
        if not self._one.acquire(blocking=False):
            return
        try:
            self._see(trainer)
        finally:
            self._one.release()

    def _see(self, trainer: Trainer) -> None:
        fresh = trainer is not self._trainer
        if fresh:
            self._trainer, self._sent, self._pictured, self._points, self._said_reading = trainer, 0.0, 0.0, 0, False
        now = time.perf_counter()
        first = any(point.accuracy is not None for point in trainer.history) and self._points < 2
        learned = trainer.presentations >= trainer.total + (trainer.teacher.extra if trainer.teacher else 0)
        if not (first or now - self._sent >= _FRAME or (learned and not self._said_reading)):
            return
        frame: dict[str, Any] = {
            "t": "frame", "id": self._job.number, "n": trainer.presentations, "total": trainer.total,
            "rate": trainer.presentations / max(trainer.seconds, 1e-9), "points": views.points_view(trainer, self._points),
            "reading": learned and not trainer.machine.spec.pruning.rebalance,
        }  # fmt: skip
        if not (learned and self._said_reading):
            frame |= {"fields": views.fields_view(trainer.machine), "spikes": views.spikes_view(trainer)}
            if fresh:
                frame |= {"places": self._places(trainer), "layer": self._layers.pop(0) if self._layers else 0}
                frame["taught"] = trainer.teacher is not None
            if now - self._pictured >= _PICTURE:
                frame["array"] = views.conductance_view(trainer.machine)
                self._pictured = time.perf_counter()
        self._points, self._said_reading = len(trainer.history), learned
        self._send(frame)
        self._sent = time.perf_counter()


def _lines_to(out: BinaryIO) -> Send:
    lock = threading.Lock()

    def send(answer: dict[str, Any]) -> None:
        line = json.dumps(answer, separators=(",", ":")).encode() + b"\n"
        with lock:
            out.write(line)
            out.flush()

    return send


def main(arguments: list[str]) -> None:
    """Answer requests from standard input until it ends; ``arguments``: what to open, and whether to watch it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends this
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    send = _lines_to(out)
    name, watch = (arguments[0] or None), arguments[1] == "watch"
    try:
        worker = Worker(open_source(name, watch), send)
    except SynarrayError as error:
        send(
            {
                "t": "refused",
                "kind": type(error).__name__,
                "rule": error.rule,
                "got": error.got,
                "where": error.where,
                "do": error.do,
            }
        )
        return
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if isinstance(request, dict):
            worker.receive(request)
    os._exit(0)  # the page is gone: whatever is being computed has no reader


if __name__ == "__main__":
    main(sys.argv[1:])
