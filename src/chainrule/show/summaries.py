"""Arrays in a few numbers: smallest and largest element, norm, how much is 0 and how much NaN."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.graph.types import UNKNOWN
from chainrule.show.numbers import DASH, number, plain

_MOST_LISTED: Final = 1000
"""Arrays with more elements are summed up in data too."""
_FEW: Final = 4
"""Arrays with so many elements may be written in full."""


class Summary(NamedTuple):
    """What an array holds; NaN are left out of all but their own share.

    Attributes:
        shape: The sizes of its axes.
        least: The smallest element; None where there is none.
        largest: The largest one.
        norm: The Euclidean norm; None for conditions.
        zeros: The share of elements that are 0, or do not hold, from 0 to 1.
        nans: The share that is NaN.
    """

    shape: tuple[int, ...]
    least: Any
    largest: Any
    norm: float | None
    zeros: float
    nans: float

    def brief(self, digits: int = 6) -> str:
        """The range and the norm; of an array that one number fills, that number."""
        if self.least is None:
            return "all NaN" if self.nans else "empty"
        if self.least == self.largest and not self.nans:
            return f"all {number(self.least, digits)}"
        ends = f"{number(self.least, digits)} … {number(self.largest, digits)}"
        return ends if self.norm is None else f"{ends}, {norm_text(self.norm, digits)}"

    def words(self, digits: int = 6) -> str:
        """All of it in a sentence.

        >>> summary(np.array([3.0, 0.0, -4.0, np.nan])).words()
        '4: min -4, max 3, norm 5, zeros 25%, NaN 25%'
        """
        parts = []
        if self.least is not None:
            parts += [f"min {number(self.least, digits)}", f"max {number(self.largest, digits)}"]
        if self.norm is not None:
            parts.append(f"norm {number(self.norm, digits)}")
        if self.zeros:
            parts.append(f"zeros {share(self.zeros)}")
        if self.nans:
            parts.append(f"NaN {share(self.nans)}")
        return f"{sizes(self.shape)}: {', '.join(parts)}"


def summary(value: Any) -> Summary:
    """The summary of an array.

    >>> summary(np.array([3.0, 0.0, -4.0, np.nan]))
    Summary(shape=(4,), least=-4.0, largest=3.0, norm=5.0, zeros=0.25, nans=0.25)
    """
    array = np.asarray(value)
    count = array.size
    missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    there = array[~missing]
    if not there.size:
        return Summary(array.shape, None, None, 0.0, 0.0, float(count > 0))
    norm = None if array.dtype.kind == "b" else norm_of(there)
    zeros = float(np.count_nonzero(there == 0)) / count
    least, largest = there.min().item(), there.max().item()
    return Summary(array.shape, least, largest, norm, zeros, float(missing.sum()) / count)


def norm_of(array: Any) -> float:
    """The Euclidean norm, without overflow."""
    size = float(np.max(np.abs(array), initial=0.0))
    if size == 0 or not np.isfinite(size):
        return size
    scaled = np.asarray(array, float) / size
    return size * float(np.sqrt(np.sum(scaled * scaled)))


def share(part: float) -> str:
    """A share in percent; a dash for none.

    >>> share(0.0), share(0.25), share(0.0001)
    ('–', '25%', '<1%')
    """
    if part == 0:
        return DASH
    return "<1%" if part < 0.01 else f"{100 * part:.0f}%"


def sizes(shape: tuple[int, ...]) -> str:
    """A shape for people; a dash for a scalar.

    >>> sizes((3, 2)), sizes(()), sizes((UNKNOWN, 2))
    ('3×2', '–', '?×2')
    """
    return "×".join(["?" if size == UNKNOWN else str(size) for size in shape]) if shape else DASH


def condensed(value: Any) -> Any:
    """A value as data: small arrays as lists, large ones by their summary."""
    if isinstance(value, np.ndarray) and value.size > _MOST_LISTED:
        found = summary(value)
        numbers = {name: plain(part) for name, part in found._asdict().items() if name != "shape"}
        return {"shape": list(found.shape), **numbers}
    return plain(value)


def brief(value: Any, digits: int = 6, *, longest: int = 60) -> str:
    """A number, a short array in full, or the range of a long one and its norm.

    >>> brief(np.arange(6.0)), brief(np.float64(2)), brief(np.ones((2, 3)), 3)
    ('0 … 5, ‖7.4162‖', '2', 'all 1')

    Args:
        value: A number or an array.
        digits: Significant digits.
        longest: Arrays whose elements take more letters than this are summed up.
    """
    if not isinstance(value, np.ndarray) or not value.ndim:
        return number(value, digits)
    if 0 < value.size <= _FEW:
        listed = number(value, digits)
        if len(listed) <= longest:
            return listed
    return summary(value).brief(digits)


def norm_text(norm: float, digits: int = 6) -> str:
    """A norm in its bars.

    >>> norm_text(0.25)
    '‖0.25‖'
    """
    return f"‖{number(norm, digits)}‖"
