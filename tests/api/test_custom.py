"""Functions with derivatives of their own, foreign ones, and what is computed anew backward."""

from __future__ import annotations

import math
import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.errors import DerivativeError, EvaluationError, FileError, GraphError
from chainrule.graph.node import live_nodes

X = np.array([0.3, -1.2, 2.5])


class Pair(NamedTuple):
    first: Any
    second: Any


def close(got, expected, tolerance=1e-12):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# --- a rule for forward mode ----------------------------------------------------------------------


@cr.custom_derivative
def cube(x):
    return x * x * x


@cube.forward
def _(primals, tangents):
    (x,), (dx,) = primals, tangents
    return 3 * x**2 * dx


def test_one_forward_rule_serves_every_mode_and_order():
    close(cube(2.0), 8)
    close(cr.grad(cube)(2.0), 12)
    close(cr.jvp(cube, (2.0,), (0.5,))[1], 6)
    close(cr.grad(cr.grad(cube))(2.0), 12)
    close(cr.grad(cr.grad(cr.grad(cube)))(2.0), 6)
    close(cr.jacobian(cube, mode="forward")(X), np.diag(3 * X**2))
    close(cr.jacobian(cube, mode="reverse")(X), np.diag(3 * X**2))
    close(cr.hessian(lambda x: np.sum(cube(x)))(X), np.diag(6 * X))
    close(cr.vmap(cr.grad(cube))(X), 3 * X**2)
    close(cr.grad(lambda x: np.sum(cr.vmap(cube)(x)))(X), 3 * X**2)


def test_the_rule_is_what_counts():
    @cr.custom_derivative
    def straight_through(x):
        return np.round(x)

    @straight_through.forward
    def _(primals, tangents):
        return tangents[0]

    close(cr.grad(lambda x: np.sum(straight_through(3 * x)))(X), [3, 3, 3])
    close(straight_through(X), np.round(X))


def test_structures_and_arguments_that_are_no_arrays():
    @cr.custom_derivative
    def scaled(pair, power, k):
        return {"a": pair.first**power, "b": [pair.second * k]}

    @scaled.forward
    def _(primals, tangents):
        pair, power, _k = primals
        moved, none, change = tangents
        assert none is None
        inner = power * pair.first ** (power - 1) * moved.first
        return {"a": inner, "b": [moved.second * primals[2] + pair.second * change]}

    def loss(first, second, k):
        made = scaled(Pair(first, second), 3, k)
        return np.sum(made["a"]) + made["b"][0]

    got = cr.grad(loss, (0, 1, 2))(X, 2.0, 5.0)
    close(got[0], 3 * X**2)
    close(got[1:], [5, 2])


def test_a_rule_that_is_not_linear_is_refused_in_reverse_mode():
    @cr.custom_derivative
    def bad(x):
        return x

    @bad.forward
    def _(primals, tangents):
        return tangents[0] ** 2

    with pytest.raises(DerivativeError, match="E344 the rule for forward mode of bad is not lin"):
        cr.grad(bad)(1.0)


@cr.custom_derivative
def product(a, b):
    return a * b


@product.forward
def _(primals, tangents):
    (a, b), (da, db) = primals, tangents
    return da * b + a * db


def test_a_rule_may_use_a_function_with_a_rule():
    """Transposing the one inside of the other keeps their tangents apart."""

    @cr.custom_derivative
    def squared(x):
        return x * x

    @squared.forward
    def _(primals, tangents):
        return product(primals[0], product(2.0 * primals[0], tangents[0])) / primals[0]

    close(cr.grad(squared)(3.0), 6)
    close(cr.grad(cr.grad(squared))(3.0), 2)
    close(cr.jacobian(squared, mode="reverse")(X), np.diag(2 * X))
    close(cr.vmap(cr.grad(squared))(X), 2 * X)


# --- a rule for reverse mode ----------------------------------------------------------------------


@cr.custom_derivative
def clipped(x, y):
    return x * y


@clipped.reverse
def _(primals, result, adjoint):
    x, y = primals
    return np.clip(adjoint, -1, 1) * y, np.clip(adjoint, -1, 1) * x


def test_a_reverse_rule():
    close(cr.grad(lambda x, y: 10 * clipped(x, y), (0, 1))(2.0, 3.0), (3, 2))
    close(cr.grad(clipped, (0, 1))(2.0, 3.0), (3, 2))
    value, pull = cr.vjp(clipped, 2.0, 3.0)
    close(value, 6)
    close(pull(-7.0), (-3, -2))
    # Its own derivative is that of the rule: d/dx (y·1) = 0, d/dy = 1.
    close(cr.grad(lambda y: cr.grad(clipped)(2.0, y))(3.0), 1)


def test_a_reverse_rule_for_many_items():
    got = cr.vmap(cr.grad(clipped, (0, 1)))(X, X + 1)
    close(got, (X + 1, X))
    shared = cr.grad(lambda y: np.sum(cr.vmap(lambda x: clipped(x, y))(X)))(2.0)
    close(shared, np.sum(X))
    inner = cr.vmap(cr.grad(clipped, 1), (0, None))(X, 2.0)
    close(inner, X)


