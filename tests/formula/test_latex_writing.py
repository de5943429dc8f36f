"""What a graph looks like in LaTeX, that it reads back, and that its size stays linear."""

from __future__ import annotations

import warnings

import pytest

import chainrule as cr
from chainrule.errors import ChainruleWarning
from chainrule.formula.infix import read
from chainrule.formula.latex import read_latex
from chainrule.formula.limits import Limits
from chainrule.formula.names import latex_name, plain_latex_name, spoken
from chainrule.formula.printer import latex
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import BOOL, FLOAT64

from .test_printer import PRINTED, WIDE, Y, chain
from .test_reading import TABLES


def read_back(dag: Dag, **options) -> Dag:
    inputs = [node.name for node in dag.inputs if node.op.name == "input"]
    parameters = [node.name for node in dag.parameters]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        return read_latex(latex(dag), inputs=inputs, parameters=parameters, **options)


WRITTEN = {
    "(x+y)*(x+1)": r"\left(x + y\right) \left(x + 1\right)",
    "x/(y*z) - -3": r"\frac{x}{y z} - \left(-3\right)",
    "f(x) = x^2": "f = x^{2}",
    "(x^y)^z": r"\left(x^{y}\right)^{z}",
    "-inf*x + nan": r"-\infty x + \mathrm{nan}",
    "1e-9x": r"1 \cdot 10^{-9} x",
    "2/y*x*(1/x)": r"\frac{2}{y} x \frac{1}{x}",
    "2*(1/x)": r"2 \cdot \frac{1}{x}",
    "-2*(1/x)": r"-2 \cdot \frac{1}{x}",
    "x*(y+1)": r"x \cdot \left(y + 1\right)",
    "x^-1*(y+1)": r"x^{-1} \cdot \left(y + 1\right)",
    "x^2*(y+1)": r"x^{2} \left(y + 1\right)",
    "x*2": r"x \cdot 2",
    "2*3^x": r"2 \cdot 3^{x}",
    "2*e^x": r"2 e^{x}",
    "rate*time*x": r"\mathrm{rate} \cdot \mathrm{time} \cdot x",
    "2rate": r"2 \mathrm{rate}",
    "abs(x)*abs(y)": r"\left|x\right| \left|y\right|",
    "cos(x)^2*sin(x)": r"\cos^{2}\left(x\right) \sin\left(x\right)",
    "ln(x)^3": r"\ln^{3}\left(x\right)",
    "sin(x)^-1": r"\sin\left(x\right)^{-1}",
    "sin(x)^0.5": r"\sin\left(x\right)^{0.5}",
    "(cos(x)^2)^3": r"\left(\cos^{2}\left(x\right)\right)^{3}",
    "3*10^8": r"3 \cdot {10}^{8}",
    "(e)^2 + exp(x)": r"{e}^{2} + e^{x}",
    "sigmoid(theta_0 + w1*x1)": r"\sigma\left(\theta_{0} + w_{1} x_{1}\right)",
    "sigma*sigmoid(x)": r"\sigma \operatorname{sigmoid}\left(x\right)",
    "x1 + x_1": r"\mathrm{x1} + x_{1}",
    "y_hat - a_bar_2 + loss": r"\hat{y} - \bar{a}_{2} + \mathrm{loss}",
    "square(x) + hypot(x, y)": (
        r"\operatorname{square}\left(x\right) + \operatorname{hypot}\left(x, y\right)"
    ),
    "general_power(x, 3)": r"\operatorname{general\_power}\left(x, 3\right)",
    "x == y": r"\left(x = y\right)",
    "tau": r"\tau = 6.283185307179586",
    "where(x > 0 and x != 1, x, |x|)": (
        r"\begin{cases} x & \text{if } x > 0 \land x \ne 1 \\ "
        r"\left|x\right| & \text{otherwise} \end{cases}"
    ),
    "log10(x) + log2(x)": r"\log_{10}\left(x\right) + \log_{2}\left(x\right)",
    "polygamma(x, 2)": r"\psi^{(2)}\left(x\right)",
    "convert(x, float32)": r"\mathrm{float32}\left(x\right)",
    "leaky_relu(x, 1e-5)": r"\operatorname{leaky\_relu}\left(x, 1 \cdot 10^{-5}\right)",
    "a = x + y; f = a*x": "\\begin{aligned}\na &= x + y \\\\\nf &= a x\n\\end{aligned}",
    "x^2 + sin(x^2)": (
        "\\begin{aligned}\nv_{1} &= x^{2} \\\\\n"
        "f &= v_{1} + \\sin\\left(v_{1}\\right)\n\\end{aligned}"
    ),
    "a = x + y; a, -x": "\\begin{aligned}\na &= x + y \\\\\n{}a, -x\n\\end{aligned}",
}


@pytest.mark.parametrize(("text", "expected"), WRITTEN.items())
def test_written(text, expected):
    assert latex(read(text)) == expected


