"""How NumPy reaches symbolic arrays: its ufuncs, its functions, and the Array API namespace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np

from chainrule.api.places import untraceable
from chainrule.api.repairs import for_argument, for_function
from chainrule.ops.composite.elementwise import SPECIAL
from chainrule.ops.composite.stable import logsumexp
from chainrule.ops.composite.table import COVERED, LINALG, as_term
from chainrule.ops.term import Term

_METHODS: Final[dict[str, dict[Any, Callable[..., Any]]]] = {
    "reduce": {
        np.add: np.sum,
        np.multiply: np.prod,
        np.maximum: np.max,
        np.minimum: np.min,
        np.logical_and: np.all,
        np.logical_or: np.any,
        np.logaddexp: logsumexp,
    },
    "accumulate": {np.add: np.cumsum, np.multiply: np.cumprod},
}
"""Methods of ufuncs that are functions by another name."""


_DEFAULTS: Final = frozenset(
    {("where", "True"), ("casting", "same_kind"), ("order", "K"), ("subok", "True")}
)
"""Options of ufuncs that say nothing."""


def call_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """What a ufunc gives when one of its operands is symbolic.

    Raises:
        TracingError: E236 for a result in place, E238 for what has no counterpart.
    """
    if method in ("reduce", "accumulate"):
        options = {"axis": 0} | options
    options = {
        name: value for name, value in options.items() if value is not None or name == "axis"
    }
    if "out" in options or method == "at":
        raise _in_place()
    if method == "outer":
        first, second = [np.asarray(x) if not isinstance(x, Term) else x for x in _joined(inputs)]
        spread: Any = np.reshape(cast("Any", first), first.shape + (1,) * second.ndim)
        return ufunc(spread, second, **options)
    if method != "__call__":
        function = _METHODS.get(method, {}).get(ufunc)
        name = f"np.{ufunc.__name__}.{method}"
        if function is None:
            raise uncovered(name)
        return _called(COVERED.get(function, function), name, inputs, options)
    counterpart = COVERED.get(ufunc)
    if counterpart is None:
        special = sys.modules.get("scipy.special")
        if special is not None and getattr(special, ufunc.__name__, None) is ufunc:
            counterpart = SPECIAL.get(ufunc.__name__)
            if counterpart is None:
                raise uncovered(f"scipy.special.{ufunc.__name__}")
    if counterpart is None:
        raise uncovered(f"np.{ufunc.__name__}")
    given = [name for name, value in options.items() if (name, str(value)) not in _DEFAULTS]
    if given:
        said = f"the argument {min(given)!r} has no counterpart"
        raise untraceable("E238", f"np.{ufunc.__name__}: {said}", for_argument(said))
    return _called(counterpart, f"np.{ufunc.__name__}", inputs, {})


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
    if options.get("out", None) is not None:
        raise _in_place()
    options = {key: value for key, value in options.items() if key != "out"}
    return _called(counterpart, name, positional, options)


_HOW: Final = frozenset({"overwrite_a", "overwrite_b", "check_finite", "lapack_driver", "driver"})
"""Arguments of SciPy that say how it is to compute, not what."""


def call_scipy(
    function: Callable[..., Any], positional: Sequence[Any], options: Mapping[str, Any]
) -> Any:
    """What a function of ``scipy.linalg`` gives when one of its arguments is symbolic.

    Raises:
        TracingError: E238 for an argument that has no counterpart.
    """
    name = function.__name__
    options = {key: value for key, value in options.items() if key not in _HOW}
    return _called(LINALG[name], f"scipy.linalg.{name}", positional, options)


def _in_place() -> Exception:
    return untraceable(
        "E236",
        "a symbolic value cannot be written into an array",
        "write a = a + x in place of a += x and of out=a, and x.at[i].add(v) in place of np.add.at",
    )


def uncovered(name: str) -> Exception:
    """E238: there is no counterpart of a function."""
    last = name.rpartition(".")[2]
    return untraceable("E238", f"{name} cannot be traced", for_function(last))


def _called(
    counterpart: Callable[..., Any],
    name: str,
    positional: Sequence[Any],
    options: Mapping[str, Any],
) -> Any:
    positional = _joined(positional)
    try:
        return counterpart(*positional, **options)
    except TypeError as error:
        if "argument" not in str(error) or error.__traceback__ is None:
            raise
        if error.__traceback__.tb_next is not None:  # from within, not from the call itself
            raise
        said = str(error).partition("() ")[2]
        raise untraceable("E238", f"{name}: {said}", for_argument(said)) from None


def is_objects(value: Any) -> bool:
    """Whether this is an array of objects, such as ``np.array([x, y])`` of symbolic scalars."""
    return isinstance(value, np.ndarray) and value.dtype == object


def _joined(values: Sequence[Any]) -> Sequence[Any]:
    """The arguments, each array of symbolic scalars as one symbolic array."""
    if not any(map(is_objects, values)):
        return values
    return [as_term(value, Term) if is_objects(value) else value for value in values]


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


class _Namespace(SimpleNamespace):
    """A namespace that can be in sets, where array_api_compat collects those of all arguments."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def _namespace() -> SimpleNamespace:
    found: dict[str, Any] = {
        function.__name__: function
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
    return _Namespace(**found)


_NAMESPACE: Final = _namespace()
