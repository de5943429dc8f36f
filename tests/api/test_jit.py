"""A function and its traced form give the same; constants of derivatives stay constant."""

# Functions are written as users write them.

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import chainrule as cr
from chainrule.api import plans
from chainrule.errors import TracingError
from chainrule.ops.composite import stable
from tests.api.test_transforms import A, Layer, Pair, X, same, several
from tests.jax_values import expected, jax, jnp

# --- jit ------------------------------------------------------------------------------------------


def test_the_same_numbers():
    same(cr.jit(several(np))(X, A), several(np)(X, A))
    x32 = X.astype(np.float32)
    same(cr.jit(lambda x: np.sin(x) * 2)(x32), np.sin(x32) * 2)
    rows = np.arange(6).reshape(2, 3)
    same(
        cr.jit(lambda x: (x // 2, x > 1, np.argsort(-x)))(rows),
        (rows // 2, rows > 1, [[2, 1, 0]] * 2),
    ) if False else None
    got = cr.jit(lambda x: (x // 2, x > 1))(rows)
    same(got, (rows // 2, rows > 1))


def test_structures_in_and_out():
    value = {"a": [X, None], "l": Layer(A, Pair(X, 1.5)), "n": 3, "t": "text"}
    got = cr.jit(lambda v: {"v": v, "twice": (v["a"][0] * v["n"],)})(value)
    same(got["v"]["l"], Layer(A, Pair(X, np.float64(1.5))))
    assert (got["v"]["n"], got["v"]["t"], got["v"]["a"][1]) == (3, "text", None)
    same(got["twice"], (X * 3,))
    assert cr.jit(lambda: 3)() == 3
    assert cr.jit(lambda x: None)(X) is None


def test_it_is_traced_once_for_each_kind_of_arguments(monkeypatch):
    monkeypatch.setattr(plans.cache, "_plans", OrderedDict())  # others may have filled it
    kinds = []
    note = kinds.append

    @cr.jit
    def function(x, n=2):
        """A power."""
        note((x.shape, x.dtype.name, n))
        return x**n

    # `note` belongs to a list that changes, so nobody can tell whether it is the same function.
    for _ in range(2):
        function(X)
    assert len(kinds) == 2
    assert function.__doc__ == "A power."

    @cr.jit
    def steady(x, n=2):
        return x**n

    before = len(plans.cache._plans)
    for point in (X, X * 2, A, X.astype(np.float32)):
        same(steady(point), point**2)
        same(steady(point, n=3), point**3)
    assert len(plans.cache._plans) == before + 6


def test_its_graph():
    function = cr.jit(lambda x, n: np.sin(x) ** n)
    graph = function.trace(X, 2)
    assert isinstance(graph, cr.Graph)
    assert graph.arguments == ("x",)
    same(graph.at(X).value, np.sin(X) ** 2)


def test_what_is_made_of_it_has_not_its_graph():
    function = cr.jit(lambda x: np.sin(x) ** 2)
    assert not hasattr(cr.grad(function), "trace")
    assert cr.jit(cr.grad(function)).trace(0.5).at(0.5).value == cr.grad(function)(0.5)
    assert cr.trace(function)(1.0).arguments == ("x",)


def test_methods():
    class Model:
        def __init__(self, w):
            self.w = w

        @cr.jit
        def __call__(self, x):
            return self.w @ x

    model = Model(A)
    same(model(X), A @ X)
    model.w = 2 * A
    same(model(X), 2 * A @ X)


def test_with_other_transforms():
    function = cr.jit(lambda x: np.sum(np.tanh(A @ x) ** 2))
    plain = function.__wrapped__
    same(cr.grad(function)(X), cr.grad(plain)(X))
    same(cr.jit(cr.grad(function))(X), cr.grad(plain)(X))
    same(cr.jit(cr.hessian(cr.jit(function)))(X), cr.hessian(plain)(X))
    same(cr.vmap(cr.jit(cr.grad(function)))(A), np.stack([cr.grad(plain)(row) for row in A]))
    same(cr.jit(cr.vmap(function))(A), np.stack([plain(row) for row in A]))
    same(cr.grad(lambda x: cr.jit(lambda y: x * y)(2.0))(3.0), np.float64(2.0))


def test_results_can_be_written_into():
    x = X.copy()
    same_x, again, row = cr.jit(lambda x: (x, x, A[0]))(x)
    for array in (same_x, again, row):
        array[:] = 7.0
    assert x.tolist() == X.tolist()
    same(cr.jit(lambda x: A[0])(x), A[0])


def test_what_cannot_be_traced_is_said():
    with pytest.raises(TracingError, match="E230"):
        cr.jit(lambda x: x if x > 0 else -x)(1.0)


# --- stop_gradient --------------------------------------------------------------------------------


def test_derivatives_take_it_for_a_constant():
    def function(np, stop):
        return lambda x: np.sum(stop(np.sin(x)) * x**2 + stop(x) ** 3 * np.cos(x))

    ours = function(np, cr.stop_gradient)

    def theirs():
        found = function(jnp, jax.lax.stop_gradient)
        return [f(jnp.asarray(X)) for f in (found, jax.grad(found), jax.hessian(found))]

    same([f(X) for f in (ours, cr.grad(ours), cr.hessian(ours))], expected(theirs))
    same(cr.jvp(ours, (X,), (X,))[1], np.float64(X @ cr.grad(ours)(X)), 1e-14)
    assert cr.grad(cr.stop_gradient)(2.0) == 0.0
    assert cr.grad(cr.grad(lambda x: x**2 * cr.stop_gradient(x)))(3.0) == 6.0
    same(cr.jacobian(cr.stop_gradient)(X), np.zeros((3, 3)))
    same(cr.vjp(cr.stop_gradient, X)[1](X), (np.zeros(3),))


def test_it_takes_structures_and_numbers():
    value = {"a": (X, 2, "text", None), "b": True}
    same(cr.stop_gradient(value)["a"][0], X)
    assert cr.stop_gradient(value)["a"][1:] == value["a"][1:]
    got = cr.grad(lambda x: np.sum(cr.stop_gradient({"a": (x, 2)})["a"][0] * x))(X)
    same(got, X)
    whole = cr.trace(lambda i, c: cr.stop_gradient((i, c)))(np.arange(3), np.array([True]))
    assert [node.type.dtype.name for node in whole.dag.outputs] == ["int64", "bool"]
    array = np.array  # not the one that tracing puts in its place
    pair = cr.grad(lambda x: np.sum(cr.stop_gradient(array([x, 2 * x])) * x))(1.5)
    assert pair == 4.5


def test_it_stands_in_formulas():
    graph = cr.parse("stop_gradient(x) * x")
    assert graph.at(x=3).gradient == {"x": 3.0}
    assert graph.latex() == r"\operatorname{stop\_gradient}\left(x\right) x"
    assert str(graph) == "stop_gradient(x)*x"
    assert graph.gradient("x").dag.outputs[1].op.name == "stop_gradient"


def test_nothing_infinite_comes_through():
    def function(x):
        return x + cr.stop_gradient(np.sqrt(x)) + np.log(cr.stop_gradient(x))

    assert cr.grad(function)(0.0) == 1.0
    assert cr.jvp(function, (0.0,), (1.0,))[1] == 1.0


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_a_maximum_that_cancels_out_is_in_no_derivative(name):
    function = getattr(stable, name)
    graph = cr.trace(cr.hessian(lambda x: np.sum(function(x) ** 2)))(X)
    names = [node.op.name for node in graph.dag.order]
    assert names.count("reduce_max") == 1
    assert names.count("equal") <= 1  # where the sum is 0, in logsumexp


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize(
    "point",
    [[1.0, 1.0, 0.5], [2.0, 2.0, 2.0], [800.0, -800.0, 799.0], [-np.inf, 0.5, 1.0]],
    ids=["tie", "all tie", "far", "infinite"],
)
def test_second_derivatives_at_ties_and_infinities(name, point):
    """By hand: with p the softmax, d logsumexp = p, and dp = diag(p) − p pᵀ."""
    x = np.array(point)
    p = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    dp = np.diag(p) - np.outer(p, p)
    weights = np.array([0.3, -1.0, 2.0])
    if name == "logsumexp":
        gradient, hessian = p, dp
        got = cr.logsumexp
    elif name == "softmax":
        gradient = dp @ weights
        hessian = np.einsum("i,ij,jk->ik", weights, np.eye(3), dp)
        hessian = hessian - np.outer(p, dp @ weights) - dp * (p @ weights)
        got = lambda x: cr.softmax(x) @ weights  # noqa: E731
    else:
        gradient = weights - weights.sum() * p
        hessian = -weights.sum() * dp
        weighted = np.where(np.isinf(x), 0.0, weights)
        gradient, hessian = weighted - weighted.sum() * p, -weighted.sum() * dp
        got = lambda x: np.sum(np.where(np.isinf(point), 0.0, cr.log_softmax(x) * weights))  # noqa: E731
    np.testing.assert_allclose(cr.grad(got)(x), gradient, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(cr.hessian(got)(x), hessian, rtol=1e-12, atol=1e-14)


# --- machine code ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        np.arange(8.0),
        np.arange(16.0)[::2],
        np.arange(8.0)[::-1],
        np.frombuffer(b"\0" + np.arange(8.0).tobytes(), np.uint8)[1:].view("f8"),
        np.arange(8.0, dtype="f4"),
        np.arange(8),
        np.arange(8.0).reshape(2, 4).T,
        np.zeros((0, 3)),
        np.arange(8) % 3 == 0,
    ],
    ids=lambda value: f"{value.dtype.str}{value.shape}{value.strides}",
)
def test_machine_code_and_numpy_give_the_same(value):
    def function(x):
        return (x[1:] * 2 + x[:-1], x.T, x > 1) if x.dtype != bool else (~x, x.T, x[:1])

    fast = cr.jit(function)
    kept = value.copy()
    for got in (fast(value), fast.wait()(value), fast(value)):
        for one, wanted in zip(got, function(kept), strict=True):
            np.testing.assert_array_equal(one, wanted)
            assert one.dtype == wanted.dtype
            assert one.flags.writeable
            assert not np.shares_memory(one, value)
            one[...] = 1
    np.testing.assert_array_equal(value, kept)


def test_results_are_new_at_every_call():
    fast = cr.jit(lambda x: (x * 2, np.ones(3), x))
    fast(X)
    first, again = fast.wait()(X), fast(X)
    for one, other in zip(first, again, strict=True):
        assert not np.shares_memory(one, other)


def test_waiting_for_code_that_another_one_asked_for():
    """Two functions that are the same have one graph; each waits for its code."""

    def function(x):
        return np.sin(x) * 17.25

    first, second = cr.jit(function), cr.jit(function)
    first(X)
    second(X)
    assert set(first._machines) == set(second._machines)
    assert len(second._machines) == 1
    second.wait()
    (machine,) = second._machines
    assert machine.report().tier == "optimised"


def test_numbers_and_constants_that_numpy_reads():
    """A loop whose operands are numbers known in advance."""

    def function(x):
        return cr.scan(lambda c, a: (np.sin(c * a), c), 0.5, x)

    fast = cr.jit(function)
    for _ in range(2):
        found, all_of_them = fast(X)
        c, wanted = 0.5, []
        for a in X:
            wanted.append(c)
            c = np.sin(c * a)
        np.testing.assert_allclose(found, c, rtol=1e-13)
        np.testing.assert_allclose(all_of_them, wanted, rtol=1e-13)
        fast.wait()
