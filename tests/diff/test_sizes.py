"""How large derivative graphs are: counted, never timed."""

import itertools

import pytest

import chainrule as cr
from benchmarks.graphs import random_scalar_graph
from tests.ops.matrix import ALL, differentiable


def added(graph: cr.Graph, derived: cr.Graph) -> int:
    """How many computations a derivative graph has that the graph itself has not."""
    return len([node for node in derived.dag.computations if node not in graph.dag])


def edges_of(graph: cr.Graph) -> int:
    return sum(len(node.operands) for node in graph.dag.order)


@pytest.mark.parametrize("number", range(8))
def test_reverse_mode_makes_at_most_four_nodes_for_an_edge(number):
    graph = random_scalar_graph(2000, number)
    assert 0 < added(graph, graph.gradient()) <= 4 * edges_of(graph)


def test_what_each_rule_costs(golden):
    """Nodes that reverse mode adds for one operation, for each operand that varies alone."""
    lines = []
    for op in ALL:
        if not op.partials:
            continue
        for graph, params in differentiable(op):
            name = " ".join([op.name, *map(str, params)])
            counts = {
                node.name: added(graph, graph.vjp(node.name))
                for node in graph.dag.inputs
                if node.type.is_float
            }
            lines.append(f"{name}: " + ", ".join(f"{k} {v}" for k, v in counts.items()))
    golden("partial-sizes.txt", "\n".join([*lines, ""]))


def test_every_rule_is_small():
    """No rule takes more than a dozen nodes, those of gelu_tanh and erfcx apart."""
    for op in ALL:
        if op.partials and op.name not in {"gelu_tanh", "erfcx"}:
            for graph, _ in differentiable(op):
                assert added(graph, graph.vjp()) <= 12 * len(op.operands), op.name


# --- long, deep, wide -----------------------------------------------------------------------------


def test_a_chain_of_a_hundred_thousand_nodes():
    value, y = cr.inputs("x y")
    steps = 10_000
    for _ in range(steps):
        value = value * y
        for _ in range(9):
            value = value + y
    graph = cr.graph(value)
    assert len(graph.dag.computations) == 10 * steps
    # The slope is a power of y, one product for each step; the first of them is y itself.
    assert added(graph, graph.gradient("x")) == steps - 1


def test_as_many_paths_as_there_are_no_atoms():
    """2¹⁰⁰ paths, a hundred nodes: each edge is differentiated once."""
    value = cr.input("x")
    for _ in range(100):
        value = value * value
    graph = cr.graph(value)
    assert graph.count_paths("x") == 2**100
    # For each step: adjoint · operand, twice the same node, and their sum.
    assert added(graph, graph.gradient()) <= 200
    assert graph.gradient()(1.0) == (1.0, (2.0**100,))
    assert added(graph, graph.jvp()) <= 201
    assert added(graph, graph.hessian()) <= 800


def test_a_wide_fan_out():
    """A node with 100,000 users: one sum for each of them, and one product at the end."""
    x, y = cr.inputs("x y")
    total, a = y, cr.sin(x)
    width = 100_000
    for _ in range(width):
        total = total + a
    graph = cr.graph(total, [x, y])
    gradient = graph.gradient()
    assert added(graph, gradient) == (width - 1) + 2
    assert gradient(0.0, 1.0) == (1.0, (float(width), 1.0))


def rosenbrock(count: int) -> cr.Graph:
    x = cr.inputs([f"x{at}" for at in range(count)])
    terms = [100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return cr.graph(total, list(x))


def test_the_hessian_of_rosenbrock_in_a_hundred_variables():
    """It has three diagonals: the graph is linear in the number of variables."""
    sizes = [len(rosenbrock(count).hessian().dag.computations) for count in (25, 50, 100)]
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])
    assert sizes[2] <= 20 * 100
    found = rosenbrock(100).hessian()(*[1.0] * 100)
    assert [found[0, 0], found[50, 50], found[99, 99]] == [802.0, 1002.0, 200.0]
    assert found[50, 51] == found[51, 50] == -400.0
    assert (abs(found) > 0).sum() == 100 + 2 * 99
