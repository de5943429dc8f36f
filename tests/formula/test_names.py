"""What the reader notes about a graph: arguments, names, places, dtypes, slips."""

from __future__ import annotations

import math
import warnings

import pytest

from chainrule.errors import ChainruleWarning, Span
from chainrule.formula.infix import read
from chainrule.formula.names import CONSTANTS, GREEK, canonical, latex_name
from chainrule.graph.node import CONSTANT, constant_value

from .structure import structure, structures

# --- arguments ----------------------------------------------------------------------------------


def inputs_of(text, **options):
    return [node.name for node in read(text, **options).inputs]


@pytest.mark.parametrize(
    ("text", "options", "order"),
    [
        ("b*x + a", {}, ["b", "x", "a"]),
        ("g(t) = t*w; x + g(x)", {}, ["w", "x"]),
        ("f(y, x) = x*y*z", {}, ["y", "x", "z"]),
        ("a = z; f(y, x) = x*y*a", {}, ["y", "x", "z"]),
        ("x*y", {"inputs": "y x"}, ["y", "x"]),
        ("x*y", {"inputs": "y, x,"}, ["y", "x"]),
        ("x*y", {"inputs": ["y", "x", "z"]}, ["y", "x", "z"]),
        ("w*x + b", {"inputs": "x", "parameters": "b w"}, ["x", "w", "b"]),
        ("w*x + b", {"parameters": "b w"}, ["w", "x", "b"]),
        ("f(x, w) = w*x", {"parameters": "w"}, ["x", "w"]),
        ("f(x, w) = w*x", {"inputs": "w x"}, ["w", "x"]),
        ("θ*x", {"inputs": "x θ"}, ["x", "theta"]),
        ("3", {}, []),
        ("where(x < 0, pi, e)", {}, ["x"]),
    ],
)
def test_order_of_arguments(text, options, order):
    assert inputs_of(text, **options) == order


def test_parameters_are_parameters():
    dag = read("f(x, w) = w*x + b", parameters=["w", "b"])
    assert [node.op.name for node in dag.inputs] == ["input", "parameter", "parameter"]


def test_names_declared_or_defined_are_no_constants_or_functions():
    assert structures(read("e*x", inputs="x e")) == "multiply(e, x)"
    assert structures(read("pi = 3; pi*x")) == "multiply(3, x)"
    assert structures(read("σ*x", parameters="sigma")) == "multiply(sigma, x)"
    assert structures(read("sin*x", inputs="x sin")) == "multiply(sin, x)"
    assert structures(read("f(e) = e^2")) == "power(e; 2)"
    assert structures(read("-inf", inputs="inf")) == "negate(inf)"


def test_abstract_functions():
    dag = read("f(g1(x1, x2), g2(x1, x2))", abstract="f g1 g2")
    assert structure(dag.output) == (
        "abstract(abstract(x1, x2; g1, ()), abstract(x1, x2; g2, ()); f, ())"
    )
    assert structures(read("sin(x)", abstract="sin")) == "abstract(x; sin, ())"


# --- names, spans, source -------------------------------------------------------------------------


def names_of(text):
    dag = read(text)
    return {structure(node): names for node, names in dag.names.items()}


def test_names_of_nodes():
    assert names_of("a = x + y; f = a*x") == {
        "add(x, y)": ("a",),
        "multiply(add(x, y), x)": ("f",),
    }
    assert names_of("f(x) = x^2") == {"power(x; 2)": ("f",)}
    assert names_of("x^2") == {}
    assert names_of("a = x; b = a; b^2") == {"x": ("a", "b")}
    assert names_of("2pi x") == {"3.141592653589793": ("pi",)}
    assert names_of("r = pi; r x τ") == {
        "3.141592653589793": ("pi", "r"),
        "6.283185307179586": ("tau",),
    }
    assert names_of("g(x) = 3x; g(2) + inf") == {}


def test_a_constant_of_two_dtypes_is_named_once():
    dag = read("pi*x + pi*y", dtype={"x": "float32"})
    assert list(dag.names.values()) == [("pi",)]


