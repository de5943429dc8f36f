"""vmap gives what a Python loop gives: for every operation, every transform, every nesting."""

# ruff: noqa: B023
# Functions are written as users write them.

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.api import plans
from chainrule.api.tree import flatten
from chainrule.errors import GraphError, TracingError
from chainrule.graph.op import OPS
from chainrule.ops.several import results
from chainrule.ops.term import Function, apply
from tests.api.test_transforms import same
from tests.jax_values import expected, jax, jnp
from tests.ops.array_matrix import ALL, operands_of


def drawn(*shape, seed=5):
    return np.random.default_rng(seed).normal(size=shape)


ROWS = drawn(4, 3)
MATRICES = drawn(4, 2, 3, seed=6)
W = drawn(2, 3, seed=7)


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclasses.dataclass
class Layer:
    weight: Any
    bias: Any = None


def loop(function, in_axes=0, out_axes=0):
    """What `vmap` means, for plain axes: one call for each item, results stacked."""

    def mapped(*arguments):
        axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(arguments)
        pairs = list(zip(arguments, axes, strict=True))
        count = next(x.shape[axis] for x, axis in pairs if axis is not None)

        def item(x, axis, at):
            if axis is None:
                return x
            axis %= x.ndim
            return x[(*(slice(None),) * axis, at)]

        results = [function(*(item(x, axis, at) for x, axis in pairs)) for at in range(count)]
        leaves = [flatten(result)[0] for result in results]
        structure = flatten(results[0])[1]
        return structure.build([np.stack(parts, out_axes) for parts in zip(*leaves, strict=True)])

    return mapped


def network(np):
    """A loss of one example."""

    def loss(params, x, y):
        hidden = np.tanh(params["W"] @ x + params["b"])
        return np.sum((hidden - y) ** 2) + np.max(x) * np.sum(params["b"])

    return loss


PARAMS = {"W": W, "b": np.array([0.3, -0.2])}
TARGETS = drawn(4, 2, seed=8)


# --- axes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("out_axes", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("in_axes", [0, 1, 2, -1, -3])
def test_axes_in_and_out(in_axes, out_axes):
    x = drawn(3, 3, 3)
    axes = (in_axes, None, 1)
    arguments = (x, W, ROWS[:2])

    def function(np):
        return lambda x, w, y: np.tanh(w @ x) * np.sum(x) + y[:2, None]

    got = cr.vmap(function(np), axes, out_axes)(*arguments)
    same(got, loop(function(np), axes, out_axes)(*arguments))
    same(got, expected(lambda: jax.vmap(function(jnp), axes, out_axes)(*arguments)))


@pytest.mark.parametrize(
    ("in_axes", "out_axes"),
    [
        (0, 0),
        (({"w": 0, "b": None}, 0, 0), 0),
        (({"w": 1, "b": None}, 0, 0), {"y": 0, "z": (1, 0)}),
        ((None, (0, 0), None), {"y": 1, "z": -1}),
        (({"w": -2, "b": 0}, (None, -1), None), {"y": 0, "z": (1, 0)}),
        (({"w": None, "b": 0}, None, 2), {"y": -1, "z": (1, 0)}),
    ],
)
def test_structures_of_axes(in_axes, out_axes):
    cube = drawn(4, 4, 4)
    arguments = ({"w": cube, "b": drawn(4)}, (cube[0], cube[1]), cube * 2)

    def function(np):
        def build(p, pair, c):
            total = np.sum(pair[0]) * np.sin(np.sum(p["b"])) + np.sum(pair[1] ** 2)
            return {
                "y": p["w"].reshape(-1, 4)[1:] * total,
                "z": (c.reshape(-1, 4)[:4] @ p["w"].reshape(4, -1), np.cos(total)[None] * 2),
            }

        return build

    got = cr.vmap(function(np), in_axes, out_axes)(*arguments)
    same(got, expected(lambda: jax.vmap(function(jnp), in_axes, out_axes)(*arguments)))


def test_named_tuples_dataclasses_and_none():
    value = Layer(Pair(ROWS, W), None)
    got = cr.vmap(
        lambda layer: Pair(layer.weight.first * np.sum(layer.weight.second), None),
        in_axes=(Layer(Pair(0, None), None),),
        out_axes=Pair(1, None),
    )(value)
    same(got, Pair((ROWS * np.sum(W)).T, None))
    same(cr.vmap(lambda x, n: x, (0, None))(ROWS, None), ROWS)


