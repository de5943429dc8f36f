"""The garbage collector, held off while many nodes are made.

Nodes refer to older nodes only, so they make no cycles and a collection among them finds nothing;
without the pause it is half of the time of a large pass. Reference counts free what dies meanwhile.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_pauses: list[bool] = []  # for each pause now in force, whether the collector ran before the first


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """No automatic garbage collection inside; pauses nest, and threads may overlap.

    The collector comes back with the end of the last pause, if it was on before the first.
    """
    with _lock:
        _pauses.append(_pauses[0] if _pauses else gc.isenabled())
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            if _pauses.pop() and not _pauses:
                gc.enable()
