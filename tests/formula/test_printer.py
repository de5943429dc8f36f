"""What a graph looks like as text, and that the text reads back to the same graph."""

from __future__ import annotations

import warnings

import pytest

from chainrule.errors import ChainruleWarning
from chainrule.formula.infix import read
from chainrule.formula.limits import Limits
from chainrule.formula.printer import expression, formula
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node, input_node, make, parameter_node
from chainrule.graph.op import OPS
from chainrule.graph.types import BOOL, FLOAT64, Type

from .test_reading import TABLES

WIDE = Limits(length=10**9, nodes=10**8)


def reread(dag: Dag, **options) -> Dag:
    inputs = [node.name for node in dag.inputs if node.op.name == "input"]
    parameters = [node.name for node in dag.parameters]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        return read(formula(dag), inputs=inputs, parameters=parameters, **options)


# text → what is printed; the same where it is None
PRINTED = {
    "(x+y)*(x+1)": "(x + y)*(x + 1)",
    "x - (y - z)": None,
    "x - y - z": None,
    "x/(y*z)": None,
    "x/y*z": None,
    "x*(y/z)": None,
    "x y": "x*y",
    "2x²": "2*x^2",
    "-x^2": None,
    "(-x)^2": None,
    "(x^2)^3": None,
    "x^y^z": None,
    "(x^y)^z": None,
    "x^(-y)": None,
    "2^(x + 1)": None,
    "x^-2": None,
    "general_power(x, 3)": None,
    "general_power(x, -3)": None,
    "x^pi": None,
    "x*-3": "x*(-3)",
    "x - -3": "x - (-3)",
    "-3*x": None,
    "-3 + x": None,
    "x + -3*y": "x + (-3)*y",
    "(-3)^2": None,
    "-(3)": None,
    "-(-3)": None,
    "-3^2": None,
    "x - -y": "x - (-y)",
    "--x": "-(-x)",
    "-(x*y)": None,
    "-x*y": None,
    "-(x + y)": None,
    "-inf*x": None,
    "-(inf)": None,
    "-pi": None,
    "x < -1": None,
    "not x < y": None,
    "not (x < y and y < 1)": None,
    "x < 1 and (y < 1 or x < y)": None,
    "(x < y) == (y < 1)": None,
    "0 < x < 1": "0 < x and x < 1",
    "where(x > 0, x, -x)": None,
    "true xor x < y": None,
    "ln(x)": "log(x)",
    "|x|": "abs(x)",
    "elu(x)": "elu(x, 1)",
    "leaky_relu(x, -0.5)": None,
    "convert(x, float32)": None,
    "a = x + y; a*a": None,
    "a = x + y; f = a*x": None,
    "x^2 + sin(x^2)": "v1 = x^2; v1 + sin(v1)",
    "s = x + y; p = x*y; s, p": None,
    "x + y, x*y": None,
    "x, y": None,
    "a = x; a*y": "a = x; x*y",
    "a = 3; b = a; a*x": None,
    "f(x) = x^2": "f = x^2",
    "2πr": "2*pi*r",
    "r = pi; r*x": "r = pi; pi*x",
    "3": None,
    "a = 3": None,
    "a = x": None,
    "-0.5": None,
    "1e300*x + 1e-300": None,
}


@pytest.mark.parametrize(("text", "printed"), PRINTED.items())
def test_printed(text, printed):
    dag = read(text)
    assert formula(dag) == (text if printed is None else printed)


