"""Heat: how large something is, as a share of the largest in the drawing."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np

Key = TypeVar("Key", bound=Hashable)


def heat(magnitudes: Mapping[Key, Any]) -> dict[Key, float]:
    """Shares of the largest magnitude, from 0 to 1; of an array, that of its largest element.

    What is infinite or not a number is as hot as can be; the others are measured by the largest
    finite one.

    >>> heat({"a": -4.0, "b": 1.0, "c": float("inf")})
    {'a': 1.0, 'b': 0.25, 'c': 1.0}
    """
    most = largest(magnitudes)
    found = {key: _magnitude(value) for key, value in magnitudes.items()}
    return {
        key: 1.0 if not math.isfinite(size) else size / most if most else 0.0
        for key, size in found.items()
    }


def largest(magnitudes: Mapping[Any, Any]) -> float:
    """The largest finite magnitude, which has the full heat; 0 where there is none."""
    found = map(_magnitude, magnitudes.values())
    return max((size for size in found if math.isfinite(size)), default=0.0)


def _magnitude(value: Any) -> float:
    return float(np.max(np.abs(np.asarray(value, dtype=np.float64)), initial=0.0))
