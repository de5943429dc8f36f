"""Derivative graphs are clean: no products with 1, no sums with 0, no idle nodes."""

import pytest
from hypothesis import given, settings

import chainrule as cr
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, constant_value
from tests.diff.examples import FORMULAS, smooth
from tests.ops.matrix import ALL, differentiable

IDLE = {"multiply": (1, {0, 1}), "divide": (1, {1}), "add": (0, {0, 1}), "subtract": (0, {0, 1})}
"""Operations that do nothing (or no more than a sign) with this number at these positions."""


def idle(dag: Dag, original: Dag) -> list[str]:
    """The new nodes of a derivative graph that multiply by 1, add 0, or negate one of these."""
    found = []
    for node in dag.computations:
        if node in original:
            continue
        number, positions = IDLE.get(node.op.name, (None, ()))
        if any(is_number(node.operands[at], number) for at in positions):
            found.append(node)
        if node.op.name == "negate" and any(is_number(node.operands[0], n) for n in (-1, 0, 1)):
            found.append(node)
        if node.op.name == "convert" and node.operands[0].op is CONSTANT:
            found.append(node)
        if node.op.name == "where" and node.operands[1] is node.operands[2]:
            found.append(node)
    return found


def is_number(node, number) -> bool:
    return node.op is CONSTANT and constant_value(node) == number


def derived(graph: cr.Graph) -> list[Dag]:
    first = graph.gradient(of=graph.outputs[0])
    forms = [first, graph.jvp(), graph.vjp(), graph.hessian(of=graph.outputs[0])]
    forms += [graph.jacobian(mode=mode) for mode in ("forward", "reverse")]
    forms += [first.jacobian(mode="reverse")]
    return [form.dag for form in forms]


TEXTS = [
    "x - (y - (z - (x - y)))",
    "-(-(-x))*y",
    "x*1 + 1*y + 0*z",
    "2*x*(y/3)",
    "(x + y)*(x + 1)",
    "where(x > 0, -x, 1 - x)*y",
    "relu(x) + relu(-x) + min(x, y) - clip(x, 0, 1)",
    "sigmoid(-x)^2 + softplus(x*y)",
    "x^1 + x^2 + x^0 + y^-1 + x^3",
]


@pytest.mark.parametrize("formula", [*FORMULAS, *TEXTS])
def test_nothing_idle(formula):
    graph = cr.parse(formula)
    for dag in derived(graph):
        assert idle(dag, graph.dag) == []


@pytest.mark.parametrize("op", [op for op in ALL if op.partials], ids=lambda op: op.name)
def test_nothing_idle_in_the_rules(op):
    for graph, params in differentiable(op):
        # The rule of elu multiplies by alpha, which is 1 by default.
        if (op.name, *params) != ("elu", 1):
            for dag in derived(graph):
                assert idle(dag, graph.dag) == [], params


@settings(max_examples=100)
@given(smooth())
def test_nothing_idle_in_compositions(graph):
    for dag in derived(graph):
        assert idle(dag, graph.dag) == []


def test_the_gradient_of_a_sum_has_only_constants():
    graph = cr.parse("x - (y - (z - w)) + 3 - (-u) - v")
    gradient = graph.gradient()
    assert gradient.dag.computations == graph.dag.computations
    slopes = dict(zip(graph.arguments, gradient.dag.outputs[1:], strict=True))
    numbers = {name: constant_value(node).item() for name, node in slopes.items()}
    assert numbers == {"x": 1.0, "y": -1.0, "z": 1.0, "w": -1.0, "u": 1.0, "v": -1.0}


@pytest.mark.parametrize("formula", ["2*x - y/4 + 3", "x", "floor(x)*2 + round(y)"])
def test_second_derivatives_of_linear_formulas_are_zero_nodes(formula):
    graph = cr.parse(formula, inputs="x y")
    dag = graph.hessian().dag
    assert {is_number(node, 0) for node in dag.outputs} == {True}
    assert dag.computations == ()


def test_where_there_is_no_path_stands_a_zero():
    dag = cr.parse("x^2, y^2, floor(x)").jacobian().dag
    zeros = [is_number(node, 0) for node in dag.outputs]
    assert zeros == [False, True, True, False, True, True]


def test_what_the_formula_has_is_used_again():
    """exp is its own derivative: no new node; of the sigmoid the result is used."""
    graph = cr.parse("exp(x)")
    assert graph.gradient().dag.outputs == (graph.dag.output, graph.dag.output)
    graph = cr.parse("s = sigmoid(x); s*y").gradient()
    assert graph.users("s")
    assert len([node for node in graph.dag.computations if node.op.name == "sigmoid"]) == 2


@pytest.mark.parametrize(
    ("formula", "gradient"),
    [
        ("x + y", "f = x + y; f, 1, 1"),
        ("x*y", "f = x*y; f, y, x"),
        ("x - y", "f = x - y; f, 1, -1"),
        ("-x", "f = -x; f, -1"),
        ("3*x + pi*y", "f = 3*x + pi*y; f, 3, pi"),
        ("x*x", "f = x*x; d_x = x + x; f, d_x"),
        ("x^2", "f = x^2; d_x = 2*x; f, d_x"),
        ("sin(x)*y", "v1 = sin(x); f = v1*y; d_x = y*cos(x); f, d_x, v1"),
        ("a = x + y; f = a*x", "a = x + y; f = a*x; d_x = a + x; f, d_x, x"),
        ("relu(x)*y", "v1 = relu(x); f = v1*y; d_x = where(x > 0, y, 0); f, d_x, v1"),
        (
            "where(c, x, y)",
            "f = where(c, x, y); d_x = where(c, 1, 0); d_y = where(not c, 1, 0); f, d_x, d_y",
        ),
        (  # behind both branches there is no guard left
            "a = exp(x); where(c, a, -a)",
            (
                "a = exp(x); f = where(c, a, -a); "
                "d_x = (where(c, 1, 0) + where(not c, -1, 0))*a; f, d_x"
            ),
        ),
        (  # a sum of guarded parts is 0 by itself where none is open
            "a = 2 + x; where(c, a, 0) + where(d, a, 0)",
            (
                "a = 2 + x; f = where(c, a, 0) + where(d, a, 0); "
                "d_x = where(d, 1, 0) + where(c, 1, 0); f, d_x"
            ),
        ),
        (  # … and no more, once it is multiplied
            "a = exp(x); where(c, a, 0) + where(d, a, 0)",
            (
                "a = exp(x); f = where(c, a, 0) + where(d, a, 0); "
                "d_x = where(d or c, (where(d, 1, 0) + where(c, 1, 0))*a, 0); f, d_x"
            ),
        ),
    ],
)
def test_small_gradients_look_as_by_hand(formula, gradient):
    graph = cr.parse(formula, dtype={"c": "bool", "d": "bool"})
    assert graph.gradient().formula() == gradient
