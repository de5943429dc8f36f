"""Derivatives of Python functions agree with JAX, nest to any depth, and mix no perturbations."""

# ruff: noqa: B023, PLW0108, RUF043, RUF059
# Functions are written as users write them.

from __future__ import annotations

import dataclasses
import functools
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule.api import plans
from chainrule.api.tree import flatten, mapped
from chainrule.errors import DerivativeError, GraphError
from chainrule.graph.node import live_nodes
from tests.jax_values import Tree, expected, jax, jnp, taken_apart

X = np.array([0.3, -1.2, 2.5])
A = np.array([[0.5, -0.1, 0.7], [1.1, 0.2, -0.6]])
C = np.arange(24.0).reshape(2, 3, 4) / 7 + 0.1


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclasses.dataclass
class Layer:
    weight: Any
    bias: Any = None


@functools.cache
def known_to_jax(kind):
    """A dataclass as a structure of JAX."""
    fields = [field.name for field in dataclasses.fields(kind)]
    jax.tree_util.register_dataclass(kind, fields, [])


def same(got, wanted, tolerance=1e-12):
    """The same structure, shapes, dtypes and, closely, numbers."""
    got, wanted = taken_apart(got), wanted if type(wanted) is Tree else taken_apart(wanted)
    assert got.structure == wanted.structure
    for mine, theirs in zip(got.leaves, wanted.leaves, strict=True):
        assert isinstance(mine, (np.ndarray, np.generic))
        theirs = np.asarray(theirs)
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        close = 2e-5 if mine.dtype == np.float32 else tolerance
        np.testing.assert_allclose(mine, theirs, rtol=close, atol=close)


def scalar(np):
    """A function of a vector and a matrix, over NumPy or over JAX's NumPy."""

    def function(x, a):
        hidden = np.tanh(a @ x)
        return np.sum(hidden * np.sin(np.sum(x))) + np.mean(x**3) * np.exp(a[0, 1])

    return function


def several(np):
    def function(x, a):
        return {"y": np.tanh(a @ x), "z": (np.sum(x) * a, x[0] * x[1])}

    return function


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("argnums", [0, 1, -1, -2, (0,), (0, 1), (1, 0), [-1, 0], ()])
def test_gradients_by_position(argnums):
    theirs = tuple(argnums) if isinstance(argnums, list) else argnums
    if argnums == ():
        assert cr.grad(scalar(np), argnums)(X, A) == ()
        return
    same(cr.grad(scalar(np), argnums)(X, A), expected(lambda: jax.grad(scalar(jnp), theirs)(X, A)))
    same(
        cr.value_and_grad(scalar(np), argnums)(X, A),
        expected(lambda: jax.value_and_grad(scalar(jnp), theirs)(X, A)),
    )


def test_positions_may_be_numpys_whole_numbers():
    same(cr.grad(scalar(np), np.int64(1))(X, A), expected(lambda: jax.grad(scalar(jnp), 1)(X, A)))


def test_gradients_by_name():
    def function(x, *, scale, shift=2.0):
        return np.sum(x * scale + shift)

    positional, named = cr.grad(function, argnames="scale")(X, scale=3.0, shift=1.0)
    same(positional, np.full(3, 3.0))
    same(named, {"scale": np.sum(X)})
    positional, named = cr.grad(function, (), argnames=("shift", "scale"))(X, scale=3.0, shift=1.0)
    assert positional == ()
    assert list(named) == ["shift", "scale"]
    same(named, {"shift": np.float64(3), "scale": np.sum(X)})


def test_something_else_beside_the_value():
    def function(np):
        return lambda x: (np.sum(x**2), {"twice": 2 * x, "n": 3, "name": "loss"})

    gradient, rest = cr.grad(function(np), has_aux=True)(X)
    same(gradient, 2 * X)
    same(rest["twice"], 2 * X)
    assert (rest["n"], rest["name"]) == (3, "loss")
    (value, rest), gradient = cr.value_and_grad(function(np), has_aux=True)(X)
    same(value, np.sum(X**2))
    same(gradient, 2 * X)
    with pytest.raises(GraphError, match="E233 with has_aux=True"):
        cr.grad(lambda x: x, has_aux=True)(1.0)


