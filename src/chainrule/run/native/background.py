"""Work that is done aside: one thread, in the order of being asked for.

When the interpreter ends, work that has not begun is dropped.
"""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Callable
from typing import Final

Job = Callable[[], None]

_jobs: Final[queue.SimpleQueue[Job | None]] = queue.SimpleQueue()
_stopping: Final = threading.Event()
_lock: Final = threading.Lock()
_threads: Final[list[threading.Thread]] = []


def submit(job: Job) -> None:
    """Have a job done; it must not raise."""
    with _lock:
        if not _threads or not _threads[0].is_alive():
            _threads[:] = [threading.Thread(target=_work, name="chainrule compiler", daemon=True)]
            _threads[0].start()
    _jobs.put(job)


def is_stopping() -> bool:
    """Whether the interpreter ends: long jobs look at this, and give up."""
    return _stopping.is_set()


def _work() -> None:
    while (job := _jobs.get()) is not None and not _stopping.is_set():
        job()
        del job


@atexit.register
def _stop() -> None:
    """LLVM must not be at work while the process takes itself apart."""
    _stopping.set()
    _jobs.put(None)
    for thread in _threads:
        thread.join()