def test_a_list_of_axes_is_one_for_each_argument():
    same(cr.vmap(lambda x, w: w @ x, [0, None])(ROWS, W), ROWS @ W.T)


def test_keyword_arguments_are_mapped_along_axis_0():
    def function(np):
        return lambda x, *, scale, shift: x * scale + np.sum(shift["a"])

    named = {"scale": ROWS[:, 0], "shift": {"a": MATRICES}}
    got = cr.vmap(function(np), in_axes=1)(ROWS.T, **named)
    same(got, expected(lambda: jax.vmap(function(jnp), in_axes=1)(ROWS.T, **named)))


def test_what_is_no_array_stays_what_it_is_where_nothing_is_mapped():
    def function(x, n, how):
        return sum(x**k for k in range(n)) * (2 if how == "twice" else 1)

    same(cr.vmap(function, (0, None, None))(ROWS, 3, "twice"), 2 * (1 + ROWS + ROWS**2))
    same(cr.vmap(lambda x, n: x[n], (0, None))(ROWS, np.array(1)), ROWS[:, 1])


def test_results_that_do_not_depend_on_an_item():
    def function(x, w):
        return np.sum(x), w * 2, 3, True, 2.5, w[0, 0], np.arange(2)

    got = cr.vmap(function, (0, None))(ROWS, W)
    every = [np.stack([part] * 4) for part in (W * 2, 3, True, 2.5, W[0, 0], np.arange(2))]
    same(got, (ROWS.sum(1), *every))
    for part in got:
        part[...] = 0  # they are arrays of their own
    same(cr.vmap(function, (0, None))(ROWS, W), (ROWS.sum(1), *every))
    once = cr.vmap(lambda x, w: (x, w * 2, 3, "text"), (0, None), (0, None, None, None))(ROWS, W)
    same(once[:2], (ROWS, W * 2))
    assert once[2:] == (3, "text")
    same(cr.vmap(lambda x, w: w * 2, (0, None), 1)(ROWS, W), np.stack([W * 2] * 4, 1))


def test_whole_numbers_and_conditions_are_mapped_too():
    rows = np.arange(12).reshape(4, 3)
    got = cr.vmap(lambda x, i, c: np.where(c, x[i], x[0] - 1))(
        rows, np.array([0, 1, 2, 0]), np.array([True, False, True, True])
    )
    same(got, np.array([0, 2, 8, 9]))


@pytest.mark.parametrize("shape", [(0, 3), (1, 3)])
def test_no_items_and_one_item(shape):
    def function(np):
        def build(x, w):
            y = np.tanh(w @ x) * np.max(x)
            return {"y": y, "order": np.argsort(x), "sum": np.cumsum(x), "w": w[0], "p": np.prod(x)}

        return build

    x = drawn(*shape)
    same(
        cr.vmap(function(np), (0, None))(x, W),
        expected(lambda: jax.vmap(function(jnp), (0, None))(x, W)),
    )
    got = cr.vmap(cr.grad(lambda x: np.sum(np.sin(x) ** 2)))(x)
    same(got, np.sin(2 * x))


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axes", "arguments", "says"),
    [
        ((0, 0), (ROWS, W), "E244 different numbers of items: 'x' has 4 along axis 0, 'y' has 2"),
        ((1, -1), (ROWS, np.ones((3, 2))), "'x' has 3 along axis 1, 'y' has 2 along axis 1"),
        ((0, 0), (ROWS, 2.0), "E243 'y' is a single number, which has no items; in_axes=None"),
        ((0, 0), (ROWS, 2), "E243 'y' is 2, which has no items; in_axes=None"),
        ((0, 0), (ROWS, "text"), "E243 'y' is 'text', which has no items; in_axes=None"),
        ((0, 2), (ROWS, ROWS), r"E243 'y' has shape \[4, 3\], and so no axis 2"),
        ((0, -3), (ROWS, ROWS), r"E243 'y' has shape \[4, 3\], and so no axis -3"),
        ((0,), (ROWS, ROWS), "E243 in_axes is for 1 arguments by position, there are 2"),
        (({"a": 0}, 0), (ROWS, ROWS), "E243 in_axes must be one axis, or structured like"),
        ((0, (0, 0)), (ROWS, ROWS), "E243 in_axes must be one axis, or structured like"),
        (({"a": 0}, 0), ({"b": ROWS}, ROWS), "E243 in_axes must be one axis"),
        ((None, None), (ROWS, ROWS), "E243 no argument has an axis of items"),
        (None, (ROWS, ROWS), "E243 no argument has an axis of items"),
        (0, ({}, ()), "E243 no argument has an axis of items"),
    ],
)
def test_axes_that_do_not_fit(axes, arguments, says):
    with pytest.raises(GraphError, match=says):
        cr.vmap(lambda x, y: 0.0, axes)(*arguments)


