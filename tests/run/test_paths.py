"""Paths and their products: the texts' examples by hand, random graphs against a plain recursion,
2¹⁰⁰ paths, guards, infinite and missing factors, orders of magnitude beyond floating point."""

from __future__ import annotations

import math
from itertools import islice, pairwise
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import DerivativeError, EvaluationError, GraphError
from chainrule.graph.dag import Dag
from chainrule.graph.node import FLOAT64, constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.run.interpret import Sweep
from chainrule.run.paths import Paths, add_up
from chainrule.show.numbers import count as count_text
from chainrule.show.paths import path_table


def paths(graph, source, target=None, holding=(), **at) -> Paths:
    dag = graph.dag
    return Paths(
        graph.at(**at).sweep,
        dag.find(source),
        dag.find(target) if target else dag.output,
        [dag.find(name) for name in holding],
    )


def listed(found: Paths) -> list:
    """Every path as (names, local derivatives, product)."""
    labels = found.sweep.dag.labels
    return [
        (
            [labels[node] for node in path.nodes],
            [step.local_derivative for step in path.steps],
            path.product,
        )
        for path in found
    ]


# --- by hand --------------------------------------------------------------------------------------


def test_the_two_paths_of_the_second_text():
    found = paths(cr.parse("a = x + y; f = a * x"), "x", x=3, y=2)
    assert listed(found) == [
        (["x", "f"], [5.0], 5.0),
        (["x", "a", "f"], [1.0, 3.0], 3.0),
    ]
    assert (found.count, found.sum(), found.derivative) == (2, 8.0, 8.0)


def test_counts_and_contributions_of_the_texts(seed):
    graph = cr.parse(seed["formula"], parameters=seed["parameters"])
    for name, expected in seed["gradient"].items():
        found = paths(graph, name, **seed["at"])
        assert found.sum() == pytest.approx(expected, rel=1e-14, abs=1e-14)
        if name in seed.get("path_count", {}):
            assert len(list(found)) == found.count == seed["path_count"][name]
        if name in seed.get("path_contributions", {}):
            products = sorted(path.product for path in found)
            assert products == sorted(seed["path_contributions"][name])


def test_nine_paths_of_the_third_text():
    """Three middle nodes that each depend on three inputs: 3 paths from each input, 9 in all."""
    graph = cr.parse("g1 = sin(x*y*z); g2 = x + y + z; g3 = x*y + z; f = g1*g2*g3")
    counts = [paths(graph, name, x=1, y=2, z=3).count for name in "xyz"]
    assert counts == [3, 3, 3]


def test_a_square_written_as_a_product_has_two_edges():
    found = paths(cr.parse("x*x"), "x", x=3)
    assert [(p.steps[0].position, p.product) for p in found] == [(0, 3.0), (1, 3.0)]
    assert found.sum() == 6.0


def test_between_inner_nodes_and_with_nodes_held_fixed():
    graph = cr.parse("a = x + y; b = a*x; f = b*a")
    at = {"x": 3, "y": 2}
    assert [p[0] for p in listed(paths(graph, "a", "b", **at))] == [["a", "b"]]
    # ∂f/∂x with a fixed is a·a; with b fixed it is b.
    assert listed(paths(graph, "x", holding=["a"], **at)) == [(["x", "b", "f"], [5.0, 5.0], 25.0)]
    assert listed(paths(graph, "x", holding=["b"], **at)) == [(["x", "a", "f"], [1.0, 15.0], 15.0)]
    held = paths(graph, "x", holding=["a"], **at)
    assert (held.count, held.sum(), held.derivative) == (1, 25.0, 25.0)
    assert paths(graph, "x", holding=["a", "b"], **at).count == 0


def test_ends():
    graph = cr.parse("x^2 + y")
    at = {"x": 3, "y": 2}
    (only,) = paths(graph, "x", "x", **at)
    assert (only.nodes, only.steps, only.product) == ((graph.dag.find("x"),), (), 1.0)
    assert paths(graph, "x", "x", **at).derivative == 1.0
    nowhere = paths(graph, "y", "x", **at)
    assert (list(nowhere), nowhere.count, nowhere.sum(), nowhere.derivative) == ([], 0, 0.0, 0.0)
    assert paths(graph, "f", "x", **at).count == 0


def test_a_constant_can_be_the_source():
    """∂(3x²)/∂3 = x²."""
    graph = cr.parse("k = 3; k*x^2")
    assert paths(graph, "k", x=5).sum() == paths(graph, "k", x=5).derivative == 25.0


