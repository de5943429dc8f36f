"""Results that belong to the caller alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def owned(results: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """Results that can be written into without a change of arguments or of other results.

    >>> x = np.ones(2)
    >>> first, second = owned([x, x[:1]], [x])
    >>> first is x, first.base is x, second.base is x
    (False, False, False)
    """
    taken = {id(_owner(value)) for value in given}
    found = []
    for result in results:
        if isinstance(result, np.ndarray):
            owner = id(_owner(result))
            own = owner not in taken and result.flags.writeable
            taken.add(owner)
            found.append(result if own else result.copy())
        else:
            found.append(result)
    return found


def _owner(value: Any) -> Any:
    """The object that holds the memory of an array."""
    while isinstance(value, np.ndarray) and value.base is not None:
        value = value.base
    return value
