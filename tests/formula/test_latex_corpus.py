"""Formulas as they stand in books: their values; those of the four texts; pairs with text."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from chainrule.errors import ChainruleWarning
from chainrule.formula.infix import read
from chainrule.formula.latex import read_latex
from chainrule.formula.printer import latex
from chainrule.run.interpret import Sweep

from .latex_corpus import CORPUS


def value(dag, point):
    arguments = {node: np.float64(point[node.name]) for node in dag.inputs}
    return float(Sweep(dag, arguments).values[dag.output])


@pytest.mark.parametrize(("source", "point", "expected"), CORPUS, ids=[case[0] for case in CORPUS])
def test_value(source, point, expected):
    dag = read_latex(source)
    assert {node.name for node in dag.inputs} == set(point)
    exact = expected(**point)
    assert math.isclose(value(dag, point), exact, rel_tol=1e-13, abs_tol=1e-13)


@pytest.mark.parametrize("source", [case[0] for case in CORPUS])
def test_writes_and_reads_back(source):
    dag = read_latex(source)
    text = latex(dag)
    names = [node.name for node in dag.inputs]
    again = read_latex(text, inputs=names)
    assert again == dag
    assert latex(again) == text


def test_the_corpus_is_large():
    assert len({source for source, *_ in CORPUS}) >= 150


# The formulas of the four texts in LaTeX, as printed there or with its signs, and in text.
TEXTS = {
    r"\[ (x+y)\times(x+1): \]": "(x+y)*(x+1)",
    r"\[ (2+1)\times(2+1): \]": "(2+1)*(2+1)",
    r"\(e^{-x^2}\)": "exp(-x^2)",
    r"\(x^2 e^{-x^2}\)": "x^2*exp(-x^2)",
    r"\[ x^4 - 2x^3 - 3x^2 - 4x - 5: \]": "x^4 - 2x^3 - 3x^2 - 4x - 5",
    r"\[ \text{exp}(-(x-\mu)^2/(2\sigma^2))/\sqrt{2\pi\sigma^2}. \]": (
        "exp(-(x-mu)^2/(2*sigma^2))/sqrt(2*pi*sigma^2)"
    ),
    r"\(f(x)=e^{-x^2}\)": "f(x) = exp(-x^2)",
    r"(2x)\times(-1)\times \left(e^{-x^2}\right).": "(2x)*(-1)*(exp(-x^2))",
    r"\left(2\times\frac{1}{4}\right)\times(-1)\times \left(e^{-(1/4)^2}\right)": (
        "(2*(1/4))*(-1)*(exp(-(1/4)^2))"
    ),
    r"(\frac{1}{2}) \times (-1) \times (0.939413)": "(1/2)*(-1)*0.939413",
    r"e^{-(x\times x)}:": "exp(-(x*x))",
    r"\(f(x,y) = x^2y - xy\)": "f(x, y) = x^2*y - x*y",
    r"2xy-y": "2*x*y - y",
    r"\[ \sigma(x) = \frac{1}{1+e^{-x}} \]": "sigma(x) = 1/(1 + exp(-x))",
    r"\[ \sigma(aw+bx+cy+dz) \]": "sigmoid(a*w + b*x + c*y + d*z)",
    r"\frac{e^{-x}}{(1+e^{-x})^2}": "exp(-x)/(1 + exp(-x))^2",
    r"\frac{1}{1+e^{-x}}\frac{e^{-x}}{1+e^{-x}}": "(1/(1 + exp(-x)))*(exp(-x)/(1 + exp(-x)))",
    r"\sigma(x)(1-\sigma(x)).": "sigmoid(x)*(1 - sigmoid(x))",
    r"\(x^n\)": "x^n",
    r"\(x^{n-1}\)": "x^(n - 1)",
    r"f(x, y) = (x + y) \cdot x": "f(x, y) = (x + y)*x",
    r"a = x + y; f = a \cdot x": "a = x + y; f = a*x",
    r"f(x) = \sin(x^2) + x": "f(x) = sin(x^2) + x",
    r"y = \sigma(Wx + b)": "y = sigmoid(W*x + b)",
    r"z = x \cdot y": "z = x*y",
    r"f(x) = \sin(x^2)": "f(x) = sin(x^2)",
    r"x = \sqrt{\pi/2}": "x = sqrt(pi/2)",
    r"\cos(x^2) \cdot 2x": "cos(x^2)*2x",
    r"\max(0,x)": "max(0, x)",
    r"f(x) = x^2 + \sin(x^2)": "f(x) = x^2 + sin(x^2)",
    r"f(x) = (x - 1)(x + 1)\,": "f(x) = (x - 1)*(x + 1)",
    r"f(x) = x \cdot x": "f(x) = x*x",
    r"f(x,y,z) = (x + y) \cdot z": "f(x, y, z) = (x + y)*z",
    r"\operatorname{relu}(t) = \max(0, t); y = \operatorname{relu}(w\cdot x + b)": (
        "relu(t) = max(0, t); y = relu(w*x + b)"
    ),
    r"f(a, b, x) = \sigma(a x + b)": "f(a, b, x) = sigmoid(a*x + b)",
    r"f(x, y) = x^{2} + y^{3}": "f(x, y) = x^2 + y^3",
    r"g(x, y) = \sin(x) \cos(y)": "g(x, y) = sin(x)*cos(y)",
    r"(3x)^{2}": "(3x)^2",
    r"g(x) = 3x; f(g) = g^{2}; f(g(x))": "g(x) = 3x; f(g) = g^2; f(g(x))",
    r"\sin(x) \cos(x)": "sin(x)*cos(x)",
    r"\cos(x^2) \sin(x^2)": "cos(x^2)*sin(x^2)",
    r"L = (y - (wx + b))^2": "L = (y - (w*x + b))^2",
    r"\hat{y} = w x + b, \quad r = y - \hat{y}, \quad L = r^2": ("p = w*x + b; r = y - p; L = r^2"),
    r"p = a + b, \quad q = b + 1, \quad f = pq": "p = a + b; q = b + 1; f = p*q",
    r"L = (y - (w_1x_1 + w_2x_2 + b))^2": "L = (y - (w_1*x_1 + w_2*x_2 + b))^2",
}

PAIRS = TEXTS | {
    r"x_{ij} \theta_0": "x_ij*theta_0",
    r"\frac{a}{b} \cdot c": "a/b*c",
    r"\tan^{-1} x": "atan(x)",
    r"\log x": "log(x)",
    r"\mathrm{leaky\_relu}(x, 0.2)": "leaky_relu(x, 0.2)",
    r"\text{ReLU}(x)": "relu(x)",
    r"\psi^{(1)}(x)": "polygamma(x, 1)",
    r"\gamma(x + 1)": "γ*(x + 1)",
    r"0 < x \le 1": "0 < x <= 1",
    r"x = \left(a = b\right)": "x = (a == b)",
    r"a > 0 \wedge b \neq 1 \vee \lnot (a < b)": "a > 0 and b != 1 or not (a < b)",
    r"\begin{cases} x & x > 0 \\ -x & \text{otherwise} \end{cases}": "where(x > 0, x, -x)",
    r"n!": "gamma(n + 1)",
    r"\infty x - \mathrm{NaN}": "inf*x - nan",
    r"x² + y₁": "x^2 + y_1",
    r"\pi e \tau_1": "pi*e*tau_1",
    r"x, \alpha": "x, alpha",
}


@pytest.mark.parametrize(("source", "text"), PAIRS.items())
def test_the_same_graph_as_in_text(source, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        assert read_latex(source) == read(text)


def test_abstract_functions_of_the_third_text():
    source = "f(g_1(x_1, x_2), g_2(x_1, x_2))"
    dag = read(source, abstract="f g_1 g_2")
    assert read_latex(source, abstract="f g_1 g_2") == dag
    assert latex(dag) == (
        r"f\left(g_{1}\left(x_{1}, x_{2}\right), g_{2}\left(x_{1}, x_{2}\right)\right)"
    )


def test_worked_examples_read_back(seed):
    dag = read(seed["formula"], parameters=seed["parameters"])
    inputs = [node.name for node in dag.inputs if node.op.name == "input"]
    assert (
        read_latex(latex(dag), inputs=inputs, parameters=seed["parameters"]).outputs == dag.outputs
    )