@pytest.mark.parametrize(
    "value",
    [
        (X, A),
        [X, (A, 2.0)],
        {"w": A, "b": [X, None]},
        {"layer10": X, "layer2": A},
        Pair(X, {"k": A}),
        Layer(A, X),
        Layer(A),
        [Layer(A, Pair(X, 1.5)), None, ()],
    ],
    ids=["tuple", "list", "dict", "order", "namedtuple", "dataclass", "None", "mixed"],
)
def test_structures_in_and_out(value):
    def function(np):
        def total(tree):
            return sum(np.sum(np.sin(leaf)) ** 2 for leaf in flatten(tree)[0])

        return total

    direction = mapped(np.cos, value)

    def theirs():
        known_to_jax(Layer)
        return jax.jvp(jax.grad(function(jnp)), (value,), (direction,))

    same(
        (cr.grad(function(np))(value), cr.hvp(function(np), (value,), (direction,))),
        expected(theirs),
    )


def test_dicts_keep_their_order_inside_of_the_function():
    seen = cr.grad(lambda p: sum(at * x for at, x in enumerate(p.values())))({"b": 1.0, "a": 1.0})
    assert list(seen.items()) == [("b", 0.0), ("a", 1.0)]


def test_dicts_may_have_another_order_as_tangents_and_adjoints():
    point = {"b": 2.0, "a": X}
    change = {"a": np.ones(3), "b": 10.0}
    value, tangent = cr.jvp(lambda p: {"q": p["b"] * p["a"], "p": p["b"]}, (point,), (change,))
    same(tangent, {"q": 10.0 * X + 2.0, "p": np.float64(10)})
    _, pull = cr.vjp(lambda p: {"q": p["b"] * p["a"], "p": p["b"]}, point)
    same(pull({"p": 5.0, "q": np.ones(3)}), ({"b": 5.0 + np.sum(X), "a": np.full(3, 2.0)},))


# --- what has no gradient -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "says"),
    [
        (3, "'x' is 3, which has no derivative; pass 3.0"),
        (True, "'x' is True, which has no derivative"),
        ("text", "'x' is 'text', which has no derivative"),
        (np.arange(3), r"'x' is int64\[3\].*pass x.astype\(float\)"),
        (np.int64(3), "'x' is int64.*pass x.astype"),
        ({"w": 1.0, "n": 2}, "'x_n' is 2, which has no derivative; pass 2.0"),
    ],
)
def test_what_is_not_a_floating_point_number_has_no_derivative(point, says):
    def function(x):
        return 1.0

    for derivative in (
        cr.grad(function),
        cr.jacobian(function),
        lambda x: cr.jvp(function, (x,), (x,)),
        lambda x: cr.vjp(function, x),
        lambda x: cr.hvp(function, (x,), (x,)),
    ):
        with pytest.raises(DerivativeError, match=says) as caught:
            derivative(point)
        assert caught.value.code == "E331"
    if isinstance(point, (int, np.integer)):
        assert cr.grad(lambda x: x * 2.0)(float(point)) == 2.0


def test_whole_numbers_beside_what_is_differentiated_stay_whole():
    def function(x, n):
        return sum(x**k for k in range(n))

    assert cr.grad(function)(2.0, 4) == 1 + 2 * 2 + 3 * 4


@pytest.mark.parametrize(
    ("function", "code", "says"),
    [
        (lambda x: x, "E333", r"shape \[3\]; use np.sum or np.mean, or jacobian"),
        (lambda x: x[:1], "E333", r"shape \[1\]"),
        (lambda x: (x[0], x[1]), "E333", "several"),
        (lambda x: None, "E333", "gave none"),
        (lambda x: "text", "E233", "'text'"),
        (lambda x: x[0] > 0, "E331", "the function gave bool"),
        (lambda x: np.argmax(x), "E331", "the function gave int64"),
    ],
)
def test_gradients_need_one_number(function, code, says):
    with pytest.raises(GraphError if code == "E233" else DerivativeError, match=says) as caught:
        cr.grad(function)(X)
    assert caught.value.code == code