def test_axes_of_results_that_do_not_fit():
    with pytest.raises(GraphError, match="E245 out_axes is None for a result that is different"):
        cr.vmap(lambda x: x, out_axes=None)(ROWS)
    with pytest.raises(GraphError, match="E245 a result is 'text', which is no array; out_axes"):
        cr.vmap(lambda x: (x, "text"))(ROWS)
    with pytest.raises(GraphError, match=r"E243 out_axes is 2 for a result of shape \[3\]"):
        cr.vmap(lambda x: x, out_axes=2)(ROWS)
    with pytest.raises(GraphError, match="E243 out_axes must be one axis, or structured like"):
        cr.vmap(lambda x: (x, x), out_axes=(0, 0, 0))(ROWS)
    for axes in ("0", 1.5, (0, "x")):
        with pytest.raises(GraphError, match="E243 in_axes is made of whole numbers and None"):
            cr.vmap(lambda x: x, axes)


def test_arguments_are_called_by_their_names():
    with pytest.raises(GraphError, match="'params_w' has 4 along axis 0, 'scale' has 3"):
        cr.vmap(lambda params, *, scale: 0.0)({"w": ROWS}, scale=ROWS[0])


def test_errors_inside_point_at_the_line():
    def decides(x):
        return x if x > 0 else 0.0

    with pytest.raises(TracingError, match=r"(?s)E230 .*return x if x > 0"):
        cr.vmap(decides)(ROWS[0])

    def ragged(x):
        return cr.vmap(np.add)(x, x[:2])

    with pytest.raises(TracingError, match=r"(?s)E244 .*return cr.vmap"):
        cr.grad(ragged)(ROWS[0])


# --- with other transforms ------------------------------------------------------------------------


def test_gradients_for_every_example():
    arguments = (PARAMS, ROWS, TARGETS)
    axes = (None, 0, 0)
    got = cr.vmap(cr.grad(network(np)), axes)(*arguments)
    same(got, loop(cr.grad(network(np)), axes)(*arguments))
    same(got, expected(lambda: jax.vmap(jax.grad(network(jnp)), axes)(*arguments)))
    value, gradient = cr.vmap(cr.value_and_grad(network(np)), axes)(*arguments)
    assert value.shape == (4,)
    same(gradient, got)


def transforms(lib, np):
    """Functions of rows made of vmap and something else, over this project or over JAX."""
    jacobian = cr.jacobian if lib is cr else lib.jacrev

    def scalar(x):
        return np.sum(np.tanh(W @ x) ** 2) * np.max(x) + np.prod(np.cos(x))

    def vector(x):
        return np.tanh(W @ x) * np.sum(x[1:] * x[:-1])

    def columns(x, v):
        return lib.jvp(vector, (x,), (v,))[1]

    def rows(x, v):
        return lib.vjp(vector, x)[1](v)[0]

    vmap, grad = lib.vmap, lib.grad
    return {
        "grad": vmap(grad(scalar)),
        "hessian": vmap(lib.hessian(scalar)),
        "third": vmap(jacobian(lib.hessian(scalar))),
        "jacobian of vmap": jacobian(vmap(vector)),
        "grad of vmap": grad(lambda x: np.sum(vmap(scalar)(x) ** 2)),
        "hessian of vmap": lib.hessian(lambda x: np.sum(vmap(scalar)(x) ** 2)),
        "grad of vmap of grad": grad(lambda x: np.sum(vmap(grad(scalar))(x) ** 2)),
        "vmap of jvp": lambda x: vmap(columns, (0, None))(x, x[0]),
        "vmap of vjp": lambda x: vmap(rows)(x, x[:, :2]),
        "jvp of vmap": lambda x: lib.jvp(vmap(vector), (x,), (np.cos(x),))[1],
        "vjp of vmap": lambda x: lib.vjp(vmap(vector), x)[1](x[:, :2])[0],
        "every pair": lambda x: vmap(vmap(lambda a, b: scalar(a * b), (None, 0)), (0, None))(x, x),
        "gradients of every pair": lambda x: vmap(
            vmap(grad(lambda a, b: scalar(a * b), (0, 1)), (0, None), 1), (None, 0), (0, 1)
        )(x, x),
        "inside and outside": lambda x: vmap(
            lambda a: grad(lambda b: np.sum(vmap(lambda c: scalar(a * b + c))(x)))(a * 2)
        )(x),
        "pull many": lambda x: vmap(lib.vjp(vector, x[0])[1])(np.eye(2)),
        "push many": lambda x: vmap(lib.linearize(vector, x[0])[1], out_axes=1)(np.eye(3)),
    }


