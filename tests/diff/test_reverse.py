"""Graphs of gradients: what SymPy, the worked examples and the numeric sweep say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph.dag import Dag
from tests.diff.examples import FORMULAS, POINT, at_point, derivative, points, smooth, whole_table

each_formula = pytest.mark.parametrize("formula", FORMULAS)


@each_formula
def test_gradients_are_those_of_sympy(formula):
    graph = cr.parse(formula)
    value, slopes = graph.gradient()(**at_point(graph))
    assert value == graph(**at_point(graph))
    wanted = [derivative(formula, name) for name in graph.arguments]
    assert slopes == pytest.approx(wanted, rel=1e-13, abs=1e-14)


def test_the_worked_examples(seed):
    graph = cr.parse(seed["formula"], parameters=seed["parameters"])
    value, slopes = graph.gradient(list(seed["gradient"]))(**seed["at"])
    assert value == pytest.approx(seed["value"], rel=1e-14)
    assert slopes == pytest.approx(tuple(seed["gradient"].values()), rel=1e-14)


# --- the numeric sweep ----------------------------------------------------------------------------


@settings(max_examples=400)
@given(whole_table())
def test_the_numeric_sweep_gives_the_same_numbers(dag):
    """Bit for bit, NaN and infinities included; only the sign of a zero may differ."""
    for output in dag.outputs:
        graph = cr.Graph(Dag([output], dag.inputs, dag.names))
        symbolic = graph.gradient()
        for point in points():
            record = graph.at(**point)
            value, slopes = symbolic(**point)
            assert np.array_equal(value, record.value, equal_nan=True)
            for slope, (name, number) in zip(slopes, record.gradient.items(), strict=True):
                assert np.asarray(slope).dtype == np.asarray(number).dtype
                assert np.array_equal(slope, number, equal_nan=True), (name, point, symbolic)


GUARDED = [
    "where(x > 0, sqrt(x), x*y)",
    "x*where(x > 0, log(x), y)",
    "relu(x*y) + leaky_relu(x)*sqrt(relu(y))",
    "min(x, y)*max(x, y^2) + min(x, x)",
    "clip(x, -1, y)*hypot(x, y) + clip(x, x, y)",
    "hypot(x, y)/y + hypot(where(x < 0, 1/x, 0), y)",
    "where(x > y, where(x > 0, 1/x, x^2), where(y > 0, log(y), x))",
    "xlogy(x, y) + elu(x)*abs(y)",
    "where(x == 0 or y == 0, 1, 1/x + 1/y)*where(x == 0, 2, log(x^2))",
    "relu(relu(x) - relu(y))^0.5",
    "x^y*sign(x) + floor(y)*x",
]
EDGES = [-2.0, -1.0, -0.0, 0.0, 1.0, 2.5, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("formula", GUARDED)
def test_the_numeric_sweep_around_guards(formula, dtype):
    graph = cr.parse(formula, inputs="x y", dtype=dtype)
    symbolic = graph.gradient()
    xs, ys = np.meshgrid(EDGES, EDGES)
    single = [(x, y) for x in EDGES for y in EDGES]
    for x, y in [(xs, ys), *single]:
        record = graph.at(x=x, y=y)
        for slope, number in zip(symbolic(x, y)[1], record.gradient.values(), strict=True):
            assert np.asarray(slope).dtype == dtype
            assert np.array_equal(slope, number, equal_nan=True), (x, y)


def test_the_numeric_sweep_through_changes_of_dtype():
    x, s = cr.input("x"), cr.input("s", dtype="float32")
    n = cr.input("n", dtype="int64")
    inner = cr.convert(x * x, dtype="float32") * s + cr.convert(s, dtype="float64") * n
    graph = cr.graph(cr.sin(cr.convert(inner, dtype="float32")) * x, [x, s, n])
    arguments = {"x": [0.1, 1e200, -0.0], "s": [0.3, 2.0, 1e-40], "n": 7}
    value, slopes = graph.gradient()(**arguments)
    record = graph.at(**arguments)
    assert [slope.dtype for slope in slopes] == ["float64", "float32"]
    assert np.array_equal(value, record.value, equal_nan=True)
    for slope, number in zip(slopes, record.gradient.values(), strict=True):
        assert np.array_equal(slope, number, equal_nan=True)
    assert math.isfinite(slopes[0][0])


# --- what is asked for ----------------------------------------------------------------------------


def test_by_chosen_nodes_in_the_order_asked_for():
    graph = cr.parse("a = x*y; f = sin(a)*x")
    assert graph.gradient("y x")(2, 3)[1] == graph.gradient()(2, 3)[1][::-1]
    _, (by_a, by_x) = graph.gradient("a x")(2, 3)
    assert by_a == pytest.approx(2 * math.cos(6), rel=1e-15)
    assert by_x == pytest.approx(2 * math.cos(6) * 3 + math.sin(6), rel=1e-15)
    assert graph.gradient("f")(2, 3)[1] == (1.0,)
    assert graph.gradient("x", of="a")(2, 3) == (6.0, (3.0,))
    assert graph.gradient("x", of="y")(2, 3) == (3.0, (0.0,))
    assert graph.gradient("y", of="y")(2, 3) == (3.0, (1.0,))


def test_nodes_held_fixed_leave_the_partial_derivative():
    """f(g(x, y), y) with g = sin(x) cos(y), f = g + y², as in the third text."""
    graph = cr.parse("g = sin(x)*cos(y); f = g*y + y^2")
    x, y = POINT["x"], POINT["y"]
    total = math.sin(x) * (math.cos(y) - y * math.sin(y)) + 2 * y
    partial = math.sin(x) * math.cos(y) + 2 * y
    assert graph.gradient("y")(x, y)[1] == pytest.approx((total,), rel=1e-15)
    assert graph.gradient("y", holding="g")(x, y)[1] == pytest.approx((partial,), rel=1e-15)
    assert graph.gradient("x", holding=["g"])(x, y)[1] == (0.0,)
    record = graph.at(x=x, y=y)
    assert graph.gradient("y", holding="g")(x, y)[1][0] == record.partial("f", "y", holding="g")


@settings(max_examples=100)
@given(smooth(), st.data())
def test_the_numeric_sweep_with_nodes_held_fixed(graph, data):
    of = graph.outputs[0]
    inner = [graph.dag.labels[node] for node in graph.dag.computations]
    inner.remove(of)
    fixed = data.draw(st.lists(st.sampled_from(inner), max_size=3) if inner else st.just([]))
    record = graph.at(x=0.3, y=-1.2)
    _, slopes = graph.gradient("x y", of=of, holding=fixed)(x=0.3, y=-1.2)
    assert slopes == tuple(record.partial(of, name, holding=fixed) for name in "xy")


def test_arguments_that_do_not_matter_have_slope_zero():
    n = cr.input("n", dtype="int64")
    x, unused = cr.inputs("x unused")
    graph = cr.graph(x * n, [x, n, unused])
    gradient = graph.gradient()
    assert gradient.arguments == ("x", "n", "unused")
    assert gradient(0.5, 3, 1) == (1.5, (3.0, 0.0))


def test_many_points_at_once():
    graph = cr.parse("x^2*y + sin(x)")
    xs, ys = np.linspace(-2, 2, 5), np.array([[1.0], [2.0], [3.0]])
    value, (by_x, by_y) = graph.gradient()(xs, ys)
    assert value.shape == by_x.shape == by_y.shape == (3, 5)
    assert np.allclose(by_x, 2 * xs * ys + np.cos(xs), rtol=1e-15)
    assert np.array_equal(by_y, np.broadcast_to(xs**2, (3, 5)))


def test_parameters_stay_parameters():
    graph = cr.parse("L = (y - (w*x + b))^2", parameters="w b").gradient("w b")
    assert (graph.arguments, graph.parameters) == (("y", "w", "x", "b"), ("w", "b"))
    assert graph(y=3, w=0.5, x=2, b=0.25) == (3.0625, (-7.0, -3.5))


# --- adjoints from outside ------------------------------------------------------------------------


def test_adjoints_of_several_outputs_add_up():
    """ȳᵀJ by hand: s = x + y, p = xy, and an output twice, an argument, a constant."""
    graph = cr.parse("s = x + y; p = x*y; s, p, p, x, 3")
    reverse = graph.vjp()
    assert reverse.arguments == ("x", "y", "s_bar", "p_bar", "p_bar_", "x_bar", "c_bar")
    values, slopes = reverse(2, 5, 1, 10, 100, 1000, 7)
    assert values == (7.0, 10.0, 10.0, 2.0, 3.0)
    assert slopes == (1 + 110 * 5 + 1000, 1 + 110 * 2)


@each_formula
def test_the_adjoint_of_one_output_scales_its_gradient(formula):
    graph = cr.parse(formula)
    point = at_point(graph)
    value, slopes = graph.vjp()(*point.values(), -2.5)
    assert value == graph(**point)
    wanted = [-2.5 * derivative(formula, name) for name in graph.arguments]
    assert slopes == pytest.approx(wanted, rel=1e-13, abs=1e-14)
