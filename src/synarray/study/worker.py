"""The process of a local worker: it takes one run after the other, and dies with the process that started it.

A line of JSON comes in for each run, a line of JSON goes out. Ctrl-C is left to the process that started it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading

__all__ = ["serve"]


def serve() -> None:
    """Run what comes in until nothing more does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not go between the lines
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    from synarray.study.measure import perform

    def say(word: object) -> None:
        out.write(f"{json.dumps(word)}\n")
        out.flush()

    say("ready")
    while True:
        say(perform(json.loads(jobs.get())))


def _listen(jobs: queue.SimpleQueue[str]) -> None:
    """Pass on what comes in; end at once, in the middle of a run, when the other end is closed."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)