def test_a_mode_without_a_rule_says_so():
    with pytest.raises(DerivativeError, match="E343 clipped has a rule for reverse mode only"):
        cr.jvp(clipped, (1.0, 2.0), (1.0, 0.0))


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda x: x, "a tuple of 1 adjoints"),
        (lambda x: (x, x), "a tuple of 1 adjoints"),
        (lambda x: ({"a": x},), "structured like"),
        (lambda x: (np.ones(2),), r"float64\[2\], it belongs to float64\[3\]"),
    ],
)
def test_adjoints_that_do_not_fit(made, says):
    @cr.custom_derivative
    def same(x):
        return x

    same.reverse(lambda primals, result, adjoint: made(adjoint))
    with pytest.raises(DerivativeError, match=f"E344 .*{says}"):
        cr.grad(lambda x: np.sum(same(x)))(X)


def test_none_stands_for_no_adjoint_and_numbers_fill():
    @cr.custom_derivative
    def first(x, y):
        return np.sum(x) + np.sum(y)

    first.reverse(lambda primals, result, adjoint: (2.0, None))
    close(cr.grad(first, (0, 1))(X, X), ([2, 2, 2], [0, 0, 0]))


def test_a_value_that_is_traced_around_it_must_be_an_argument():
    def outer(w):
        @cr.custom_derivative
        def inner(x):
            return x * w

        inner.forward(lambda primals, tangents: tangents[0] * w)
        return inner(w)

    with pytest.raises(GraphError, match="E240 inner reads a value that is being traced"):
        cr.grad(outer)(2.0)


# --- foreign code ---------------------------------------------------------------------------------


def bessel(x):
    return np.array([float(scipy.special.jv(0, v)) for v in np.atleast_1d(x)]).reshape(np.shape(x))


def test_foreign_code_runs_when_the_graph_does():
    calls = []

    def counted(x):
        calls.append(x)
        return bessel(x)

    foreign = cr.custom_derivative(counted, result=lambda x: x)
    foreign.forward(
        lambda primals, tangents: (
            -cr.custom_derivative(lambda x: np.asarray(scipy.special.jv(1, x)), result=lambda x: x)(
                primals[0]
            )
            * tangents[0]
        )
    )
    both = cr.value_and_grad(lambda x: np.sum(foreign(x)))
    close(both(X)[1], -scipy.special.jv(1, X))
    assert [type(call) for call in calls] == [np.ndarray]
    close(cr.vmap(foreign)(X), scipy.special.jv(0, X))
    assert [np.shape(call) for call in calls[1:]] == [(), (), ()]


def test_foreign_results_are_checked():
    wrong = cr.custom_derivative(lambda x: np.ones(2), result=np.zeros(3))
    with pytest.raises(
        EvaluationError, match=r"E312 <lambda> gave float64\[2\] where float64\[3\]"
    ):
        cr.jit(wrong)(1.0)
    several = cr.custom_derivative(lambda x: (x, 1), result=(0.0, np.zeros(1, int)))
    with pytest.raises(EvaluationError, match="E312"):
        cr.jit(several)(1.0)
    fine = cr.custom_derivative(lambda x: (x, 1), result=(0.0, np.int64(0)))
    assert cr.jit(fine)(1.5) == (1.5, 1)
    with pytest.raises(DerivativeError, match=r"E343 .* is not traced and has no rule"):
        cr.grad(lambda x: fine(x)[0])(1.0)


def test_graphs_with_python_in_them_have_no_file():
    graph = cr.trace(cube)(2.0)
    with pytest.raises(FileError, match="E408"):
        graph.json()
    with pytest.raises(FileError, match="E408"):
        pickle.dumps(graph)


# --- checkpoint -----------------------------------------------------------------------------------


def deep(x):
    for _ in range(20):
        x = np.sin(x) + x
    return x


def test_checkpoints_change_no_number():
    kept = cr.checkpoint(deep)
    for transform in (
        lambda f: cr.jacobian(f, mode="forward")(X),
        lambda f: cr.jacobian(f, mode="reverse")(X),
        lambda f: cr.hessian(lambda x: np.sum(f(x)))(X),
        lambda f: cr.grad(lambda x: np.sum(cr.grad(lambda x: np.sum(f(x)))(x) ** 2))(X),
        lambda f: cr.vmap(f)(X),
        lambda f: cr.vmap(cr.grad(f))(X),
        lambda f: f(X),
    ):
        close(transform(kept), transform(deep))


def test_a_checkpoint_keeps_its_arguments_only():
    graph = cr.trace(lambda x: np.sum(cr.checkpoint(deep)(x)))(X)
    assert [node.op.name for node in graph.dag.computations] == ["call", "item", "sum"]
    gradient = graph.gradient()
    assert [node.op.name for node in gradient.dag.computations].count("call") == 2
    assert "sin" not in {node.op.name for node in gradient.dag.computations}


def test_a_checkpoint_may_read_what_is_around_it():
    def outer(w):
        inner = cr.checkpoint(lambda x: np.sin(w * x))
        return inner(w)

    close(cr.grad(outer)(0.7), 2 * 0.7 * math.cos(0.49))


def test_nested_checkpoints():
    inner = cr.checkpoint(lambda x: np.sin(np.sin(x)))
    outer = cr.checkpoint(lambda x: inner(inner(x)))
    plain = lambda x: np.sin(np.sin(np.sin(np.sin(x))))  # noqa: E731
    close(cr.grad(outer)(0.4), cr.grad(plain)(0.4))
    close(cr.grad(cr.grad(outer))(0.4), cr.grad(cr.grad(plain))(0.4))


def test_functions_with_rules_are_not_kept_alive():
    def once():
        made = cr.custom_derivative(lambda x: x * x)
        made.forward(lambda primals, tangents: 2 * primals[0] * tangents[0])
        return cr.grad(made)(3.0)

    once()
    before = live_nodes()
    for _ in range(50):
        close(once(), 6)
    assert live_nodes() < before + 3000
