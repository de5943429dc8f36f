"""How often something may be asked for: a bucket that fills at a steady rate."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """Lets ``burst`` requests through at once, and ``rate`` a second in the long run.

    >>> now = iter([0.0, 0.0, 0.0, 0.0, 0.5]).__next__
    >>> pace = Pace(rate=2, burst=2, clock=now)
    >>> [pace.allows() for _ in range(4)]
    [True, True, False, True]
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._left = float(burst)
        self._last = clock()

    def allows(self) -> bool:
        """Whether one more may go through now; if so, it is counted."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._last) * self._rate)
        self._last = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