def test_arguments_that_are_not_there():
    with pytest.raises(DerivativeError, match="E334 there is no argument number 2 .* only 1 by"):
        cr.grad(lambda x: x, (0, 2))(1.0)
    with pytest.raises(DerivativeError, match="E334 there is no argument number -2"):
        cr.jacobian(lambda x: x, -2)(1.0)
    with pytest.raises(DerivativeError, match="E334 there is no argument number 0 .*argnames"):
        cr.grad(lambda x: x)(x=1.0)
    with pytest.raises(DerivativeError, match="E334 there is no argument 'y' .*by name"):
        cr.grad(lambda x, y: x * y, argnames="y")(1.0, 2.0)


def test_tangents_and_adjoints_that_do_not_fit():
    def function(x):
        return {"y": x * 2}

    with pytest.raises(GraphError, match=r"E239 a tangent has shape \[2\], it belongs to .* \[3\]"):
        cr.jvp(function, (X,), (X[:2],))
    with pytest.raises(GraphError, match="E239 a tangent must be structured"):
        cr.jvp(function, (X,), ([X],))
    with pytest.raises(GraphError, match="E239 a tangent must be structured"):
        cr.jvp(function, (X,), (X, X))
    pull = cr.vjp(function, X)[1]
    with pytest.raises(GraphError, match="E239 an adjoint must be structured"):
        pull(X)
    with pytest.raises(GraphError, match="E239 an adjoint must be structured"):
        pull({"z": X})
    with pytest.raises(GraphError, match=r"E239 an adjoint has shape \[\]"):
        pull({"y": 1.0})
    with pytest.raises(DerivativeError, match="E336"):
        cr.jacobian(function, mode="sideways")


# --- forward and reverse --------------------------------------------------------------------------


def test_forward_and_reverse_by_hand():
    values = (X, A)
    changes = (np.cos(X), np.sin(A))
    same(
        cr.jvp(several(np), values, changes),
        expected(lambda: jax.jvp(several(jnp), values, changes)),
    )
    value, pull = cr.vjp(several(np), *values)
    adjoint = mapped(lambda leaf: np.asarray(np.cos(leaf)), value)

    def theirs():
        value, pull = jax.vjp(several(jnp), *values)
        return value, pull(mapped(jnp.asarray, adjoint))

    same((value, pull(adjoint)), expected(theirs))


def test_whole_numbers_and_text_among_results_carry_no_adjoint():
    def function(x):
        return x * 2, np.argmax(x), 3, "text"

    value, pull = cr.vjp(function, X)
    assert value[1:] == (2, 3, "text")
    same(pull((np.ones(3), 0, 0, "")), (np.full(3, 2.0),))


def test_a_pullback_belongs_to_the_moment_it_was_made():
    pulls = [cr.vjp(lambda x: factor * x, 1.0)[1] for factor in range(3)]
    assert [pull(1.0)[0] for pull in pulls] == [0.0, 1.0, 2.0]
    point = np.ones(2)
    _, pull = cr.vjp(lambda x: x**2, point)
    point[:] = 5.0
    same(pull(np.ones(2)), (np.full(2, 2.0),))


SHAPES = [(), (3,), (2, 3), (0,), (2, 0), (2, 1, 2), (1,)]


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
@pytest.mark.parametrize(
    ("inner", "outer"), [(SHAPES[at], SHAPES[(3 * at + 1) % 7]) for at in range(7)], ids=str
)
def test_jacobians_of_every_shape(mode, inner, outer):
    random = np.random.default_rng(1)
    x, y = random.normal(size=inner), random.normal(size=(2,))
    weights = random.normal(size=outer)

    def function(np):
        def build(x, y):
            total = np.sum(np.sin(x)) * y[0]
            return {"a": np.tanh(weights * total), "b": (x * y[1], y**2)}

        return build

    got = cr.jacobian(function(np), (0, 1), mode=mode)(x, y)
    same(got, expected(lambda: jax.jacrev(function(jnp), (0, 1))(x, y)))


def test_hessians_with_several_arguments_and_structures():
    same(
        cr.hessian(scalar(np), (0, 1))(X, A),
        expected(lambda: jax.hessian(scalar(jnp), (0, 1))(X, A)),
    )

    def function(np):
        return lambda p: np.sum(np.sin(p["w"]) * np.sum(p["b"]) ** 2)

    point = {"w": X, "b": X[:2]}
    same(cr.hessian(function(np))(point), expected(lambda: jax.hessian(function(jnp))(point)))
    same(
        cr.hessian(lambda x: np.sum(np.sin(x) ** 2))(C),
        expected(lambda: jax.hessian(lambda x: jnp.sum(jnp.sin(x) ** 2))(C)),
    )


