"""Reaching a Dask scheduler: within seconds it is there, or one message says why not.

What listens at an address may be anything, and may say anything or nothing. So the address is looked at first, then whether
somebody listens, then whether it speaks as a scheduler does; only then is a client made, which would try for long and not
end quietly.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
import socket
import threading
from collections.abc import Callable
from typing import Any

from synarray.errors import RunError

__all__ = ["connect"]

_ADDRESS = re.compile(r"(?:(?P<scheme>[^:/]*)://)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s/:@\[\]]+):(?P<port>[0-9]{1,6})/?")
_SCHEMES = ("tcp", "tls", "ws", "wss")
_LISTENS, _SPEAKS, _ANSWERS = 3.0, 2.5, 3.0
"""Seconds for each: that somebody listens, that it speaks as a scheduler does, that it takes a client."""
_NOTHING = "no answer"


def connect(address: str) -> Any:
    """Return a client of the scheduler at an address.

    Raises
    ------
    RunError
        When dask.distributed is not installed, or no scheduler answers there within 9 s.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise RunError(
            "a Dask cluster needs dask.distributed",
            got="an environment without it",
            where="--dask",
            do="pip install 'synarray[dask]'",
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    host, port = _parts(address)
    _within(_LISTENS + _SPEAKS, lambda: _listen_and_speak(address, host, port), address)
    return _within(_ANSWERS, lambda: distributed.Client(address, timeout=_ANSWERS - 0.5, set_as_default=False), address)


def _parts(address: str) -> tuple[str, int]:
    """Take an address apart: host and port."""
    found = _ADDRESS.fullmatch(address)
    if found is None or (found["scheme"] or "tcp") not in _SCHEMES or not 0 < int(found["port"]) < 1 << 16:
        raise RunError(
            "the Dask scheduler must be reachable at an address such as tcp://10.0.0.1:8786",
            got=repr(address)[:120],
            where="--dask",
            do="Give tcp://HOST:PORT, as dask scheduler prints it; the port lies between 1 and 65535.",
        )
    return found["host"].strip("[]"), int(found["port"])


def _within(seconds: float, work: Callable[[], Any], address: str) -> Any:
    """Do something that may never end, in a thread that nobody waits for then; what it raises is why there is no scheduler."""
    found: list[Any] = []
    failed: list[str] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:  # of whatever kind: each means that there is no scheduler
            failed.append(" ".join(str(error).split())[:120] or type(error).__name__)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise RunError(
            "the Dask scheduler must be reachable",
            got=failed[0] if failed else f"{_NOTHING} in {seconds:g} s",
            where=f"--dask {address}",
            do="Start one (dask scheduler), or check its address and the network.",
        )
    return found[0]


def _listen_and_speak(address: str, host: str, port: int) -> bool:
    """See that somebody listens, and that it speaks as a scheduler does; raises what is in the way."""
    try:
        socket.create_connection((host, port), timeout=_LISTENS - 0.5).close()
    except TimeoutError:
        raise OSError(f"{_NOTHING} in {_LISTENS - 0.5:g} s") from None
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # what a stranger says is not worth a trace
    try:
        loop.run_until_complete(asyncio.wait_for(_identity(address), _SPEAKS - 0.5))
    except Exception as error:  # of whatever kind: a stranger may say anything
        raise OSError(f"something that is no scheduler ({type(error).__name__})") from None
    finally:
        loop.close()
    return True


async def _identity(address: str) -> None:
    """Ask a scheduler who it is, in its own protocol; raises whatever another listener's answer leads to."""
    core: Any = importlib.import_module("distributed.core")
    security: Any = importlib.import_module("distributed.security").Security()
    comm = await core.connect(address, timeout=_SPEAKS, **security.get_connection_args("client"))
    try:
        told = await core.send_recv(comm, op="identity")
        if told.get("type") != "Scheduler":
            raise OSError(f"a Dask {told.get('type')}")
    finally:
        comm.abort()
