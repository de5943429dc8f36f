"""Rules and kernels broken on purpose, hidden in graphs of twenty nodes: the check names them."""

from __future__ import annotations

import dataclasses
import sys
import types

import numpy as np
import pytest

import chainrule as cr
from chainrule.check.graphs import check_graph, check_op
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, input_node, make
from chainrule.graph.op import OPS, Accuracy
from chainrule.graph.types import FLOAT64
from chainrule.ops.elementary import cos, exp, log
from chainrule.ops.select import where
from chainrule.ops.term import Term
from chainrule.run.interpret import Flow, Sweep

POINTS = [{"x": 0.7, "y": 1.3}, {"x": -0.6, "y": 0.4}]
X, Y = input_node("x", FLOAT64), input_node("y", FLOAT64)


def with_partials(name, *partials):
    """An operation with other rules; its value and its exact definition stay."""
    return dataclasses.replace(OPS[name], partials=tuple(partials))


BROKEN = {
    "sign flipped": (with_partials("sin", lambda out, x: -cos(x)), 0),
    "a factor of two": (with_partials("tanh", lambda out, x: 2 * (1 - out * out)), 0),
    "a missing term": (with_partials("silu", lambda out, x: cr_sigmoid(x)), 0),
    "the other function": (with_partials("cos", lambda out, x: cos(x)), 0),
    "the result for the operand": (with_partials("square", lambda out, x: 2 * out), 0),
    "off by a millionth": (with_partials("exp", lambda out, x: out * (1 + 1e-6)), 0),
    "off by a billionth": (with_partials("sigmoid", lambda out, x: out * (1 - out) + 1e-9), 0),
    "wrong for negative numbers only": (
        with_partials("atan", lambda out, x: where(x < 0, 1.0, 1 / (1 + x * x))),
        0,
    ),
    "wrong in the first operand": (
        with_partials("multiply", lambda out, a, b: a, lambda out, a, b: a),
        0,
    ),
    "wrong in the second operand": (
        with_partials("divide", lambda out, a, b: 1 / b, lambda out, a, b: out / b),
        1,
    ),
    "the operands exchanged": (
        with_partials("subtract", lambda out, a, b: -1, lambda out, a, b: 1),
        0,
    ),
    "no derivative at all": (with_partials("softplus", lambda out, x: 0), 0),
    "a derivative too many": (with_partials("floor", lambda out, x: 1), 0),
    "infinite": (with_partials("erf", lambda out, x: 1 / (x - x)), 0),
    "not a number": (with_partials("asinh", lambda out, x: (x - x) / (x - x)), 0),
    "both operands of a maximum": (
        with_partials("maximum", lambda out, a, b: 1, lambda out, a, b: 1),
        None,
    ),
    "the branch not taken": (
        dataclasses.replace(
            OPS["minimum"],
            partials=(
                lambda out, a, b: where(a < b, 0.0, 1.0),
                lambda out, a, b: where(a < b, 1.0, 0.0),
            ),
        ),
        0,
    ),
}


def cr_sigmoid(x):
    return 1 / (1 + exp(-x))


def applied(op, *terms: Term) -> Term:
    return Term(make(op, tuple(term.node for term in terms), ()))


def operands_of(op, first: Term, second: Term) -> tuple[Term, ...]:
    return (first, second)[: len(op.operands)]


def chain(op) -> tuple[Node, Node]:
    """One long chain, the broken node in its middle."""
    x, y = Term(X), Term(Y)
    value = x
    for k in range(4):
        value = applied(OPS["sin"], value + 0.05 * k) * 0.9
    value = hidden = applied(op, *operands_of(op, value, y))
    for k in range(4):
        value = applied(OPS["atan"], value * (1.5 + k)) + y
    return value.node, hidden.node