def test_float32_stays_float32():
    x, a = X.astype(np.float32), A.astype(np.float32)
    same(
        cr.value_and_grad(scalar(np), (0, 1))(x, a),
        expected(lambda: jax.value_and_grad(scalar(jnp), (0, 1))(x, a)),
    )
    same(cr.hessian(scalar(np))(x, a), expected(lambda: jax.hessian(scalar(jnp))(x, a)))
    same(cr.jacobian(several(np))(x, a), expected(lambda: jax.jacrev(several(jnp))(x, a)))
    mixed = cr.grad(lambda x, a: np.sum(a @ x), (0, 1))(x, A)
    assert [g.dtype for g in mixed] == [np.float32, np.float64]
    assert cr.jvp(lambda x: x * 2, (x,), (X,))[1].dtype == np.float32


def test_results_can_be_written_into_and_change_nothing_else():
    x, y = X.copy(), X * 3
    first, second = cr.grad(lambda x, y: np.sum(x * y), (0, 1))(x, y)
    first *= 0
    assert x.tolist() == X.tolist()
    assert y.tolist() == (X * 3).tolist()
    assert second.tolist() == X.tolist()
    ones = cr.grad(lambda x: np.sum(x))(x)
    ones += 1
    assert cr.grad(lambda x: np.sum(x))(x).tolist() == [1.0, 1.0, 1.0]
    value, _ = cr.vjp(lambda x: (x, x, x.T, np.zeros(2)), x)
    for at, array in enumerate(value):
        array += at + 1
    assert x.tolist() == X.tolist()
    assert value[0].tolist() == (X + 1).tolist()
    assert value[2].tolist() == (X + 3).tolist()
    assert cr.vjp(lambda x: (x, x, x.T, np.zeros(2)), x)[0][3].tolist() == [0.0, 0.0]


def test_callables_of_every_kind():
    class Cube:
        def __call__(self, x):
            return x**3

        def method(self, x):
            return x**3

        @staticmethod
        def static(x):
            return x**3

        @classmethod
        def of_class(cls, x):
            return x**3

    cube = Cube()
    for function in (
        cube,
        cube.method,
        Cube.static,
        Cube.of_class,
        functools.partial(np.power, x2=3) if False else functools.partial(lambda n, x: x**n, 3),
    ):
        assert cr.grad(function)(2.0) == 12.0
    assert cr.grad(np.sin)(0.0) == 1.0
    assert cr.grad(abs)(-3.0) == -1.0


def test_jaxs_arrays_as_arguments():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    same(cr.grad(lambda x: np.sum(x**2))(jax.numpy.asarray(X)), 2 * X)


# --- composition ----------------------------------------------------------------------------------


def curves(np):
    return {
        "tower": lambda x: np.sum(np.exp(np.sin(x)) * x**4),
        "quotient": lambda x: np.sum(x**3 / (1 + x**2)) * np.prod(np.cos(x)),
        "softplus": lambda x: np.sum(np.logaddexp(0.0, x)) ** 3,
    }


@pytest.mark.parametrize("name", list(curves(np)))
def test_four_derivatives_deep(name):
    ours, theirs = curves(np)[name], curves(jnp)[name]
    x, v = X[:2], np.array([0.7, -0.4])

    def fourth(lib, forward, reverse):
        """Σ grad of jvp of vjp of grad."""
        jvp, vjp, grad, function = lib

        def second(x):
            value, pull = vjp(grad(function), x)
            return pull(v)[0]

        def third(x):
            return jvp(second, (x,), (v,))[1]

        return grad(lambda x: (third(x) * v).sum())

    got = fourth((cr.jvp, cr.vjp, cr.grad, ours), None, None)(x)
    lib = (jax.jvp, jax.vjp, jax.grad, theirs)
    same(got, expected(lambda: fourth(lib, None, None)(jnp.asarray(x))), 1e-10)
    for mode in ("forward", "reverse"):
        inner = {"forward": jax.jacfwd, "reverse": jax.jacrev}[mode]
        same(
            cr.jacobian(cr.hessian(ours), mode=mode)(x),
            expected(lambda: inner(jax.hessian(theirs))(x)),
            1e-10,
        )
        same(
            cr.jacobian(cr.jacobian(cr.hessian(ours), mode=mode), mode="forward")(x),
            expected(lambda: jax.jacfwd(inner(jax.hessian(theirs)))(x)),
            1e-10,
        )


