"""Norms: values like NumPy's, derivatives like JAX's, and at 0 by hand."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.ops.composite import norms
from chainrule.ops.composite.statistics import sum as total
from chainrule.ops.composite.table import COVERED
from tests.jax_values import jnp
from tests.ops.composite.against_jax import check_derivatives, check_values, same, value_of

INF = np.inf
VECTOR = (None, 2, 1, 3, 1.5, 0.5, -1, -2.5, INF, -INF, 0)
MATRIX = (None, "fro", 1, -1, INF, -INF)
CASES = [
    *[((4,), {"ord": ord}) for ord in VECTOR],
    *[((2, 3), {"ord": ord, "axis": -1}) for ord in VECTOR],
    *[((2, 3), {"ord": ord, "axis": 0, "keepdims": True}) for ord in (None, 1, 3, INF)],
    *[((2, 3), {"ord": ord}) for ord in MATRIX],
    *[((2, 3, 4), {"ord": ord, "axis": (2, 0)}) for ord in MATRIX],
    *[((2, 3, 4), {"ord": ord, "axis": (0, -1), "keepdims": True}) for ord in MATRIX],
    ((2, 3, 4), {}),
    ((2, 3, 4), {"keepdims": True}),
    ((), {}),
    ((3,), {"axis": (0,)}),
    ((0,), {}),
    ((2, 0), {"axis": 1}),
]


def gradient(function, x):
    """The gradient of the sum, by numbers and by the graph, which must agree."""
    term = cr.input("x", np.shape(x))
    graph = cr.graph(total(function(term)), [term])
    record = graph.at(x).gradient["x"]
    np.testing.assert_array_equal(graph.gradient("x")(x)[1][0], record)
    return record


@pytest.mark.parametrize(("shape", "how"), CASES)
def test_values_are_those_of_numpy(shape, how):
    x = np.random.default_rng(0).uniform(-2, 2, shape)[()]
    x = np.where(abs(x) < 0.2, 0.2, x)[()]
    check_values(
        lambda x: norms.norm(x, **how),
        lambda x: np.asarray(np.linalg.norm(x, **how)),
        x,
    )


@pytest.mark.parametrize(("shape", "how"), CASES)
def test_derivatives_are_those_of_jax(shape, how):
    x = np.random.default_rng(1).uniform(0.3, 2, shape)
    x = x * np.where(np.arange(x.size).reshape(shape) % 2, -1, 1)
    if 0 not in shape:
        check_derivatives(
            lambda x: norms.norm(x, **how), lambda x: jnp.linalg.norm(x, **how), x[()]
        )


@pytest.mark.parametrize("ord", [2, 1, 3, INF, -INF, 0, 0.5])
def test_vector_norms(ord):
    x = np.random.default_rng(0).uniform(-2, 2, (2, 3, 4))
    for how in ({}, {"axis": (0, 2)}, {"axis": 1, "keepdims": True}, {"keepdims": True}):
        expected = np.asarray(np.linalg.vector_norm(x, ord=ord, **how))
        same(value_of(lambda x: norms.vector_norm(x, ord=ord, **how), x), expected)  # noqa: B023


@pytest.mark.parametrize("ord", MATRIX[1:])
def test_matrix_norms(ord):
    x = np.random.default_rng(0).uniform(-2, 2, (2, 3, 4))
    same(value_of(lambda x: norms.matrix_norm(x, ord=ord), x), np.linalg.matrix_norm(x, ord=ord))


def test_at_0_the_2_norm_has_derivative_0():
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = gradient(lambda x: norms.norm(x, axis=1), rows)
    np.testing.assert_allclose(found, [[0, 0], [0.6, 0.8]], rtol=1e-15)
    assert (gradient(norms.norm, np.zeros((2, 2))) == 0).all()
    term = cr.input("x", (2,))
    second = cr.graph(norms.norm(term), [term]).gradient("x").jvp("x")
    _, (_, pushed) = second(np.zeros(2), np.ones(2))
    assert pushed.tolist() == [0, 0]


def test_at_0_other_norms_have_derivative_0():
    for ord in (1, 1.5, 3, 0.5, INF, 0):
        assert gradient(lambda x: norms.norm(x, ord), np.zeros(3)).tolist() == [0, 0, 0]  # noqa: B023


def test_where_one_element_is_0():
    x = np.array([0.0, 3.0, -4.0])
    assert gradient(lambda x: norms.norm(x, 1), x).tolist() == [0, 1, -1]
    found = gradient(lambda x: norms.norm(x, 0.5), x)
    assert found[0] == 0
    assert np.isfinite(found).all()


def test_largest_elements_share_the_derivative():
    assert gradient(lambda x: norms.norm(x, INF), np.array([2.0, -2.0, 1.0])).tolist() == [
        0.5,
        -0.5,
        0,
    ]


X = cr.input("x", (2, 3))
WRONG = {
    "matrix": ("E212", "no norm of order 3", lambda: norms.norm(X, 3)),
    "vector": ("E212", "for vectors", lambda: norms.norm(X, "fro", axis=1)),
    "axes": ("E203", "one axis or two", lambda: norms.norm(cr.input("t", (1, 1, 1)), 1)),
    "scalar": ("E203", "one axis or two", lambda: norms.norm(cr.input("s"), 2)),
    "twice": ("E203", "twice", lambda: norms.norm(X, axis=(1, -1))),
    "of-nothing": ("E203", "of nothing", lambda: norms.norm(cr.input("e", (0,)), INF)),
    "no-matrix": ("E203", "not a matrix", lambda: norms.matrix_norm(cr.input("v", (2,)))),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_say_what_is_wrong(name):
    code, words, function = WRONG[name]
    with pytest.raises(GraphError, match=words) as caught:
        function()
    assert caught.value.code == code


def test_numpy_functions_lead_here():
    for name in ("norm", "vector_norm", "matrix_norm"):
        assert COVERED[getattr(np.linalg, name)] is getattr(norms, name)
