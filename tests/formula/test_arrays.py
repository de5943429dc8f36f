"""Formulas over arrays: shapes, products, functions on arrays; what is printed reads back."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.draw.symbols import symbol
from chainrule.errors import ChainruleWarning, FormulaError, FormulaLimitError, GraphError
from chainrule.formula.infix import read
from chainrule.formula.labels import literal
from chainrule.formula.latex import read_latex
from chainrule.formula.printer import formula, latex
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.ops.term import Term, meet
from chainrule.run.interpret import Sweep

SHAPES = {"W": (3, 2), "x": 2, "b": 3, "A": (2, 2), "T3": (2, 3, 4), "c": (), "y": 2}


def read_arrays(text: str) -> Dag:
    found = set(re.findall(r"[A-Za-z]\w*", text))
    return read(text, shapes={name: shape for name, shape in SHAPES.items() if name in found})


def same(dag: Dag) -> None:
    """The text of a graph reads back as the same graph."""
    text = formula(dag)
    shapes = {node.name: node.type.shape for node in dag.inputs}
    dtypes = {node.name: node.type.dtype.name for node in dag.inputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        again = read(text, inputs=[node.name for node in dag.inputs], shapes=shapes, dtype=dtypes)
    assert again.outputs == dag.outputs, text


# --- reading and writing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("sigmoid(W @ x + b)", None),
        ("sum((b - 1)^2)/3", None),
        ("b @ W", None),
        ("W.T @ b", None),
        ("(W.T) @ b", None),
        ("A @ W.T", None),
        ("W.T @ W", None),
        ("T3 @ T3[0].T", None),
        ("T3 @ (T3[0].T)", None),
        ("x @ x", None),
        ("dot(x, y)", "x @ y"),
        ("outer(x, b)", None),
        ("contract(A, A, ij, ij, _)", None),
        ("contract(A, A, ij, ik, kj)", None),
        ("contract(c, x, _, i, i)", None),
        ("W*x + b[0]", None),
        ("2*W - x", None),
        ("broadcast(x, [2, 3], [0])", None),
        ("x[::-1]", None),
        ("W[1]", None),
        ("W[-1]", "W[2]"),
        ("W[1:, ::-1]", None),
        ("W[:, 0] + b", None),
        ("W[0, 1]*c", None),
        ("W[0:0]", None),
        ("T3[1, :, ::2]", None),
        ("sum(W)", None),
        ("sum(W, 0)", None),
        ("sum(W, -1)", "sum(W, 1)"),
        ("sum(T3, [0, 2])", None),
        ("sum(W, [])", None),
        ("max(W) + min(W, [1])", None),
        ("max(x, y)", "maximum(x, y)"),
        ("max(x, 0)", "maximum(x, 0)"),
        ("maximum(x, [1, 2])", None),
        ("prod(x)", None),
        ("mean(W, 0)", "sum(W, 0)/3"),
        ("any(x > 0) and all(W > 0)", None),
        ("transpose(T3, [2, 0, 1])", None),
        ("transpose(W)", "W.T"),
        ("reshape(W, [-1, 3])", "reshape(W, [2, 3])"),
        ("reshape(W, [3, 2])", None),
        ("ravel(W)", "reshape(W, [6])"),
        ("concatenate(x, zeros([2]), b, 0)", None),
        ("concatenate(x, b)", "concatenate(x, b, 0)"),
        ("cumsum(x)", "cumsum(x, 0)"),
        ("cumsum(W, 1, true)", None),
        ("argmax(W, 1)", None),
        ("gather(b, [0, 0, 2])", None),
        ("scatter_add(x, [0, 2], [4])", None),
        ("embed(x, [5], [1], [2])", None),
        ("windows(b, [0], [2], [1], [1])", None),
        ("searchsorted(b, x, right)", None),
        ("[1, 2, 3]*b", None),
        ("[[1, 2], [3, 4]] @ x", None),
        ("full([2], 0.5)", None),
        ("ones([2]) @ x", None),
        ("x*pi", None),
        ("concatenate(x, full([1], -0), 0)", None),
        ("where(x > 0, 1, 2)", None),
        ("f(x)[0]", "sin(x)[0]"),
        ("clip(W, 0, 1)", None),
        ("0 < x < 1", "0 < x and x < 1"),
        ("-x.T", "-x"),
        ("x^2[0]", None),
    ],
)
def test_reads_and_writes(text, written):
    if text == "x^2[0]":
        with pytest.raises(FormulaError):
            read_arrays(text)
        return
    dag = read_arrays(f"f(x) = sin(x); {text}" if text.startswith("f(") else text)
    assert formula(dag) == (written or text)
    same(dag)


def test_stack_and_statistics():
    dag = read("norm(stack(u, v, w)) + std(stack(u, v)) + logsumexp(stack(u, v))")
    values = dict(zip(dag.inputs, map(np.float64, [3, 4, 12]), strict=True))
    expected = 13 + 0.5 + np.logaddexp(3, 4)
    assert float(Sweep(dag, values).values[dag.output]) == pytest.approx(expected)
    same(dag)


@pytest.mark.parametrize(
    "text",
    ["softmax(W, 1)", "log_softmax(x)", "var(W)", "norm(W, inf)", "flip(W, 0)", "norm(x, 1)"],
)
def test_functions_made_of_others_read_back(text):
    same(read_arrays(text))


def test_shapes_meet_as_in_numpy():
    dag = read("W*x + c", shapes={"W": (3, 2), "x": 2})
    assert dag.output.type.shape == (3, 2)
    assert [node.type.shape for node in dag.inputs] == [(3, 2), (2,), ()]


def test_names_of_functions_may_be_variables():
    dag = read("mean = sum(x)/2; (x - mean)*std", shapes={"x": 2})
    assert [node.name for node in dag.inputs] == ["x", "std"]
    assert read("sum + x_i").inputs[1].name == "x_i"
    assert read("sum(x) = 2*x; sum(y)").output.op is OPS["multiply"]


def test_a_transpose_in_a_product_is_part_of_it():
    inside, alone = read_arrays("W.T @ b"), read_arrays("(W.T) @ b")
    assert [node.op.name for node in inside.computations] == ["contract"]
    assert [node.op.name for node in alone.computations] == ["transpose", "contract"]
    point = {"W": np.arange(6.0).reshape(3, 2), "b": np.array([1.0, -1.0, 2.0])}
    for dag in (inside, alone):
        values = {node: point[node.name] for node in dag.inputs}
        result = Sweep(dag, values).values[dag.output]
        assert np.array_equal(result, point["W"].T @ point["b"])


def test_literal_arrays_take_the_dtype_of_what_they_meet():
    dag = read(
        "x*[1, 2] + n @ [1, 2]", shapes={"x": 2, "n": 2}, dtype={"x": "float32", "n": "int64"}
    )
    constants = [node.type.dtype.name for node in dag.order if node.op.name == "constant"]
    assert constants == ["float32", "int64"]


def test_long_constants_are_shown_in_part():
    dag = Dag([constant_node(np.arange(100.0), Type.of("float64", (100,)))])
    assert formula(dag) == "[0, 1, 2, …]"
    with pytest.raises(FormulaError, match="write every element"):
        read(formula(dag))


def test_uniform_constants():
    assert literal(constant_node(2.0, Type.of("float64", (3, 2)))) == "full([3, 2], 2)"
    assert literal(constant_node(0.0, Type.of("float64", (3,)))) == "zeros([3])"
    assert literal(constant_node(-0.0, Type.of("float64", (3,)))) == "full([3], -0)"
    assert literal(constant_node(np.zeros((0, 2)), Type.of("float64", (0, 2)))) == "zeros([0, 2])"


def test_shared_broadcasts_stay_out_of_sight():
    dag = read("s = x + 1; W*s - W/s", shapes={"W": (3, 2), "x": 2})
    assert formula(dag) == "s = x + 1; W*s - W/s"
    unnamed = Dag(dag.outputs, dag.inputs)
    assert formula(unnamed) == "v1 = x + 1; W*v1 - W/v1"
    same(unnamed)


def test_traced_functions_read_back():
    def layer(w, x, b):
        h = np.tanh(w @ x + b)
        return np.sum((h - x[0]) ** 2) / 3 + np.mean(h * np.maximum(h, 0)) + h[::2] @ h[:2]

    traced = cr.trace(layer)(np.ones((3, 2)), np.ones(2), np.ones(3))
    text = traced.formula()
    assert text.startswith("h = tanh(w @ x + b); sum((h - x[0])^2)/3")
    shapes = {"w": (3, 2), "x": 2, "b": 3}
    assert cr.parse(text, shapes=shapes) == traced


def test_gradients_read_back():
    graph = cr.parse("sum((b - tanh(W @ x))^2)", shapes={"W": (3, 2), "x": 2, "b": 3})
    gradient = graph.gradient()
    assert "W.T @ " in gradient.formula()
    same(gradient.dag)


# --- LaTeX ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"\sigma(W x + b)", "sigmoid(W @ x + b)"),
        (r"W^\top b", "W.T @ b"),
        (r"W^T b", "W.T @ b"),
        (r"W^{\top} W x", "W.T @ W @ x"),
        (r"x^{\top} A y", "x @ A @ y"),
        (r"x y^\top", "outer(x, y)"),
        (r"2 x^\top y", "2*x @ y"),
        (r"-x^\top y", "-x @ y"),
        (r"x \cdot y", "x @ y"),
        (r"x \odot y", "x*y"),
        (r"2 W^\top", "2*W.T"),
        (r"c x", "c*x"),
        (r"\lVert x - y \rVert_1", "sum(abs(x - y))"),
        (r"\max(x)", "max(x)"),
        (r"\operatorname{mean}(x)", "sum(x)/2"),
        (r"\frac{1}{2} (x - y)^\top A (x - y)", "v3 = x - y; 1/2*v3 @ A @ v3"),
    ],
)
def test_latex_products_by_shape(source, text):
    names = {name: SHAPES[name] for name in ("W", "x", "y", "A", "b") if name in _letters(source)}
    assert formula(read_latex(source, shapes=names)) == text


def _letters(source: str) -> str:
    words = (
        "sigma",
        "top",
        "odot",
        "cdot",
        "lVert",
        "rVert",
        "max",
        "operatorname",
        "mean",
        "frac",
    )
    for word in words:
        source = source.replace(word, "")
    return source


@pytest.mark.parametrize(
    "source",
    [
        r"\lVert x \rVert_2^2",
        r"\left\| x \right\|^2",
        r"\|x\|^2",
        r"\Vert x \Vert \|x\|_2",
        r"\|x\|_F \|x\|_{F}",
        r"\| \operatorname{abs}(x) \| |\|x\||",
        r"\bigl\| x \bigr\|^2",
    ],
)
def test_latex_norms(source):
    dag = read_latex(source, shapes={"x": 2})
    result = Sweep(dag, {dag.inputs[0]: np.array([3.0, 4.0])}).values[dag.output]
    assert float(result) == pytest.approx(25)


X, Y, A = np.array([2.0, -1.0]), np.array([0.5, 3.0]), np.array([[1.0, 2.0], [-3.0, 5.0]])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"y^\top (x^\top A)^\top", Y @ (A.T @ X)),
        (r"A (x^\top)^\top", A @ X),
        (r"{x^\top}^\top + y", X + Y),
        (r"x^{\mathsf T} A y", X @ A @ Y),
        (r"x^\mathsf{T} y", X @ Y),
        (r"x^{\mathrm{T}} y", X @ Y),
        (r"(2 A)^\top x", 2 * A.T @ X),
        (r"(x^\top y)^{-1} x", X / (X @ Y)),
        (r"x^{-1} \odot y", Y / X),
        (r"A^\top (2 x)", 2 * A.T @ X),
        (r"\operatorname{ones}(2)^\top x", X.sum()),
    ],
)
def test_latex_transposes(source, expected):
    shapes = {"x": 2, "y": 2, "A": (2, 2)}
    dag = read_latex(source, inputs="x y A", shapes=shapes)
    result = Sweep(dag, dict(zip(dag.inputs, (X, Y, A), strict=True))).values[dag.output]
    assert result == pytest.approx(expected)


def test_without_shapes_latex_is_about_numbers():
    with pytest.raises(FormulaError, match="a transpose"):
        read_latex(r"w^T x")
    with pytest.raises(FormulaError, match="norms are not read"):
        read_latex(r"\lVert x \rVert")
    assert read_latex("x^T", shapes={"x": 2, "T": ()}).output.op is OPS["general_power"]


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        (r"x y", r"x^\top y is their scalar product"),
        (r"x A", r"x^\top A"),
        (r"A x^\top", "a row stands before"),
        (r"x^\top", "a row stands before"),
        (r"\sin x^\top", "a row"),
        (r"(x^\top)^\top y", r"(x^\top) y is their scalar product"),
        (r"2 A x y", r"(2 A x)^\top y is their scalar product"),
        (r"1^\top x", "which has no transpose"),
    ],
)
def test_latex_products_that_do_not_fit(source, hint):
    names = {name: SHAPES[name] for name in ("x", "y", "A") if name in _letters(source)}
    with pytest.raises(FormulaError) as caught:
        read_latex(source, shapes=names)
    assert caught.value.code == "E203"
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("sigmoid(W @ x + b)", r"\sigma\left(W \, x + b\right)"),
        ("W.T @ b", r"W^{\top} \, b"),
        ("b @ W", r"b^{\top} \, W"),
        ("sum((b - 1)^2)/3", r"\frac{\sum \left(b - 1\right)^{2}}{3}"),
        ("sum(W, 0)", r"\sum_{0} W"),
        ("max(W, [0])", r"\max_{0}\left(W\right)"),
        ("x*y", r"x \odot y"),
        ("2*x", "2 x"),
        ("outer(x, y)", r"x \, y^{\top}"),
        ("x[0]", "x_{0}"),
        ("ones([2]) @ x", r"1_{2}^{\top} \, x"),
        ("any(x > 0)", r"\operatorname{any}\left(x > 0\right)"),
    ],
)
def test_latex_is_readable(text, written):
    assert latex(read_arrays(text)) == written


# --- drawings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("W @ x", "@"),
        ("W.T @ b", "ᵀ@"),
        ("A @ W.T", "@ᵀ"),
        ("outer(x, y)", "⊗"),
        ("contract(A, A, ij, ij, _)", "ij,ij→"),
        ("sum(W)", "Σ"),
        ("sum(W, 1)", "Σ₁"),
        ("sum(T3, [0, 2])", "Σ₀,₂"),
        ("W.T", "ᵀ"),
        ("b[1:3]", "[1:]"),
        ("b[:2]", "[:2]"),
        ("reshape(W, [6])", "reshape"),
        ("cumsum(x)", "cumsum₀"),
        ("argmax(x)", "argmax(□, 0)"),
    ],
)
def test_symbols(text, sign):
    assert symbol(read_arrays(text).output).text == sign


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "marked", "message"),
    [
        ("sigmoid(W @ b)", "E203", "W @ b", "W.T @ b would fit"),
        ("x @ W", "E203", "x @ W", "x @ W.T would fit"),
        ("x @ c", "E203", "x @ c", "a number multiplies with *"),
        ("W.T @ x", "E203", "W.T @ x", "W @ x would fit"),
        ("1 + W @ x + x", "E203", "1 + W @ x + x", "1 + W @ x is [3], x is [2]"),
        ("maximum(x, b)", "E203", "maximum(x, b)", "x is [2], b is [3]"),
        ("where(x > 0, x, b)", "E203", "where(x > 0, x, b)", "b is [3]"),
        ("sigmoid(W*x + b)", "E203", "W*x + b", "the matrix product is W @ x"),
        ("matmul(W, b)", "E203", "matmul(W, b)", "W.T @ b would fit"),
        ("W^T @ b", "E130", "W^T", "write W.T"),
        ("(A @ A)^T", "E130", "(A @ A)^T", "write (A @ A).T"),
        ("x^T @ x", "E130", "x^T", "a number T is declared"),
        ("A^-1 @ x", "E130", "A^-1", "write inv(A); (A^-1) in brackets goes element by element"),
        ("A x", "E130", "A x", "write A @ x for the matrix product, A*x for elements"),
        ("2x x", "E130", "2x x", "2x @ x"),
        ("A - c*I", "E102", "I", "shapes={'I': ("),
        ("x @ A**2", "E130", "A**2", "write A @ A"),
        ("e^A @ x", "E130", "e^A", "(e^A) in brackets"),
        ("concatenate(x, W, 1)", "E203", "concatenate(x, W, 1)", "axis"),
        ("sum(c)", "E203", "sum(c)", "sum of a number"),
        ("sum(x, 1)", "E203", "sum(x, 1)", "no axis 1"),
        ("sum(x, y)", "E106", "y", "axes must be a literal"),
        ("sum(x, 0.5)", "E203", "sum(x, 0.5)", "whole number"),
        ("sum()", "E105", "sum()", "takes 1 or 2 arguments"),
        ("stack()", "E105", "stack()", "1 or more"),
        ("x[2]", "E203", "x[2]", "out of bounds"),
        ("x[y]", "E111", "y", "gather"),
        ("x[1", "E112", "[", "never closed"),
        ("x[:::1]", "E111", ":", "slice"),
        ("x + [1, 2, 3]", "E203", "x + [1, 2, 3]", "x is [2]"),
        ("x + [[1, 2], [3]]", "E130", "[3]", "one length"),
        ("x + [1, true]", "E130", "[1, true]", "numbers and conditions"),
        ("x + [1, y]", "E119", "[", "round brackets"),
        ("x + [1,", "E112", "[", "never closed"),
        ("x]", "E119", "]", "unexpected character"),
        ("x:1", "E119", ":", "a definition"),
        ("reshape(W, [4])", "E203", "reshape(W, [4])", ""),
        ("contract(A, x, i, j, k)", "E130", "contract(A, x, i, j, k)", "label"),
        ("zeros(x)", "E106", "x", "list of them"),
        ("zeros(0.5)", "E106", "0.5", "list of sizes"),
        ("zeros(3, 2)", "E105", "zeros(3, 2)", "write zeros([3, 2])"),
        ("full([2], pi)", "E106", "pi", "write pi*ones([2])"),
        ("full([2], 1/2)", "E106", "1/2", "write (1/2)*ones([2])"),
        ("reshape(x, 2, 1)", "E105", "reshape(x, 2, 1)", "write reshape(x, [2, 1])"),
        ("reshape(x, (2, 1))", "E116", ",", "lists take square brackets"),
        ("sum(x, axis=0)", "E115", "=", "sum(x, 0)"),
        ("[1 2] @ x", "E114", "2", "write [1, 2, 3]"),
        ("[1, 2,] @ x", "E111", "]", "leave the comma out"),
        ("[1, , 2]", "E111", ",", "after ','"),
        ("[x, y]", "E119", "[", "stack(x, y)"),
        ("gather(x, [0.5])", "E130", "[0.5]", "whole numbers"),
        ("eig(A) @ x", "E101", "eig", "write eigvalsh(A)"),
        ("eye(2) @ x", "E101", "eye", "[[1, 0], [0, 1]]"),
        ("W' @ b", "E119", "'", "x.T is the transpose"),
        ("Wᵀ @ b", "E119", "ᵀ", "write x.T"),
        ("zeros([-1])", "E106", "zeros([-1])", "no shape"),
        ("norm(x, [1])", "E130", "norm(x, [1])", ""),
        ("meen(x)", "E101", "meen", "did you mean 'mean'"),
    ],
)
def test_errors(text, code, marked, message):
    with pytest.raises(FormulaError) as caught:
        read_arrays(text)
    error = caught.value
    assert (error.code, error.text[slice(*error.span)]) == (code, marked) or code == "E130"
    assert message in str(error)


def test_errors_about_shapes_given():
    for text, one_name in (("Wx", "Wx"), ("W_1*x", "W_1"), ("W_{12}", "W_{12}")):
        with pytest.raises(FormulaError, match="is one name") as caught:
            read(text, shapes={"W": (3, 2)})
        assert caught.value.text[slice(*caught.value.span)] == one_name
    with pytest.raises(FormulaError, match="did you mean 'W'"):
        read("W @ x", shapes={"w": (3, 2), "x": 2})
    with pytest.raises(FormulaError, match="follows from its definition"):
        read("h = x + 1; h^2", shapes={"x": 2, "h": 2})
    for bad in ("a", (2, "x"), -1, 2.5):
        with pytest.raises(GraphError, match="is no shape"):
            read("x", shapes={"x": bad})
    with pytest.raises(GraphError, match="map names"):
        read("x", shapes=[3])


def test_the_inverse_of_a_matrix_is_not_taken_element_by_element():
    shapes = {"A": (2, 2), "x": 2}
    assert formula(read("(A^-1) @ x", shapes=shapes)) == "(A^-1) @ x"
    assert formula(read("(x^2) @ x", shapes={"x": 2})) == "x^2 @ x"
    for source in (r"A^{-1} x", r"x^\top (2 A)^{-1} x"):
        with pytest.raises(FormulaError, match="the inverse of the matrix") as caught:
            read_latex(source, shapes={"A": (2, 2), "x": 2})
        assert caught.value.code == "E128"
        assert caught.value.text[slice(*caught.value.span)].endswith("^{-1}")
    assert read_latex("x^{-1}", shapes={"x": 2}) == read("x^-1", shapes={"x": 2})


@pytest.mark.parametrize(
    ("source", "marked", "hint"),
    [
        (r"A^2 x", "A", r"write A A for the product, A^{\odot 2} element by element"),
        (r"(A A)^{1/2} x", "(A A)", r"(A A)^{\odot 2}"),
        (r"A² x", "A", "A A"),
        (r"A^{-T} x", "^{-T}", r"\operatorname{inv}(A)^\top"),
        (r"A^{-\top} x", r"^{-\top}", r"\operatorname{inv}(A)^\top"),
        (r"e^{A} x", "e^{A}", r"\operatorname{expm}\left(A\right)"),
        (r"|A| x", "|A|", r"\det\left(A\right)"),
        (r"A |x|", "|x|", r"\lVert x \rVert, or \operatorname{abs}\left(x\right)"),
        (r"(A + A)^{-1} x", r"(A + A)^{-1}", r"\operatorname{inv}(A + A)"),
        (r"A x \times x", r"A x \times x", r"\odot x element by element"),
        ("A x × x", "A x × x", r"\odot x element by element"),
    ],
)
def test_signs_that_mean_another_thing_for_matrices(source, marked, hint):
    with pytest.raises(FormulaError) as caught:
        read_latex(source, shapes={"A": (2, 2), "x": 2})
    error = caught.value
    assert (error.code, error.text[slice(*error.span)].strip()) == ("E128", marked)
    assert hint in str(error)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("A^2", r"A^{\odot 2}"),
        ("A^-1", r"A^{\odot -1}"),
        ("A^c", r"A^{\odot c}"),
        ("(A @ A)^2", r"\left(A \, A\right)^{\odot 2}"),
        ("square(A)", r"\operatorname{square}\left(A\right)"),
        ("sin(A)^2", r"\sin^{2}\left(A\right)"),
        ("exp(A)", r"\exp\left(A\right)"),
        ("log(det(A @ A))*2", r"\ln\left(\det \left(A \, A\right)\right) \cdot 2"),
        ("exp(x)", r"e^{x}"),
        ("abs(A)", r"\operatorname{abs}\left(A\right)"),
        ("abs(x)", r"\operatorname{abs}\left(x\right)"),
        ("|c|*x^2", r"\left|c\right| x^{2}"),
        ("2*A", "2 A"),
    ],
)
def test_latex_of_what_goes_element_by_element_reads_back(text, written):
    shapes = {"A": (2, 2)} if "A" in text else {"x": 2}
    dag = read(text, shapes=shapes)
    assert latex(dag) == written
    assert read_latex(written, shapes=shapes) == dag


def test_hints_in_latex_are_in_latex():
    with pytest.raises(FormulaError, match=r"W x would fit"):
        read_latex(r"W^\top x", shapes={"W": (3, 2), "x": 2})
    with pytest.raises(FormulaError, match=r"W\^\\top b would fit"):
        read_latex(r"\sigma(W b)", shapes={"W": (3, 2), "b": 3})


def test_limits():
    with pytest.raises(FormulaLimitError, match="brackets in a list"):
        read("[" * 20 + "1" + "]" * 20)
    with pytest.raises(FormulaError, match="no shape"):
        read("zeros([1000000, 1000000, 1000000])")


# --- random graphs --------------------------------------------------------------------------------

VECTOR = st.integers(1, 3)


@st.composite
def graphs(draw):
    """A graph over pointwise and structural operations on small arrays."""
    pool = [
        input_node("x", Type.of("float64", (3,))),
        input_node("w", Type.of("float64", (2, 3))),
        input_node("t", Type.of("float64", (2, 1, 3))),
        input_node("s", Type.of("float64")),
    ]
    inputs = list(pool)
    for _ in range(draw(st.integers(1, 10))):
        made = draw(st.sampled_from(STEPS))(draw, pool)
        if made is not None and math.prod(made.type.shape) <= 200 and len(made.type.shape) <= 4:
            pool.append(made)
    outputs = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2))
    named = {node: [f"n{at}"] for at, node in enumerate(pool[4:]) if draw(st.integers(0, 5)) == 0}
    return Dag(outputs, inputs, named)


def pick(draw, pool):
    node = draw(st.sampled_from(pool))
    if draw(st.integers(0, 7)) == 0:
        value = draw(st.sampled_from([0.0, 1.0, -2.5, math.pi]))
        shape = node.type.shape
        if draw(st.booleans()) and shape:
            return constant_node(np.arange(math.prod(shape)).reshape(shape), node.type)
        return constant_node(value, node.type)
    return node


def axes_of(draw, node):
    count = len(node.type.shape)
    return tuple(sorted(draw(st.sets(st.integers(0, count - 1))))) if count else ()


def binary(draw, pool):
    op = OPS[draw(st.sampled_from(["add", "multiply", "divide", "subtract", "maximum"]))]
    a, b = pick(draw, pool), pick(draw, pool)
    try:
        return make(op, meet(op, (Term(a), Term(b)), ()))
    except GraphError:
        return None


def unary(draw, pool):
    name = draw(st.sampled_from(["sin", "negate", "square", "abs"]))
    return make(OPS[name], (pick(draw, pool),))


def power(draw, pool):
    return make(OPS["power"], (pick(draw, pool),), (2,))


def choice(draw, pool):
    a, b = pick(draw, pool), pick(draw, pool)
    op = OPS["where"]
    condition = make(OPS["less"], (a, a))
    try:
        return make(op, meet(op, (Term(condition), Term(a), Term(b)), ()))
    except GraphError:
        return None


def reduction(draw, pool):
    x = pick(draw, pool)
    name = draw(st.sampled_from(["sum", "prod", "reduce_max", "reduce_min"]))
    return make(OPS[name], (x,), (axes_of(draw, x),))


def running(draw, pool):
    x = pick(draw, pool)
    if not x.type.shape:
        return None
    axis = draw(st.integers(0, len(x.type.shape) - 1))
    return make(OPS["cumsum"], (x,), (axis, draw(st.booleans())))


def transposed(draw, pool):
    x = pick(draw, pool)
    return make(OPS["transpose"], (x,), (tuple(draw(st.permutations(range(len(x.type.shape))))),))


def reshaped(draw, pool):
    x = pick(draw, pool)
    size = math.prod(x.type.shape)
    shapes = [(size,), (1, size), (size, 1), x.type.shape, (1, *x.type.shape)]
    shapes += [x.type.shape[1:]] if x.type.shape[:1] == (1,) else []
    return make(OPS["reshape"], (x,), (draw(st.sampled_from(shapes)),))


def sliced(draw, pool):
    x = pick(draw, pool)
    starts, counts, steps = [], [], []
    for size in x.type.shape:
        start = draw(st.integers(0, max(size - 1, 0)))
        step = draw(st.sampled_from([-2, -1, 1, 2]))
        most = len(range(start, size if step > 0 else -1, step)) if size else 0
        starts.append(start)
        counts.append(draw(st.integers(0, most)))
        steps.append(step)
    cut = make(OPS["slice"], (x,), (tuple(starts), tuple(counts), tuple(steps)))
    if draw(st.booleans()):
        kept = [n for n in counts if n != 1 or draw(st.booleans())]
        return make(OPS["reshape"], (cut,), (tuple(kept),))
    return cut


def embedded(draw, pool):
    x = pick(draw, pool)
    shape = tuple(2 * size + 1 for size in x.type.shape)
    return make(OPS["embed"], (x,), (shape, (1,) * len(shape), (2,) * len(shape)))


def joined(draw, pool):
    x = pick(draw, pool)
    if not x.type.shape:
        return None
    axis = draw(st.integers(0, len(x.type.shape) - 1))
    fill = constant_node(draw(st.sampled_from([0.0, 1.0, 2.0])), x.type)
    return make(OPS["concatenate"], (x, fill, x)[: draw(st.integers(1, 3))], (axis,))


def spread(draw, pool):
    x = pick(draw, pool)
    at = draw(st.integers(0, len(x.type.shape)))
    shape = (*x.type.shape[:at], 2, *x.type.shape[at:])
    axes = tuple(k for k in range(len(shape)) if k != at)
    return make(OPS["broadcast"], (x,), (shape, () if at == 0 and draw(st.booleans()) else axes))


def contracted(draw, pool):
    a, b = pick(draw, pool), pick(draw, pool)
    sizes, left = list(a.type.shape), list(range(len(a.type.shape)))
    right, fresh = [], len(left)
    for size in b.type.shape:
        fits = [k for k in left if sizes[k] == size and k not in right]
        if fits and draw(st.booleans()):
            right.append(draw(st.sampled_from(fits)))
        else:
            right.append(fresh)
            fresh += 1
    both = set(left) & set(right)
    kept = {*left} ^ {*right} | {k for k in both if draw(st.integers(0, 3)) == 0}
    out = sorted(kept)
    if draw(st.booleans()):
        out = draw(st.permutations(out))
    return make(OPS["contract"], (a, b), (tuple(left), tuple(right), tuple(out)))


def gathered(draw, pool):
    x = pick(draw, pool)
    if not x.type.shape or not x.type.shape[0]:
        return None
    places = [0, x.type.shape[0] - 1, 0]
    return make(OPS["gather"], (x, constant_node(np.array(places), Type.of("int64", (3,)))))


STEPS = [
    binary, binary, binary, unary, power, choice, reduction, running, transposed, reshaped, sliced,
    sliced, embedded, joined, spread, contracted, contracted, gathered,
]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(graphs())
def test_random_graphs_read_back(dag):
    if "…" not in formula(dag):  # a long constant
        same(dag)
    assert latex(dag)
    for node in dag.computations:
        assert all(symbol(node))


@pytest.mark.parametrize("op", [op for op in OPS.values() if not op.pointwise], ids=str)
def test_every_structural_operation_reads_back(op):
    for example in op.examples:
        dtypes = (*example.dtypes, *["float64"] * len(example.shapes))
        operands = [
            input_node(f"x_{at}", Type.of(dtype, shape))
            for at, (shape, dtype) in enumerate(zip(example.shapes, dtypes, strict=False))
        ]
        node = make(op, tuple(operands), op.normal_params(example.params))
        same(Dag([node], operands))
        assert latex(Dag([node]))
        assert all(symbol(node))


PIECES = [
    *["W", "x", "b", "A", "c", "sum(", "max(", "@", ".T", "[", "]", ":", ",", "(", ")", "+", "*"],
    *["0", "1", "2", "-1", "[0]", "[1, 2]", "zeros([2])", "mean(", "norm(", "reshape(", "outer("],
    *[
        "contract(",
        "ij",
        "jk",
        "ik",
        "true",
        "concatenate(",
        "gather(",
        "softmax(",
        "^2",
        "transpose(",
    ],
]


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
def test_token_soup(text):
    """Reading gives a graph that prints and reads back, or an error with a place; nothing else."""
    try:
        dag = read(text, inputs="W x b A c", shapes={"W": (3, 2), "x": 2, "b": 3, "A": (2, 2)})
    except FormulaError as error:
        failure = error
    else:
        failure = None
    if failure is not None:
        assert 0 <= failure.span.start <= failure.span.end <= len(failure.text)
        return
    for spans in dag.spans.values():
        assert all(0 <= span.start < span.end <= len(dag.source) for span in spans)
    same(dag)
