"""Graphs of arrays: simplified they are the same function, written out in scalars too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import GraphError, LimitError
from chainrule.graph.op import OPS
from chainrule.ops.term import Function

MATRIX = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
VECTOR = np.array([0.5, -1.25, 2.0])

FUNCTIONS = {
    "layer": lambda W, x: np.tanh(W @ x),
    "mean of squares": lambda W, x: np.mean((W * 2 - x) ** 2),
    "rows": lambda W, x: np.sum(W, axis=1) * x[:2],
    "extremes": lambda W, x: np.max(W * x, axis=0) + np.min(W, axis=0),
    "running": lambda W, x: np.cumsum(W, axis=1) + np.cumprod(x),
    "backwards": lambda W, x: W[:, ::-1] @ x[::-1],
    "gathered": lambda W, x: W[[0, 1, 0], [2, 0, 2]] * x,
    "joined": lambda W, x: np.concatenate([W[0], x * 3]),
    "padded": lambda W, x: np.pad(x, 1) * np.sum(W),
    "product": lambda W, x: np.prod(W, axis=0) / x,
    "scattered": lambda W, x: x.at[[0, 0]].add(W[0, :2]),
    "windows": lambda W, x: np.convolve(x, W[0], "full"),
    "outer": lambda W, x: np.outer(x, W[1]).T,
}


def points(graph: cr.Graph) -> list[float]:
    """The scalars in place of the two arrays."""
    return [*MATRIX.ravel(), *VECTOR]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_written_out_it_is_the_same_function(name):
    function = FUNCTIONS[name]
    graph = cr.trace(function)(MATRIX, VECTOR)
    scalars = graph.expand()
    assert all(not node.type.shape for node in scalars.dag.order)
    assert all(node.op.pointwise for node in scalars.dag.order)
    expected = function_value(name)
    got = scalars(*points(graph))
    np.testing.assert_allclose(np.ravel(got), np.ravel(expected), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", [*FUNCTIONS])
def test_derivatives_by_scalars_are_those_by_arrays(name):
    function = FUNCTIONS[name]
    weights = np.linspace(1, 2, np.size(function_value(name))).reshape(
        np.shape(function_value(name))
    )

    def loss(W, x):
        return np.sum(function(W, x) * weights)

    record = cr.trace(loss)(MATRIX, VECTOR).at(MATRIX, VECTOR)
    gradient = record.gradient
    scalars = record.expand().gradient
    for at in np.ndindex(2, 3):
        assert scalars[f"W_{at[0]}_{at[1]}"] == pytest.approx(
            gradient["W"][at], rel=1e-12, abs=1e-14
        )
    for at in range(3):
        assert scalars[f"x_{at}"] == pytest.approx(gradient["x"][at], rel=1e-12, abs=1e-14)


def function_value(name):
    """NumPy's value; `at` exists on symbolic arrays alone."""
    if name == "scattered":
        value = VECTOR.copy()
        np.add.at(value, [0, 0], MATRIX[0, :2])
        return value
    return FUNCTIONS[name](MATRIX, VECTOR)


def test_paths_of_a_layer():
    """The texts' view of σ(Wx + b): each input reaches each unit by one path."""
    layer = cr.trace(lambda W, x, b: 1 / (1 + np.exp(-(W @ x + b))))
    graph = layer(np.ones((3, 2)), np.ones(2), np.ones(3)).expand()
    assert len(graph.dag.outputs) == 3
    assert graph.arguments[:2] == ("W_0_0", "W_0_1")
    for output in graph.dag.outputs:
        source = graph.dag.find("x_0")
        assert graph.dag.count_paths(source, output) == 1


