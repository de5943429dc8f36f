"""Work that is done aside: one thread, in the order of being asked for.

When the interpreter ends, work that has not begun is dropped. A forked process has no thread but
its own: there the work that was not done begins anew once somebody asks for it.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
from typing import Final, Protocol


class Job(Protocol):
    """Something to do."""

    def __call__(self) -> None:
        """Do it, without an error."""

    def begin_anew(self) -> None:
        """Forget what was done halfway: in a forked process the rest of it does not happen."""


_jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
_stopping: Final = threading.Event()
_lock = threading.Lock()
_threads: Final[list[threading.Thread]] = []
_current: Final[list[Job]] = []


def submit(job: Job) -> None:
    """Have a job done."""
    _jobs.put(job)
    go_on()


def go_on() -> None:
    """See to it that somebody works: in a forked process, nobody does before this."""
    with _lock:
        if not _threads or not _threads[0].is_alive():
            _threads[:] = [threading.Thread(target=_work, name="chainrule compiler", daemon=True)]
            _threads[0].start()


def is_stopping() -> bool:
    """Whether the interpreter ends: long jobs look at this, and give up."""
    return _stopping.is_set()


def _work() -> None:
    while (job := _jobs.get()) is not None and not _stopping.is_set():
        _current.append(job)
        job()
        _current.clear()
        del job


@atexit.register
def _stop() -> None:
    """LLVM must not be at work while the process takes itself apart."""
    _stopping.set()
    _jobs.put(None)
    for thread in _threads:
        thread.join()


def _forked() -> None:
    """Put back what was being done."""
    global _jobs, _lock  # noqa: PLW0603
    _lock = threading.Lock()
    waiting, _jobs = _jobs, queue.SimpleQueue()
    _threads.clear()
    for job in _current:
        job.begin_anew()
        _jobs.put(job)
    _current.clear()
    while not waiting.empty():
        _jobs.put(waiting.get_nowait())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
