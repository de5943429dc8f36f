"""Graphs of derivatives along a direction, and forward mode against reverse mode."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph.node import input_node
from tests.diff.examples import FORMULAS, at_point, derivative, points, smooth, whole_table

each_formula = pytest.mark.parametrize("formula", FORMULAS)
DIRECTION = {"x": 0.3, "y": -1.7, "z": 2.0}


@each_formula
def test_directional_derivatives_are_those_of_sympy(formula):
    graph = cr.parse(formula)
    names = graph.arguments
    value, tangent = graph.jvp()(*at_point(graph).values(), *map(DIRECTION.get, names))
    assert value == graph(**at_point(graph))
    parts = [derivative(formula, name) * DIRECTION[name] for name in names]
    assert tangent == pytest.approx(math.fsum(parts), abs=1e-13 * sum(map(abs, parts)))


def test_several_outputs_have_several_tangents():
    graph = cr.parse("s = x + y; p = x*y; s, p, p, x, 3").jvp()
    assert graph.arguments == ("x", "y", "x_dot", "y_dot")
    values, tangents = graph(2, 5, 1, 10)
    assert values == (7.0, 10.0, 10.0, 2.0, 3.0)
    assert tangents == (11.0, 25.0, 25.0, 1.0, 0.0)


def test_a_node_that_changes_by_itself_and_through_another():
    """f = a², a = 3x: with ẋ and ȧ given, a changes by 3ẋ + ȧ, as the Jacobian says."""
    graph = cr.parse("a = 3*x; f = a^2")
    assert graph.jvp("x a")(5, 1, 0) == (225.0, 90.0)
    assert graph.jvp("x a")(5, 0, 1) == (225.0, 30.0)
    assert graph.jvp("x a")(5, 10, 100) == (225.0, 3900.0)
    assert graph.jacobian("x a")(5).tolist() == [[90.0, 30.0]]
    assert graph.jvp("x x")(5, 1, 10) == (225.0, 990.0)


# --- the numeric sweep ----------------------------------------------------------------------------


@settings(max_examples=120)
@given(whole_table())
def test_the_numeric_sweep_gives_the_same_numbers(dag):
    """Bit for bit, NaN and infinities included; only the sign of a zero may differ."""
    graph = cr.Graph(dag)
    for seed in dag.inputs:
        if seed.type.is_float:
            symbolic = graph.jvp(seed.name)
            for point in points():
                sweep = graph.at(**point).sweep
                tangents = sweep.forward({seed: seed.type.dtype.type(1)})
                found = symbolic(**point, **{f"{seed.name}_dot": 1.0})[1]
                found = found if len(dag.outputs) > 1 else (found,)
                for output, number in zip(dag.outputs, found, strict=True):
                    wanted = tangents.get(output, output.type.dtype.type(0))
                    wanted = np.broadcast_to(wanted, np.shape(number))
                    assert np.array_equal(number, wanted, equal_nan=True), (seed, output)


@pytest.mark.parametrize("by", ["x", "s"])
def test_the_numeric_sweep_through_changes_of_dtype(by):
    x, s = cr.input("x"), cr.input("s", dtype="float32")
    inner = cr.convert(x * x, dtype="float32") * s + cr.convert(x, dtype="float32")
    outputs = [
        inner,
        cr.convert(cr.sin(inner), dtype="float64") * x,
        cr.convert(s, dtype="float64"),
    ]
    graph = cr.graph(outputs, [x, s])
    start = graph.dag.find(by)
    sweep = graph.at(x=0.1, s=0.3).sweep
    tangents = sweep.forward({start: start.type.dtype.type(1)})
    symbolic = graph.jvp(by)
    values = symbolic.at(x=0.1, s=0.3, **{f"{by}_dot": 1}).sweep.values
    for output, derived in zip(graph.dag.outputs, symbolic.dag.outputs[3:], strict=True):
        assert derived.type is output.type
        assert values[derived].dtype == output.type.dtype
        assert values[derived] == tangents.get(output, 0)


# --- forward and reverse mode ---------------------------------------------------------------------

number = st.floats(-2, 2)


@settings(max_examples=250)
@given(smooth(), st.data())
def test_reverse_mode_is_the_adjoint_of_forward_mode(graph, data):
    """⟨ȳ, Jẋ⟩ = ⟨Jᵀȳ, ẋ⟩ up to rounding, for graphs with several outputs."""
    count = len(graph.outputs)
    point, tangent = data.draw(st.tuples(number, number)), data.draw(st.tuples(number, number))
    adjoint = data.draw(st.lists(number, min_size=count, max_size=count))
    values, along = graph.jvp()(*point, *tangent)
    again, back = graph.vjp()(*point, *adjoint)
    assert values == again == graph(*point)
    along = along if count > 1 else (along,)
    entries = np.abs(graph.jacobian()(*point))
    scale = np.abs(adjoint) @ entries @ np.abs(tangent)
    difference = math.fsum(np.multiply(adjoint, along)) - math.fsum(np.multiply(back, tangent))
    assert abs(difference) <= 1e-12 * scale + 1e-300


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_new_arguments_have_the_dtypes_of_their_nodes(dtype):
    graph = cr.parse("x*y", dtype=dtype)
    for arguments, names in (
        (graph.jvp().dag.inputs, "x_dot y_dot"),
        (graph.vjp().dag.inputs, "f_bar"),
    ):
        assert arguments[2:] == tuple(
            input_node(name, graph.dag.output.type) for name in names.split()
        )
