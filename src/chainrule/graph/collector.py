"""The garbage collector, held off while many nodes are made.

Nodes refer to older nodes only, so they make no cycles and a collection among them finds nothing;
without the pause it is half of the time of a large pass. Reference counts free what dies meanwhile.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

from chainrule import forks

_lock = forks.lock()
_pauses: list[int] = []  # the thread of each pause now in force
_was_on = True  # whether the collector ran before the first of them


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """No automatic garbage collection inside; pauses nest, and threads may overlap.

    The collector comes back with the end of the last pause, if it was on before the first.
    """
    global _was_on  # noqa: PLW0603
    thread = threading.get_ident()
    with _lock:
        if not _pauses:
            _was_on = gc.isenabled()
        _pauses.append(thread)
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _pauses.remove(thread)
            if _was_on and not _pauses:
                gc.enable()


@forks.in_child
def _forked() -> None:
    """Nobody would end the pauses of other threads."""
    others = [thread for thread in _pauses if thread != threading.get_ident()]
    for thread in others:
        _pauses.remove(thread)
    if others and _was_on and not _pauses:
        gc.enable()
