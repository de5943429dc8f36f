"""Jacobians: forward mode, reverse mode and SymPy agree; shapes, odd outputs, chosen nodes."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from tests.diff.examples import POINT, exact, smooth

MAPS = [
    "r*cos(t), r*sin(t)",
    "r*sin(t)*cos(p), r*sin(t)*sin(p), r*cos(t)",
    "x^2 + y, sin(x*y), x/y, exp(z)",
    "x*y*z",
    "x, y, x",
    "x^2, x^2, 3, y",
    "log(x^2 + y^2), atan(y/x)",
    "(x + y)^3, (x + y)^2, x + y",
]
AT = {**POINT, "r": 2.0, "t": 0.4, "p": -1.1}
each_map = pytest.mark.parametrize("formulas", MAPS)
each_mode = pytest.mark.parametrize("mode", ["forward", "reverse", "auto"])


@each_mode
@each_map
def test_jacobians_are_those_of_sympy(formulas, mode):
    graph = cr.parse(formulas)
    names = graph.arguments
    rows = sympy.Matrix([exact(part) for part in formulas.split(", ")])
    wanted = rows.jacobian([sympy.Symbol(name) for name in names])
    wanted = np.array(wanted.evalf(25, subs=AT).tolist(), float)
    found = graph.jacobian(mode=mode)(*map(AT.get, names))
    assert found.shape == wanted.shape
    assert np.allclose(found, wanted, rtol=1e-14, atol=1e-14)


@settings(max_examples=200)
@given(smooth(), st.floats(-2, 2), st.floats(-2, 2))
def test_forward_mode_is_reverse_mode(graph, x, y):
    forward = graph.jacobian(mode="forward")(x, y)
    reverse = graph.jacobian(mode="reverse")(x, y)
    assert forward.shape == reverse.shape == (len(graph.outputs), 2)
    # Rounding errors are relative to what the entries of a row are sums of.
    assert np.allclose(forward, reverse, rtol=1e-10, atol=1e-12 * (1 + np.abs(forward).max()))


def test_auto_takes_what_needs_fewer_passes():
    wide, tall = cr.parse("sin(x*y)*z"), cr.parse("x^2, x^3, sin(x)")
    assert wide.jacobian() == wide.jacobian(mode="reverse") != wide.jacobian(mode="forward")
    assert tall.jacobian() == tall.jacobian(mode="forward")
    square = cr.parse("sin(x*y)*y, cos(x*y)*x")
    assert square.jacobian() == square.jacobian(mode="reverse")


@each_mode
def test_points_come_first(mode):
    graph = cr.parse("x*y, x + y, x^2")
    xs, ys = np.arange(4.0), np.arange(3.0)[:, None]
    found = graph.jacobian(mode=mode)(xs, ys)
    assert found.shape == (3, 4, 3, 2)
    for row, column in np.ndindex(3, 4):
        x, y = xs[column], ys[row, 0]
        assert found[row, column].tolist() == [[y, x], [1.0, 1.0], [2 * x, 0.0]]


@each_mode
def test_odd_outputs(mode):
    """An argument, a constant, the same node twice, an argument that nothing depends on."""
    x, y, unused = cr.inputs("x y unused")
    product = x * y
    graph = cr.graph([x, cr.constant(3.0), product, product, y], [x, y, unused])
    found = graph.jacobian(mode=mode)(2, 5, 7)
    assert found.tolist() == [[1, 0, 0], [0, 0, 0], [5, 2, 0], [5, 2, 0], [0, 1, 0]]


@each_mode
def test_by_intermediate_nodes(mode):
    graph = cr.parse("a = x*y; b = sin(a); f = a*b*x; f, b")
    x, y = 0.7, 1.3
    a, b = x * y, np.sin(x * y)
    by_a = [x * (b + a * np.cos(a)), np.cos(a)]
    assert np.allclose(graph.jacobian("a", mode=mode)(x, y)[:, 0], by_a, rtol=1e-14)
    assert np.allclose(graph.jacobian("b", mode=mode)(x, y)[:, 0], [a * x, 1], rtol=1e-14)
    total = [by_a[0] * y + a * b, by_a[1] * y]
    assert np.allclose(graph.jacobian("b x", mode=mode)(x, y)[:, 1], total, rtol=1e-14)


@each_mode
def test_the_same_column_twice(mode):
    assert cr.parse("x^2*y, y").jacobian("x y x", mode=mode)(3, 5).tolist() == [
        [30.0, 9.0, 30.0],
        [0.0, 1.0, 0.0],
    ]


@each_mode
def test_integers_and_conditions_take_no_part(mode):
    n = cr.input("n", dtype="int64")
    c = cr.input("c", dtype="bool")
    x = cr.input("x")
    graph = cr.graph([cr.where(c, x * n, x / n), n * x], [n, c, x])
    assert graph.jacobian(mode=mode)(4, True, 0.5).tolist() == [[4.0], [4.0]]
    assert graph.jacobian(mode=mode)(4, False, 0.5).tolist() == [[0.25], [4.0]]


@each_mode
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_dtype_of_the_formula_is_the_dtype_of_its_jacobian(mode, dtype):
    graph = cr.parse("x*y, sin(x), 1", dtype=dtype)
    found = graph.jacobian(mode=mode)(0.5, 2)
    assert found.dtype == dtype
    assert np.allclose(found, [[2, 0.5], [np.cos(0.5), 0], [0, 0]], rtol=1e-6)
