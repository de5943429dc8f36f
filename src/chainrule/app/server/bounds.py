"""What the operating system holds a worker to: memory, time of the processor, no core dumps."""

from __future__ import annotations

import math
import sys
from typing import Final

HAS_MEMORY_BOUND: Final = sys.platform not in ("win32", "darwin")
"""Windows has no such limits; macOS has this one, but does not keep to it."""

if sys.platform == "win32":

    def bound_memory(size: int) -> None:
        """Nothing: there is no such limit here."""

    def allow_seconds(seconds: float) -> None:
        """Nothing: there is no such limit here."""

else:
    import resource

    def bound_memory(size: int) -> None:
        """Hold this process to so many bytes of address space, and let it leave no core dump."""
        _lower(resource.RLIMIT_CORE, 0)
        if HAS_MEMORY_BOUND:
            _lower(resource.RLIMIT_AS, size)

    def allow_seconds(seconds: float) -> None:
        """Let this process compute for so long from now on; the system kills it then.

        The server does so earlier, by the clock; this is for a worker whose server is gone.
        """
        used = resource.getrusage(resource.RUSAGE_SELF)
        _lower(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + seconds) + 1)

    def _lower(kind: int, most: int) -> None:
        """Set a soft limit, below the hard one where that is lower."""
        hard = resource.getrlimit(kind)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (soft, hard))
