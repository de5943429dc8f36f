"""Roles of leaves: the exercise of the fourth text in many namings, and losses of other shapes."""

from __future__ import annotations

from itertools import permutations

import pytest

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.fit.roles import roles
from chainrule.graph.dag import Dag
from chainrule.graph.node import FLOAT64, constant_node, input_node, make
from chainrule.graph.op import OPS


def found(formula, label="", inputs="", parameters="", declared="") -> dict[str, str]:
    """Role → the names that have it, in order of the arguments."""
    dag = cr.parse(formula, parameters=declared).dag
    result = roles(
        dag,
        dag.find(label) if label else None,
        [dag.find(name) for name in inputs.split()],
        [dag.find(name) for name in parameters.split()],
    )
    assert [leaf.node for leaf in result.leaves] == list(dag.inputs)
    assert all(leaf.reason for leaf in result.leaves)
    names: dict[str, list[str]] = {}
    for leaf in result.leaves:
        names.setdefault(leaf.role or "unknown", []).append(leaf.node.name)
    return {role: " ".join(sorted(given)) for role, given in names.items()}


# Each graph with the roles that a person gives its leaves.
GRAPHS = {
    "the exercise": (
        "(a*x1 + b*x2 + c - y)^2",
        {"parameter": "a b c", "input": "x1 x2", "label": "y"},
    ),
    "label first": (
        "(y - (w1*x1 + w2*x2 + b))^2",
        {"parameter": "b w1 w2", "input": "x1 x2", "label": "y"},
    ),
    "inputs written first": (
        "(x1*w1 + x2*w2 + b - t)^2",
        {"parameter": "b w1 w2", "input": "x1 x2", "label": "t"},
    ),
    "everything subtracted": (
        "(y - w1*x1 - w2*x2 - c)^2",
        {"parameter": "c w1 w2", "input": "x1 x2", "label": "y"},
    ),
    "steps with names": (
        "p = w*x + b; r = y - p; L = r^2/2",
        {"parameter": "b w", "input": "x", "label": "y"},
    ),
    "the square as a product": (
        "r = w*x + b - y; r*r",
        {"parameter": "b w", "input": "x", "label": "y"},
    ),
    "absolute error": (
        "abs(theta*x - target)",
        {"parameter": "theta", "input": "x", "label": "target"},
    ),
    "Huber": (
        "r = y - (w*x + b); where(abs(r) <= delta, r^2/2, delta*(abs(r) - delta/2))",
        {"parameter": "b w", "input": "x", "label": "y", "unknown": "delta"},
    ),
    "log cosh": (
        "log(cosh(w*x + b - y))",
        {"parameter": "b w", "input": "x", "label": "y"},
    ),
    "a neuron": (
        "L = (y - sigmoid(w*x + b))^2",
        {"parameter": "b w", "input": "x", "label": "y"},
    ),
    "logistic regression": (
        "p = sigmoid(w1*x1 + w2*x2 + b); -(y*log(p) + (1 - y)*log(1 - p))",
        {"parameter": "b w1 w2", "input": "x1 x2", "label": "y"},
    ),
    "logistic regression from scores": (
        "z = w*x + b; softplus(z) - y*z",
        {"parameter": "b w", "input": "x", "label": "y"},
    ),
    "logistic regression by log sigmoid": (
        "z = w*x + b; -y*log_sigmoid(z) - (1 - y)*log_sigmoid(-z)",
        {"parameter": "b w", "input": "x", "label": "y"},
    ),
    "Poisson regression": (
        "z = w*x + b; exp(z) - y*z",
        {"parameter": "b w", "input": "x", "label": "y"},
    ),
    "cross entropy of two classes": (
        "p = sigmoid(a*x + b); -(t1*log(p) + t2*log(1 - p))",
        {"parameter": "a b", "input": "x", "label": "t1 t2"},
    ),
    "a polynomial": (
        "(a*x^2 + b*x + c - y)^2",
        {"parameter": "a b c", "input": "x", "label": "y"},
    ),
    "a polynomial by products": (
        "(q*s*s + r*s + p - u)^2",
        {"parameter": "p q r", "input": "s", "label": "u"},
    ),
    "two layers": (
        "h = tanh(w1*x + b1); k = tanh(w2*x + b2); (v1*h + v2*k + c - y)^2",
        {"parameter": "b1 b2 c v1 v2 w1 w2", "input": "x", "label": "y"},
    ),
    "two layers, two inputs, names that tell nothing": (
        "h = relu(q1*q2 + q3*q4 + q5); k = relu(q6*q2 + q7*q4 + q8);(q9*h + q10*k + q11 - q12)^2",
        {"parameter": "q1 q10 q11 q3 q5 q6 q7 q8 q9", "input": "q2 q4", "label": "q12"},
    ),
    "a penalty": (
        "(p*q + r - s)^2 + t*q^2",
        {"parameter": "q r", "input": "p", "label": "s", "unknown": "t"},
    ),
    "two predictions": (
        "(a*x + b - y1)^2 + (c*x + d - y2)^2",
        {"parameter": "a b c d", "input": "x", "label": "y1 y2"},
    ),
    "a model without a loss": (
        "sigmoid(a*w + b*x + c*y + d*z)",
        {"parameter": "a b c d", "input": "w x y z"},
    ),
    "leaves compared with each other": ("(x - y)^2", {"input": "x", "label": "y"}),
    "nothing tells": ("sin(p) + cos(q)", {"unknown": "p q"}),
    "nothing tells which is compared": ("(p - q)^2", {"unknown": "p q"}),
    "a ring": ("p*q + q*r + r*p", {"unknown": "p q r"}),
    "three factors": ("(p*q*r - y)^2", {"unknown": "p q r", "label": "y"}),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_roles_that_a_person_would_give(name):
    formula, expected = GRAPHS[name]
    assert found(formula) == expected


def test_the_exercise_in_names_that_tell_nothing():
    """Any of seven names in any place: the shape alone decides, and it says what could swap."""
    names = ("v1", "v2", "v3", "v4", "v5", "v6")
    for order in list(permutations(names))[::37]:
        a, b, c, d, e, f = order
        dag = cr.parse(f"({a}*{b} + {c}*{d} + {e} - {f})^2").dag
        for label in (None, dag.find(f)):
            result = roles(dag, label)
            assert {n.name for n in result.having("parameter")} == {a, c, e}
            assert {n.name for n in result.having("input")} == {b, d}
            assert [n.name for n in result.having("label")] == [f]
            assert result[dag.find(a)].alternatives == ("input",)
            assert result[dag.find(b)].alternatives == ("parameter",)
            assert result[dag.find(e)].alternatives == ()


def test_names_break_ties_and_are_the_reason():
    dag = cr.parse("(x1*w1 + v1*v2 + c - y)^2").dag
    result = roles(dag)
    assert result[dag.find("w1")].reason == "w1 is a usual name of a parameter"
    assert result[dag.find("x1")].reason == "x1 is a usual name of an input"
    assert result[dag.find("w1")].alternatives == ("input",)
    assert "written first" in result[dag.find("v1")].reason


def test_what_is_said_wins_and_spreads():
    formula = "(a*x1 + b*x2 + c - y)^2"
    assert found(formula, parameters="x1") == {
        "parameter": "b c x1", "input": "a x2", "label": "y",
    }  # fmt: skip
    assert found(formula, inputs="a b c") == {
        "parameter": "x1 x2", "input": "a b c", "label": "y",
    }  # fmt: skip
    assert found(formula, declared="x1 x2") == {
        "parameter": "c x1 x2", "input": "a b", "label": "y",
    }  # fmt: skip
    assert found(formula, parameters="a x1")["parameter"] == "a b c x1"
    assert found("(q1*q2 + q3*q2 - y)^2", inputs="q1") == {
        "input": "q1 q3", "parameter": "q2", "label": "y",
    }  # fmt: skip


def test_a_label_that_is_given_needs_no_shape():
    assert found("exp(w*x) * (y + 2)", label="y") == {
        "parameter": "w", "input": "x", "label": "y",
    }  # fmt: skip
    assert found("(a*x1 + b*x2 + c - y)^2", label="c")["label"] == "c"


def test_a_declared_parameter_is_no_label():
    assert found("(w*x - y)^2", declared="y") == {"parameter": "w y", "input": "x"}


def test_several_subtracted_leaves():
    assert found("(y - (w*x - b))^2") == {"parameter": "b w", "input": "x", "label": "y"}
    # Without names: the leaf that all the rest is subtracted from.
    assert found("(p - (q*r - s))^2")["label"] == "p"


def test_leaves_that_do_not_matter():
    dag = cr.parse("w*x", inputs="x u", parameters="w").dag
    assert roles(dag)[dag.find("u")].reason == "no output depends on it"
    with pytest.raises(KeyError):
        roles(dag)[dag.output]


def test_refusals():
    dag = cr.parse("(w*x - y)^2").dag
    with pytest.raises(GraphError, match="E224"):
        roles(dag, dag.output)
    with pytest.raises(GraphError, match="E229 'w' cannot be both input and parameter"):
        roles(dag, inputs=[dag.find("w")], parameters=[dag.find("w")])


def test_the_table(golden):
    texts = [
        str(roles(cr.parse(GRAPHS[name][0]).dag))
        for name in ("the exercise", "Huber", "two layers", "nothing tells")
    ]
    golden("tables/roles.txt", "\n\n".join(texts) + "\n")


def test_large_graphs():
    """Ten thousand features; a sum doubled two hundred times; a chain of a hundred thousand."""
    x, w = input_node("x", FLOAT64), input_node("w", FLOAT64)
    total = constant_node(0.0, FLOAT64)
    leaves = []
    for i in range(10_000):
        pair = (input_node(f"w{i}", FLOAT64), input_node(f"x{i}", FLOAT64))
        leaves += pair
        total = make(OPS["add"], (total, make(OPS["multiply"], pair)))
    y = input_node("y", FLOAT64)
    loss = make(OPS["square"], (make(OPS["subtract"], (total, y)),))
    result = roles(Dag([loss], [*leaves, y]))
    assert len(result.having("parameter")) == len(result.having("input")) == 10_000
    assert result.having("label") == (y,)

    node = make(OPS["multiply"], (w, x))
    for _ in range(200):
        node = make(OPS["add"], (node, node))
    for _ in range(200):
        node = make(OPS["multiply"], (node, node))
    for _ in range(100_000):
        node = make(OPS["sin"], (node,))
    result = roles(Dag([make(OPS["abs"], (make(OPS["subtract"], (node, y)),))]))
    assert (result.having("parameter"), result.having("input")) == ((w,), (x,))


def test_reasons_name_leaves_in_latex_too():
    latex = roles(cr.parse("(w_1*u_1 - y)^2").dag).table().latex()
    assert r"it multiplies w\_1, a parameter" in latex
