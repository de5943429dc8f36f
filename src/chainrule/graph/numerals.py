"""Numbers as text that reads back exactly."""

from __future__ import annotations

from typing import Any

import numpy as np


def numeral(value: Any) -> str:
    """The shortest text that reads back as this number; whole floats lose their ``.0``.

    >>> numeral(2.0), numeral(-0.0), numeral(0.1), numeral(1e300), numeral(True)
    ('2', '-0', '0.1', '1e300', 'true')
    >>> numeral(np.arange(9.0)), numeral(np.broadcast_to(2.0, (3, 2)))
    ('[0, 1, 2, …]', '2')

    An array is shown by its first elements; one that a number fills, by the number.
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return _shown(value)
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    text = str(value).replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return text.removesuffix(".0")


def _shown(array: np.ndarray[Any, Any]) -> str:
    if array.size and not any(array.strides):
        return numeral(array.flat[0])
    more = ", …" if len(array) > 3 else ""
    return f"[{', '.join(map(numeral, array[:3]))}{more}]"


def listing(array: np.ndarray[Any, Any]) -> str:
    """All elements of an array, as formulas list them.

    >>> listing(np.eye(2))
    '[[1, 0], [0, 1]]'
    """
    if not array.ndim:
        return numeral(array[()])
    return f"[{', '.join(map(listing, array))}]"
