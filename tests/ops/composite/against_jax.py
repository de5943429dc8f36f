"""What the tests of composites share: values against NumPy, derivatives against JAX."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.api.array import Array
from chainrule.graph.dag import Dag
from chainrule.ops.copies import total
from tests.jax_values import expected, jax, jnp


def terms_of(values: Any) -> list[Array]:
    """Inputs x0, x1, … of the types of these values."""
    return [
        cr.input(f"x{at}", np.shape(x), np.asarray(x).dtype.name) for at, x in enumerate(values)
    ]


def value_of(function: Any, *values: Any) -> Any:
    """What a function of terms gives for these values."""
    terms = terms_of(values)
    return cr.graph(function(*terms), terms).at(*values).value


def same(got: Any, wanted: Any, tolerance: float = 1e-12) -> None:
    """The same dtype, shape and, closely, values."""
    wanted = np.asarray(wanted)
    assert np.asarray(got).dtype == wanted.dtype
    assert np.shape(got) == wanted.shape
    if wanted.dtype == np.float32:
        tolerance = max(tolerance, 2e-5)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def check_values(function: Any, numpy: Any, *values: Any) -> None:
    """Values and dtypes for float64, float32 and int64, each operand constant once."""
    for dtype in ("float64", "float32", "int64"):
        given = [
            (np.asarray(x) * (8 if dtype == "int64" else 1)).astype(dtype)[()]
            if np.asarray(x).dtype.kind == "f"
            else x
            for x in values
        ]
        same(value_of(function, *given), numpy(*given))
    if len(values) > 1:
        for at in range(len(values)):
            rest = [x for k, x in enumerate(values) if k != at]

            def partly(*terms: Any, at: int = at) -> Any:
                return function(*terms[:at], values[at], *terms[at:])

            same(value_of(partly, *rest), numpy(*values))


def check_derivatives(function: Any, jaxed: Any, *values: Any, tolerance: float = 1e-12) -> None:
    """The gradient of Σ w out² both ways, and one Hessian-vector product, by the float operands."""
    terms = terms_of(values)
    out = function(*terms)
    random = np.random.default_rng(7)
    weights = random.uniform(0.5, 1.0, out.shape)
    scalar = out * out * weights
    graph = cr.graph(total(scalar, tuple(range(out.ndim))), terms)
    places = tuple(at for at, x in enumerate(values) if np.asarray(x).dtype.kind == "f")
    names = [f"x{at}" for at in places]
    dots = [random.uniform(-1, 1, np.shape(values[at])) for at in places]

    def loss(*moving: Any) -> Any:
        every = list(values)
        for at, x in zip(places, moving, strict=True):
            every[at] = x
        return (jaxed(*every) ** 2 * weights).sum()

    def both() -> Any:
        moving = tuple(jnp.asarray(values[at]) for at in places)
        wanted = jax.grad(loss, tuple(range(len(places))))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quick = jax.jit(lambda x, dots: jax.jvp(wanted, x, dots))  # one compilation, not many
            return quick(moving, tuple(map(jnp.asarray, dots)))

    leaves = expected(both).leaves
    gradient, second = leaves[: len(places)], leaves[len(places) :]
    record = graph.at(*values)
    symbolic = graph.gradient(names)
    first = symbolic(*values)[1]
    pushed = symbolic.jvp(names)(*values, *dots)[1][1:]
    for at, name in enumerate(names):
        for got, wanted in (
            (record.gradient[name], gradient[at]),
            (first[at], gradient[at]),
            (pushed[at], second[at]),
        ):
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def ops_of(term: Array) -> list[str]:
    """The operations a term is made of, without leaves, in order."""
    order = Dag([term.node]).topological_order()
    return [node.op.name for node in order if not node.op.is_leaf]
