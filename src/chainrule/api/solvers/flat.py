"""Functions of structures as functions of flat vectors, with the derivatives solvers want."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy as sp

from chainrule.api.jit import jit
from chainrule.api.plans import Pure
from chainrule.api.solvers.unknowns import Unknowns, vector
from chainrule.api.sparse import sparsity
from chainrule.api.transforms import hvp, value_and_grad


def flat(function: Pure, unknowns: Unknowns, form: Callable[[Any], Any]) -> Pure:
    """A function of the user's structure as one of a flat vector, with its result in a form."""
    if unknowns.plain:  # as little as possible: whether a plan still holds is asked at every call

        def plain(x: Any, *args: Any, **keywords: Any) -> Any:
            return form(function(x, *args, **keywords))

        return plain

    def split(x: Any, *args: Any, **keywords: Any) -> Any:
        return form(function(unknowns.split(x), *args, **keywords))

    return split


def same(result: Any) -> Any:
    return result


def slope(function: Pure, unknowns: Unknowns) -> Pure:
    """The function of a differential equation, of a flat vector."""

    def slope(t: Any, y: Any, *args: Any) -> Any:
        found = function(t, unknowns.split(y), *args)
        return unknowns.join(found, "the derivative of y", y.shape[1:])

    return slope


def of_parameters(function: Pure) -> Pure:
    """A model f(x, *parameters) as a function of (parameters, x)."""

    def model(parameters: Any, x: Any) -> Any:
        return vector(function(x, *[parameters[at] for at in range(parameters.shape[0])]))

    return model


def pattern(function: Pure, start: Any, args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """Where the Jacobian may be other than zero."""
    return sparsity(function)(start, *args, **keywords).pattern


def products(function: Pure) -> Pure:
    """(x, p, …) to the Hessian at x times p, without the Hessian."""

    def product(x: Any, p: Any, *args: Any) -> Any:
        return hvp(lambda at: function(at, *args), (x,), (p,))

    planned = jit(product)
    # SciPy tries out what it gets back on whole numbers.
    return lambda x, p, *args: planned(x, np.asarray(p, np.float64), *args)


def curvature(function: Pure) -> Pure:
    """(x, v) to the Hessian of the sum of v times a constraint's values, as an operator."""

    def product(x: Any, v: Any, p: Any) -> Any:
        return hvp(lambda at: np.sum(v * function(at)), (x,), (p,))

    planned = jit(product)

    def operator(x: Any, v: Any) -> Any:
        x, v = np.asarray(x, np.float64), np.asarray(v, np.float64)
        size = x.size
        return sp.sparse.linalg.LinearOperator(
            (size, size),
            matvec=lambda p: planned(x, v, np.asarray(p, np.float64).ravel()),
            dtype=np.float64,
        )

    return operator


def two_derivatives(function: Pure) -> Pure:
    """A function of one number with its value and its first and second derivative."""

    def first(x: Any, *args: Any) -> Any:
        value, slope = value_and_grad(function)(x, *args)
        return slope, value

    both = value_and_grad(first, has_aux=True)

    def three(x: Any, *args: Any) -> Any:
        (slope, value), bend = both(x, *args)
        return value, slope, bend

    return three
