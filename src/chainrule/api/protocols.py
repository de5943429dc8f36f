"""How NumPy reaches symbolic arrays: its ufuncs, its functions, and the Array API namespace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from chainrule.api.places import untraceable
from chainrule.errors import nearest
from chainrule.ops.composite.elementwise import SPECIAL
from chainrule.ops.composite.table import COVERED

_METHODS: Final = {
    "reduce": {
        np.add: np.sum,
        np.multiply: np.prod,
        np.maximum: np.max,
        np.minimum: np.min,
        np.logical_and: np.all,
        np.logical_or: np.any,
    },
    "accumulate": {np.add: np.cumsum, np.multiply: np.cumprod},
    "outer": {np.multiply: np.outer},
}
"""Methods of ufuncs that are functions by another name."""


def call_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """What a ufunc gives when one of its operands is symbolic.

    Raises:
        TracingError: E236 for a result in place, E238 for what has no counterpart.
    """
    options = {name: value for name, value in options.items() if value is not None}
    if "out" in options or method == "at":
        raise untraceable(
            "E236",
            "a symbolic value cannot be written into an array",
            "write a = a + x in place of a += x, and x.at[i].add(v) in place of np.add.at",
        )
    if method != "__call__":
        function = _METHODS.get(method, {}).get(ufunc)
        if function is None:
            raise uncovered(f"np.{ufunc.__name__}.{method}")
        if method in ("reduce", "accumulate"):
            options.setdefault("axis", 0)
        return call_function(function, inputs, options)
    counterpart = COVERED.get(ufunc)
    if counterpart is None:
        special = sys.modules.get("scipy.special")
        if special is not None and getattr(special, ufunc.__name__, None) is ufunc:
            counterpart = SPECIAL.get(ufunc.__name__)
            if counterpart is None:
                raise uncovered(f"scipy.special.{ufunc.__name__}")
    if counterpart is None:
        raise uncovered(f"np.{ufunc.__name__}")
    return _called(counterpart, f"np.{ufunc.__name__}", inputs, options)


def call_function(
    function: Callable[..., Any], positional: Sequence[Any], options: Mapping[str, Any]
) -> Any:
    """What a NumPy function gives when one of its arguments is symbolic.

    Raises:
        TracingError: E238 for a function, or an argument of it, that has no counterpart.
    """
    module = (getattr(function, "__module__", "") or "").replace("numpy", "np", 1)
    name = f"{module}.{function.__name__}"
    counterpart = COVERED.get(function)
    if counterpart is None:
        raise uncovered(name)
    return _called(counterpart, name, positional, options)


def uncovered(name: str) -> Exception:
    """E238: there is no counterpart of a function."""
    known = [other.__name__ for other in COVERED]
    guess = nearest(name.rpartition(".")[2], known)
    near = f" (np.{guess} is covered)" if guess else ""
    return untraceable(
        "E238",
        f"{name} cannot be traced",
        f"write it with functions that are covered, see docs/numpy.md{near}",
    )


def _called(
    counterpart: Callable[..., Any],
    name: str,
    positional: Sequence[Any],
    options: Mapping[str, Any],
) -> Any:
    try:
        return counterpart(*positional, **options)
    except TypeError as error:
        if "argument" not in str(error) or error.__traceback__ is None:
            raise
        if error.__traceback__.tb_next is not None:  # from within, not from the call itself
            raise
        said = str(error).partition("() ")[2]
        raise untraceable("E238", f"{name}: {said}", "leave that argument out") from None


def namespace() -> SimpleNamespace:
    """The functions by the names of the Array API standard, with NumPy's where nothing is symbolic.

    The standard is https://data-apis.org/array-api/2024.12/.
    """
    return _NAMESPACE


_STANDARD: Final = {
    "acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin, "asinh": np.arcsinh,
    "atan": np.arctan, "atan2": np.arctan2, "atanh": np.arctanh, "bitwise_invert": np.invert,
    "concat": np.concatenate, "permute_dims": np.transpose, "pow": np.power,
    "conj": np.conjugate, "abs": np.absolute, "max": np.max, "min": np.min, "round": np.round,
}  # fmt: skip
_CONSTANTS: Final = (
    "pi", "e", "inf", "nan", "newaxis", "float64", "float32", "int64", "int32", "bool",
    "arange", "empty", "eye", "full", "linspace", "ones", "zeros", "finfo", "iinfo", "isdtype",
    "can_cast", "result_type", "from_dlpack",
)  # fmt: skip


def _either(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function, which finds its counterpart itself where an argument is symbolic."""
    return function


def _namespace() -> SimpleNamespace:
    found: dict[str, Any] = {
        function.__name__: _either(function)
        for function in COVERED
        if (getattr(function, "__module__", "") or "numpy") == "numpy"
    }
    found |= _STANDARD
    found |= {name: getattr(np, name) for name in _CONSTANTS}
    found["asarray"] = lambda obj, dtype=None, **_: (
        (obj if dtype is None else np.astype(obj, dtype))
        if hasattr(obj, "__array_namespace__")
        else np.asarray(obj, dtype)
    )
    found["linalg"] = np.linalg
    found["__name__"] = "chainrule"
    return SimpleNamespace(**found)


_NAMESPACE: Final = _namespace()