def test_what_cannot_be_written_out_is_said():
    graph = cr.trace(np.sort)(VECTOR)
    with pytest.raises(GraphError, match=r"E229 .*values"):
        graph.expand()
    big = cr.trace(lambda x: x @ x.T)(np.ones((30, 30)))
    with pytest.raises(LimitError, match="E157"):
        big.expand()
    assert len(big.expand(most=100_000).dag.outputs) == 900


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        (lambda x: x - x, "zeros([3])"),
        (lambda x: x * 1.0 + 0.0, "x"),
        (lambda x: (x * 2) * 3 + x, "7*x"),
        (lambda x: x + x, "2*x"),
        (lambda x: -np.negative(x), "x"),
        (lambda x: x**2 * x**3, "x^5"),
        (lambda x: np.where(x > 0, x, x), "x"),
        (lambda x: (x + 1) + 2, "x + 3"),
    ],
)
def test_identities_hold_for_arrays(function, formula):
    graph = cr.trace(function)(VECTOR)
    simple = graph.simplify()
    assert simple.formula() == formula
    np.testing.assert_allclose(simple(VECTOR), function(VECTOR), rtol=1e-15)


UNARY = ["negate", "square", "tanh", "exp", "abs", "relu"]
BINARY = ["add", "subtract", "multiply", "maximum"]


@st.composite
def programs(draw: st.DrawFn) -> cr.Graph:
    """Random operations on two vectors and literals."""
    values = [cr.input("x", 3), cr.input("y", 3)]
    for _ in range(draw(st.integers(1, 7))):
        pick = st.sampled_from(values)
        kind = draw(st.sampled_from(["unary", "binary", "number", "sum", "flip"]))
        if kind == "unary":
            made = getattr(cr, draw(st.sampled_from(UNARY)))(draw(pick))
        elif kind == "binary":
            made = getattr(cr, draw(st.sampled_from(BINARY)))(draw(pick), draw(pick))
        elif kind == "number":
            made = draw(pick) * draw(st.sampled_from([0.0, 1.0, 2.0, -1.0, 0.5]))
        elif kind == "sum":
            made = draw(pick) + np.sum(draw(pick))
        else:
            made = draw(pick)[::-1]
        values.append(made)
    return cr.graph(values[-1], values[:2])


@settings(max_examples=150)
@given(programs())
def test_random_programs_simplified(graph):
    x, y = np.array([0.1, -0.2, 0.3]), np.array([-0.4, 0.5, 0.25])
    before, after = graph(x, y), graph.simplify()(x, y)
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-12)
    assert after.shape == before.shape


REFUSED = {
    *("argmax", "argmin", "argsort", "searchsorted"),
    *("solve", "solve_triangular", "cholesky", "pinv", "expm", "det", "cofactors"),
    "cofactors_along",
}
CASES = [
    pytest.param(op, example, id=f"{op.name}-{at}")
    for op in OPS.values()
    if not op.pointwise
    for at, example in enumerate(op.examples)
]


@pytest.mark.parametrize(("op", "example"), CASES)
def test_every_operation_is_written_out_or_refused(op, example):
    random = np.random.default_rng(0)
    terms, values = [], []
    for at, shape in enumerate(example.shapes):
        dtype = example.dtypes[at] if at < len(example.dtypes) else "float64"
        if dtype == "int64":  # indices have to be known
            terms.append(random.integers(0, example.below, shape))
            continue
        value = (
            random.uniform(0.5, 2, shape) > 1 if dtype == "bool" else random.uniform(1, 2, shape)
        )
        terms.append(cr.input(f"x{at}", shape, dtype))
        values.append(value)
    params = dict(zip([param.name for param in op.params], example.params, strict=False))
    graph = cr.graph(Function(op)(*terms, **params), [t for t in terms if isinstance(t, cr.Array)])
    if op.name in REFUSED:
        with pytest.raises(GraphError, match="E229"):
            graph.expand()
    elif graph.dag.output.type.shape and 0 not in graph.dag.output.type.shape:
        got = graph.expand()(*(number for value in values for number in np.ravel(value)))
        np.testing.assert_allclose(np.ravel(got), np.ravel(graph(*values)), rtol=1e-14)