def diamond(op) -> tuple[Node, Node]:
    """Branches that part and meet again and again, the broken node in one of them."""
    x, y = Term(X), Term(Y)
    left, right = x + y, x - y
    for _ in range(3):
        left, right = applied(OPS["tanh"], left * right), applied(OPS["cos"], left + right)
    hidden = applied(op, *operands_of(op, left + 0.1 * x, right))
    left, right = hidden * y, right + x
    for _ in range(2):
        left, right = left * right, applied(OPS["sin"], left - right)
    return (left + right).node, hidden.node


def shared(op) -> tuple[Node, Node]:
    """The broken node has many users."""
    x, y = Term(X), Term(Y)
    inner = applied(OPS["sin"], x * y) + 0.5 * x
    hidden = applied(op, *operands_of(op, inner, y))
    value = hidden * hidden
    for k in range(5):
        value = value + applied(OPS["cos"], hidden * (k + 1)) * inner
    return value.node, hidden.node


@pytest.mark.parametrize("shape", [chain, diamond, shared])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_named(name, shape):
    op, position = BROKEN[name]
    output, hidden = shape(op)
    dag = Dag([output], [X, Y])
    assert len(dag.computations) >= 10
    report = check_graph(dag, POINTS)
    assert not report.ok
    assert {finding.node for finding in report.bugs} == {dag.labels[hidden]}
    bug = report.bugs[0]
    assert bug.kind == "derivative"
    assert bug.position == position or position is None
    assert bug.operand == dag.labels[hidden.operands[bug.position]]
    assert bug.point in POINTS
    assert len(bug.steps) == 3 or name in ("infinite", "not a number")
    assert dag.labels[hidden] in bug.message


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_found_by_itself(name):
    op, position = BROKEN[name]
    report = check_op(op, points=[(0.7, 0.4)[: len(op.operands)], (-0.3, 0.6)[: len(op.operands)]])
    assert report.bugs
    assert {bug.node for bug in report.bugs} == {"f"}
    assert position is None or report.bugs[0].position == position


def test_the_graph_without_the_break_is_right():
    for shape in (chain, diamond, shared):
        for op in (OPS["sin"], OPS["multiply"], OPS["maximum"]):
            report = check_graph(Dag([shape(op)[0]], [X, Y]), POINTS)
            assert report.ok
            assert not report.findings


# --- kernels --------------------------------------------------------------------------------------


def kernel_of(monkeypatch, function) -> str:
    module = types.ModuleType("broken_kernels")
    module.function = function
    monkeypatch.setitem(sys.modules, "broken_kernels", module)
    return "broken_kernels.function"


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("sin", lambda x: np.sin(x) * (1 + 1e-12)),
        ("cos", lambda x: np.cos(x) if x > 0.2 else np.cos(x) + 1e-9),
        ("square", lambda x: x * x * x),
        ("tanh", lambda x: np.tanh(x).astype(np.float32).astype(np.float64)),
        ("add", lambda a, b: a - b),
        ("maximum", lambda a, b: a),
    ],
)
@pytest.mark.parametrize("shape", [chain, diamond, shared])
def test_a_wrong_kernel_is_named(monkeypatch, name, kernel, shape):
    op = dataclasses.replace(OPS[name], kernel=kernel_of(monkeypatch, kernel))
    output, hidden = shape(op)
    dag = Dag([output], [X, Y])
    report = check_graph(dag, POINTS)
    values = [bug for bug in report.bugs if bug.kind == "value"]
    assert {bug.node for bug in values} == {dag.labels[hidden]}
    # A rule may compute from the wrong result; nothing else is blamed.
    assert {bug.node for bug in report.bugs} == {dag.labels[hidden]}


def test_a_wrong_condition_is_named(monkeypatch):
    op = dataclasses.replace(OPS["less"], kernel=kernel_of(monkeypatch, lambda a, b: a > b))
    x, y = Term(X), Term(Y)
    output = where(applied(op, x, y), x * x, y)
    dag = Dag([output.node], [X, Y], names={output.node.operands[0]: ["c"]})
    report = check_graph(dag, [{"x": 1.0, "y": 2.0}])
    assert [(bug.node, bug.kind, bug.got, bug.expected) for bug in report.bugs] == [
        ("c", "value", False, True)
    ]


