"""The web server of the studio: on this machine only, for those who have the address with its random token (see ``web.py``)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
import webbrowser
from collections.abc import Callable, Iterator
from typing import Any

from synarray.errors import RunError
from synarray.studio.sessions import Crew

__all__ = ["PORT", "serve"]

PORT = 8765
"""Where the studio is, unless that is in use."""
_TRIED = 20
"""Ports that are tried, one after another."""


def serve(
    source: str, *, watch: bool = False, port: int = PORT, browser: bool = True, say: Callable[[str], None] = print
) -> None:
    """Serve the studio until Ctrl-C.

    Parameters
    ----------
    source : str
        What to open; empty: the default.
    watch : bool
        Follow a run or a study.
    port : int
        The first one that is tried; 0: any.
    browser : bool
        Open the page in a browser.
    say : callable
        Called with each line for people.

    Raises
    ------
    SynarrayError
        When the source cannot be opened, or no port is free.
    """
    place = _bind(port)
    found = place.getsockname()[1]
    if port and found != port:
        say(f"Port {port} is in use; the studio is at port {found}.")
    asyncio.run(_serve(place, found, Crew(source, watch), browser, say))


async def _serve(place: socket.socket, port: int, crew: Crew, browser: bool, say: Callable[[str], None]) -> None:
    token = secrets.token_urlsafe(24)
    with place:
        preparing = asyncio.create_task(crew.prepare())
        try:
            await asyncio.sleep(0.01)  # the worker loads its libraries while this process loads those of the web
            server = _server(crew, token, port)
            await preparing
            address = f"http://127.0.0.1:{port}/{token}/"
            say(f"The studio is at {address}  (Ctrl-C stops it)")
            if browser:
                await asyncio.to_thread(webbrowser.open, address)
            await server.serve(sockets=[place])
        finally:
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)
            await crew.stop()


def _server(crew: Crew, token: str, port: int) -> Any:
    """Return a server that Ctrl-C and SIGTERM end, as its usual end; a second one at once."""
    import uvicorn

    from synarray.studio.web import MOST_BYTES, guarded_page

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            numbers = (signal.SIGINT, signal.SIGTERM)
            before = {number: signal.signal(number, self.handle_exit) for number in numbers}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    return Server(uvicorn.Config(
        guarded_page(crew, token, port), log_level="error", access_log=False, lifespan="off", ws="websockets-sansio",
        ws_max_size=MOST_BYTES, ws_ping_interval=20.0, ws_ping_timeout=60.0, server_header=False,
        timeout_graceful_shutdown=2, limit_concurrency=64, h11_max_incomplete_event_size=16_384,
    ))  # fmt: skip


def _bind(port: int) -> socket.socket:
    for tried in range(port, min(port + _TRIED, 65_536)) if port else (0,):
        place = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind(("127.0.0.1", tried))
            place.listen(64)
        except OSError:
            place.close()
        else:
            return place
    raise RunError(
        "the studio needs a free port",
        got=f"none from {port} to {port + _TRIED - 1}",
        where="--port",
        do="Give another one: --port 0 takes any.",
    )
