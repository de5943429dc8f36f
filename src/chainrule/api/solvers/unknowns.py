"""What a solver looks for, as the user has it and as SciPy has it: a structure, a flat vector."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.api.tree import LEAF, Structure, flatten, matching, place_of
from chainrule.errors import DerivativeError, GraphError, shown


class Unknowns(NamedTuple):
    """How unknowns lie in a flat vector: leaf after leaf, each by rows.

    Attributes:
        structure: Of what the user's function takes.
        shapes: Of its leaves.
        plain: It is a vector, so that nothing has to be taken apart.
    """

    structure: Structure
    shapes: tuple[tuple[int, ...], ...]
    plain: bool

    def split(self, flat: Any) -> Any:
        """The structure out of a flat vector; further axes stay at the end of every leaf.

        >>> unknowns_of({"a": 1.0, "b": np.ones((2, 2))})[0].split(np.arange(5.0))
        {'a': np.float64(0.0), 'b': array([[1., 2.], [3., 4.]])}
        """
        return flat if self.plain else self.structure.build(list(self._leaves(flat)))

    def _leaves(self, flat: Any) -> Iterator[Any]:
        ends = list(accumulate(map(math.prod, self.shapes), initial=0))
        for start, end, shape in zip(ends, ends[1:], self.shapes, strict=False):
            if shape:
                yield flat[start:end].reshape(*shape, *flat.shape[1:])
            else:
                yield flat[start]

    def join(self, value: Any, what: str, more: tuple[int, ...] = ()) -> Any:
        """The flat vector of a value structured like the unknowns.

        Args:
            value: Of arrays, or of symbolic ones.
            what: Its name in messages.
            more: Further axes at the end of every leaf, which stay there.

        Raises:
            GraphError: E239 when its structure or a shape differs.
        """
        if self.plain:
            return vector(value)
        leaves = matching(value, self.structure, what)
        for leaf, shape in zip(leaves, self.shapes, strict=True):
            if np.shape(leaf) != shape + more:
                has, wants = list(np.shape(leaf)), list(shape + more)
                raise GraphError("E239", f"{what} has shape {has}, it belongs to shape {wants}")
        return _joined([np.reshape(leaf, (-1, *more)) for leaf in leaves])

    def sides(self, bounds: Any) -> Any:
        """Bounds (lower, upper) as two flat vectors; any others are SciPy's, and stay.

        Raises:
            GraphError: E239 for one that does not fit the unknowns.
        """
        if self.plain or not isinstance(bounds, tuple) or len(bounds) != 2:
            return bounds
        lower, upper = bounds
        return self._side(lower, "the lower bound"), self._side(upper, "the upper bound")

    def _side(self, value: Any, what: str) -> Any:
        """A number for all, or structured like them."""
        if flatten(value)[1] == LEAF and np.ndim(value) == 0:
            return np.full(sum(map(math.prod, self.shapes)), float(value))
        leaves = matching(value, self.structure, what)
        try:
            wide = [np.broadcast_to(*both) for both in zip(leaves, self.shapes, strict=True)]
        except ValueError as error:
            raise GraphError("E239", f"{what} does not fit the unknowns: {error}") from None
        return np.concatenate([np.ravel(np.asarray(leaf, float)) for leaf in wide])


VECTOR: Final = Unknowns(LEAF, ((-1,),), plain=True)
"""Unknowns that SciPy has as the user has them."""


def unknowns_of(start: Any) -> tuple[Unknowns, Any]:
    """How the unknowns lie in a flat vector, and where they start, as one.

    What SciPy itself takes for a vector is one: an array with one axis or none, and a list or a
    tuple of numbers. Anything else is a structure; an array with more axes is one with one leaf.

    >>> unknowns_of([1, 2])[1]
    array([1., 2.])

    Raises:
        DerivativeError: E351 for leaves that are not real numbers, and for none.
    """
    leaves, structure = flatten(start)
    arrays = [np.asarray(leaf) for leaf in leaves]
    if not arrays:
        raise DerivativeError("E351", f"there is nothing to look for in {shown(start)}")
    for path, array in zip(structure.paths(), arrays, strict=True):
        if array.dtype.kind not in "biufc":
            raise DerivativeError(
                "E351",
                f"the start{place_of(path)} is {shown(leaves[0] if not path else array.tolist())}, "
                "which is no array of numbers; what is not looked for goes into args",
            )
    numbers = structure.kind in (list, tuple) and all(part == LEAF for part in structure.parts)
    if numbers and not any(array.ndim for array in arrays):
        return VECTOR, _real(np.array(arrays))
    if structure == LEAF and arrays[0].ndim < 2:
        return VECTOR, np.atleast_1d(_real(arrays[0]))
    found = Unknowns(structure, tuple([array.shape for array in arrays]), plain=False)
    return found, _joined([_real(array).ravel() for array in arrays])


def _real(array: Any) -> Any:
    """In double precision, as all solvers compute; complex numbers are left to the solver."""
    return array if array.dtype.kind == "c" else np.asarray(array, np.float64)


# --- forms of results -----------------------------------------------------------------------------


def number(result: Any) -> Any:
    """One number, as SciPy takes it: an array of one element is one."""
    shape = getattr(result, "shape", ())
    return result.reshape(()) if shape and math.prod(shape) == 1 else result


def vector(result: Any) -> Any:
    """One vector: arrays of any shape, and structures of them, leaf after leaf.

    Raises:
        GraphError: E233 where there is nothing.
    """
    if getattr(result, "ndim", 0) == 1:
        return result
    leaves, _ = flatten(result)
    if not leaves:
        raise GraphError("E233", "the function gave no array; is its return missing?")
    return _joined([np.ravel(leaf) for leaf in leaves])


def _joined(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


# --- functions of the user ------------------------------------------------------------------------


def watching(callback: Any, unknowns: Unknowns) -> Any:
    """A callback of SciPy's that is given the unknowns as the user has them."""
    if callback is None or unknowns.plain:
        return callback

    @functools.wraps(callback)  # SciPy looks at the names of its parameters
    def seen(*positional: Any, **keywords: Any) -> Any:
        if positional:
            positional = (unknowns.split(positional[0]), *positional[1:])
        for name, value in keywords.items():
            copy = type(value)(value)
            copy.x = unknowns.split(value.x)
            keywords[name] = copy
        return callback(*positional, **keywords)

    return seen


def splitting(function: Callable[..., Any], unknowns: Unknowns) -> Callable[..., Any]:
    """A function of (t, structure, …) as one of (t, flat vector, …), with its attributes."""
    if unknowns.plain:
        return function

    @functools.wraps(function)
    def event(t: Any, y: Any, *args: Any) -> Any:
        return function(t, unknowns.split(y), *args)

    return event
