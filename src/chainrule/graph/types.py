"""A type is a shape and a dtype; a scalar is a 0-d array. Several results have a tuple of types."""

from __future__ import annotations

import operator
import sys
import weakref
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, final

import numpy as np

from chainrule import forks
from chainrule.errors import GraphError, shown

DTYPES: Final = ("float64", "float32", "int64", "int32", "bool")
"""The element types a node may have, by NumPy name."""

UNKNOWN: Final = -1
"""The size of an axis that is known only when the graph runs: the iterations of a loop."""


class Type:
    """The type of a node: ``shape`` (a tuple of sizes) and ``dtype`` (a NumPy dtype).

    Types are interned: equal types are the same object, so ``is`` compares them.

    >>> Type.of("float64")
    float64
    >>> Type.of("float32", (3, 2))
    float32[3, 2]
    >>> Type.of("float64") is Type.of(float)
    True
    """

    __slots__ = ("__weakref__", "dtype", "is_bool", "is_float", "shape", "text")

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_float: bool
    """Whether values of this type have derivatives."""
    is_bool: bool
    text: str
    """The type as files and messages write it, such as ``float32[3, 2]``."""

    @staticmethod
    def of(dtype: Any = "float64", shape: Sequence[int] = ()) -> Type:
        """The type with this dtype (anything NumPy reads as one) and shape.

        Raises:
            GraphError: E201 for a dtype outside ``DTYPES`` or a shape with negative sizes.
        """
        if isinstance(shape, tuple) and isinstance(dtype, (str, np.dtype)):
            found = _types.get((dtype, shape))
            if found is not None:
                return found
        return _intern(dtype, shape)

    def with_dtype(self, dtype: Any) -> Type:
        """The same shape with another dtype."""
        return _made(_checked_dtype(dtype), self.shape)

    def with_shape(self, shape: tuple[int, ...]) -> Type:
        """The same dtype with another shape, in which sizes may be unknown."""
        return _made(self.dtype, shape)

    def stacked(self, count: int) -> Type:
        """The type of so many values of this type along a new first axis; `UNKNOWN` may be many."""
        return _made(self.dtype, (count, *self.shape))

    @property
    def parts(self) -> tuple[Type, ...]:
        """The types of the results; empty for one result."""
        return ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Type cannot be changed: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Type cannot be changed: {name}")

    def __repr__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Any, ...]:
        return (Type.of, (self.dtype.name, self.shape))


_types: weakref.WeakValueDictionary[tuple[Any, tuple[int, ...]], Type] = (
    weakref.WeakValueDictionary()
)


_lock: Final = forks.lock()


def _checked_dtype(dtype: Any) -> np.dtype[Any]:
    """Anything that NumPy reads as a dtype, as one of ours."""
    try:
        plain: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError):
        problem = f"{shown(dtype)} is not a dtype; use one of {', '.join(DTYPES)}"
        raise GraphError("E201", problem) from None
    if plain.name not in DTYPES or not plain.isnative:
        raise GraphError("E201", f"dtype {plain} is not supported; use one of {', '.join(DTYPES)}")
    return plain


def _intern(dtype: Any, shape: Sequence[int]) -> Type:
    plain = _checked_dtype(dtype)
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError:
        problem = f"a shape is a tuple of whole numbers, got {shown(shape)}"
        raise GraphError("E201", problem) from None
    if any(size < 0 for size in sizes):
        raise GraphError("E201", f"a shape has no negative sizes, got {shown(shape)}")
    found = _made(plain, sizes)
    if isinstance(dtype, str):
        with _lock:
            _types[dtype, sizes] = found
    return found


def _made(plain: np.dtype[Any], sizes: tuple[int, ...]) -> Type:
    """The one type of a dtype and a shape."""
    with _lock:  # or two threads could each make one, and equal types would not be the same object
        found = _types.get((plain, sizes))
        if found is None:
            found = object.__new__(Type)
            set_field = partial(object.__setattr__, found)
            set_field("shape", sizes)
            set_field("dtype", plain)
            set_field("is_float", plain.kind == "f")
            set_field("is_bool", plain.kind == "b")
            sizes_text = f"[{', '.join(map(str, sizes))}]" if sizes else ""
            set_field("text", f"{plain.name}{sizes_text}")
            _types[plain, sizes] = found
    return found


@final
class TupleType(Type):
    """The type of a node with several results; only `item` nodes read such a node.

    >>> TupleType.of_parts([Type.of("float64"), Type.of("int64", (3,))])
    (float64, int64[3])
    """

    __slots__ = ("_parts",)

    _parts: tuple[Type, ...]

    @property
    def parts(self) -> tuple[Type, ...]:
        """The types of the results."""
        return self._parts

    @staticmethod
    def of_parts(parts: Sequence[Type]) -> TupleType:
        """The type of these results."""
        key = (tuple(parts), ())
        with _lock:
            found = _types.get(key)
            if found is None:
                found = object.__new__(TupleType)
                set_field = partial(object.__setattr__, found)
                set_field("shape", ())
                set_field("dtype", np.dtype(object))
                set_field("is_float", any(part.is_float for part in parts))
                set_field("is_bool", False)
                set_field("text", f"({', '.join([part.text for part in parts])})")
                set_field("_parts", key[0])
                _types[key] = found
        assert isinstance(found, TupleType)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return (TupleType.of_parts, (self._parts,))


FLOAT64: Final = Type.of("float64")
BOOL: Final = Type.of("bool")
_SCALARS: Final = tuple(map(Type.of, DTYPES))
"""Held for good: the types of scalars never die between two uses."""


def is_masked(value: Any) -> bool:
    """Whether an array has points that are left out; ``numpy.ma`` is not loaded to find out."""
    masked = sys.modules.get("numpy.ma")
    return (
        masked is not None
        and isinstance(value, masked.MaskedArray)
        and bool(masked.is_masked(value))
    )
