"""What is differentiated in the tests of derivative graphs, and what SymPy says about it."""

from __future__ import annotations

import functools

import sympy
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph.dag import Dag
from tests.formula.test_random import graphs
from tests.run.test_sweep import compositions

FORMULAS = [
    "x^2*y + sin(x*y)",
    "exp(-x^2)*y^3",
    "x/(1 + y^2)",
    "log(x^2 + y^2)",
    "sqrt(x*y + 3)",
    "tanh(x)*atan(y)",
    "x^3 - 3*x*y^2 + z",
    "(x*y + z)^3/7",
    "exp(x*y*z) - x",
    "x^y + y^x",
    "1/(1 + exp(-(x*y + z)))",
    "(1 - x)^2 + 100*(y - x^2)^2",
    "sin(x)^2*cos(y)^2 + x",
    "asin(x/4)*y",
    "cosh(x) - sinh(y)*x",
    "erf(x)*gamma(y + 2)",
]
"""Formulas that mean the same to SymPy."""

POINT = {"x": 0.7, "y": 1.3, "z": -0.4}


def at_point(graph: cr.Graph) -> dict[str, float]:
    """The part of the point that the graph takes."""
    return {name: POINT[name] for name in graph.arguments}


@functools.cache
def exact(formula: str) -> sympy.Expr:
    return sympy.sympify(formula.replace("^", "**"))


@functools.cache
def derivative(formula: str, *names: str) -> float:
    """The derivative of a formula by these names, one after the other, at the point."""
    at = {name: sympy.Float(value, 30) for name, value in POINT.items()}
    return float(sympy.diff(exact(formula), *names).evalf(25, subs=at))


# --- random graphs --------------------------------------------------------------------------------

PLACES = {
    "x": [0.7, -1.3, 0.0, 2.0],
    "w": [1.5, 0.25, 0.0, -2.0],
    "s": [0.5, -0.75, 0.0, 3.0],
    "n": [2, -1, 0, 3],
    "c": [True, False, True, False],
}
"""Arguments of the random graphs of the whole table: four points, zeros among them."""


def points() -> list[dict]:
    """All points at once, and one after the other."""
    return [PLACES, *({name: row[at] for name, row in PLACES.items()} for at in range(4))]


def whole_table() -> st.SearchStrategy[Dag]:
    """Graphs of all operations that have values, of all dtypes, with a derivative to ask for."""
    return graphs().map(_with_derivatives).filter(lambda dag: dag is not None)


def _with_derivatives(dag: Dag) -> Dag | None:
    outputs = [node for node in dag.outputs if node.type.is_float]
    if not outputs or any(node.op.name == "abstract" for node in dag.order):
        return None
    return Dag(outputs, dag.inputs, dag.names)


@st.composite
def smooth(draw: st.DrawFn) -> cr.Graph:
    """Compositions of smooth operations in their domains, with up to three outputs."""
    graph = draw(compositions())
    choice = st.lists(st.sampled_from(graph.dag.computations), max_size=2)
    return cr.Graph(Dag([graph.dag.output, *draw(choice)], graph.dag.inputs))
