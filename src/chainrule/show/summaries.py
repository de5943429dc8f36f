"""Arrays in a few numbers: smallest and largest element, norm, how much is 0 and how much NaN."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.show.numbers import DASH, number, plain

_MOST_LISTED: Final = 1000
"""Arrays with more elements are summed up in data too."""


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

    >>> sizes((3, 2)), sizes(())
    ('3×2', '–')
    """
    return "×".join(map(str, shape)) if shape else DASH


def condensed(value: Any) -> Any:
    """A value as data: small arrays as lists, large ones by their summary."""
    if isinstance(value, np.ndarray) and value.size > _MOST_LISTED:
        found = summary(value)
        numbers = {name: plain(part) for name, part in found._asdict().items() if name != "shape"}
        return {"shape": list(found.shape), **numbers}
    return plain(value)


def brief(value: Any, digits: int = 6) -> str:
    """A number, a short array in full, or the range of a long one.

    >>> brief(np.arange(6.0)), brief(np.float64(2))
    ('0 … 5, norm 7.4162', '2')
    """
    if not isinstance(value, np.ndarray) or value.size <= 4:
        return number(value, digits)
    found = summary(value)
    ends = f"{number(found.least, digits)} … {number(found.largest, digits)}"
    return ends if found.norm is None else f"{ends}, norm {number(found.norm, digits)}"