@pytest.mark.parametrize("name", list(transforms(cr, np)))
def test_compositions_with_other_transforms(name):
    got = transforms(cr, np)[name](ROWS)

    def theirs():
        import jax as lib  # noqa: PLC0415 - only to renew stored values

        return transforms(lib, lib.numpy)[name](jnp.asarray(ROWS))

    same(got, expected(theirs), 1e-10)


def test_jacobians_are_batches_of_unit_vectors():
    def function(x):
        return np.tanh(W @ x) * np.sum(x**2)

    x = ROWS[0]
    jacobian = cr.jacobian(function)(x)
    same(cr.vmap(lambda v: cr.jvp(function, (x,), (v,))[1], out_axes=1)(np.eye(3)), jacobian)
    same(cr.vmap(lambda v: cr.vjp(function, x)[1](v)[0])(np.eye(2)), jacobian)
    same(cr.vmap(cr.linearize(function, x)[1], out_axes=1)(np.eye(3)), jacobian)
    same(cr.vmap(cr.vjp(function, x)[1])(np.eye(2))[0], jacobian)


def test_inside_of_a_trace_it_becomes_a_part_of_it():
    graph = cr.trace(cr.vmap(lambda x, w: np.tanh(w @ x), (0, None)))(ROWS, W)
    assert graph.arguments == ("x", "w")
    same(graph.at(ROWS, W).value, np.tanh(ROWS @ W.T))
    same(graph.at(-ROWS, W).value, np.tanh(-ROWS @ W.T))
    inner = cr.trace(lambda x, s: cr.vmap(lambda row: np.sum(row) * s)(x))(ROWS, 2.0)
    same(inner.at(ROWS, 3.0).value, ROWS.sum(1) * 3.0)


def test_what_is_captured_from_outside():
    def outer(s, x):
        return np.sum(cr.vmap(lambda row: s * np.sum(row**2) + np.sum(x))(x))

    total = np.sum(ROWS**2)
    same(cr.grad(outer)(2.0, ROWS), np.float64(total))
    same(cr.grad(outer, 1)(2.0, ROWS), 4.0 * ROWS + 4.0)
    both = cr.vmap(lambda s: cr.vmap(lambda row: s * row)(ROWS))(np.arange(2.0))
    same(both, np.arange(2.0)[:, None, None] * ROWS)
    alone = cr.vmap(lambda x: cr.vmap(lambda y: x * 2)(ROWS))(np.arange(2.0))
    same(alone, np.stack([np.arange(2.0) * 2] * 4, 1))
    once = cr.vmap(lambda x: cr.vmap(lambda y: x * 2, out_axes=None)(ROWS))(np.arange(2.0))
    same(once, np.arange(2.0) * 2)


def derivative(function):
    return lambda x: cr.jvp(function, (x,), (np.ones_like(x),))[1]


def pulled(function):
    return cr.grad(lambda x: np.sum(function(x)))


@pytest.mark.parametrize("d", [derivative, pulled])
@pytest.mark.parametrize("e", [derivative, pulled])
def test_perturbations_are_not_confused(d, e):
    """The examples of Siskind and Pearlmutter (2005), each for many items at once."""
    points = np.array([1.0, 2.0, -3.0])
    many = cr.vmap
    same(many(d(lambda x: x * e(lambda y: x + y)(1.0)))(points), np.ones(3))
    same(many(d(lambda x: e(lambda y: x * x * y)(x)))(points), 2 * points)
    same(d(lambda x: x * many(lambda z: e(lambda y: z + y)(1.0))(x))(points), np.ones(3))
    same(d(many(lambda z: e(lambda y: z * z * y)(z)))(points), 2 * points)
    # Items of an outer batch are not those of an inner one, though both have the same number.
    got = many(lambda x: many(lambda y: d(lambda z: x * y * z * z)(x))(points))(points)
    same(got, 2 * points[:, None] ** 2 * points)
    got = d(lambda x: np.sum(many(lambda y: x * e(lambda z: x * y * z)(1.0))(points)) * x)(2.0)
    same(got, np.float64(0.0))  # d/dx (x³ Σ y), and the points add up to 0


