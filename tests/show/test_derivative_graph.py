"""Derivative graphs: the third text's drawings with its numbers, and with formulas."""

from __future__ import annotations

import math

import pytest

import chainrule as cr
from chainrule.errors import DerivativeError, GraphError
from tests.show.test_derivation import balanced

SQUARE = "g = 3x; f = g^2"
PRODUCT = "g1 = sin(x); g2 = cos(x); f = g1*g2"
PRACTICE = "h = x^2; g1 = cos(h); g2 = sin(h); f = g1*g2"


def contents(graph) -> dict[str, object]:
    nodes = {node.name.text: node.content.datum for node in graph.nodes}
    return nodes | {edge.name.text: edge.content.datum for edge in graph.edges}


def test_the_square_of_3x_at_4():
    found = contents(cr.parse(SQUARE).at(x=4).derivative_graph("x"))
    assert found == {"dx/dx": 1, "dg/dx": 3, "df/dx": 72, "∂g/∂x": 3, "∂f/∂g": 24}


def test_sine_times_cosine_at_2():
    found = contents(cr.parse(PRODUCT).at(x=2).derivative_graph("x"))
    sine, cosine = math.sin(2), math.cos(2)
    assert found == pytest.approx(
        {
            "dx/dx": 1,
            "dg1/dx": cosine,
            "dg2/dx": -sine,
            "df/dx": cosine**2 - sine**2,
            "∂g1/∂x": cosine,
            "∂g2/∂x": -sine,
            "∂f/∂g1": cosine,
            "∂f/∂g2": sine,
        },
        rel=1e-15,
    )


def test_cosine_times_sine_of_the_square():
    x = 0.7
    found = contents(cr.parse(PRACTICE).at(x=x).derivative_graph("x"))
    sine, cosine = math.sin(x * x), math.cos(x * x)
    expected = {
        "dh/dx": 2 * x,
        "dg1/dx": -sine * 2 * x,
        "dg2/dx": cosine * 2 * x,
        "df/dx": 2 * x * (cosine**2 - sine**2),
        "∂f/∂g1": sine,
        "∂f/∂g2": cosine,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (
            SQUARE,
            {"dx/dx": "1", "dg/dx": "3", "df/dx": "2*(dg/dx)*g", "∂g/∂x": "3", "∂f/∂g": "2*g"},
        ),
        (
            PRODUCT,
            {
                "dx/dx": "1",
                "dg1/dx": "cos(x)",
                "dg2/dx": "-sin(x)",
                "df/dx": "(dg1/dx)*g2 + (dg2/dx)*g1",
                "∂g1/∂x": "cos(x)",
                "∂g2/∂x": "-sin(x)",
                "∂f/∂g1": "g2",
                "∂f/∂g2": "g1",
            },
        ),
    ],
)
def test_with_formulas(formula, expected):
    assert contents(cr.parse(formula).derivative_graph("x")) == expected


TABLES = {
    "square": SQUARE,
    "product": PRODUCT,
    "practice": PRACTICE,
    "shared": "a = x + y; f = a*x",
    "parallel": "f = x*x",
}


@pytest.mark.parametrize("name", TABLES)
def test_as_a_table(name, golden):
    graph = cr.parse(TABLES[name])
    record = graph.at(**dict.fromkeys(graph.arguments, 2.0))
    symbolic, numeric = graph.derivative_graph("x"), record.derivative_graph("x")
    golden(f"derivative-graphs/{name}.txt", f"{symbolic}\n\n{numeric}\n")
    for found in (symbolic, numeric):
        assert balanced(found.table().latex())


def test_numbers_are_the_tangents_and_local_derivatives(seed):
    graph = cr.parse(seed["formula"])
    record = graph.at(**seed["at"])
    output = graph.outputs[0]
    for name in graph.arguments:
        found = record.derivative_graph(name, of=output)
        labels = graph.dag.labels
        for node in found.nodes:
            expected = record.derivative(of=labels[node.node], wrt=name)
            assert node.content.datum == pytest.approx(expected, rel=1e-13, abs=1e-15)
        # Each node is the sum over its edges of the edge times the node it comes from.
        value = {node.node: node.content.datum for node in found.nodes}
        for node in found.nodes[1:]:
            total = sum(
                edge.content.datum * value[edge.operand]
                for edge in found.edges
                if edge.user is node.node
            )
            assert node.content.datum == pytest.approx(total, rel=1e-13, abs=1e-15)


def test_parallel_edges_are_two():
    found = cr.parse("f = x*x").derivative_graph("x")
    assert [(edge.name.text, edge.position, edge.content.text) for edge in found.edges] == [
        ("∂f/∂x[1]", 0, "x"),
        ("∂f/∂x[2]", 1, "x"),
    ]


def test_several_outputs_and_nodes_in_between():
    graph = cr.parse("s = x + y; p = s*x; s, p")
    with pytest.raises(DerivativeError, match="E332"):
        graph.derivative_graph("x")
    assert contents(graph.derivative_graph("s", of="p")) == {
        "ds/ds": "1", "dp/ds": "x", "∂p/∂s": "x"
    }  # fmt: skip
    assert contents(graph.at(x=2, y=3).derivative_graph("s", of="p")) == {
        "ds/ds": 1, "dp/ds": 2, "∂p/∂s": 2
    }  # fmt: skip


def test_a_branch_that_is_not_taken():
    record = cr.parse("f = where(x > 0, log(x), x^2)").at(x=-1)
    assert contents(record.derivative_graph("x"))["df/dx"] == -2


@pytest.mark.parametrize("held", ["a", "h", "a h"])
def test_nodes_held_fixed(held):
    graph = cr.parse("a = x + y; h = x^2; f = a*h*x")
    record = graph.at(x=2, y=3)
    found = record.derivative_graph("x", holding=held)
    mark = held.replace(" ", ",")
    assert contents(found)[f"(∂f/∂x)_{mark}"] == record.partial("f", "x", holding=held)
    assert f"x, {held.replace(' ', ', ')} held fixed" in str(found).splitlines()[0]
    symbolic = graph.derivative_graph("x", holding=held)
    assert [node.name for node in symbolic.nodes] == [node.name for node in found.nodes]
    assert [edge.name for edge in symbolic.edges] == [edge.name for edge in found.edges]


def test_what_changes_cannot_be_held():
    graph = cr.parse("a = x + y; f = a*x")
    for thing in (graph, graph.at(x=1, y=2)):
        with pytest.raises(GraphError, match="E228"):
            thing.derivative_graph("x", holding="f")
        assert thing.derivative_graph("y", holding="a").nodes == ()
