"""The server as it runs: one socket on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import socket
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from chainrule.app.server.limits import Limits

HOST: Final = "127.0.0.1"
"""This machine, and nothing else: there is no option for it."""


def listen(port: int) -> socket.socket:
    """A socket on a port of this machine; 0 is any free one.

    An answer is sent in two pieces, headers and body. The connections made here inherit that the
    second one is sent at once: otherwise it waits for the page to acknowledge the first, 40 ms.

    Raises:
        OSError: The port is taken, or not for us.
    """
    listener = socket.create_server((HOST, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def server(application: ASGIApp, limits: Limits, verbose: bool = False) -> uvicorn.Server:
    """A server with its own bounds; it writes nothing of what is asked."""
    return uvicorn.Server(
        uvicorn.Config(
            application,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            log_level="warning" if verbose else "critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            limit_concurrency=limits.connections,
            backlog=limits.connections,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=limits.header,
        )
    )


def end_on_signals(serving: uvicorn.Server) -> None:
    """Let Ctrl-C and SIGTERM end a server: answers under way get a second, then workers end.

    The server heeds them by itself, but only while it runs, and raises them again afterwards.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, serving.handle_exit)
