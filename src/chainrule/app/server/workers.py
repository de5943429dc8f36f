"""The workers as the server sees them: a few processes, each asked one thing at a time.

A worker that takes too long, or ends, is replaced by a new one; whoever asked it is told why.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final, Self

from chainrule.app.server.limits import MIB, Limits
from chainrule.app.server.messages import Message, packed, receive
from chainrule.app.server.worker import NO_MEMORY, Setup
from chainrule.errors import ServerError

_MODULE: Final = "chainrule.app.server.worker"
_ONE_THREAD: Final = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""More threads would need more memory, and help with no graph that a page can show."""


def _background(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """A task that may fail while nobody waits for it."""
    task = asyncio.create_task(coroutine)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


class Worker:
    """One process. ``ready`` ends when it can be asked, or fails."""

    def __init__(self, jobs: Mapping[str, str], limits: Limits, verbose: bool) -> None:
        self._limits = limits
        self._process: Process | None = None
        self._killed = False
        setup = Setup(dict(jobs), limits.seconds, limits.memory, limits.answer)
        self.ready = _background(self._start(json.dumps(setup._asdict()), verbose))

    async def _start(self, setup: str, verbose: bool) -> None:
        # The worker finds the same modules as this process, and none in the folder it runs in.
        path = os.pathsep.join(filter(None, sys.path))
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", _MODULE, setup),
            stdin=PIPE,
            stdout=PIPE,
            stderr=None if verbose else DEVNULL,
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C in the terminal does not reach it
        )
        try:
            async with asyncio.timeout(self._limits.start):
                await self._receive(self._process)
        except TimeoutError:
            self.kill()
            raise ServerError("E517", "a worker of the server does not start in time") from None
        except (EOFError, ConnectionError):
            await self._process.wait()
            raise ServerError("E517", "a worker of the server does not start") from None

    async def ask(self, job: str, request: bytes) -> Message:
        """The answer of a job, and its program.

        Raises:
            ServerError: E511 to E517: there is none.
        """
        await asyncio.shield(self.ready)
        process = self._process
        assert process is not None
        try:
            async with asyncio.timeout(self._limits.seconds):
                answer, more = await self._exchanged(process, (job.encode(), request))
        except TimeoutError:
            self.kill()
            why = f"this takes longer than {self._limits.seconds:g} seconds"
            raise ServerError("E511", why) from None
        if not answer:
            raise ServerError(*json.loads(more))
        return answer, more

    async def _exchanged(self, process: Process, message: Message) -> Message:
        try:
            await self._send(process, message)
            return await self._receive(process)
        except (EOFError, ConnectionError):
            # It is not signalled: that would take its exit code from whoever waits for it.
            if await process.wait() == NO_MEMORY:
                most = self._limits.memory // MIB
                raise ServerError("E512", f"this needs more than {most} MiB of memory") from None
            raise ServerError("E515", "this ended the process that computed it") from None

    async def _send(self, process: Process, message: Message) -> None:
        assert process.stdin is not None
        process.stdin.write(packed(message))
        await process.stdin.drain()

    async def _receive(self, process: Process) -> Message:
        assert process.stdout is not None
        return await receive(process.stdout, self._limits.answer)

    @property
    def is_usable(self) -> bool:
        """Whether it can be asked, now or when it is ready."""
        has_ended = self._process is not None and self._process.returncode is not None
        return not (self._killed or has_ended)

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None and self.is_usable:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._killed = True

    async def end(self) -> None:
        """End the process, and wait until it is gone."""
        self.ready.cancel()
        await asyncio.wait([self.ready])
        self.kill()
        if self._process is not None:
            await self._process.wait()


class Workers:
    """A number of workers, started ahead: ``async with Workers(JOBS, Limits()) as workers: …``."""

    def __init__(self, jobs: Mapping[str, str], limits: Limits, verbose: bool = False) -> None:
        self._jobs = jobs
        self._limits = limits
        self._verbose = verbose
        self._workers: set[Worker] = set()
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._waiting = 0
        self._closes = False
        self._work: set[asyncio.Task[Message]] = set()

    async def __aenter__(self) -> Self:
        for _ in range(self._limits.workers):
            self._idle.put_nowait(self._started())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closes = True
        for work in self._work:
            work.cancel()
        if self._work:
            await asyncio.wait(self._work)
        await asyncio.gather(*(worker.end() for worker in self._workers))

    def _started(self) -> Worker:
        worker = Worker(self._jobs, self._limits, self._verbose)
        self._workers.add(worker)
        return worker

    async def ask(self, job: str, request: bytes) -> Message:
        """The answer of a job, and its program. To cancel this frees the worker, soon.

        Raises:
            ServerError: E506: too many wait; E511 to E517: there is no answer.
        """
        if self._waiting >= self._limits.waiting:
            raise ServerError("E506", "too much is being computed")
        self._waiting += 1
        try:
            worker = await self._idle.get()
        finally:
            self._waiting -= 1
        work = _background(self._ask(worker, job, request))
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(self._limits.grace, work.cancel)
            raise

    async def _ask(self, worker: Worker, job: str, request: bytes) -> Message:
        """Ask a worker, and make it idle again, or a new one instead."""
        worker = self._usable(worker)  # one that ended by itself failed nobody
        try:
            return await worker.ask(job, request)
        except asyncio.CancelledError:
            if worker.ready.done():
                worker.kill()  # it computes what nobody waits for
            raise
        finally:
            self._idle.put_nowait(self._usable(worker))

    def _usable(self, worker: Worker) -> Worker:
        if worker.is_usable or self._closes:
            return worker
        self._workers.discard(worker)
        return self._started()