def test_first_and_iterating_anew():
    found = paths(cr.parse("(x + 1)*(x + 2)*(x + 3)"), "x", x=0)
    assert [p.product for p in found] == [6.0, 3.0, 2.0] == [p.product for p in found]
    assert [p.product for p in found.first(2)] == [6.0, 3.0]
    assert len(found.first(10)) == 3
    assert found.first(0) == ()


def test_equal_magnitudes_come_in_topological_order():
    graph = cr.parse("a = x + x; b = -a + a; c = b + b")
    found = paths(graph, "x", x=1)
    positions = [tuple(step.position for step in path.steps) for path in found]
    # −a comes before a + … in the graph, so its path (with one edge more) is first.
    assert positions == [(i, *inner, k) for i in (0, 1) for inner in ((0, 0), (1,)) for k in (0, 1)]


# --- guards, conditions, infinite and missing factors ---------------------------------------------


def test_a_branch_that_is_not_taken_contributes_exactly_nothing():
    """∂√x/∂x = ∞ at 0, but where() takes the other branch."""
    found = paths(cr.parse("where(x > 1, sqrt(x), 2x)"), "x", x=0)
    assert found.count == 3
    products = {tuple(found.sweep.dag.labels[n] for n in p.nodes): p.product for p in found}
    assert sorted(products.values()) == [0.0, 0.0, 2.0]
    closed = next(p for p in found if p.steps[0].local_derivative == inf)
    assert closed.product == 0.0
    assert [step.live for step in closed.steps] == [True, False]
    assert found.sum() == found.derivative == 2.0


def test_a_true_zero_times_infinity_is_nan():
    found = paths(cr.parse("sqrt(x)*0 + 3x"), "x", x=0)
    first, second = found
    assert isnan(first.product)
    assert second.product == 3.0
    assert isnan(found.sum())
    assert isnan(found.derivative)


def test_conditions_integers_and_steps_carry_no_derivative_but_are_paths():
    graph = cr.parse("c = x > 0; where(c, x, -x) + floor(x)")
    found = paths(graph, "x", x=2)
    assert found.count == len(list(found)) == 4
    assert [p.product for p in found] == [1.0, 0.0, 0.0, 0.0]
    assert found.sum() == found.derivative == 1.0
    through = paths(graph, "c", x=2)
    assert [p.product for p in through] == [0.0]
    with pytest.raises(DerivativeError, match="E331"):
        _ = through.derivative
    with pytest.raises(DerivativeError, match="E331"):
        _ = paths(graph, "x", "c", x=2).derivative


def test_what_is_not_finite_comes_first_and_zeros_last():
    graph = cr.parse("w = 1/x; 5y + sqrt(x)*y + y*y + w*y*0 + where(y > 9, w*y, 7y)")
    products = [path.product for path in paths(graph, "y", x=0, y=3)]
    # 1/0 = ∞ times 0, and times a closed edge; √0 = 0.
    assert isnan(products[0])
    assert products[1:4] == [7.0, 5.0, 3.0]
    assert products[4:] == [3.0, 0.0, 0.0, 0.0]


def test_nan_factors_come_first():
    products = [path.product for path in paths(cr.parse("x*y + log(-x^2) + 2x"), "x", x=0, y=nan)]
    assert isnan(products[0])
    assert products[-1] == 2.0 or isnan(products[-1])
    again = [path.product for path in paths(cr.parse("x*y + log(-x^2) + 2x"), "x", x=0, y=nan)]
    assert list(map(repr, products)) == list(map(repr, again))


def test_overflow_and_underflow_do_not_spoil_the_order():
    """Products 1e400, 1e300 and 1e-10 through partial products far beyond floating point."""
    graph = cr.parse("a = 1e200*(1e200*x); s = 1e-300*(1e-300*x); 1e300*(1e290*s) + 1e-100*a + a")
    products = [path.product for path in paths(graph, "x", x=1)]
    assert products == [inf, pytest.approx(1e300, rel=1e-13), pytest.approx(1e-10, rel=1e-13)]


def test_products_too_small_for_floats_are_still_in_order():
    """1e-400 and 1e-350 are both 0 as floats; the larger one comes first."""
    graph = cr.parse("a = 1e-200*x; b = 1e-150*x; 1e-200*a + 1e-200*b")
    found = paths(graph, "x", x=1)
    firsts = [path.steps[0].local_derivative for path in found]
    assert firsts == [1e-150, 1e-200]
    assert [path.product for path in found] == [0.0, 0.0]


