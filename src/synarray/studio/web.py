"""What the studio's server answers, and to whom: the page and its files, and the talk between a page and its worker.

    GET /TOKEN/            the page; its script, style sheets and licence are beside it
    WebSocket /TOKEN/talk  requests and answers, as JSON; a dropped file as bytes

Every request must name this server as its host (so no foreign name can be made to lead here) and, where it has an origin, this
page as its origin. Nothing of the page comes from, or goes to, anywhere else: its content security policy forbids it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import time
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from synarray.studio.sessions import MOST_PAGES, Crew, WorkerProcess

__all__ = ["MOST_BYTES", "guarded_page"]

MOST_BYTES = 16 << 20
"""Bytes of a dropped file."""
_MOST_TEXT = 256 << 10
"""Characters of a request."""
_DEATHS, _WITHIN = 3, 10.0
"""So many workers that die within so many seconds each are no accident."""
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "txt": "text/plain"}
_PAGE = {name: f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8" for name in (
    "index.html", "studio.js", "studio.css", "uPlot.iife.min.js", "uPlot.min.css", "uPlot-LICENSE.txt",
)}  # fmt: skip
"""Files of the page, and nothing else, with their type."""


def guarded_page(crew: Crew, token: str, port: int) -> Guard:
    """Return the application, behind its guard."""
    return Guard(_application(crew, token), token, port)


class Guard:
    """Lets through only requests that name this server, come from its own page, and know the token."""

    def __init__(self, application: ASGIApp, token: str, port: int) -> None:
        self._application, self._token = application, token.encode()
        self._hosts = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost")}
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            f"connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self._headers = [
            (b"content-security-policy", policy.encode()), (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"), (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"), (b"cache-control", b"no-store"),
        ]  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._headers]
            await send(message)

        refused = self._refused(scope)
        if refused is None:
            await self._application(scope, receive, guarded)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(f"{refused}\n", 403)(scope, receive, guarded)

    def _refused(self, scope: Scope) -> str | None:
        headers = list(scope["headers"])
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "This is not the address of this server."
        origins = [value for name, value in headers if name == b"origin"]
        if any(origin != b"http://" + hosts[0] for origin in origins) or (scope["type"] == "websocket" and not origins):
            return "This server answers its own page only."
        token = scope["path"].encode().split(b"/")[1]
        if not hmac.compare_digest(token, self._token):
            return "The address needs the token that the studio printed when it started."
        return None


def _application(crew: Crew, token: str) -> Starlette:
    folder = resources.files("synarray.studio") / "page"

    async def page(request: Request) -> Response:
        name = request.path_params.get("name") or "index.html"
        if name not in _PAGE:
            return PlainTextResponse("There is no such file.\n", 404)
        return Response((folder / name).read_bytes(), headers={"content-type": _PAGE[name]})

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        if crew.full:
            await socket.send_json({"t": "full", "most": MOST_PAGES})
            await socket.close(1013)
            return
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the page is gone
            await _Talk(socket, crew).hold()

    return Starlette(routes=[
        WebSocketRoute(f"/{token}/talk", talk),
        Route(f"/{token}/", page), Route(f"/{token}/{{name}}", page),
    ])  # fmt: skip


class _Talk:
    """One page and its worker, until the page is closed; when the worker dies, another one replaces it."""

    def __init__(self, socket: WebSocket, crew: Crew) -> None:
        self._socket, self._crew = socket, crew

    async def hold(self) -> None:
        deaths: list[float] = []
        reading = asyncio.create_task(self._next())
        try:
            while len(deaths) < _DEATHS:
                begun = time.monotonic()
                worker = await self._crew.take()
                try:
                    await self._socket.send_text(worker.hello.decode())
                    answering = asyncio.create_task(self._answers(worker))
                    try:
                        while not answering.done():
                            await asyncio.wait({reading, answering}, return_when=asyncio.FIRST_COMPLETED)
                            if reading.done():
                                await self._take_up(reading.result(), worker)
                                reading = asyncio.create_task(self._next())
                        answering.result()
                    finally:
                        answering.cancel()
                        await asyncio.gather(answering, return_exceptions=True)
                finally:
                    await self._crew.leave(worker)
                deaths = [*deaths, begun] if time.monotonic() - begun < _WITHIN else []
                await self._socket.send_json({"t": "lost", "again": len(deaths) < _DEATHS})
            await self._socket.close(1011)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _next(self) -> Message:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(int(message.get("code") or 1005))
        return message

    async def _answers(self, worker: WorkerProcess) -> None:
        while answer := await worker.answer():
            await self._socket.send_text(answer.decode())

    async def _take_up(self, message: Message, worker: WorkerProcess) -> None:
        request = _request(message)
        if isinstance(request, str):
            error = {
                "rule": "a request must be a small JSON object",
                "got": request,
                "where": "the page",
                "do": "Reload the page.",
            }
            await self._socket.send_json({"t": "error", "id": 0, **error})
        else:
            worker.send(request)


def _request(message: Message) -> dict[str, Any] | str:
    """Read what a page sent; a text says what it was instead of a request."""
    content = message.get("bytes")
    if content is not None:
        return {"t": "content", "id": 0, "content": base64.b64encode(content).decode()}
    text = message.get("text") or ""
    if len(text) > _MOST_TEXT:
        return f"{len(text):,} characters"
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return "other text"
    return request if isinstance(request, dict) else type(request).__name__
