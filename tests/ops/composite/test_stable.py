"""logsumexp and softmax: values like SciPy's, derivatives like JAX's, and at infinities by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.ops.composite import stable
from chainrule.ops.composite.statistics import sum as total
from tests.jax_values import jax
from tests.ops.composite.against_jax import check_derivatives, check_values, same, value_of

INF = np.inf
HOW = [
    ((4,), {}),
    ((), {}),
    ((2, 3), {"axis": 0}),
    ((2, 3), {"axis": -1}),
    ((2, 3, 2), {"axis": (0, 2)}),
]
NAMES = ("logsumexp", "softmax", "log_softmax")


def drawn(shape, seed=0):
    return np.random.default_rng(seed).uniform(-2, 2, shape)[()]


def gradient(function, *values):
    """The gradient of the sum, by numbers and by the graph, which must agree."""
    terms = [cr.input(f"x{at}", np.shape(x)) for at, x in enumerate(values)]
    graph = cr.graph(total(function(*terms)), terms)
    record = list(graph.at(*values).gradient.values())
    symbolic = graph.gradient([f"x{at}" for at in range(len(values))])(*values)[1]
    for a, b in zip(record, symbolic, strict=True):
        np.testing.assert_array_equal(a, b)
    return record


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_scipy(name):
    for shape, how in HOW:
        check_values(
            lambda x: getattr(stable, name)(x, **how),  # noqa: B023
            lambda x: np.asarray(getattr(scipy.special, name)(x, **how)),  # noqa: B023
            drawn(shape),
        )


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_jax(name):
    theirs = getattr(jax.nn, name)
    for shape, how in HOW:
        axis = how.get("axis", tuple(range(len(shape))))
        if shape == () and name != "logsumexp":
            continue  # JAX wants an axis
        check_derivatives(
            lambda x: getattr(stable, name)(x, **how),  # noqa: B023
            lambda x: theirs(x, axis=axis),  # noqa: B023
            drawn(shape),
        )


def test_keepdims():
    x = drawn((2, 3))
    got = value_of(lambda x: stable.logsumexp(x, 1, keepdims=True), x)
    same(got, scipy.special.logsumexp(x, 1, keepdims=True))


@given(st.floats(-1e300, 1e300), st.lists(st.floats(-800, 800), min_size=1, max_size=4))
def test_nothing_overflows(shift, differences):
    x = shift + np.array(differences)
    same(value_of(stable.logsumexp, x), np.float64(scipy.special.logsumexp(x)))
    same(value_of(stable.softmax, x), scipy.special.softmax(x))
    (found,) = gradient(stable.logsumexp, x)
    np.testing.assert_allclose(found, scipy.special.softmax(x), rtol=1e-12, atol=1e-14)


def test_one_element_is_its_own_logsumexp():
    assert value_of(stable.logsumexp, np.array([1e-20])) == 1e-20


def test_elements_of_minus_infinity_count_for_nothing():
    x = np.array([[-INF, -INF, -INF], [0.0, -INF, np.log(3)]])
    same(value_of(lambda x: stable.logsumexp(x, 1), x), np.array([-INF, np.log(4)]))
    (found,) = gradient(lambda x: stable.logsumexp(x, 1), x)
    np.testing.assert_allclose(found, [[0, 0, 0], [0.25, 0, 0.75]], rtol=1e-15)
    term = cr.input("x", (3,))
    second = cr.graph(stable.logsumexp(term), [term]).gradient("x").jvp("x")
    for row in x:
        _, (_, pushed) = second(row, np.ones(3))
        np.testing.assert_allclose(pushed, [0, 0, 0], atol=1e-16)
    (found,) = gradient(stable.softmax, x[1])
    np.testing.assert_allclose(found, [0, 0, 0], atol=1e-16)


def test_infinity_wins_and_nan_is_carried():
    same(value_of(stable.logsumexp, np.array([INF, 1.0])), np.float64(INF))
    same(value_of(stable.logsumexp, np.array([np.nan, 1.0])), np.float64(np.nan))


def test_of_nothing():
    x = np.zeros((2, 0))
    same(value_of(lambda x: stable.logsumexp(x, 1), x), np.full(2, -INF))
    with pytest.raises(GraphError, match="of nothing"):
        stable.softmax(cr.input("x", (2, 0)), 1)


# --- factors --------------------------------------------------------------------------------------


def test_factors():
    for x, b in [
        (drawn((2, 3)), np.array([0.5, 2.0, 1.0])),
        (drawn((3,)), np.array([0.0, 2.0, 1.0])),
        (drawn((3,)) + 1000, np.array([1.0, 2.0, 0.0])),
        (np.array([2000.0, 0.0]), np.array([0.0, 1.0])),
    ]:
        for how in ({}, {"axis": -1, "keepdims": True}):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = np.asarray(scipy.special.logsumexp(x, b=b, **how))
            same(value_of(lambda x, b: stable.logsumexp(x, b=b, **how), x, b), expected)  # noqa: B023
    check_derivatives(
        lambda x, b: stable.logsumexp(x, -1, b),
        lambda x, b: jax.nn.logsumexp(x, -1, b),
        drawn((2, 3)),
        np.array([0.5, 2.0, 1.0]),
    )


def test_the_derivative_by_a_factor_of_0():
    x, b = np.array([0.0, 1.0, 2000.0]), np.array([1.0, 0.0, 0.0])
    by_x, by_b = gradient(lambda x, b: stable.logsumexp(x, b=b), x, b)
    assert by_x.tolist() == [1, 0, 0]
    np.testing.assert_allclose(by_b[:2], [1, np.e], rtol=1e-15)
    assert np.isfinite(by_b[2])


def test_negative_sums_and_sums_of_0():
    assert np.isnan(value_of(lambda x: stable.logsumexp(x, b=-1), np.zeros(2)))
    b = np.array([1.0, -1.0])
    assert value_of(lambda x: stable.logsumexp(x, b=b), np.zeros(2)) == -INF
    (found,) = gradient(lambda x: stable.logsumexp(x, b=b), np.zeros(2))
    assert found.tolist() == [0, 0]


def test_an_array_of_constants_is_refused():
    with pytest.raises(GraphError, match="symbolic"):
        stable.logsumexp(np.zeros(3))