def test_float32_factors_are_exact():
    x = cr.input("x", dtype="float32")
    found = paths(cr.graph(cr.convert(x * 0.1, dtype="float64") * 3), "x", x=1)
    (only,) = found
    assert only.product == 3 * float(np.float32(0.1))


# --- many paths, long paths -----------------------------------------------------------------------


def doubled(times: int) -> Dag:
    """x + x, and so on: 2ⁿ paths."""
    node = first = input_node("x", FLOAT64)
    for _ in range(times):
        node = make(OPS["add"], (node, node))
    return Dag([node], [first])


def test_the_first_of_two_to_the_hundred_paths():
    dag = doubled(100)
    found = Paths(Sweep(dag, {dag.inputs[0]: np.float64(1)}), dag.inputs[0], dag.output)
    assert found.count == 2**100
    assert found.derivative == 2.0**100
    first = found.first(5)
    bits = [int("".join(str(step.position) for step in path.steps), 2) for path in first]
    assert bits == [0, 1, 2, 3, 4]
    assert all(path.product == 1.0 for path in first)
    with pytest.raises(DerivativeError, match="E338 more than 1000000 paths"):
        found.sum()


def test_the_first_of_many_different_paths():
    """At each of 40 nodes the factor is 1 or 2: one product is 2⁴⁰, 40 are 2³⁹, 780 are 2³⁸."""
    graph = cr.parse(
        "; ".join(["v0 = x", *(f"v{i} = v{i - 1} + 2*v{i - 1}" for i in range(1, 41))])
    )
    found = paths(graph, "x", x=1)
    assert found.count == 2**40
    products = [path.product for path in islice(found, 1 + 40 + 780 + 1)]
    assert products == [2.0**40] + [2.0**39] * 40 + [2.0**38] * 780 + [2.0**37]


def test_a_long_chain():
    x = node = input_node("x", FLOAT64)
    for _ in range(100_000):
        node = make(OPS["negate"], (node,))
    dag = Dag([node], [x])
    found = Paths(Sweep(dag, {x: np.float64(2)}), x, node)
    (only,) = found
    assert (found.count, len(only.steps), only.product, found.sum()) == (1, 100_000, 1.0, 1.0)


def test_a_long_chain_of_branches():
    dag = doubled(20_000)
    found = Paths(Sweep(dag, {dag.inputs[0]: np.float64(1)}), dag.inputs[0], dag.output)
    assert found.count == 2**20_000
    assert [path.steps[-1].position for path in found.first(2)] == [0, 1]
    assert "3.98e6020 paths" in path_table(found, 2).note


# --- random graphs --------------------------------------------------------------------------------

OPERATIONS = ["add", "subtract", "multiply", "sin", "negate", "maximum", "square", "relu"]


@st.composite
def graphs(draw, size=12):
    nodes = [input_node("x", FLOAT64), input_node("y", FLOAT64)]
    inputs = list(nodes)
    nodes.append(constant_node(draw(st.sampled_from([0.5, -2.0, 3.0])), FLOAT64))
    for _ in range(draw(st.integers(1, size))):
        op = OPS[draw(st.sampled_from(OPERATIONS))]
        # Mostly the latest nodes, so that paths multiply.
        operands = [nodes[-1 - draw(st.integers(0, min(3, len(nodes) - 1)))] for _ in op.operands]
        nodes.append(make(op, tuple(operands)))
    return Dag([nodes[-1]], inputs)


def by_recursion(sweep, node, target) -> list[float]:
    """All products, by following every edge."""
    if node is target:
        return [1.0]
    return [
        float(sweep.local_derivative(edge.user, edge.position)) * rest
        for edge in sweep.dag.uses(node)
        for rest in by_recursion(sweep, edge.user, target)
    ]


@settings(max_examples=300)
@given(graphs(), st.floats(-2, 2), st.floats(-2, 2))
def test_paths_of_random_graphs(dag, x, y):
    sweep = Sweep(dag, dict(zip(dag.inputs, map(np.float64, (x, y)), strict=True)))
    for source in dag.inputs:
        if dag.count_paths(source) > 5000:
            continue
        found = Paths(sweep, source, dag.output)
        every = list(found)
        products = [path.product for path in every]
        assert len(every) == found.count == dag.count_paths(source)
        if not all(map(math.isfinite, products)):
            continue
        assert all(abs(b) <= abs(a) * (1 + 1e-13) for a, b in pairwise(products))
        assert len({tuple((s.user, s.position) for s in path.steps) for path in every}) == len(
            every
        )
        for path in every:
            assert path.steps[-1].user is dag.output
            assert all(a.user is b.operand for a, b in pairwise(path.steps))
        assert sorted(products) == pytest.approx(
            sorted(by_recursion(sweep, source, dag.output)), rel=1e-12
        )
        scale = math.fsum(map(abs, products))
        assert abs(found.sum() - float(found.derivative)) <= 1e-12 * scale


