"""Jobs that behave as no job should: what the server is tried with instead of those of the page."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from chainrule.errors import FormulaError, Span

JOBS = {
    "content": "tests.app.stand_in:content",
    "export": "tests.app.stand_in:echo",
    "exercise": "tests.app.stand_in:echo",
}


def content(request: dict[str, Any]) -> dict[str, Any]:
    """Does what the formula says."""
    word, _, rest = request["source"].partition(" ")
    return {"process": os.getpid(), **_DEEDS.get(word, echo)({**request, "rest": rest})}


def echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"asked": request}


def _sleep(request: dict[str, Any]) -> dict[str, Any]:
    time.sleep(float(request["rest"]))
    return {}


def _spin(_: dict[str, Any]) -> dict[str, Any]:
    while True:
        pass


def _allocate(_: dict[str, Any]) -> dict[str, Any]:
    return {"size": len(bytearray(8 * 1024**3))}


def _abort(_: dict[str, Any]) -> dict[str, Any]:
    os.abort()


def _exit(_: dict[str, Any]) -> dict[str, Any]:
    sys.exit(3)


def _recurse(request: dict[str, Any]) -> dict[str, Any]:
    return _recurse(request)


def _nest(_: dict[str, Any]) -> dict[str, Any]:
    """An answer that nests too deeply to be written."""
    found: dict[str, Any] = {}
    for _ in range(100_000):
        found = {"in": found}
    return found


def _fail(_: dict[str, Any]) -> dict[str, Any]:
    raise ZeroDivisionError("secret")


def _refuse(request: dict[str, Any]) -> dict[str, Any]:
    raise FormulaError("E101", "unknown function 'refuse'", request["source"], Span(0, 6), "what?")


def _infinite(_: dict[str, Any]) -> dict[str, Any]:
    return {"value": float("inf")}


def _large(_: dict[str, Any]) -> dict[str, Any]:
    return {"text": "x" * 6 * 1024**2}


def _print(_: dict[str, Any]) -> dict[str, Any]:
    print("this is no message", flush=True)
    os.write(1, b"nor this")
    return {"read": os.read(0, 1).decode()}


def _program(request: dict[str, Any]) -> dict[str, Any]:
    return {"program": f"export const name = {request['rest']!r};"}


_DEEDS = {
    "sleep": _sleep,
    "spin": _spin,
    "allocate": _allocate,
    "abort": _abort,
    "exit": _exit,
    "recurse": _recurse,
    "nest": _nest,
    "fail": _fail,
    "refuse": _refuse,
    "infinite": _infinite,
    "large": _large,
    "print": _print,
    "program": _program,
}
