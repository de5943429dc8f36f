"""The page as an application: its files, what is computed for it, the programs it loads."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from chainrule.app.server.files import TYPES, files
from chainrule.app.server.gate import Gate, refusal
from chainrule.app.server.limits import Limits
from chainrule.app.server.pace import Pace
from chainrule.app.server.programs import Programs
from chainrule.app.server.requests import REQUESTS, checked
from chainrule.app.server.workers import Workers
from chainrule.errors import ServerError

_Found = TypeVar("_Found")


def application(
    port: int,
    token: str,
    jobs: Mapping[str, str],
    folder: Path,
    limits: Limits,
    verbose: bool = False,
) -> ASGIApp:
    """The page at ``http://127.0.0.1:port/token/``.

    Args:
        port: Where the server listens.
        token: What whoever asks must know.
        jobs: For each name what workers do (`chainrule.app.server.jobs.JOBS`).
        folder: With the files of the page.
        limits: What a request may cost.
        verbose: Whether workers write what fails inside of them to standard error.
    """
    return Gate(_Page(Workers(jobs, limits, verbose), folder, limits).application, port, token)


class _Page:
    """The answers to requests that came through the gate."""

    def __init__(self, workers: Workers, folder: Path, limits: Limits) -> None:
        self._workers = workers
        self._files = files(folder)
        self._limits = limits
        self._pace = Pace(limits.rate, limits.burst)
        self._programs = Programs(limits)
        self.application = Starlette(
            routes=[
                Route("/", self._start),
                Route("/static/{name:path}", self._file),
                Route("/program/{digest}.js", self._program),
                Route("/api/{job}", self._computed, methods=["POST"]),
            ],
            exception_handlers={ServerError: _refused, HTTPException: _failed, Exception: _broken},
            lifespan=self._lifespan,
        )
        self.application.router.redirect_slashes = False

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self._workers:
            yield

    async def _start(self, request: Request) -> Response:
        return self._named("index.html", request)

    async def _file(self, request: Request) -> Response:
        return self._named(request.path_params["name"], request)

    def _named(self, name: str, request: Request) -> Response:
        """A file of the page; nothing of it where the browser has the same already."""
        if name not in self._files:
            raise HTTPException(404)
        path = self._files[name]
        content = path.read_bytes()
        headers = {
            "etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
            "cache-control": "no-cache",
            "content-type": TYPES[path.suffix],
        }
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers)

    async def _program(self, request: Request) -> Response:
        program = self._programs.find(request.path_params["digest"])
        if program is None:
            raise HTTPException(404)
        return Response(program, headers={"content-type": TYPES[".js"]})

    async def _computed(self, request: Request) -> Response:
        job = request.path_params["job"]
        if job not in REQUESTS:
            raise HTTPException(404)
        if not self._pace.allows():
            raise ServerError("E505", f"more than {self._limits.rate:g} requests a second")
        asked = checked(job, await self._body(request))
        answering = self._workers.ask(job, json.dumps(asked).encode())
        answer, program = await _unless_nobody_waits(request, answering)
        if program:
            self._programs.keep(program)
        return Response(answer, headers={"content-type": "application/json"})

    async def _body(self, request: Request) -> bytes:
        """What was sent, as far as the limits go."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ServerError("E502", "a request must be application/json")
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.upload):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._limits.body:
                        most = f"{self._limits.body} bytes"
                        raise ServerError("E503", f"the request is larger than {most}")
        except TimeoutError:
            raise ServerError("E504", "the request takes too long to come") from None
        return bytes(body)


async def _unless_nobody_waits(request: Request, answering: Awaitable[_Found]) -> _Found:
    """An answer; where the browser leaves, what would give it is cancelled."""
    answer = asyncio.ensure_future(answering)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait([answer, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise HTTPException(503)  # to nobody
        return answer.result()
    finally:
        answer.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ServerError)
    return refusal(error)


async def _failed(_: Request, error: Exception) -> Response:
    """No such page, or not with this method: the number says all."""
    assert isinstance(error, HTTPException)
    return Response(status_code=error.status_code, headers=error.headers)


async def _broken(_: Request, error: Exception) -> Response:
    return refusal(ServerError("E516", f"the server failed: {type(error).__name__}"))