# --- conventions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "partial", "point"),
    [
        ("abs", lambda out, x: where(x > 0, 1.0, -1.0), (0.0,)),
        ("abs", lambda out, x: where(x < 0, -1.0, 1.0), (0.0,)),
        ("relu", lambda out, x: where(x >= 0, 1.0, 0.0), (0.0,)),
        ("relu", lambda out, x: where(x == 0, 0.5, where(x > 0, 1.0, 0.0)), (0.0,)),
        ("sqrt", lambda out, x: where(x == 0, 0.0, 0.5 / out), (0.0,)),
        ("sign", lambda out, x: where(x == 0, 2.0, 0.0), (0.0,)),
    ],
)
def test_a_violated_convention_is_a_bug(name, partial, point):
    report = check_op(with_partials(name, partial), points=[point])
    bug = report.bugs[0]
    assert (bug.kind, bug.node, bug.position) == ("convention", "f", 0)
    assert "its documented choice is" in bug.message


def test_a_violated_value_convention_is_a_bug(monkeypatch):
    kernel = kernel_of(monkeypatch, lambda x, y: x * np.log(y))
    report = check_op(dataclasses.replace(OPS["xlogy"], kernel=kernel), points=[(0.0, 0.0)])
    assert [(bug.kind, bug.expected) for bug in report.bugs] == [("convention", 0.0)]


def test_a_slope_outside_both_sides_is_a_bug_even_without_a_convention():
    partials = [lambda out, a, b: where(a == b, 1.5, 1.0), lambda out, a, b: 0]
    report = check_op(with_partials("maximum", *partials), points=[(2.0, 2.0)])
    assert [(bug.kind, bug.position, bug.expected) for bug in report.bugs] == [
        ("derivative", 0, (0.0, 1.0))
    ]
    assert "1.5 is not between them" in report.bugs[0].message


# --- passes ---------------------------------------------------------------------------------------

TWENTY = "a = sin(x*y); b = a*x + exp(a/3); c = b*a - cos(b); d = c*c/(1 + b^2); d + a*tanh(c)"


def test_a_backward_pass_that_forgets_to_add(monkeypatch):
    def overwrite(self, node, number, guard):
        self[node] = number

    # The same pass with every edge on the slow path, and a broken sum there.
    def reverse(self, output, seed=None, wrt=None, holding=()):
        flow = Flow({output: np.float64(1)})
        for node in reversed(self.dag.order):
            for position, operand in enumerate(node.operands):
                if node in flow and operand in self.varying:
                    share = flow[node] * self.local_derivative(node, position)
                    overwrite(flow, operand, share, None)
        return flow

    monkeypatch.setattr(Sweep, "reverse", reverse)
    report = check_graph(cr.parse(TWENTY).dag, POINTS)
    assert {bug.kind for bug in report.bugs} == {"accumulation"}
    # In the order of the backward pass the first node with several users is c.
    assert report.bugs[0].node == "c"
    assert "sum over its users" in report.bugs[0].message


@pytest.mark.parametrize("error", [1.0, 1e-6, 1e-12])
def test_an_adjoint_that_is_off(monkeypatch, error):
    dag = cr.parse(TWENTY).dag
    correct = Sweep.reverse

    def reverse(self, *given, **named):
        flow = correct(self, *given, **named)
        flow[dag.find("b")] *= 1 + error
        return flow

    monkeypatch.setattr(Sweep, "reverse", reverse)
    report = check_graph(dag, POINTS)
    assert {bug.kind for bug in report.bugs} == {"accumulation"}
    assert report.bugs[0].node == "b"


def test_a_wrong_seed(monkeypatch):
    dag = cr.parse(TWENTY).dag
    correct = Sweep.reverse
    monkeypatch.setattr(Sweep, "reverse", lambda self, output: correct(self, output, np.float64(2)))
    report = check_graph(dag, POINTS[:1])
    assert report.bugs[0].node == "f"
    assert report.bugs[0].kind == "accumulation"


