"""Abstract functions: their derivatives are abstract functions, to any order."""

from __future__ import annotations

import pytest

import chainrule as cr


def test_the_chain_rule_comes_out_as_a_graph():
    graph = cr.parse("f(g1(x, y), g2(x))", abstract="f g1 g2")
    gradient = graph.gradient("x")
    # ∂f/∂g2 · ∂g2/∂x + ∂f/∂g1 · ∂g1/∂x
    assert gradient == cr.parse(
        "a = g1(x, y); b = g2(x); f(a, b), f_d2(a, b)*g2_d1(x) + f_d1(a, b)*g1_d1(x, y)",
        abstract="f g1 g2",
        inputs="x y",
    )


def test_mixed_derivatives_do_not_depend_on_the_order():
    graph = cr.parse("g(x, y)", abstract="g")
    xy = graph.gradient("x").gradient("y", of="d_x").dag.outputs[1]
    yx = graph.gradient("y").gradient("x", of="d_y").dag.outputs[1]
    assert xy is yx
    assert xy.params == ("g", (1, 2))


@pytest.mark.parametrize("make", [cr.Graph.gradient, cr.Graph.hessian, cr.Graph.jvp, cr.Graph.vjp])
def test_text_and_files_read_back(make, tmp_path):
    graph = make(cr.parse("h = g(x, y); sin(h)*x", abstract="g"))
    again = cr.parse(graph.formula(), abstract="g", inputs=graph.arguments)
    assert again.dag.outputs == graph.dag.outputs
    for suffix in (".json", ".txt"):
        path = tmp_path / f"graph{suffix}"
        graph.save(path)
        assert cr.load(path) == graph


def test_in_latex_a_derivative_has_its_sign():
    assert cr.parse("g_d1_2(x, y)", abstract="g").latex() == (r"\partial_{1,2} g\left(x, y\right)")


@pytest.mark.parametrize(
    ("formula", "code", "column"),
    [("g_d3(x, y)", "E130", 1), ("x + g_d0(x)", "E101", 5), ("g_d1()", "E105", 1)],
)
def test_derivatives_that_there_are_not(formula, code, column):
    with pytest.raises(cr.FormulaError) as caught:
        cr.parse(formula, abstract="g")
    assert (caught.value.code, caught.value.column) == (code, column)


def test_a_function_of_that_name_may_be_declared():
    graph = cr.parse("g_d1(x)", abstract="g_d1")
    assert graph.dag.output.params == ("g_d1", ())
    assert cr.parse("g_d1 * x").arguments == ("g_d1", "x")


@pytest.mark.parametrize("make", [cr.Graph.gradient, cr.Graph.hessian])
def test_latex_reads_back(make):
    graph = make(cr.parse("h = g_1(x, y); sin(h)*x", abstract="g_1"))
    again = cr.parse(graph.latex(), syntax="latex", abstract="g_1", inputs=graph.arguments)
    assert again.dag.outputs == graph.dag.outputs


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        (r"\partial x", "E128"),
        (r"\partial", "E128"),
        (r"\partial_{1} 3", "E111"),
        (r"\partial_{1} g", "E128"),
        (r"\partial_{1} x(y)", "E128"),
        (r"\partial_{z} g(x, y)", "E128"),
        (r"\partial_{0} g(x, y)", "E128"),
        (r"\partial_{1} \partial_{2} g(x, y)", "E111"),
    ],
)
def test_latex_that_is_no_derivative_of_an_abstract_function(formula, code):
    with pytest.raises(cr.FormulaError) as caught:
        cr.parse(f"{formula} + g(x, y)", syntax="latex", abstract="g")
    assert caught.value.code == code