def test_many_derivatives_of_one_number():
    def nested(grad, function, times):
        return nested(grad, grad(function), times - 1) if times else function

    for times in range(1, 6):
        theirs = expected(lambda: nested(jax.grad, jnp.sin, times)(0.7))
        same(nested(cr.grad, np.sin, times)(0.7), theirs)


def test_a_transform_inside_of_a_trace_becomes_a_part_of_it():
    graph = cr.trace(lambda x: cr.grad(lambda y: y**3)(x) * 2)(5.0)
    assert graph.at(5.0).value == 150.0
    assert graph.at(2.0).value == 24.0
    assert cr.trace(cr.grad(lambda x, y: x * y**2))(1.0, 2.0).arguments == ("x", "y")
    hessian = cr.trace(lambda x: cr.hessian(lambda y: np.sum(y**3))(x))(X)
    same(hessian.at(X).value, np.diag(6 * X))
    value = cr.trace(lambda x: cr.jvp(np.sin, (x,), (1.0,))[1])(1.0)
    assert value.at(1.0).value == np.cos(1.0)
    pulled = cr.trace(lambda x: cr.vjp(np.sin, x)[1](x)[0])(1.0)
    assert pulled.at(2.0).value == 2.0 * np.cos(2.0)


def test_closures_over_symbolic_values():
    def outer(x, y):
        inner = cr.grad(lambda t: t**2 * x + np.sum(t * y))
        return inner(3.0) * x

    same(cr.grad(outer)(2.0, X), np.float64(6 * 2 * 2.0 + np.sum(X)))
    same(cr.grad(outer, 1)(2.0, X), np.full(3, 2.0))
    same(cr.jacobian(lambda x: cr.jacobian(lambda y: y * x)(X))(X)[1, 1], np.eye(3)[1])
    pull_inside = cr.grad(lambda x: cr.vjp(lambda y: x * y, 3.0)[1](x)[0])
    assert pull_inside(5.0) == 10.0
    push_inside = cr.grad(lambda x: cr.jvp(lambda y: x * y**2, (3.0,), (x,))[1])
    assert push_inside(5.0) == 60.0


def test_arrays_of_symbolic_scalars_as_arguments_and_results():
    def outer(p):
        return cr.grad(lambda q: np.sum(q**3))(np.array([p, 2 * p]))[1]

    assert cr.grad(outer)(1.0) == 24.0
    same(cr.jacobian(lambda p: np.array([p, p**2]))(3.0), np.array([1.0, 6.0]))


# --- perturbation confusion -----------------------------------------------------------------------


def derivative(function):
    """The derivative operator of the papers, in forward mode."""
    return lambda x: cr.jvp(function, (x,), (1.0,))[1]


@pytest.mark.parametrize("d", [derivative, cr.grad], ids=["forward", "reverse"])
@pytest.mark.parametrize("e", [derivative, cr.grad], ids=["forward", "reverse"])
def test_perturbations_are_not_confused(d, e):
    """J. M. Siskind and B. A. Pearlmutter, Perturbation Confusion and Referential Transparency
    (2005): d/dx (x · d/dy (x + y) at y = 1) at x = 1 is 1, not 2."""
    assert d(lambda x: x * e(lambda y: x + y)(1.0))(1.0) == 1.0
    assert d(lambda x: x * e(lambda x: x + x)(1.0))(1.0) == 2.0
    assert d(lambda x: x * e(lambda y: x * y)(2.0))(3.0) == 6.0
    assert d(lambda x: e(lambda y: x * x * y)(x))(3.0) == 6.0
    assert d(lambda x: x * e(lambda y: x * e(lambda z: x * y * z)(1.0))(1.0))(2.0) == 12.0
    assert d(lambda x: e(lambda y: d(lambda z: x * y * z * z)(x))(x))(2.0) == 8.0
    # The example of the introduction of the paper: the constant x times the derivative of y ↦ y.
    constant_one = e(lambda y: y)
    assert d(lambda x: x * constant_one(x))(4.0) == 1.0


