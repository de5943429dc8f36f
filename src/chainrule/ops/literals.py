"""What literal parameters may be: each check gives the value in normal form, or ValueError."""

from __future__ import annotations

import operator
from typing import Any, Final

from chainrule.errors import shown


def real(value: Any) -> int | float:
    """A finite real number in normal form: an int when it is whole, else a float.

    >>> real(2.0), real(0.5)
    (2, 0.5)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"must be a literal number, got {shown(value)}")
    if not abs(value) < LARGEST_PARAM:
        raise ValueError(f"must be finite and smaller than {LARGEST_PARAM:g}, got {shown(value)}")
    return int(value) if value == int(value) else float(value)


def order(value: Any) -> int:
    """A whole number from 0 to 1000."""
    whole = real(value)
    if not isinstance(whole, int) or not 0 <= whole <= 1000:
        raise ValueError(f"must be a whole number from 0 to 1000, got {value!r}")
    return whole


def whole(value: Any) -> int:
    """A whole number that is not negative."""
    if value.__class__ is not int or value < 0:
        raise ValueError(f"must be a whole number that is not negative, got {shown(value)}")
    return int(value)


def truth(value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"must be True or False, got {value!r}")
    return value


def sizes(value: Any) -> tuple[int, ...]:
    """A shape: a tuple of whole numbers that are not negative."""
    found = _whole_numbers(value)
    if any(size < 0 for size in found):
        raise ValueError(f"must be sizes that are not negative, got {shown(value)}")
    return found


def places(value: Any) -> tuple[int, ...]:
    """Axes: a tuple of different whole numbers that are not negative."""
    found = sizes(value)
    if len(set(found)) < len(found):
        raise ValueError(f"must be different axes, got {shown(value)}")
    return found


def sorted_places(value: Any) -> tuple[int, ...]:
    """Axes in ascending order."""
    return tuple(sorted(places(value)))


def place(value: Any) -> int:
    """One axis, counted from 0."""
    return sizes((value,))[0]


def steps(value: Any) -> tuple[int, ...]:
    """Distances between elements, of either direction: a tuple of whole numbers, none of them 0."""
    found = _whole_numbers(value)
    if 0 in found:
        raise ValueError(f"must be steps other than 0, got {shown(value)}")
    return found


def _whole_numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, (tuple, list)):
        raise ValueError(f"must be a tuple of whole numbers, got {shown(value)}")
    try:
        return tuple([operator.index(number) for number in value])
    except TypeError:
        raise ValueError(f"must be whole numbers, got {shown(value)}") from None


LARGEST_PARAM: Final = 2.0**53
"""Literal parameters stay where floats are exact integers."""
