"""What a library gives to be measured: something to call, and how to read what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.engine.reference import Result


class UnfitError(Exception):
    """A library does not do this work; why, in few words."""


def plainly(result: Any) -> Result:
    """(value, (derivative, …)) or (value, derivative), of anything NumPy takes."""
    value, found = result
    parts = found if isinstance(found, (tuple, list)) else (found,)
    return Result(numbers(value), tuple(map(numbers, parts)))


def only(result: Any) -> Result:
    """Second derivatives, which come without a value."""
    return Result(None, (numbers(result),))


def numbers(found: Any) -> Any:
    """As float64 of NumPy, a copy: buffers are written again."""
    return np.array(found, np.float64)


@dataclass(frozen=True)
class Ready:
    """A function built, with its arguments.

    ``read`` makes a `Result` of what a call gives. ``loop`` gives the seconds of so many calls
    where the loop must not be Python's. ``wait`` returns when the fastest code is in place.
    """

    call: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    read: Callable[[Any], Result] = plainly
    loop: Callable[[int], float] | None = None
    wait: Callable[[], Any] | None = None
