"""Round numbers on an axis, each with as many digits as tell it from its neighbours."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from chainrule.draw.mathematics import measure
from chainrule.show.numbers import latex_of, number

TICK_SIZE: Final = 11.0
"""Of the letters."""
GAP: Final = 7.0
"""Between an axis and the numbers at its ticks."""


class Label(NamedTuple):
    """Writing that has no place yet, as mathematics and as plain text."""

    latex: str
    text: str


def round_numbers(low: float, high: float, most: float) -> list[float]:
    """The multiples of 1, 2 or 5 times a power of ten in a range, at most about so many.

    >>> round_numbers(-1.2, 2.3, 5)
    [-1.0, 0.0, 1.0, 2.0]
    """
    return _multiples(low, high, *_step((high - low) / max(most, 1)))


def _step(least: float) -> tuple[int, int]:
    """The smallest 1, 2 or 5 times a power of ten that is not less: factor and exponent."""
    exponent = math.floor(math.log10(least))
    for factor in (1, 2, 5):
        if factor * 10.0**exponent >= least * (1 - 1e-9):
            return factor, exponent
    return 1, exponent + 1


def _multiples(low: float, high: float, factor: int, exponent: int) -> list[float]:
    step = float(f"{factor}e{exponent}")
    first, last = math.floor(low / step), math.ceil(high / step)
    # Read from decimals, so that no rounding is seen: 3·0.1 is not 0.3.
    found = [float(f"{times * factor}e{exponent}") for times in range(first, last + 1)]
    return [tick for tick in found if low <= tick <= high]


def tick_labels(low: float, high: float, most: float) -> list[tuple[float, Label]]:
    """Round numbers, each with as many digits as tell it from its neighbours."""
    ticks = round_numbers(low, high, most)
    largest = max(map(abs, ticks), default=0.0)
    digits = 1
    if len(ticks) > 1 and largest:
        step = ticks[1] - ticks[0]
        digits = math.floor(math.log10(largest)) - math.floor(math.log10(step * 1.001)) + 1
    texts = [number(tick, min(max(digits, 4), 17)) for tick in ticks]
    return [(tick, Label(latex_of(text), text)) for tick, text in zip(ticks, texts, strict=True)]


def fitting_labels(low: float, high: float, length: float) -> list[tuple[float, Label]]:
    """As many as fit side by side into a length."""
    most = max(2.0, length / 50)
    while True:
        found = tick_labels(low, high, most)
        width = max((measure(*label, TICK_SIZE)[0] for _, label in found), default=0.0)
        if len(found) < 2 or most <= 1:
            return found
        if width + 2 * GAP <= (found[1][0] - found[0][0]) / (high - low) * length:
            return found
        most = max(1.0, most * 0.7)
