"""The methods and attributes that NumPy's arrays have, for symbolic ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.api.protocols import call_function
from chainrule.ops.composite.indexing import at
from chainrule.ops.composite.shaping import astype
from chainrule.ops.composite.table import COVERED
from chainrule.ops.term import Term


def _method(name: str, function: Any) -> Any:
    """A method that is a NumPy function of the array and what else it takes."""

    def method(self: Any, *rest: Any, **options: Any) -> Any:
        return call_function(function, (self, *rest), options)

    method.__name__ = name
    method.__doc__ = f"``np.{function.__name__}`` of the array."
    return method


class Methods(Term):
    """What `chainrule.Array` shares with ``numpy.ndarray``."""

    __slots__ = ()

    sum = _method("sum", np.sum)
    prod = _method("prod", np.prod)
    mean = _method("mean", np.mean)
    var = _method("var", np.var)
    std = _method("std", np.std)
    max = _method("max", np.max)
    min = _method("min", np.min)
    any = _method("any", np.any)
    all = _method("all", np.all)
    argmax = _method("argmax", np.argmax)
    argmin = _method("argmin", np.argmin)
    argsort = _method("argsort", np.argsort)
    cumsum = _method("cumsum", np.cumsum)
    cumprod = _method("cumprod", np.cumprod)
    clip = _method("clip", np.clip)
    round = _method("round", np.round)
    ravel = _method("ravel", np.ravel)
    flatten = _method("flatten", np.ravel)
    squeeze = _method("squeeze", np.squeeze)
    swapaxes = _method("swapaxes", np.swapaxes)
    repeat = _method("repeat", np.repeat)
    take = _method("take", np.take)
    dot = _method("dot", np.dot)
    trace = _method("trace", np.trace)
    diagonal = _method("diagonal", np.diagonal)
    conj = conjugate = _method("conj", np.conjugate)

    def reshape(self, *shape: Any, copy: Any = None) -> Any:  # noqa: ARG002 - NumPy's own
        """The elements in another shape: ``x.reshape(2, -1)`` or ``x.reshape((2, -1))``."""
        return COVERED[np.reshape](self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, reversed by default."""
        if not axes or axes == (None,):
            return COVERED[np.transpose](self)
        return COVERED[np.transpose](self, axes[0] if len(axes) == 1 else axes)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """The array in another dtype."""
        return astype(self, dtype, copy)

    def copy(self) -> Any:
        """The array itself: nothing can write into it."""
        return self

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The array with its axes reversed."""
        return COVERED[np.transpose](self)

    @property
    def mT(self) -> Any:  # noqa: N802 - the Array API's name
        """The array with its last two axes exchanged."""
        return COVERED[np.linalg.matrix_transpose](self)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of its value."""
        return self.size * self.dtype.itemsize

    @property
    def at(self) -> Any:
        """``x.at[i].set(v)``, ``.add(v)``: the array with some elements changed, as a new one."""
        return at(self)

    @property
    def real(self) -> Any:
        """The array itself: it is real."""
        return self

    @property
    def device(self) -> str:
        """Where values are: always ``"cpu"``."""
        return "cpu"

    def to_device(self, device: str) -> Any:
        """The array itself; there is only one device."""
        if device != "cpu":
            raise ValueError(f"there is no device {device!r}")
        return self

    def __getattr__(self, name: str) -> Any:
        # NumPy calls x.sin() for elements of arrays of objects, such as np.array([x, y]).
        function = COVERED.get(getattr(np, name, None)) if not name.startswith("_") else None
        if function is None or not isinstance(getattr(np, name), np.ufunc):
            raise AttributeError(f"a symbolic array has no attribute {name!r}")
        return lambda: function(self)