@pytest.mark.parametrize("text", [*TABLES, *PRINTED, *WRITTEN])
def test_reads_back(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        dag = read(text)
    again = read_back(dag)
    assert again == dag
    assert latex(again) == latex(dag)


@pytest.mark.parametrize(
    "op", [op for op in OPS.values() if op.pointwise and not op.is_leaf], ids=str
)
def test_every_operation_reads_back(op):
    given = {"convert": ["float32"], "power": [3], "polygamma": [2], "abstract": ["g1"]}
    names = [f"x{at}" for at in range(len(op.operands))]
    operands = [
        input_node(name, BOOL if kind.name == "BOOL" else FLOAT64)
        for name, kind in zip(names, op.kinds, strict=True)
    ]
    params = op.normal_params(given.get(op.name, []))
    dtypes = {operand.name: str(operand.type) for operand in operands}
    node = make(op, tuple(operands), params)
    abstract = "g1" if op.name == "abstract" else ()
    assert read_back(Dag([node]), dtype=dtypes, abstract=abstract) == Dag([node])
    taken = ["e", "sigma", "Gamma", "psi", "phi", "Phi", "x_0"]
    crowded = Dag([node, *(input_node(name, FLOAT64) for name in taken)])
    assert read_back(crowded, dtype=dtypes, abstract=abstract) == crowded


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 1e308])
def test_special_numbers_read_back(value):
    x, constant = input_node("x", FLOAT64), constant_node(value, FLOAT64)
    for op in ("multiply", "general_power", "subtract", "divide", "add"):
        for operands in ((x, constant), (constant, x)):
            dag = Dag([make(OPS[op], operands)])
            assert read_back(dag) == dag
    for op in ("negate", "exp", "abs"):
        dag = Dag([make(OPS[op], (constant,))])
        assert read_back(dag) == dag


def test_braces_say_which_derivatives_outputs_are():
    hessian = cr.parse("f(x_1, y) = x_1^2*y + sin(y)").hessian()
    assert latex(hessian.dag).endswith(
        r"{}\underbrace{d_{x,1,x,1}}_{\partial^{2} f / \partial x_{1} \partial x_{1}}, "
        r"\underbrace{d_{x,1,y}}_{\partial^{2} f / \partial x_{1} \partial y}, "
        r"\underbrace{d_{x,1,y}}_{\partial^{2} f / \partial y \partial x_{1}}, "
        r"\underbrace{d_{y,y}}_{\partial^{2} f / \partial y \partial y}"
        "\n\\end{aligned}"
    )
    assert read_back(hessian.dag) == hessian.dag
    value = cr.parse("exp(x)").gradient().dag  # the value is its own derivative
    assert latex(value).endswith("{}f, f\n\\end{aligned}")
    assert read_back(value) == value


# --- names ----------------------------------------------------------------------------------------

NAMES = [
    "x", "x1", "x_1", "x_12", "x_ij", "w_1_2", "theta", "theta_0", "x_theta", "loss", "loss_1",
    "loss12", "y_hat", "a_bar", "x_dot", "x_ddot_1", "x_vec", "x_hat_bar", "x1_hat", "ab_tilde",
    "x_prime", "h_t_minus_1", "w_star", "x_1a", "x_a1", "_k", "k_", "x__y", "omicron", "Alpha",
    "é", "été", "relu", "gamma", "if", "nan", "tau", "e", "infty", "v_infty", "ell", "hbar",
    "learning_rate_of_x", "rate1_of_x", "x_plus", "x_minus_minus_1", "x_1_minus_y_plus",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_read_back(name):
    assert [node.name for node in read_latex(latex_name(name), inputs=[name]).inputs] == [name]
    assert [node.name for node in read_latex(plain_latex_name(name), inputs=[name]).inputs] == [
        name
    ]
    if name not in ("nan", "e", "relu", "if"):  # these are constants and functions
        free = read_latex(rf"{latex_name(spoken(name))} \cdot q").inputs
        assert [node.name for node in free] == [spoken(name), "q"]


def test_many_names_at_once():
    leaves = [input_node(name, FLOAT64) for name in NAMES]
    total = leaves[0]
    for leaf in leaves[1:]:
        total = make(OPS["add"], (make(OPS["exp"], (total,)), leaf))
    assert read_back(Dag([total])) == Dag([total])


# --- size -----------------------------------------------------------------------------------------


def test_shared_squarings_stay_small():
    node = input_node("x", FLOAT64)
    for _ in range(22):
        node = make(OPS["multiply"], (node, node))
    dag = Dag([node])
    assert len(latex(dag)) < 1_000
    assert read_back(dag) == dag


def test_output_is_linear_in_a_graph_of_shared_nodes():
    def length(count: int) -> int:
        node = input_node("x", FLOAT64)
        for _ in range(count):
            node = make(OPS["multiply"], (node, node))
        return len(latex(Dag([node])))

    assert length(2000) < 2.2 * length(1000)


def test_a_chain_of_many_nodes():
    assert len(latex(Dag([chain("sin", 100_000, None, first=True)]))) < 2_500_000


@pytest.mark.parametrize(
    ("op", "other", "first"),
    [
        ("sin", None, True), ("negate", None, True), ("exp", None, True), ("sqrt", None, True),
        ("add", Y, True), ("add", Y, False), ("divide", Y, True), ("divide", Y, False),
        ("general_power", Y, True), ("general_power", Y, False), ("maximum", Y, False),
    ],
)  # fmt: skip
def test_long_chains_read_back(op, other, first):
    dag = Dag([chain(op, 2_000, other, first=first)])
    assert read_back(dag, limits=Limits(depth=250)).outputs == dag.outputs
    assert len(latex(dag)) < 120_000
    assert read_back(dag, limits=WIDE).outputs == dag.outputs