@pytest.mark.parametrize("text", [*TABLES, *PRINTED])
def test_reads_back(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        dag = read(text)
    again = reread(dag)
    assert again == dag
    for node, names in dag.names.items():
        assert set(names) <= set(again.names[node])
    assert formula(again) == formula(dag)


def test_worked_examples_read_back(seed):
    dag = read(seed["formula"], parameters=seed["parameters"])
    again = reread(dag)
    assert again.outputs == dag.outputs
    assert set(again.inputs) == set(dag.inputs)


def test_abstract_functions_read_back():
    dag = read("f(g1(x1, x2), g2(x1, x2))", abstract="f g1 g2")
    assert formula(dag) == "f(g1(x1, x2), g2(x1, x2))"
    assert reread(dag, abstract="f g1 g2") == dag


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_dtypes_read_back(dtype):
    dag = read("a = 2; where(x^2 > 3, a*x + 1, 0)*y", dtype=dtype)
    assert reread(dag, dtype=dtype) == dag


def test_outputs_that_use_each_other():
    x = input_node("x", FLOAT64)
    square = make(OPS["square"], (x,))
    sine = make(OPS["sin"], (square,))
    dag = Dag([sine, square, square, x])
    assert formula(dag) == "f2 = square(x); sin(f2), f2, f2, x"
    assert reread(dag) == dag


@pytest.mark.parametrize(
    "name", ["sin", "and", "nan", "inf", "true", "ν", "é", "e", "v1", "f", "g"]
)
def test_names_that_the_text_cannot_bear(name):
    """Names from outside may be words of the language: such nodes are written out or renamed."""
    x = input_node("x", FLOAT64)
    sine = make(OPS["sin"], (x,))
    called = make(OPS["abstract"], (sine,), ("g", ()))
    total = make(OPS["add"], (called, make(OPS["multiply"], (sine, constant_node(1.5, FLOAT64)))))
    dag = Dag([total], names={sine: [name]})
    assert reread(dag, abstract="g").outputs == dag.outputs


def test_own_names_keep_clear_of_others():
    v1, x = input_node("v1", FLOAT64), parameter_node("x", FLOAT64)
    square = make(OPS["square"], (x,))
    dag = Dag([make(OPS["add"], (make(OPS["sin"], (square,)), make(OPS["add"], (square, v1))))])
    assert reread(dag).outputs == dag.outputs


def test_constants_named_like_others():
    x = input_node("x", FLOAT64)
    three = constant_node(3.0, FLOAT64)
    dag = Dag([make(OPS["multiply"], (three, x))], names={three: ["pi"]})
    assert formula(dag) == "pi = 3; pi*x"
    assert reread(dag) == dag


def test_nan_and_minus_zero_read_back():
    x = input_node("x", FLOAT64)
    for value in (float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 1.7976931348623157e308):
        for op in ("multiply", "general_power", "subtract"):
            dag = Dag([make(OPS[op], (x, constant_node(value, FLOAT64)))])
            assert reread(dag) == dag
            dag = Dag([make(OPS[op], (constant_node(value, FLOAT64), x))])
            assert reread(dag) == dag
        dag = Dag([make(OPS["negate"], (constant_node(value, FLOAT64),))])
        assert reread(dag) == dag


# --- large graphs ---------------------------------------------------------------------------------


def chain(op: str, count: int, other: Node | None, *, first: bool) -> Node:
    node = input_node("x", FLOAT64)
    for _ in range(count):
        if other is None:
            node = make(OPS[op], (node,))
        else:
            node = make(OPS[op], (node, other) if first else (other, node))
    return node


Y = input_node("y", FLOAT64)


@pytest.mark.parametrize(
    ("op", "other", "first"),
    [
        ("sin", None, True),
        ("negate", None, True),
        ("add", Y, True),
        ("add", Y, False),
        ("subtract", Y, False),
        ("multiply", Y, True),
        ("general_power", Y, True),
        ("general_power", Y, False),
        ("maximum", Y, False),
    ],
)
def test_long_chains_read_back(op, other, first):
    dag = Dag([chain(op, 2_000, other, first=first)])
    assert reread(dag, limits=Limits(depth=110)).outputs == dag.outputs


def test_a_chain_of_many_nodes_prints():
    node = chain("sin", 200_000, None, first=True)
    assert len(formula(Dag([node]))) < 2_000_000


def test_output_is_linear_in_a_graph_of_shared_nodes():
    node = input_node("x", FLOAT64)
    for _ in range(1000):
        node = make(OPS["multiply"], (node, node))
    dag = Dag([node])
    assert len(formula(dag)) < 30_000
    assert reread(dag) == dag


# --- one operation --------------------------------------------------------------------------------


def test_expression():
    dag = read("a = x + y; sigmoid(a*x)^2 - (-3)^z")
    rows = [expression(node, dag.labels) for node in dag.order if not node.is_leaf]
    assert rows == ["x + y", "a*x", "sigmoid(v1)", "v2^2", "(-3)^z", "v3 - v4"]
    assert expression(dag.inputs[0], dag.labels) == "x"


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x + y", "x + y"),
        ("x*(-3)", r"x \cdot \left(-3\right)"),
        ("-3*x", r"-3 x"),
        ("x^2", "x^{2}"),
        ("(-3)^2", r"\left(-3\right)^{2}"),
        ("x/y", r"\frac{x}{y}"),
        ("exp(x)", "e^{x}"),
        ("sqrt(x)", r"\sqrt{x}"),
        ("|x|", r"\left|x\right|"),
        ("sin(x)", r"\sin\left(x\right)"),
        ("x <= y", r"x \le y"),
        ("general_power(x, 3)", "x^{3}"),
    ],
)
def test_expression_in_latex(text, latex):
    dag = read(text)
    assert expression(dag.output, dag.labels, "latex") == latex


def test_expression_of_abstract_functions_in_latex():
    dag = read("g1(x, y)", abstract="g1")
    assert expression(dag.output, dag.labels, "latex") == r"g_{1}\left(x, y\right)"


def test_products_in_labels_get_brackets():
    dag = read("x^2")
    labels = {dag.inputs[0]: "x"}
    assert expression(dag.output, labels, "latex") == "x^{2}"
    base = constant_node(1e30, FLOAT64)
    power = make(OPS["power"], (base,), (2,))
    shown = expression(power, {base: r"1 \cdot 10^{30}"}, "latex")
    assert shown == r"\left(1 \cdot 10^{30}\right)^{2}"


def test_every_operation_is_written_in_both_styles():
    for op in OPS.values():
        if op.is_leaf or op.variadic or not op.pointwise:
            continue
        given = {"convert": ["float32"], "power": [3], "polygamma": [2]}.get(op.name, [])
        kinds = enumerate(op.kinds)
        operands = [
            input_node(f"x{at}", BOOL if kind.name == "BOOL" else Type.of("float64"))
            for at, kind in kinds
        ]
        node = make(op, tuple(operands), op.normal_params(given))
        dag = Dag([node])
        for style in ("text", "latex"):
            shown = expression(node, dag.labels, style)
            assert all(operand.name in shown for operand in operands)
        assert formula(dag) == expression(node, dag.labels)
        assert reread(dag, dtype={operand.name: str(operand.type) for operand in operands}) == dag