def places(text, of, **options):
    dag = read(text, **options)
    (node,) = (node for node in dag.order if structure(node) == of)
    return [dag.source[slice(*span)] for span in dag.spans[node]]


def test_spans():
    text = "(x + y) * sin((x) + 1)"
    assert places(text, "x") == ["x", "x"]
    assert places(text, "add(x, y)") == ["x + y"]
    assert places(text, "add(x, 1)") == ["(x) + 1"]
    assert places(text, "1") == ["1"]
    assert places(text, "multiply(add(x, y), sin(add(x, 1)))") == [text]
    assert places("a = x²; a + a", "power(x; 2)") == ["x²", "a", "a"]
    assert places("x + 2 - (x + 2)", "add(x, 2)") == ["x + 2", "x + 2"]
    assert places("g(t) = t^2; g(x) + 1", "power(x; 2)") == ["t^2", "g(x)"]
    assert places("0 < x < 1", "less(x, 1)") == ["x < 1"]
    assert places("x<y<z<1", "logical_and(less(x, y), less(y, z))") == ["x<y<z"]
    assert places("min(x, y, z)", "minimum(x, y)") == ["x, y"]
    assert places("|x| + √y", "abs(x)") == ["|x|"]
    assert places("|x| + √y", "sqrt(y)") == ["√y"]
    assert places("x*(-3)", "-3") == ["-3"]
    assert places("+x²", "power(x; 2)") == ["x²"]
    assert places("σ(σ_w x)", "multiply(sigma_w, x)") == ["σ_w x"]
    assert places("3", "3") == ["3"]
    assert places("pi*x", "3.141592653589793") == ["pi"]


def test_every_computation_has_a_place(seed):
    dag = read(seed["formula"], parameters=seed["parameters"])
    assert all(dag.spans[node] for node in dag.order)
    assert dag.source == seed["formula"]


def test_source_is_in_normal_form():
    dag = read("e\u0301 + x")
    assert dag.source == "é + x"
    assert dag.spans[dag.inputs[1]] == (Span(4, 5),)


# --- dtypes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "dtype", "meaning"),
    [
        ("x*2", "float32", "multiply(x, 2:float32)"),
        ("1/3", "float32", "divide(1:float32, 3:float32)"),
        ("3", "float32", "3:float32"),
        ("x*2 + 1/3", "float32", "add(multiply(x, 2:float32), divide(1:float32, 3:float32))"),
        ("x*2 + y", {"x": "float32"}, "add(convert(multiply(x, 2:float32); float64), y)"),
        ("pi*x", {"x": "float32"}, "multiply(3.1415927:float32, x)"),
        ("f(a, b) = a*b; f(2, x)", {"x": "float32"}, "multiply(2:float32, x)"),
        ("x + 1", "int64", "add(x, 1:int64)"),
        ("x/2", "int64", "divide(convert(x; float64), 2)"),
        ("x + 0.5", "int64", "add(convert(x; float64), 0.5)"),
        ("1/2", "int64", "divide(1, 2)"),
        ("2*3", "int64", "multiply(2:int64, 3:int64)"),
        ("0.5", "int64", "0.5"),
        ("x^2", "int64", "power(x; 2)"),
        ("x^-1", "int64", "power(convert(x; float64); -1)"),
        ("b and x < 1", {"b": "bool"}, "logical_and(b, less(x, 1))"),
        ("b == true", {"b": "bool"}, "equal(b, true)"),
        ("x*(x > 0)", "float64", "multiply(x, convert(greater(x, 0); float64))"),
        ("x_1*2", {"x_{1}": "float32"}, "multiply(x_1, 2:float32)"),
    ],
)
def test_dtypes(text, dtype, meaning):
    assert structures(read(text, dtype=dtype)) == meaning


