"""Work that is done aside, in steps; between two steps the smallest job goes on.

There are two lines of jobs, with a thread for each, so that small ones never wait for a step of a
large one: stages of planning take seconds for very large graphs. LLVM works for one thread at a
time, but no longer than for one module.

When the interpreter ends, work that has not been done is dropped. A fork waits for the steps that
are being done, so a forked process has every job as it is between two steps; it has no thread but
its own, and goes on with them once somebody asks for it.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

from chainrule import forks

SMALL: Final = 1000
"""Up to this size, jobs stand in the line for small ones."""

_numbers: Final = count()


class Job:
    """Something to do.

    Args:
        step: Does one step of it, without an error, and says whether there are more.
        size: How much there is to do, in any unit that all jobs share.
    """

    def __init__(self, step: Callable[[], bool], size: int) -> None:
        self.step = step
        self._rank = size, next(_numbers)
        self._waiting = 0
        self._line = _small if size <= SMALL else _large

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Who comes first: those that somebody waits for, the smaller ones, the older ones."""
        return not self._waiting, *self._rank

    def submit(self) -> None:
        """Have it done."""
        self._line.add(self)

    @contextmanager
    def at_the_front(self) -> Iterator[None]:
        """While this lasts, it comes before jobs that nobody waits for."""
        self._line.go_on()
        with self._line.changed:
            self._waiting += 1
        try:
            yield
        finally:
            with self._line.changed:
                self._waiting -= 1


class _Line:
    """Jobs, and the thread that does them."""

    def __init__(self) -> None:
        self.changed = threading.Condition(forks.lock())
        self._jobs: list[Job] = []
        self._thread = threading.Thread()
        self._turn = forks.Turn()
        self._is_over = False

    def add(self, job: Job) -> None:
        with self.changed:
            self._jobs.append(job)
            self.changed.notify_all()
        self.go_on()

    def go_on(self) -> None:
        """See to it that somebody works: in a forked process, nobody does before this."""
        with self.changed:
            if not self._thread.is_alive() and not self._is_over:
                self._thread = threading.Thread(
                    target=self._work, name="chainrule compiler", daemon=True
                )
                self._thread.start()

    def end(self) -> None:
        """Wait for the step that is being done, and do no more."""
        with self.changed:
            self._is_over = True
            self.changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self._jobs or self._is_over)
                if self._is_over:
                    return
            with self._turn:
                self._step()

    def _step(self) -> None:
        with self.changed:
            job = min(self._jobs, key=lambda job: job.rank)
        if not job.step():
            with self.changed:
                self._jobs.remove(job)


_small: Final = _Line()
_large: Final = _Line()


@atexit.register
def _end() -> None:
    """LLVM must not be at work while the process takes itself apart."""
    _small.end()
    _large.end()
