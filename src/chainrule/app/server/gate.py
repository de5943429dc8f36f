"""Who gets in: whoever asks this machine by its own name, from the page itself, with the token.

Any page in a browser can send requests to this machine. The checks are of what a page cannot
choose: ``Host`` (a name of its own that it lets point here, "DNS rebinding"), ``Origin`` and
``Sec-Fetch-Site``. Other programs and users do not know the token.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chainrule.app.server.answers import LATER, STATUS, error_as_data
from chainrule.errors import ServerError

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types chainrule",
    )
)
"""What the page may load and do: its own files, no script or style in the text, no frame around it.

Where text becomes elements it goes through the one policy of that name.
"""

HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""On every answer."""


def refusal(error: ServerError) -> Response:
    """The answer that says an error of the server."""
    later = {"retry-after": "1"} if error.code in LATER else None
    return JSONResponse({"error": error_as_data(error)}, STATUS[error.code], later)


class Gate:
    """An application in front of another one, which sees neither token nor strangers."""

    def __init__(self, application: ASGIApp, port: int, token: str) -> None:
        self._application = application
        self._hosts = [f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost")]
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http":  # the start and the end
            await self._application(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        token, slash, rest = scope["path"].removeprefix("/").partition("/")
        try:
            self._check(scope["headers"])
        except ServerError as error:
            await refusal(error)(scope, receive, guarded)
            return
        if not secrets.compare_digest(token.encode(), self._token) or not slash:
            await Response(status_code=404)(scope, receive, guarded)
            return
        inside = {**scope, "path": "/" + rest}
        await self._application(inside, receive, guarded)

    def _check(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Whether the request is for this server, and from its page or from no page."""
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            raise ServerError("E508", "this server answers to its own address only")
        for name, value in headers:
            if (name == b"origin" and value != b"http://" + hosts[0]) or (
                name == b"sec-fetch-site" and value not in {b"same-origin", b"none"}
            ):
                raise ServerError("E507", "this server answers to its own page only")