# --- single letters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("awx", "multiply(multiply(a, w), x)"),
        ("awx^2", "multiply(multiply(a, w), power(x; 2))"),
        ("1/aw", "multiply(divide(1, a), w)"),
        ("ax_1", "multiply(a, x_1)"),
        ("ax_{ij}y₂", "multiply(multiply(a, x_ij), y_2)"),
        ("sin(ab)", "sin(multiply(a, b))"),
        ("2πr", "multiply(multiply(2, 3.141592653589793), r)"),
        ("theta", "theta"),
        ("xy = a; xy^2", "power(a; 2)"),
        ("ff(xy) = xy^2; ff(ab)", "power(multiply(a, b); 2)"),
        ("a < b and b < c", "logical_and(less(a, b), less(b, c))"),
        ("_k + k_", "add(_k, k_)"),
    ],
)
def test_single_letters(text, meaning):
    assert structures(read(text, single_letters=True)) == meaning


def test_single_letters_know_what_is_declared():
    assert structures(read("wxab", single_letters=True, inputs="a b x w wxab")) == "wxab"
    assert structures(read("foo*ab", single_letters=True, inputs="foo a b")) == (
        "multiply(multiply(foo, a), b)"
    )


# --- warnings and worked examples -----------------------------------------------------------------


def test_unused_definitions_warn():
    with pytest.warns(ChainruleWarning, match="W101 'a' is defined") as caught:
        read("a = x + y; f = x")
    assert caught[0].filename == __file__
    with pytest.warns(ChainruleWarning, match="W101 'g' is defined"):
        read("g(x) = x; f = x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read("a = x + y; b = a*2; b")


def test_worked_examples(seed):
    dag = read(seed["formula"], parameters=seed["parameters"])
    assert sorted(node.name for node in dag.inputs) == sorted(seed["at"])
    if "computation_nodes" in seed:
        assert len(dag.computations) == seed["computation_nodes"]
    for name, count in seed.get("path_count", {}).items():
        assert dag.count_paths(dag.find(name)) == count


def test_reading_twice_gives_the_same_graph():
    assert read("f(x, y) = sin(x + y)^2").outputs == read("(sin((x) + y)) ** 2.0").outputs


# --- names ----------------------------------------------------------------------------------------


def test_greek_letters():
    assert len({GREEK[letter] for letter in "αβγδεζηθικλμνξοπρστυφχψω"}) == 24
    for letter, word in GREEK.items():
        assert canonical(letter) == word


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"),
        ("x_1", "x_{1}"),
        ("w12", "w_{12}"),
        ("theta", r"\theta"),
        ("Omega_0", r"\Omega_{0}"),
        ("omicron", r"\mathrm{omicron}"),
        ("Alpha", r"\mathrm{Alpha}"),
        ("x_i_j", "x_{i,j}"),
        ("w_theta", r"w_{\theta}"),
        ("x_max", r"x_{\mathrm{max}}"),
        ("loss", r"\mathrm{loss}"),
        ("loss_1", r"\mathrm{loss}_{1}"),
        ("learning_rate", r"\mathrm{learning\_rate}"),
        ("learning_rate_of_x", r"\mathrm{learning\_rate\_of\_x}"),
        ("w_last_layer", r"\mathrm{w\_last\_layer}"),
        ("rate1_of_x", r"\mathrm{rate1\_of\_x}"),
        ("h_t_minus_1", "h_{t-1}"),
        ("x_plus", "x_{+}"),
        ("_a", r"\mathrm{\_a}"),
        ("x1y", r"\mathrm{x1y}"),
    ],
)
def test_latex_names(name, latex):
    assert latex_name(name) == latex


def test_constants_have_their_values():
    for name, value in CONSTANTS.items():
        node = read(name).output
        assert node.op is CONSTANT
        got = float(constant_value(node))
        assert got == value or (math.isnan(got) and math.isnan(value))


@pytest.mark.parametrize("name", ["w_1x_1", "x_1a", "h_in_w", "x1y1", "w_12"])
def test_names_with_underscores_are_names_where_declared(name):
    assert [node.name for node in read(f"2*{name}", inputs=name).inputs] == [name]
    if name != "w_1x_1":
        assert [node.name for node in read(f"2*{name}").inputs] == [name]
