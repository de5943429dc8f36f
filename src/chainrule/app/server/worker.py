"""A worker: a process that does one job after the other, and ends when its server does.

It is a new interpreter (``python -m chainrule.app.server.worker SETUP``) with messages on standard
input and output. What it knows of the server is the setup: jobs and limits, as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, BinaryIO, Final, NamedTuple

from chainrule.app.server.answers import error_as_data
from chainrule.app.server.bounds import allow_seconds, bound_memory
from chainrule.app.server.messages import Message, packed, read
from chainrule.app.server.programs import address
from chainrule.errors import ChainruleError

NO_MEMORY: Final = 77
"""The exit code of a worker that ran out of memory: little works then, so it ends."""
READY: Final = b"ready"

_Job = Callable[[Any], dict[str, Any]]


class Setup(NamedTuple):
    """What a worker is started with.

    Attributes:
        jobs: For each name a function, as ``module:function``.
        seconds: For one job.
        memory: Bytes of address space.
        answer: Bytes of an answer, and of a program.
    """

    jobs: dict[str, str]
    seconds: float
    memory: int
    answer: int


def main(setup: Setup) -> None:
    """Do jobs until the server closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends its workers
    source, sink = _pipes()
    jobs = {name: _job(place) for name, place in setup.jobs.items()}
    bound_memory(setup.memory)
    for module in {place.partition(":")[0] for place in setup.jobs.values()}:
        getattr(sys.modules[module], "prepare", _nothing)()
    sink.write(packed((READY, b"")))
    asked: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_listen, args=(source, asked), daemon=True).start()
    while True:
        name, request = asked.get()
        allow_seconds(setup.seconds)
        sink.write(packed(_done(jobs[name.decode()], request, setup.answer)))


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes from and to the server; what a job prints does not get among its answers."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return source, sink


def _nothing() -> None:
    """What a module without preparations does."""


def _job(place: str) -> _Job:
    module, _, name = place.partition(":")
    found: _Job = getattr(importlib.import_module(module), name)
    return found


def _listen(source: BinaryIO, asked: SimpleQueue[Message]) -> None:
    """Hand on what the server asks; without a server there is nobody to work for."""
    while (message := read(source)) is not None:
        asked.put(message)
    os._exit(0)


def _done(job: _Job, request: bytes, most: int) -> Message:
    """The answer to a request, or why there is none."""
    try:
        answer = job(json.loads(request))
        program = (answer.get("program") or "").encode()
        if program:
            answer = {**answer, "program": {"url": address(program)}}
        text = json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        found = text.encode()
    except ChainruleError as error:
        return json.dumps({"error": error_as_data(error)}).encode(), b""
    except MemoryError:
        os._exit(NO_MEMORY)
    except RecursionError:
        return _failure("E514", "this nests too deeply to be computed")
    except Exception as error:  # ours to mend; whoever reads the page gets no traceback
        traceback.print_exc()
        return _failure("E516", f"the computation failed: {type(error).__name__}")
    if max(len(found), len(program)) > most:
        return _failure("E513", f"the answer is larger than {most} bytes")
    return found, program


def _failure(code: str, why: str) -> Message:
    return b"", json.dumps([code, why]).encode()


if __name__ == "__main__":
    main(Setup(**json.loads(sys.argv[1])))