# --- every operation ------------------------------------------------------------------------------


def every_choice(op):
    for example in op.examples:
        for batched in itertools.product([False, True], repeat=len(example.shapes)):
            if any(batched):
                yield example, batched


def applied(op, operands, params):
    """The result of an operation, or all of them."""
    if op.joint is None:
        return apply(op, operands, params)
    return tuple(results(op, operands, params, cr.Array))


def many_operands(op, example, batched, real, count):
    sets = [operands_of(op, example, seed, real) for seed in range(count)]
    return [
        np.stack([items[at] for items in sets]) if has else sets[0][at]
        for at, has in enumerate(batched)
    ]


@pytest.mark.parametrize("real", ["float64", "float32"])
@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_every_operation_on_arrays_and_its_gradients(op, real):
    for example, batched in every_choice(op):
        params = op.normal_params(example.params)
        operands = many_operands(op, example, batched, real, 3)
        axes = tuple(0 if has else None for has in batched)

        def function(*given):
            return applied(op, given, params)

        same(cr.vmap(function, axes)(*operands), loop(traced(function), axes)(*operands))
        floats = tuple(at for at, x in enumerate(operands) if x.dtype.kind == "f")
        if not floats or not (op.joint or any(op.partials)):
            continue

        def weighed(*given):
            return sum(np.sum(np.sin(part)) for part in flatten(function(*given))[0])

        for derivative in (cr.grad(weighed, floats), along(function, floats)):
            got = cr.vmap(derivative, axes)(*operands)
            same(got, loop(derivative, axes)(*operands))


def traced(function):
    """The function on numbers: operations take symbolic arrays only."""
    return cr.jit(function)


def along(function, floats):
    """The tangent for a direction that depends on the point."""

    def derivative(*given):
        def of_floats(*moving):
            values = iter(moving)
            return function(*(next(values) if at in floats else x for at, x in enumerate(given)))

        primals = [given[at] for at in floats]
        return cr.jvp(of_floats, primals, [np.cos(x) for x in primals])[1]

    return derivative


def without_items(op, example, batched):
    """Operands with an axis of no items."""
    operands = operands_of(op, example)
    return [
        np.zeros((0, *x.shape), x.dtype) if has else x
        for x, has in zip(operands, batched, strict=True)
    ]


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_every_operation_works_on_no_items(op):
    for example, batched in every_choice(op):
        params = op.normal_params(example.params)
        one = cr.jit(lambda *given: applied(op, given, params))(*operands_of(op, example))
        axes = tuple(0 if has else None for has in batched)
        got = cr.vmap(lambda *given: applied(op, given, params), axes)(
            *without_items(op, example, batched)
        )
        for many, part in zip(flatten(got)[0], flatten(one)[0], strict=True):
            assert many.shape == (0, *np.shape(part))
            assert many.dtype == part.dtype


POINTWISE = [op for op in OPS.values() if op.pointwise and not op.is_leaf and op.name != "abstract"]
GIVEN = {"exponent": 3, "order": 1, "slope": 0.2, "alpha": 0.5, "dtype": "float32"}


@pytest.mark.parametrize("real", ["float64", "float32"])
@pytest.mark.parametrize("op", POINTWISE, ids=lambda op: op.name)
def test_every_pointwise_operation_and_its_gradients(op, real):
    count = len(op.operands)
    params = tuple(GIVEN[param.name] for param in op.params)
    for batched in itertools.product([False, True], repeat=count):
        if not any(batched):
            continue
        operands = []
        pairs = zip(op.kinds, op.domain or ((0.25, 0.75),) * count, batched, strict=True)
        for kind, (low, high), has in pairs:
            x = np.random.default_rng(3).uniform(low, high, (4, 2) if has else (2,)).astype(real)
            operands.append(x > 0.5 if kind.value == "a condition" else x)
        axes = tuple(0 if has else None for has in batched)

        def function(*given):
            return apply(op, given, params)

        same(cr.vmap(function, axes)(*operands), loop(traced(function), axes)(*operands))
        floats = tuple(at for at, x in enumerate(operands) if x.dtype.kind == "f")
        if floats:

            def weighed(*given):
                return np.sum(np.where(function(*given) > 0.3, function(*given), 0.5))

            derivative = cr.grad(weighed, floats)
            if traced(function)(*operands).dtype.kind == "f":
                same(cr.vmap(derivative, axes)(*operands), loop(derivative, axes)(*operands))


# --- cost -----------------------------------------------------------------------------------------

