"""Reaching a Dask scheduler: within seconds it answers, or one message says why not.

What listens at an address may be anything, and may say anything or nothing. ``distributed`` bounds how long it connects, but
not how long it waits for the first answer; so that is asked for first, with a time limit, in a thread that may be left behind.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import queue
import re
import threading
from typing import Any

from synarray.errors import RunError
from synarray.extras import require

__all__ = ["connect"]

_ADDRESS = re.compile(r"(?:(?:tcp|tls|wss?)://)?(?:\[[0-9A-Fa-f:.%]+\]|[^\s/:@\[\]]+):(?P<port>[0-9]{1,5})/?")
_ANSWERS, _IN_ALL = 3.0, 9.0
"""Seconds for the first answer and for taking a client, each; seconds for both, with finding the address."""


def connect(address: str) -> Any:
    """Return a client of the scheduler at an address.

    Raises
    ------
    RunError
        When dask.distributed is not installed, or no scheduler answers there within 9 s.
    """
    distributed = require("dask", "studies on a Dask cluster", "distributed")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    written = _ADDRESS.fullmatch(address)
    if written is None or not 0 < int(written["port"]) < 1 << 16:
        raise RunError(
            "the Dask scheduler must be reachable at an address such as tcp://10.0.0.1:8786",
            got=repr(address)[:120],
            where="--dask",
            do="Give tcp://HOST:PORT, as dask scheduler prints it; the port is between 1 and 65535.",
        )
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            asyncio.run(asyncio.wait_for(_identity(address), _ANSWERS))
            answers.put(distributed.Client(address, timeout=_ANSWERS, set_as_default=False))
        except Exception as error:  # of any kind: each means that there is no scheduler
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=_IN_ALL)
    except queue.Empty:
        found = TimeoutError("no answer")
    if not isinstance(found, Exception):
        return found
    words = " ".join(str(found).split())[:120] or type(found).__name__
    raise RunError(
        "the Dask scheduler must be reachable",
        got=f"no scheduler ({words})",
        where=f"--dask {address}",
        do="Start one (dask scheduler), or check its address and the network.",
    )


async def _identity(address: str) -> None:
    """Ask a scheduler who it is, in its own protocol; raises whatever the answer of something else leads to."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # what a stranger says is not worth a trace
    core, security = (importlib.import_module(f"distributed.{name}") for name in ("core", "security"))
    comm = await core.connect(address, timeout=_ANSWERS, **security.Security().get_connection_args("client"))
    try:
        answer = await core.send_recv(comm, op="identity")
        if answer.get("type") != "Scheduler":
            raise OSError(f"a Dask {answer.get('type')}")
    finally:
        comm.abort()