def test_a_forward_pass_that_is_off(monkeypatch):
    dag = cr.parse(TWENTY).dag
    correct = Sweep.forward

    def forward(self, seeds):
        flow = correct(self, seeds)
        flow[dag.find("c")] *= 1.001
        return flow

    monkeypatch.setattr(Sweep, "forward", forward)
    report = check_graph(dag, POINTS[:1])
    assert {bug.kind for bug in report.bugs} == {"accumulation"}
    assert report.bugs[0].node == "c"
    assert "tangent with respect to x" in report.bugs[0].message


# --- another way to the gradient ------------------------------------------------------------------


def test_a_third_way_to_the_gradient_is_compared():
    """The derivatives of x² y + sin(x) by hand, right and with a slip."""
    dag = cr.parse("x^2*y + sin(x)").dag

    def right(values):
        x, y = (float(values[node]) for node in dag.inputs)
        return dict(zip(dag.inputs, (2 * x * y + np.cos(x), x * x), strict=True))

    def slip(values):
        x, y = (float(values[node]) for node in dag.inputs)
        return dict(zip(dag.inputs, (2 * x * y + np.cos(x) * (1 + 1e-6), x * x), strict=True))

    report = check_graph(dag, POINTS, right)
    assert report.ok
    assert not report.findings
    assert [row.quantity for row in report.comparisons][:3] == ["f", "∂f/∂x", "∂f/∂x as given"]
    report = check_graph(dag, POINTS, slip)
    assert [(bug.kind, bug.node) for bug in report.bugs] == [("gradient", "x")] * 2
    assert [row.verdict for row in report.comparisons[:4]] == ["ok", "ok", "wrong", "ok"]


def test_a_third_way_keeps_the_choices_at_kinks():
    dag = cr.parse("relu(x)*3").dag
    x = dag.inputs[0]
    point = [{"x": 0.0}]
    assert check_graph(dag, point, lambda values: {x: 0.0}).ok
    report = check_graph(dag, point, lambda values: {x: 3.0})
    assert [(bug.kind, bug.got, bug.expected) for bug in report.bugs] == [("gradient", 3.0, 0.0)]
    assert "with the slopes that its operations use" in report.bugs[0].message


def test_a_third_way_that_is_not_finite():
    dag = cr.parse("x*x").dag
    report = check_graph(dag, [{"x": 2.0}], lambda values: {dag.inputs[0]: np.float64("nan")})
    assert [(bug.kind, bug.expected) for bug in report.bugs] == [("gradient", 4.0)]


def test_a_third_way_with_other_rounding_is_right():
    """d/dx sin(1e15 x), once with the product rounded in another order."""
    dag = cr.parse("sin(1e15*x*y)").dag
    x, y = dag.inputs

    def gradient(values):
        a, b = float(values[x]), float(values[y])
        c = np.cos(1e15 * (a * b))
        return {x: c * (1e15 * b), y: c * (1e15 * a)}

    report = check_graph(dag, [{"x": 0.1, "y": 0.3}], gradient)
    assert report.ok
    assert {row.verdict for row in report.comparisons} == {"rounding"}


def test_an_operation_without_declared_accuracy_is_held_to_a_default():
    bare = dataclasses.replace(OPS["exp"], accuracy=None)
    assert check_op(bare).ok
    careless = dataclasses.replace(bare, partials=(lambda out, x: out * (1 + 1e-13),))
    assert not check_op(careless).ok
    loose = dataclasses.replace(careless, accuracy=Accuracy(4, 1000))
    assert check_op(loose).ok


def test_a_derivative_of_the_logarithm_in_another_base():
    base_two = with_partials("log", lambda out, x: 1.4426950408889634 / x)
    assert [bug.kind for bug in check_op(base_two, points=[(2.0,)]).bugs] == ["derivative"]
    assert check_op(log.op, points=[(2.0,)]).ok
