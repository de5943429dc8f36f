"""The values of outputs as users get them: alone, in tuples, as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph.facts import Arrangement, Matrix


def arranged(arrangement: Arrangement | None, values: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """The values by an arrangement; None: one alone, several as a tuple.

    Args:
        arrangement: See `chainrule.graph.facts.Arrangement`.
        values: One for each output, each of the shape of the points.
        shape: The shape of the points; it comes first in matrices.
    """
    if arrangement is None:
        return values[0] if len(values) == 1 else tuple(values)
    if isinstance(arrangement, Matrix):
        first, rows, columns = arrangement
        entries = values[first : first + rows * columns]
        return np.stack(entries, axis=-1).reshape(*shape, rows, columns)
    if isinstance(arrangement, int):
        return values[arrangement]
    return tuple([arranged(part, values, shape) for part in arrangement])
