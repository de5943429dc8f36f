"""What compiled code takes and gives: its arguments, and its results as steps that build them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.types import Type


class Argument(NamedTuple):
    """What is expected at one place.

    Attributes:
        name: As the signature shows it.
        type: A number, or an array of exactly this shape.
    """

    name: str
    type: Type

    def accepts(self, value: object) -> bool:
        """Whether compiled code takes this value as it is: an object of exactly the expected
        class, a Python number that the type holds, or an array that need not be copied.
        """
        expected, given = self.type, type(value)
        dtype = expected.dtype
        if expected.shape:
            if not isinstance(value, np.ndarray) or given is not np.ndarray:
                return False
            flags = value.flags
            return (
                value.dtype == dtype
                and value.shape == expected.shape
                and flags.c_contiguous
                and flags.aligned
            )
        if given is dtype.type:
            return True
        if isinstance(value, int) and given is int and expected.is_float:
            return dtype == np.float64 and abs(value) < _FLOAT64_END
        if isinstance(value, int) and given is int and not expected.is_bool:
            limits = np.iinfo(dtype)
            return bool(limits.min <= value <= limits.max)
        if isinstance(value, float) and given is float and expected.is_float:
            return dtype == np.float64 or not _FLOAT32_END <= abs(value) < math.inf
        return given is bool and expected.is_bool


_FLOAT64_END = 2**1024 - 2**970
"""The smallest integer that rounds to infinity in float64."""
_FLOAT32_END = float(2**128 - 2**103)
"""The smallest number that rounds to infinity in float32."""


class Leaf(NamedTuple):
    """One output as a result of its own.

    Attributes:
        slot: Its number among the outputs.
        type: A number, or an array, which is made anew in each call.
        python: A number becomes an object of Python; otherwise it becomes a scalar of NumPy.
    """

    slot: int
    type: Type
    python: bool = False


class Cells(NamedTuple):
    """An array made of outputs that are numbers and lie one after the other.

    Attributes:
        first: The output that is its first element.
        type: Shape and dtype of the array.
    """

    first: int
    type: Type


Results = Leaf | Cells | tuple[Any, ...]
"""What a call hands out: one result, or several in tuples inside of tuples."""


class Step(NamedTuple):
    """A step of building results on a stack.

    Attributes:
        kind: ``float64``, ``float32``, ``int64``, ``int32``, ``bool``: push an object of Python;
            ``scalar``: push a scalar of NumPy; ``array``: push the array of this slot; ``cells``:
            push an array filled from slots; ``floats``: push the tuple of float64 slots, which lie
            one after the other, as floats; ``tuple``: pop ``size`` results and push the tuple.
        slot: The output it is about.
        size: How many results a tuple takes, how many slots the others.
        type: Of the number or array; None for a tuple.
    """

    kind: str
    slot: int
    size: int
    type: Type | None


def steps(results: Results) -> tuple[Step, ...]:
    """How the results are built: innermost first, left to right.

    Raises:
        ValueError: An output is an array in one place and something else in another, or its
            number is negative.
    """
    order: list[Step] = []
    waiting: list[Results | Step] = [results]
    while waiting:
        result = waiting.pop()
        if isinstance(result, Step):
            order.append(result)
        elif isinstance(result, Cells):
            order.append(Step("cells", result.first, math.prod(result.type.shape), result.type))
        elif isinstance(result, Leaf):
            kind = "array" if result.type.shape else "scalar"
            if result.python and not result.type.shape:
                kind = result.type.dtype.name
            order.append(Step(kind, result.slot, 1, result.type))
        elif _are_floats(result):
            order.append(Step("floats", result[0].slot, len(result), _FLOAT64))
        else:
            waiting.append(Step("tuple", 0, len(result), None))
            waiting.extend(reversed(result))
    types: dict[int, Type | None] = {}
    for step in order:
        if step.slot < 0:
            raise ValueError(f"there is no output {step.slot}")
        for slot in range(step.slot, step.slot + step.size if step.type else step.slot):
            whole = step.type if step.kind == "array" else None
            if types.setdefault(slot, whole) is not whole:
                raise ValueError(f"output {slot} is not of one type everywhere")
    return tuple(order)


def _are_floats(results: tuple[Any, ...]) -> bool:
    if not results or not isinstance(results[0], Leaf):
        return False
    first = results[0].slot
    return all(
        result == Leaf(first + place, _FLOAT64, python=True) for place, result in enumerate(results)
    )


_FLOAT64 = Type.of("float64")


def output_count(order: Sequence[Step]) -> int:
    """How many output slots the steps read."""
    return max((step.slot + step.size for step in order if step.type is not None), default=0)


def made_arrays(order: Sequence[Step]) -> dict[int, Type]:
    """The arrays that a call makes before it runs, by output slot, in order."""
    return {step.slot: step.type for step in order if step.kind == "array" and step.type}


def height(order: Sequence[Step]) -> int:
    """How many results wait on the stack at most."""
    now = most = 0
    for step in order:
        now += 1 - step.size if step.type is None else 1
        most = max(most, now)
    return most
