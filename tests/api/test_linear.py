"""Derivatives at a point as linear functions; what only runs again is their linear part."""

# ruff: noqa: B023
# Functions are written as users write them.

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.api import linear, plans
from chainrule.api.tree import mapped
from chainrule.diff.split import split
from chainrule.errors import DerivativeError, GraphError
from chainrule.graph import walk
from chainrule.graph.node import input_node
from chainrule.graph.types import Type
from chainrule.ops.copies import broadcast
from chainrule.ops.rearrange import reshape
from chainrule.ops.term import Term, apply
from tests.api.test_transforms import A, X, same, several
from tests.jax_values import expected, jax, jnp
from tests.ops.array_matrix import ALL, operands_of

VALUES = (X, A)
CHANGES = (np.cos(X), np.sin(A))


def parts(function, *arguments, how=cr.vjp):
    """The two programs of a point: the names of the operations of each."""
    plans.cache._plans.clear()
    how(function, *arguments)
    (plan,) = plans.cache._plans.values()
    return [
        [node.op.name for node in part.program.dag.order if node.operands]
        for part in (plan, plan.linear)
    ]


# --- numbers --------------------------------------------------------------------------------------


def test_linearize_is_jvp_with_many_tangents():
    value, push = cr.linearize(several(np), *VALUES)
    wanted = cr.jvp(several(np), VALUES, CHANGES)
    same((value, push(*CHANGES)), wanted)
    same(push(*mapped(lambda x: -3 * x, CHANGES)), mapped(lambda x: -3 * x, wanted[1]), 1e-14)

    def theirs():
        value, push = jax.linearize(several(jnp), *VALUES)
        return value, push(*CHANGES)

    same((value, push(*CHANGES)), expected(theirs))


def test_float32_and_several_dtypes():
    x, a = X.astype(np.float32), A
    value, push = cr.linearize(several(np), x, a)
    same((value, push(*CHANGES)), cr.jvp(several(np), (x, a), CHANGES))
    assert cr.linearize(np.sin, x)[1](np.ones(3)).dtype == np.float32
    assert cr.vjp(np.sin, x)[1](np.ones(3))[0].dtype == np.float32


def test_second_order_through_both_parts():
    def theirs(lib, np):
        def by_push(x):
            value, push = lib.linearize(lambda x: np.sum(np.tanh(a @ x) ** 3), x)
            return push(np.cos(x)) * value

        def by_pull(x):
            value, pull = lib.vjp(lambda x: np.tanh(a @ x) ** 3, x)
            return np.sum(pull(value)[0] * pull(np.sin(value))[0])

        a = A
        return lib.hessian(by_push), lib.hessian(by_pull)

    ours = theirs(cr, np)

    def stored():
        import jax as lib  # noqa: PLC0415 - only to renew stored values

        return [function(jnp.asarray(X)) for function in theirs(lib, lib.numpy)]

    same([function(X) for function in ours], expected(stored), 1e-11)


def test_tangents_that_do_not_fit():
    _, push = cr.linearize(lambda x: x * 2, X)
    with pytest.raises(GraphError, match=r"E239 a tangent has shape \[2\]"):
        push(X[:2])
    with pytest.raises(GraphError, match="E239 a tangent must be structured"):
        push(X, X)
    with pytest.raises(DerivativeError, match="E331 'x' is 3"):
        cr.linearize(lambda x: x, 3)


def test_a_point_is_that_of_the_moment():
    pushes = [cr.linearize(lambda x: factor * x**2, 1.0)[1] for factor in range(3)]
    assert [push(1.0) for push in pushes] == [0.0, 2.0, 4.0]
    point, weights = X.copy(), A.copy()
    value, push = cr.linearize(lambda x, w: w @ x, point, weights)
    pulled, pull = cr.vjp(lambda x, w: {"y": np.tanh(w @ x), "same": x, "turned": x[None]}, X, A)
    before = pull({"y": np.ones(2), "same": X, "turned": X[None]})
    wanted = push(X, A)
    for array in (point, weights, value, *pulled.values()):
        array[...] = 5.0
    same(push(X, A), wanted)
    same(pull({"y": np.ones(2), "same": X, "turned": X[None]}), before)


def test_results_of_a_pull_are_arrays_of_their_own():
    _, pull = cr.vjp(lambda x, y: x * y, X, A[0])
    for _ in range(2):
        first, second = pull(np.ones(3))
        same((first, second), (A[0], X))
        first[:] = second[:] = 0.0
    _, push = cr.linearize(lambda x: (x, x), X)
    one, other = push(X)
    one[:] = 0.0
    same(other, X)


# --- what is computed when ------------------------------------------------------------------------


def test_only_the_linear_part_runs_again():
    def function(x):
        return np.sum(np.exp(np.sin(x)) * np.log(x**2 + 1))

    for how in (cr.vjp, cr.linearize):
        first, second = parts(function, X, how=how)
        assert {"exp", "sin", "cos", "log"} <= set(first)
        assert set(second) <= {"multiply", "add", "divide", "broadcast", "sum"}
    first, second = parts(lambda x, w: np.tanh(w @ x), X, A)
    assert "tanh" in first
    assert second.count("contract") == 2
    assert "tanh" not in second