def test_a_hundred_thousand_paths():
    """A network of 3 layers of 40 units: 40³ · 2 paths, their sum is the derivative."""
    rng = np.random.default_rng(7)
    x = cr.input("x")
    layer = [cr.tanh(float(w) * x) for w in rng.normal(size=40)]
    for width in (40, 40):
        layer = [
            cr.tanh(sum((float(w) * unit for w, unit in zip(row, layer, strict=True)), x * 0.1))
            for row in rng.normal(size=(width, len(layer))) / 7
        ]
    found = paths(cr.graph(sum(layer[1:], layer[0])), "x", x=0.3)
    assert found.count == 40**3 + 40**2 + 40
    products = [path.product for path in found]
    assert all(abs(b) <= abs(a) * (1 + 1e-13) for a, b in pairwise(products))
    assert math.fsum(products) == pytest.approx(found.derivative, rel=1e-12)


# --- refusals and tables --------------------------------------------------------------------------


def test_refusals():
    graph = cr.parse("a = x + y; f = a*x")
    with pytest.raises(GraphError, match="E228 'x' cannot change and be held fixed"):
        paths(graph, "x", holding=["x"], x=1, y=2)
    with pytest.raises(GraphError, match="E224"):
        Paths(graph.at(1, 2).sweep, cr.parse("z").dag.output, graph.dag.output)
    with pytest.raises(EvaluationError, match="E305 paths are of one point"):
        paths(graph, "x", x=[1, 2], y=2)
    with pytest.raises(DerivativeError, match="E338"):
        paths(graph, "x", x=1, y=2).sum(most=1)


def test_sums_beyond_the_largest_number():
    assert add_up([1e308, 1e308]) == inf
    assert isnan(add_up([inf, -inf]))


def test_the_table(golden):
    square = paths(cr.parse("x*x"), "x", x=3)
    shared = paths(cr.parse("a = x + y; f = a * x"), "x", x=3, y=2)
    held = paths(cr.parse("a = x + y; f = a * x"), "x", holding=["a"], x=3, y=2)
    closed = paths(cr.parse("where(x > 1, sqrt(x), -2x)"), "x", x=0)
    many = paths(cr.parse("*".join(f"(x + {k})" for k in range(1, 20))), "x", x=1)
    none = paths(cr.parse("x + 0*y"), "y", "x", x=1, y=1)
    tables = [path_table(found, 3) for found in (square, shared, held, closed, many, none)]
    golden("tables/paths.txt", "\n\n".join(map(str, tables)) + "\n")
    golden("tables/paths.tex", "\n".join(table.latex() for table in tables))


def test_the_data_of_the_table_is_whole():
    x = cr.input("x")
    node = x
    for _ in range(30):
        node = cr.sin(node)
    (row,) = path_table(paths(cr.graph(node), "x", x=0)).data()["rows"]
    assert len(row["nodes"]) == 31
    assert row["factors"] == [1.0] * 30


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (12, "12"),
        (10**30, "1" + "0" * 30),
        (10**31, "about 1.00e31"),
        (9_999 * 10**40, "about 1.00e44"),
        (3**100_000, "about 1.33e47712"),
    ],
    ids=["0", "12", "exact", "rounded", "carried", "huge"],
)
def test_counts(count, text):
    assert count_text(count) == text


def test_a_quarter_of_a_million_paths_one_by_one():
    """f = (x·y)^(2^17): 2^17 paths from each, every one with the product 2^-17 · ∂f/∂x."""
    x, y = cr.inputs("x y")
    for _ in range(17):
        x, y = x * x, y * y
    record = cr.graph(x * y).at(x=1.000001, y=0.999999)
    for name, value in (("x", 1.000001), ("y", 0.999999)):
        paths = record.paths(name)
        assert paths.count == 2**17
        exact = 2**17 * (1.000001 * 0.999999) ** (2**17) / value
        assert paths.sum() == pytest.approx(exact, rel=1e-9)
        assert paths.derivative == pytest.approx(exact, rel=1e-9)
