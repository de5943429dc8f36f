"""Second and higher derivatives: Hessians, and gradients of gradients, against SymPy and mpmath."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import chainrule as cr
from tests.diff.examples import FORMULAS, at_point, derivative, smooth
from tests.run.test_sweep import exactly, near_a_jump

each_formula = pytest.mark.parametrize("formula", FORMULAS)


@each_formula
def test_hessians_are_those_of_sympy(formula):
    graph = cr.parse(formula)
    names = graph.arguments
    wanted = [[derivative(formula, a, b) for b in names] for a in names]
    found = graph.hessian()(**at_point(graph))
    assert np.allclose(found, wanted, rtol=1e-12, atol=1e-13 * np.abs(wanted).max())


@each_formula
def test_mixed_derivatives_are_one_node(formula):
    graph = cr.parse(formula)
    size = len(graph.arguments)
    entries = np.array(graph.hessian().dag.outputs).reshape(size, size)
    for row, column in itertools.combinations(range(size), 2):
        assert entries[row, column] is entries[column, row]


@each_formula
def test_the_hessian_is_the_jacobian_of_the_gradient(formula):
    graph = cr.parse(formula)
    gradient = graph.gradient()
    second = gradient.jacobian()(**at_point(graph))[1:]
    found = graph.hessian()(**at_point(graph))
    assert np.allclose(found, second, rtol=1e-12, atol=1e-13 * np.abs(second).max())


@pytest.mark.parametrize(
    ("formula", "order"),
    [
        ("x^2*y + sin(x*y)", "xyx"),
        ("exp(-x^2)*y^3", "xxyy"),
        ("x/(1 + y^2)", "yyy"),
        ("log(x^2 + y^2)", "xyxy"),
        ("sqrt(x*y + 3)", "xxx"),
        ("tanh(x)*atan(y)", "xxyy"),
        ("exp(x*y*z) - x", "xyzx"),
        ("x^y + y^x", "xyx"),
        ("1/(1 + exp(-(x*y + z)))", "zzzz"),
        ("(1 - x)^2 + 100*(y - x^2)^2", "xxxx"),
        ("asin(x/4)*y", "xxxx"),
        ("erf(x)*gamma(y + 2)", "xxyy"),
    ],
)
def test_gradients_of_gradients(formula, order):
    graph = cr.parse(formula)
    for name in order:
        of = graph.dag.labels[graph.dag.outputs[-1]] if graph.dag.outputs[-1].operands else None
        graph = graph.gradient(name, of=of)
    wanted = derivative(formula, *order)
    _, (found,) = graph(**at_point(graph))
    assert found == pytest.approx(wanted, rel=1e-11)


@settings(max_examples=100)
@given(smooth(), st.floats(-2, 2), st.floats(-2, 2))
def test_hessians_agree_with_high_precision_differences(graph, x, y):
    graph = cr.graph(graph_output(graph), list(cr.inputs("x y")))
    found = graph.hessian()(x, y)
    with mpmath.workdps(80):
        step = mpmath.mpf(10) ** -20
        at = [mpmath.mpf(x), mpmath.mpf(y)]

        assume(not near_a_jump(graph, {"x": at[0], "y": at[1]}, exactly(graph, x=at[0], y=at[1])))

        def value(i, j, a, b):
            moved = list(at)
            moved[i] += a * step
            moved[j] += b * step
            return exactly(graph, x=moved[0], y=moved[1])

        for i, j in ((0, 0), (0, 1), (1, 1)):
            corners = (
                value(i, j, 1, 1) - value(i, j, 1, -1) - value(i, j, -1, 1) + value(i, j, -1, -1)
            )
            wanted = float(corners / (4 * step**2))
            assert found[i, j] == pytest.approx(wanted, rel=1e-6, abs=1e-8 * (1 + abs(found).max()))
            assert found[i, j] == found[j, i]


def graph_output(graph):
    return cr.Array(graph.dag.outputs[0])


def test_powers_whose_exponent_is_zero():
    """∂x^y/∂x is 0 there for every x, and changes with y as 1/x does."""
    hessian = cr.parse("x^y").hessian()
    assert np.allclose(hessian(2.0, 0.0), [[0, 1 / 2], [1 / 2, math.log(2) ** 2]], rtol=1e-15)
    composed = cr.parse("(1 + tanh(x))^(2*tanh(x))")
    with mpmath.workdps(40):
        wanted = mpmath.diff(lambda x: (1 + mpmath.tanh(x)) ** (2 * mpmath.tanh(x)), 0, 2)
    assert composed.hessian()(0.0)[0, 0] == pytest.approx(float(wanted), rel=1e-14)


def test_logarithms_times_zero():
    """∂(x log y)/∂y is 0 at x = 0, and changes with x as 1/y does."""
    assert cr.parse("xlogy(x, y)").hessian()(0.0, 4.0).tolist() == [[0, 1 / 4], [1 / 4, 0]]
    assert cr.parse("xlogy(x, y)").at(x=0.0, y=0.0).gradient == {"x": -math.inf, "y": 0.0}


def test_rosenbrock_at_its_minimum():
    """The Hessian of Rosenbrock's function at (1, 1) is ((802, −400), (−400, 200))."""
    graph = cr.parse("(1 - x)^2 + 100*(y - x^2)^2")
    assert graph.gradient()(1, 1) == (0.0, (0.0, 0.0))
    assert graph.hessian()(1, 1).tolist() == [[802.0, -400.0], [-400.0, 200.0]]


def test_of_and_wrt_choose():
    graph = cr.parse("a = x^2*y; b = y^3*z; a + b, b")
    assert graph.hessian("y", of="b")(1, 2, 3).tolist() == [[36.0]]
    assert graph.hessian("z y", of="b")(1, 2, 3).tolist() == [[0.0, 12.0], [12.0, 36.0]]
    assert graph.hessian("x y", of="a")(1, 2, 3).tolist() == [[4.0, 2.0], [2.0, 0.0]]
    assert graph.hessian("x", of="z")(1, 2, 3).tolist() == [[0.0]]


def test_points_come_first():
    graph = cr.parse("x^3*y")
    xs, ys = np.array([1.0, 2.0, 3.0]), np.array([[1.0], [2.0]])
    found = graph.hessian()(xs, ys)
    assert found.shape == (2, 3, 2, 2)
    assert np.array_equal(found[..., 0, 0], 6 * xs * ys)
    assert np.array_equal(found[..., 0, 1], np.broadcast_to(3 * xs**2, (2, 3)))
    assert not found[..., 1, 1].any()


def test_taylor_series_of_the_sine():
    """Ten derivatives of sin(x) at 0: 1, 0, −1, 0, …"""
    graph = cr.parse("f = sin(x)")
    slopes = []
    for _ in range(10):
        graph = graph.gradient(of=graph.dag.labels[graph.dag.outputs[-1]])
        slopes.append(graph(0)[1][0])
    assert slopes == [1, 0, -1, 0, 1, 0, -1, 0, 1, 0]


def test_single_precision():
    graph = cr.parse("exp(x*y)", dtype="float32")
    found = graph.hessian()(0.5, 2)
    assert found.dtype == np.float32
    e = math.e
    assert np.allclose(found, [[4 * e, 2 * e], [2 * e, 0.25 * e]], rtol=1e-6)