def test_what_depends_on_nothing_is_kept_nowhere():
    def function(x):
        return np.sum(np.sin(x) * np.cos(cr.constant(np.arange(3.0))))

    plans.cache._plans.clear()
    cr.vjp(function, X)
    (plan,) = plans.cache._plans.values()
    assert [node.op.name for node in plan.linear.inputs] == ["input"] * 2  # cos(x), and the adjoint
    assert "cos" in [node.op.name for node in plan.linear.program.dag.order]


def test_views_are_not_kept_but_what_they_show():
    x = input_node("x", Type.of("float64", (3,)))
    seed = input_node("s", Type.of("float64", (2, 3)))
    wide = broadcast(reshape(cr.sin(Term(x)), (1, 3)), (2, 3))
    found = split([(wide * Term(seed)).node], [seed])
    assert [node.op.name for node in found.early] == ["sin"]
    assert [node.type.shape for node in found.given] == [(3,)]
    order = walk.depth_first(found.late)
    assert [node.op.name for node in order if node.operands] == ["reshape", "broadcast", "multiply"]
    assert split([x], [seed]).early == (x,)
    assert split([seed], [seed]) == ((), (), (seed,))


def test_no_part_is_left_in_the_other():
    """Nodes of an outer trace are kept too, so that the linear part is the same for all of them."""

    def outer(x, y):
        value, pull = cr.vjp(lambda t: np.sin(t * x) * y, y)
        return pull(value)[0] * x

    def by_hand(x, y):
        return np.sin(y * x) * y * np.cos(y * x) * x * y * x

    same(cr.grad(outer, (0, 1))(0.7, 1.3), cr.grad(by_hand, (0, 1))(0.7, 1.3))
    for mode in ("forward", "reverse"):
        same(
            cr.jacobian(cr.grad(outer), mode=mode)(0.7, 1.3),
            cr.jacobian(cr.grad(by_hand), mode=mode)(0.7, 1.3),
        )


def test_a_point_inside_of_a_trace():
    graph = cr.trace(lambda x: cr.linearize(np.sin, x)[1](1.0) * 2)(1.0)
    assert graph.at(0.5).value == 2 * np.cos(0.5)
    pushed = cr.grad(lambda x: cr.linearize(lambda y: x * y**2, 3.0)[1](x))
    assert pushed(5.0) == 60.0


# --- every operation ------------------------------------------------------------------------------


@pytest.mark.parametrize("real", ["float64", "float32"])
@pytest.mark.parametrize("op", [op for op in ALL if any(op.partials)], ids=lambda op: op.name)
def test_pushes_and_pulls_of_every_operation_are_adjoint(op, real):
    """⟨ȳ, Jẋ⟩ = ⟨Jᵀȳ, ẋ⟩, and both are those of the gradient graph."""
    for example in op.examples:
        operands = operands_of(op, example, real=real)
        floats = [at for at, x in enumerate(operands) if x.dtype.kind == "f"]
        params = op.normal_params(example.params)

        def function(*moving):
            values = iter(moving)
            given = [next(values) if at in floats else x for at, x in enumerate(operands)]
            return apply(op, tuple(given), params)

        primals = [operands[at] for at in floats]
        if cr.jit(function)(*primals).dtype.kind != "f":
            continue
        random = np.random.default_rng(4)
        changes = [random.uniform(-1, 1, x.shape).astype(real) for x in primals]
        value, push = cr.linearize(function, *primals)
        pulled_value, pull = cr.vjp(function, *primals)
        same(value, pulled_value)
        tangent = push(*changes)
        same(tangent, cr.jvp(function, primals, changes)[1])
        adjoint = random.uniform(-1, 1, np.shape(value)).astype(real)
        products = [np.vdot(a, b) for a, b in zip(pull(adjoint), changes, strict=True)]
        # The exponential of a matrix is the result of some squarings.
        close = 2e-5 if real == "float32" else 1e-11 if op.name == "expm" else 1e-12
        assert np.sum(products) == pytest.approx(np.vdot(adjoint, tangent), rel=close, abs=close)


SMALL = np.random.default_rng(1).normal(size=(3, 3)) / 2
PIECES = [
    lambda x: np.tanh(SMALL @ x),
    lambda x: np.sin(x) * x[::-1],
    lambda x: x * np.sum(np.exp(-(x**2))),
    lambda x: np.cumsum(x) / (1 + x**2),
    lambda x: np.where(x > 0, x, x * x),
    lambda x: np.sort(x) * np.max(x),
    cr.grad(lambda y: np.sum(np.cos(y) * y[0])),
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), st.integers(0, 99))
def test_random_functions_linearized(pieces, seed):
    def function(x):
        for piece in pieces:
            x = piece(x)
        return x

    random = np.random.default_rng(seed)
    x, v, w = random.normal(size=(3, 3))
    value, push = cr.linearize(function, x)
    pulled_value, pull = cr.vjp(function, x)
    same(value, pulled_value)
    same(push(v), cr.jvp(function, (x,), (v,))[1])
    jacobian = cr.jacobian(function)(x)
    scale = 1 + np.abs(jacobian).max()
    np.testing.assert_allclose(push(v), jacobian @ v, rtol=1e-11, atol=1e-12 * scale)
    np.testing.assert_allclose(pull(w)[0], w @ jacobian, rtol=1e-11, atol=1e-12 * scale)


def test_plans_are_kept():
    plans.cache._plans.clear()
    for at in range(3):
        linear.vjp(np.sin, X * at)
        cr.linearize(np.sin, X * at)
    assert len(plans.cache._plans) == 2