@pytest.mark.parametrize("e", [derivative, cr.grad], ids=["forward", "reverse"])
def test_a_derivative_of_a_function_that_returns_functions(e):
    """O. Manzyuk, B. A. Pearlmutter, A. A. Radul, D. R. Rush, J. M. Siskind, Perturbation confusion
    in forward automatic differentiation of higher-order functions (2019), section 3: s u f = x ↦
    f(x + u) and D s 0 twice must be the second derivative.

    Results are arrays here, so the argument of the inner function comes before.
    """

    def shifted(u):
        return lambda function: lambda x: function(x + u)

    def moved(function):
        """D s 0: the derivative of a function, by its shift."""
        return lambda x: e(lambda u: shifted(u)(function)(x))(0.0)

    assert moved(moved(np.exp))(1.0) == pytest.approx(np.exp(1.0), rel=1e-14)
    assert moved(moved(lambda x: x**3))(2.0) == 12.0
    assert moved(moved(moved(lambda x: x**3)))(2.0) == 6.0
    assert e(moved(lambda x: x**3))(2.0) == 12.0


def test_a_pullback_of_the_outer_function_used_in_the_inner_one():
    def outer(x):
        _, pull = cr.vjp(lambda y: y**2 * x, x)
        return cr.grad(lambda s: pull(s)[0] * s)(x)

    # pull(s) = 2 x² s; d/ds (2 x² s²) at s = x is 4 x³
    assert outer(2.0) == 32.0
    assert cr.grad(outer)(2.0) == 48.0


def test_a_result_that_leaves_its_trace_by_a_back_door_is_found():
    kept = []

    def leaking(x):
        kept.append(x)
        return x * 2

    cr.grad(leaking)(1.0)
    graph = cr.graph(kept[0] * 3)
    assert len(graph.arguments) == 1  # a graph of the leaked argument, with a name of its own


# --- threads and memory ---------------------------------------------------------------------------


def test_threads_call_the_same_gradient():
    plans.cache._plans.clear()
    gradient = cr.grad(lambda x: np.sum(np.sin(x) ** 2) + cr.grad(lambda y: y**3)(x[0]))
    points = [X + at for at in range(32)]
    barrier = threading.Barrier(8)

    def work(point):
        barrier.wait()
        return [gradient(point).tolist() for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, points))
    for point, results in zip(points, found, strict=True):
        assert all(result == gradient(point).tolist() for result in results)


def test_a_thousand_traces_leave_nothing():
    def once(at):
        function = cr.grad(lambda x, n: np.sum(np.sin(x) * n))
        return function(X, at)

    plans.cache._plans.clear()
    once(-1)
    plans.cache._plans.clear()
    gc.collect()
    before = live_nodes()
    for at in range(1000):
        once(at)
        cr.trace(lambda x, n: x**n)(2.0, at)
    assert len(plans.cache._plans) <= 512
    plans.cache._plans.clear()
    gc.collect()
    assert live_nodes() <= before


def test_an_index_outside_is_an_error_of_ours():
    graph = cr.trace(lambda x, i: x[i])(np.ones(3), np.array([0, 1]))
    with pytest.raises(cr.EvaluationError, match=r"E311 index 3 is out of bounds"):
        graph.at(np.ones(3), np.array([0, 3]))
    with pytest.raises(cr.EvaluationError, match="E311"):
        cr.grad(lambda x, i: np.sum(x[i]))(np.ones(3), np.array([-4]))


def test_results_are_arrays_of_their_own():
    """Also those that depend on no argument, or are made by different calls."""
    constant = np.array([1.0, 2.0])
    functions = [
        lambda x: np.sum(x * constant),
        lambda x: np.sum(x * (constant * 3 + 1)),
        lambda x: np.sum(x.reshape(2, 1) * 2.0),
        lambda x: x @ x,
    ]
    for function in functions:
        gradient = cr.grad(function)
        x = np.array([0.5, 1.5])
        first = gradient(x)
        kept = first.copy()
        first[:] = -7.0
        second = gradient(x)
        np.testing.assert_array_equal(second, kept)
        second[:] = 9.0
        np.testing.assert_array_equal(x, [0.5, 1.5])
    np.testing.assert_array_equal(constant, [1.0, 2.0])
