"""Costs: counted again by brute force, and in closed form where paths explode."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.diff.cost import Costs, Count, cost, count, tree_count
from chainrule.diff.edges import Edges
from chainrule.diff.reverse import gradient
from chainrule.errors import DerivativeError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, input_node, make
from chainrule.graph.op import OPS, Kind
from chainrule.graph.types import BOOL, FLOAT64

ADDITIONS = ("add", "subtract", "negate")
MULTIPLICATIONS = ("multiply", "divide", "square", "reciprocal")


def counts(graph: cr.Graph, wrt=None) -> Costs:
    return graph.cost(wrt).counts


# --- by brute force -------------------------------------------------------------------------------


@st.composite
def small(draw) -> Dag:
    """Small graphs with much sharing."""
    nodes = [input_node(name, FLOAT64) for name in "xy"]
    for _ in range(draw(st.integers(1, 7))):
        name = draw(
            st.sampled_from(["add", "multiply", "subtract", "sin", "exp", "divide", "square"])
        )
        operands = [draw(st.sampled_from(nodes)) for _ in OPS[name].operands]
        nodes.append(make(OPS[name], tuple(operands)))
    return Dag([nodes[-1]], nodes[:2])


def counted(names) -> Count:
    found = Counter(
        "add" if name in ADDITIONS else "multiply" if name in MULTIPLICATIONS else "function"
        for name in names
    )
    return Count(found["add"], found["multiply"], found["function"])


def computed_from(roots) -> set[Node]:
    seen, stack = set(), list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack += node.operands
    return {node for node in seen if node.operands}


def occurrences(roots) -> list[str]:
    names, stack = [], list(roots)
    while stack:
        node = stack.pop()
        stack += node.operands
        names += [node.op.name] if node.operands else []
    return names


def paths(source: Node, target: Node) -> list[int]:
    """The lengths of all paths, each of which is walked along."""
    lengths, stack = [], [(target, 0)]
    while stack:
        node, length = stack.pop()
        if node is source:
            lengths.append(length)
        stack += [(operand, length + 1) for operand in node.operands]
    return lengths


@settings(max_examples=150)
@given(small())
def test_counted_again(dag):
    found = cost(dag, dag.output, dag.inputs)
    derivatives = gradient(dag, dag.output, dag.inputs).outputs[1:]
    assert found.inputs == 2
    assert found.value == counted(n.op.name for n in computed_from([dag.output]))
    assert found.value_tree == counted(occurrences([dag.output]))
    assert found.gradient == counted(n.op.name for n in computed_from(derivatives))
    assert found.reverse == counted(n.op.name for n in computed_from([dag.output, *derivatives]))
    assert found.gradient_tree == counted(occurrences(derivatives))

    lengths = [paths(source, dag.output) for source in dag.inputs]
    assert found.paths == sum(map(len, lengths))
    edges = Edges()
    moving = set().union(*(walk.descendants(dag.order, [x]) for x in dag.inputs))
    partials = [
        edges.into(node, at)
        for node in computed_from([dag.output])
        for at, operand in enumerate(node.operands)
        if operand in moving
    ]
    once = {dag.output, *(partial.factor for partial in partials if partial is not None)}
    products = sum(max(length - 1, 0) for some in lengths for length in some)
    sums = sum(max(len(some) - 1, 0) for some in lengths)
    expected = counted(n.op.name for n in computed_from(once)) + Count(sums, products, 0)
    assert found.path_by_path == expected


@settings(max_examples=100)
@given(small())
def test_counts_of_nodes(dag):
    assert count(dag.order).total == len(dag.computations)
    assert tree_count(dag.order, dag.outputs).total == len(occurrences(dag.outputs))
    assert count([]) == Count() == Count(0, 0, 0)


# --- layers, in closed form -----------------------------------------------------------------------


def layers(n: int, depth: int) -> Costs:
    """``depth`` layers of ``n`` nodes below one output; all functions unspecified."""
    return counts(cr.layered(*[n] * depth, 1))


@pytest.mark.parametrize(("n", "depth"), [(2, 2), (3, 2), (3, 3), (3, 4), (3, 6), (2, 12), (3, 12)])
def test_paths_explode_and_reverse_mode_does_not(n, depth):
    found = layers(n, depth)
    all_paths = n**depth
    hidden = depth - 1
    nodes = n * hidden + 1
    edges = n * n * hidden + n
    assert found.paths == all_paths
    assert found.value == Count(functions=nodes)
    # A local derivative for each edge; then products along the edges and sums at the nodes.
    assert found.reverse == Count(n * hidden * (n - 1), n * n * hidden, nodes + edges)
    # Each path has depth edges; the paths of each input are added up.
    assert found.path_by_path == Count(all_paths - n, all_paths * (depth - 1), nodes + edges)
    # A pass for each input: nothing to multiply with in its first layer.
    each = Count((n * (hidden - 1) + 1) * (n - 1), n * n * (hidden - 1) + n)
    assert found.forward == Count(n * each.additions, n * each.multiplications, nodes + edges)


def test_the_paths_of_the_third_text():
    assert [layers(n, depth).paths for n, depth in [(2, 2), (3, 2), (3, 3)]] == [4, 9, 27]
    assert [layers(3, depth).paths for depth in range(2, 13)] == [3**k for k in range(2, 13)]


def test_reverse_mode_grows_with_the_edges():
    totals = [layers(3, depth).reverse.total for depth in range(2, 13)]
    assert len({b - a for a, b in itertools.pairwise(totals)}) == 1
    paths = [layers(3, depth).path_by_path.total for depth in range(2, 13)]
    assert paths[-1] > 10_000 * totals[-1]
    assert all(b > 3 * a for a, b in itertools.pairwise(paths[4:]))


# --- expression swell -----------------------------------------------------------------------------


def product(n: int) -> cr.Graph:
    return cr.graph(math.prod(cr.inputs(" ".join(f"x{at}" for at in range(1, n + 1)))[1:],
                              start=cr.inputs("x1")[0]))  # fmt: skip


@pytest.mark.parametrize("n", [3, 4, 5, 10, 50])
def test_a_product_of_many(n):
    """Reverse mode takes less than 3 times the value, however many derivatives there are; written
    out they take n(n − 2) products (Speelpenning's example, Griewank and Walther, section 3.3).
    """
    found = counts(product(n))
    assert found.value == Count(multiplications=n - 1)
    assert found.reverse == Count(multiplications=(n - 1) + 2 * (n - 2))
    assert found.gradient_tree == Count(multiplications=n * (n - 2))
    assert found.paths == n
    assert found.forward.total >= n * found.value.total / 2


def logistic(n: int) -> cr.Graph:
    (value,) = cr.inputs("x")
    for _ in range(n):
        value = 4 * value * (1 - value)
    return cr.graph(value)


def test_the_logistic_map():
    """Three operations each time; x occurs twice as often each time, and so do the paths."""
    for n in (1, 2, 3, 10, 100, 1000):
        found = counts(logistic(n))
        assert found.value == Count(n, 2 * n, 0)
        assert found.value_tree.total == 3 * (2**n - 1)
        assert found.paths == 2**n
        assert found.reverse.total <= 3 * found.value.total
    # x1 written out: 4 − 8 x has few operations; from then on it more than doubles every time.
    swell = [counts(logistic(n)).gradient_tree.total for n in range(1, 9)]
    assert all(b > 2 * a for a, b in itertools.pairwise(swell))


def test_a_nested_sigmoid():
    for n in (1, 2, 10, 300):
        (value,) = cr.inputs("x")
        for _ in range(n):
            value = cr.sigmoid(value)
        found = counts(cr.graph(value))
        assert found.value == found.value_tree == Count(functions=n)
        # The slope is sigmoid(x)·sigmoid(−x); n − 1 products.
        assert found.reverse == Count(n, 2 * n - 1, 2 * n)
        assert found.forward == found.reverse
        # The k-th factor holds the sigmoid of the k-th twice.
        assert found.gradient_tree == Count(n, 2 * n - 1, n * (n + 1))


def test_astronomical_counts_are_exact():
    found = counts(logistic(5_000))
    assert found.paths == 2**5_000
    assert found.value_tree.total == 3 * (2**5_000 - 1)


# --- the cheap gradient ---------------------------------------------------------------------------

PARAMS = {"exponent": 3, "order": 1, "slope": 0.1, "alpha": 1.0}
DEAR = {"erfcx": 21, "gelu_tanh": 17, "general_power": 21, "clip": 13}
CHEAP = 9
"""At most this many operations for one operation and its partial derivatives; DEAR: a few more."""


def alone(name: str) -> Dag:
    op = OPS[name]
    operands = tuple(
        input_node(own, BOOL if kind is Kind.BOOL else FLOAT64)
        for own, kind in zip(op.operands, op.kinds, strict=True)
    )
    params = op.normal_params([PARAMS.get(param.name) for param in op.params])
    return Dag([make(op, operands, params)], operands)


NUMERIC = [
    op.name
    for op in OPS.values()
    if op.pointwise
    and not op.is_leaf
    and any(op.partials)
    and op.kernel
    and not op.variadic
    and op.name != "convert"
]


@pytest.mark.parametrize("name", NUMERIC)
def test_one_operation_with_its_derivatives(name):
    dag = alone(name)
    wrt = [node for node in dag.inputs if node.type.is_float]
    assert cost(dag, dag.output, wrt).reverse.total <= DEAR.get(name, CHEAP)


@settings(max_examples=100)
@given(small())
def test_reverse_mode_is_at_most_six_times_the_value(dag):
    """For these operations: a product and a sum for each edge, and the local derivatives."""
    found = cost(dag, dag.output, dag.inputs)
    assert found.reverse.total <= 6 * found.value.total


@pytest.mark.parametrize("n", [1, 2, 5, 20, 100])
def test_forward_mode_takes_a_pass_for_each_input(n):
    xs = cr.inputs(" ".join(f"x{at}" for at in range(n)))
    graph = cr.graph(cr.sin(sum(x * x for x in xs)))
    found = counts(graph)
    assert found.inputs == n
    assert found.reverse.total <= 4 * found.value.total
    # 2x and its product with cos for each input, once the sum is formed.
    assert (
        found.forward.total - found.value.total - 1 == found.reverse.total - found.value.total - 1
    )
    deep = cr.graph(cr.sin(cr.sin(cr.sin(sum(x * x for x in xs)))))
    assert counts(deep).forward.total >= 2 * n
    assert counts(deep).reverse.total <= 4 * counts(deep).value.total


# --- edges ----------------------------------------------------------------------------------------


def test_some_arguments_intermediate_nodes_and_none():
    graph = cr.parse("a = x + y; f = a*x")
    assert counts(graph, "x").inputs == 1
    assert counts(graph, ["a"]).paths == 1
    assert counts(graph, "f").paths == 1
    assert counts(graph, "f").reverse == counts(graph, "f").value
    unused = counts(cr.parse("x^2", inputs="x y"), "y")
    assert (unused.paths, unused.gradient, unused.reverse) == (0, Count(), unused.value)


def test_errors():
    with pytest.raises(DerivativeError, match="E332"):
        cr.parse("x, x^2").cost()
    with pytest.raises(DerivativeError, match="E331"):
        cr.parse("x > 0").cost()
    assert cr.parse("x, x^2").cost(of="x").counts.value == Count()
