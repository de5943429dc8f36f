"""Numbers that a user chooses, each within limits."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import DrawingError, shown
from chainrule.show.numbers import number


def within(value: Any, low: float, high: float, what: str) -> None:
    """Refuse what is not a number from ``low`` to ``high``.

    >>> within(0, 0.01, 1000, "scale")
    Traceback (most recent call last):
        ...
    chainrule.errors.DrawingError: E253 scale is 0; it goes from 0.01 to 1000

    Raises:
        DrawingError: E253.
    """
    known = isinstance(value, (int, float, np.integer, np.floating)) and value is not True
    if not known or not low <= value <= high:
        limits = f"from {number(low, 3)} to {number(high, 3)}"
        raise DrawingError("E253", f"{what} is {shown(value)}; it goes {limits}")