COPIES = {"broadcast", "transpose", "reshape"}


def computations(graph):
    """What a graph computes, without what only moves axes."""
    return [
        node.op.name for node in graph.dag.order if node.operands and node.op.name not in COPIES
    ]


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_items_cost_no_operations(op):
    """As many operations for seven items as for two; and no more than for one, but where a list
    that is searched is another one for each item."""
    for example, batched in every_choice(op):
        params = op.normal_params(example.params)

        def function(*given):
            return applied(op, given, params)

        axes = tuple(0 if has else None for has in batched)
        counts = []
        for count in (2, 7):
            operands = many_operands(op, example, batched, "float64", count)
            graph = cr.trace(cr.vmap(function, axes))(*operands)
            counts.append((len(computations(graph)), len(graph.dag.order)))
        assert counts[0] == counts[1]
        one = cr.trace(function)(*operands_of(op, example))
        searched = op.name == "searchsorted" and batched[0]
        assert counts[0][0] <= len(computations(one)) + 2 * searched


def test_a_composition_costs_as_much_as_for_one_item():
    def function(params, x, y):
        return cr.grad(network(np))(params, x, y)

    one = cr.trace(function)(PARAMS, ROWS[0], TARGETS[0])
    many = cr.trace(cr.vmap(function, (None, 0, 0)))(PARAMS, ROWS, TARGETS)
    assert sorted(computations(many)) == sorted(computations(one))


def test_it_is_traced_once_for_each_kind_of_arguments():
    traces = []
    seen = traces.append

    def function(x):
        seen(1)
        return x * 2

    plans.cache._plans.clear()
    mapped = cr.vmap(lambda x: np.sin(x) * 2)
    mapped(ROWS)
    kept = dict(plans.cache._plans)
    mapped(ROWS * 2)
    cr.vmap(mapped)(MATRICES)
    cr.vmap(mapped)(MATRICES)
    assert len(plans.cache._plans) > len(kept)
    again = len(plans.cache._plans)
    mapped(ROWS)
    cr.vmap(mapped)(MATRICES)
    assert len(plans.cache._plans) == again
    assert cr.vmap(Function(OPS["sin"]))(ROWS).shape == (4, 3)
    same(cr.vmap(function)(ROWS), 2 * ROWS)
    assert len(traces) == 1


# --- random compositions --------------------------------------------------------------------------

SMALL = drawn(3, 3, seed=9) / 3
STARTS = [
    lambda x: np.tanh(SMALL @ x),
    lambda x: x * np.sum(np.sin(x)),
    lambda x: cr.jit(cr.softmax)(x) * 2 + x[::-1],
    lambda x: np.cumsum(x) * np.max(x),
    lambda x: np.where(x > 0, np.exp(x), x * x[0]),
]
STEPS = [
    lambda many, f: cr.grad(lambda x: np.sum(np.sin(f(x)))),
    lambda many, f: lambda x: cr.jvp(f, (x,), (np.cos(x),))[1],
    lambda many, f: lambda x: cr.vjp(f, x)[1](np.sin(x))[0],
    lambda many, f: lambda x: cr.linearize(f, x)[1](x * 0.5),
    lambda many, f: lambda x: cr.jacobian(f)(x) @ x,
    lambda many, f: lambda x: cr.hvp(lambda y: np.sum(f(y) * x), (x,), (x,)),
    lambda many, f: cr.jit(f),
    lambda many, f: lambda x: f(x) * cr.stop_gradient(x),
    lambda many, f: lambda x: np.sum(many(lambda s: f(x * s))(np.array([0.5, -1.0])), axis=0),
    lambda many, f: lambda x: many(f, 1, 1)(np.stack([x, x * 0.5], 1))[:, 1],
    lambda many, f: lambda x: np.mean(many(lambda a, b: f(a) * b, (0, None))(SMALL * x, x), axis=1),
]


@settings(max_examples=150)
@given(
    st.sampled_from(STARTS),
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=3),
    st.sampled_from([0, 1, 3]),
    st.integers(0, 99),
)
def test_random_compositions_are_those_of_loops(start, steps, count, seed):
    def composed(many):
        function = start
        for step in steps:
            function = step(many, function)
        return function

    points = drawn(count, 3, seed=seed) / 2
    got = cr.vmap(composed(cr.vmap))(points)
    if not count:
        assert got.shape == (0, 3)
        return
    wanted = loop(composed(loop))(points)
    scale = 1 + np.abs(wanted).max()
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-11 * scale)
