"""Loops and branches: the same as in plain Python, with all derivatives, to any depth."""

# ruff: noqa: PLW0108, RUF043
# Functions are written as users write them.

from __future__ import annotations

import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GraphError, TracingError
from tests.api.flows import (
    FLOWS,
    FORWARD_ONLY,
    ITEMS,
    OURS,
    Lib,
    Motion,
    Pair,
    Unrolled,
    V,
    X,
    counted,
    dataclasses_too,
    lookups,
    near,
    ours,
    scalar,
    unrolled,
)
from tests.jax_values import expected, jax, real

each_flow = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.__name__)


# --- against plain Python -------------------------------------------------------------------------


@each_flow
def test_values(flow):
    wanted = flow(Lib(np, Unrolled(), cr.grad), X)
    near(cr.trace(ours(flow))(X).at(X).value, wanted, 1e-14)
    if flow not in (lookups, counted):  # they index arrays of NumPy by what is carried
        near(flow(OURS, X), wanted, 1e-14)


@each_flow
def test_forward_and_reverse(flow):
    function, plain = ours(flow), unrolled(flow)
    near(cr.jvp(function, (X,), (V,)), cr.jvp(plain, (X,), (V,)))
    value, pull = cr.vjp(function, X)
    near((value, pull(V)), (plain(X), cr.vjp(plain, X)[1](V)))
    wanted = cr.jacobian(plain)(X)
    near(cr.jacobian(function, mode="forward")(X), wanted)
    near(cr.jacobian(function, mode="reverse")(X), wanted)


@each_flow
def test_second_and_third_derivatives(flow):
    function, plain = scalar(ours(flow)), scalar(unrolled(flow))
    near(cr.grad(function)(X), cr.grad(plain)(X))
    near(cr.hvp(function, (X,), (V,)), cr.hvp(plain, (X,), (V,)))
    wanted = cr.hessian(plain)(X)
    near(cr.hessian(function)(X), wanted)
    near(cr.jacobian(cr.grad(function), mode="reverse")(X), wanted)
    near(cr.jacobian(cr.jacobian(function, mode="forward"), mode="reverse")(X), wanted)
    wanted = cr.jacobian(cr.hessian(plain), mode="forward")(X)
    near(cr.jacobian(cr.hessian(function), mode="forward")(X), wanted, 1e-11)
    near(cr.jacobian(cr.hessian(function), mode="reverse")(X), wanted, 1e-11)


@each_flow
def test_the_same_as_jax(flow):
    if flow is dataclasses_too:
        pytest.skip("JAX would have to be told of the class")

    def theirs():
        library = Lib(real(jax.numpy), real(jax.lax), real(jax.grad))
        function = scalar(lambda x: flow(library, x), library.np)
        x = library.np.asarray(X)
        if flow in FORWARD_ONLY:
            slope = jax.jacfwd(function)
            return function(x), slope(x), jax.jacfwd(slope)(x)
        return function(x), jax.grad(function)(x), jax.hessian(function)(x)

    function = scalar(ours(flow))
    found = (function(X) if flow not in (lookups, counted) else cr.jvp(function, (X,), (V,))[0],)
    found += (cr.grad(function)(X), cr.hessian(function)(X))
    for a, b in zip(found, expected(theirs).leaves, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


@each_flow
def test_records_have_the_same_numbers(flow):
    function = scalar(ours(flow))
    record = cr.trace(function)(X).at(X)
    near(record.value, scalar(unrolled(flow))(X))
    near(record.gradient["x"], cr.grad(function)(X))


@each_flow
def test_many_items_at_once(flow):
    function = ours(flow)
    near(cr.vmap(function)(ITEMS), np.stack([unrolled(flow, x)(x) for x in ITEMS]))


@each_flow
def test_derivatives_of_many_items_at_once(flow):
    function = scalar(ours(flow))
    plain = [scalar(unrolled(flow, x)) for x in ITEMS]
    pairs = list(zip(plain, ITEMS, strict=True))
    slopes = np.stack([cr.grad(function)(x) for function, x in pairs])
    near(cr.vmap(cr.grad(function))(ITEMS), slopes)
    near(cr.grad(lambda xs: np.sum(cr.vmap(function)(xs)))(ITEMS), slopes)
    near(cr.vmap(cr.jacobian(function, mode="forward"))(ITEMS), slopes)
    bends = np.stack([cr.hessian(function)(x) for function, x in pairs])
    near(cr.vmap(cr.hessian(function))(ITEMS), bends, 1e-11)
    total = cr.hessian(lambda xs: np.sum(cr.vmap(function)(xs)))(ITEMS[:2])
    near(total[0, :, 0], bends[0], 1e-11)
    near(total[1, :, 1], bends[1], 1e-11)
    near(total[0, :, 1], np.zeros((3, 3)))
    near(cr.vmap(cr.grad(lambda x: np.sum(cr.vmap(function)(np.stack([x, 2 * x])))))(ITEMS[:1]),
         np.stack([cr.grad(lambda x: function(x) + function(2 * x))(ITEMS[0])]))  # fmt: skip


@each_flow
def test_a_graph_can_be_kept_and_read_back(flow, tmp_path):
    for function in (ours(flow), cr.grad(scalar(ours(flow)))):
        graph = cr.trace(function)(X)
        value = graph.at(X).value
        copies = [pickle.loads(pickle.dumps(graph))]
        for suffix in ("json", "txt"):
            graph.save(tmp_path / f"graph.{suffix}")
            copies.append(cr.load(tmp_path / f"graph.{suffix}"))
        for copy in copies:
            assert copy.dag.outputs == graph.dag.outputs
            near(copy.at(X).value, value, 0)
        assert copies[-1].text() == graph.text()


# --- one loop, one node ---------------------------------------------------------------------------


@each_flow
def test_the_same_loop_traced_twice_is_one_node(flow):
    def twice(x):
        return flow(OURS, x) - flow(OURS, x)

    (output,) = cr.trace(twice)(X).dag.outputs
    assert output.operands[0] is output.operands[1]
    first, second = (cr.trace(cr.grad(scalar(ours(flow))))(X).dag for _ in range(2))
    assert first.outputs == second.outputs


def joint_nodes(dag):
    return [node for node in dag.order if node.op.joint is not None]


def test_a_loop_is_one_node_however_many_steps_it_takes():
    def function(x, steps):
        return cr.scan(lambda c, _: (np.sin(c) * x, c), x, length=steps)[0]

    sizes = {len(cr.trace(cr.grad(function))(1.0, steps).dag.order) for steps in (1, 10, 1000)}
    assert len(sizes) == 1


def test_what_is_the_same_in_every_step_is_computed_once():
    seen = []

    def watched(x):
        seen.append(x)
        return x * 2

    double = cr.custom_derivative(watched, result=lambda x: x)
    graph = cr.trace(
        lambda x: cr.scan(lambda c, t: (c + t * double(x), None), x, np.arange(5.0))[0]
    )(2.0)
    seen.clear()
    assert graph.at(2.0).value == 2.0 + 10 * 4.0
    assert len(seen) == 1


# --- dtypes ---------------------------------------------------------------------------------------


def test_float32_stays_float32():
    xs = np.linspace(0.1, 1, 5, dtype=np.float32)

    def function(x):
        return cr.scan(lambda c, t: (c * t + x, c * 2), x, xs)[0]

    assert cr.grad(function)(np.float32(0.5)).dtype == np.float32
    assert cr.grad(cr.grad(function))(np.float32(0.5)).dtype == np.float32
    last, rows = cr.scan(lambda c, t: (c * t, c), np.float32(1), xs)
    assert last.dtype == rows.dtype == np.float32
    assert cr.while_loop(lambda c: c < 9, lambda c: c * 2, np.float32(1)).dtype == np.float32
    taken = cr.trace(lambda x: cr.cond(x > 0, lambda: x * 2, lambda: 0.5))(np.float32(1))
    assert taken.at(np.float32(1)).value.dtype == np.float32


@pytest.mark.parametrize(
    ("start", "step", "last"),
    [
        (0, lambda c, t: c + t, np.float64(6.0)),
        (0, lambda c, t: c + 1, np.int64(3)),
        (False, lambda c, t: ~c, np.True_),
        (False, lambda c, t: c | (t > 2), np.True_),
        (True, lambda c, t: c * 2, np.int64(8)),
        (0, lambda c, t: 0.5, np.float64(0.5)),
        (0, lambda c, t: True, np.int64(1)),
        (False, lambda c, t: 2, np.int64(2)),
        (0.0, lambda c, t: 1, np.float64(1)),
        (1, lambda c, t: t.astype(np.float32) * c, np.float32(6.0)),
        (np.float32(1), lambda c, t: 2, np.float32(2)),
        (np.int64(1), lambda c, t: c * 2, np.int64(8)),
    ],
)
def test_plain_numbers_at_the_start_take_the_dtype_of_a_step(start, step, last):
    found, _ = cr.scan(lambda c, t: (step(c, t), None), start, np.arange(1.0, 4.0))
    assert found == last
    assert found.dtype == last.dtype


SINGLE = np.arange(1.0, 4.0, dtype=np.float32)


@pytest.mark.parametrize(
    ("start", "step"),
    [
        (0.0, lambda c, t: c + t),
        (0, lambda c, t: c + t),
        (1, lambda c, t: c * 0.5 * t),
        (0.0, lambda c, t: np.sin(c) + t),  # NumPy's sine of a plain number is float64
        (0.0, lambda c, t: c + t.astype(np.float64)),
        (0.0, lambda c, t: c * 0.5),
        (0.0, lambda c, t: np.maximum(c, t) + SINGLE[0]),
        (0.0, lambda c, t: c + np.sum(t * np.ones(2, np.float32))),
        (True, lambda c, t: c * t),
        (np.float64(0), lambda c, t: c + t),
    ],
)
def test_plain_numbers_meet_float32_as_in_numpy(start, step):
    found, _ = cr.scan(lambda c, t: (step(c, t), None), start, SINGLE)
    wanted = start
    for t in SINGLE:
        wanted = step(wanted, t)
    assert found.dtype == np.asarray(wanted).dtype
    assert found == pytest.approx(wanted, rel=1e-6)


def test_a_step_that_wants_arrays_is_traced_as_it_is():
    last, _ = cr.scan(lambda c, t: (c.reshape(()) + t, None), 0.0, SINGLE)
    assert last == 6.0
    two, _ = cr.scan(lambda c, t: ((c[0] + t, c[1] + c[0]), None), (0.0, 0.0), SINGLE)
    assert two == (6.0, 4.0)
    assert {x.dtype for x in two} == {np.dtype(np.float32)}


def test_a_dtype_may_grow_from_value_to_value():
    def step(state, t):
        a, b, c = state
        return (b, c, c + t), a

    (a, b, c), rows = cr.scan(step, (False, 0, 1), np.arange(3.0))
    assert (a, b, c) == (1.0, 2.0, 4.0)
    assert rows.dtype == np.float64
    assert rows.tolist() == [0.0, 0.0, 1.0]


def test_whole_numbers_and_truth_values_are_stacked_as_such():
    _, (ones, truths, rows) = cr.scan(lambda c, t: (c, (1, True, c)), 3, None, 2)
    assert ones.tolist() == [1, 1]
    assert ones.dtype == rows.dtype == np.int64
    assert truths.dtype == bool


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [(1, 0, np.int64(1)), (1, 0.5, np.float64(1)), (True, False, np.True_), (True, 3, np.int64(1))],
)
def test_plain_numbers_as_results_of_branches(first, second, found):
    graph = cr.trace(lambda x: cr.cond(x > 0, lambda: first, lambda: second))(1.0)
    assert graph.at(1.0).value == found
    assert graph.at(-1.0).value == second
    assert graph.dag.outputs[0].type.dtype == found.dtype


# --- structures -----------------------------------------------------------------------------------


def test_results_are_structured_like_what_the_function_gives():
    def step(state, slices):
        return state, Pair({"t": slices["t"], "none": None}, [state.place])

    last, rows = cr.scan(step, Motion(1.0, (2.0, [3.0])), {"t": np.arange(3.0), "none": None})
    assert last == Motion(1.0, (2.0, [3.0]))
    assert rows.first["none"] is None
    assert rows.first["t"].tolist() == [0.0, 1.0, 2.0]
    assert rows.second[0].tolist() == [1.0, 1.0, 1.0]
    empty = cr.scan(lambda c, _: (c, {"a": c}), (1.0, None), None, 0)
    assert empty[0] == (1.0, None)
    assert empty[1]["a"][0].shape == (0,)
    assert cr.scan(lambda c, _: (c, None), None, None, 3) == (None, None)
    assert cr.map(lambda x: (x, None), np.arange(2.0))[1] is None
    doubled = cr.while_loop(lambda s: s["x"] < 9, lambda s: {"x": s["x"] * 2}, {"x": 1.0})
    assert doubled == {"x": 16.0}


def test_gradients_by_what_is_carried_and_sliced_are_structured_like_it():
    def function(start, slices):
        def step(state, slice):
            return Pair(state.first * slice["a"], state.second + slice["b"]), None

        last, _ = cr.scan(step, start, slices)
        return np.sum(last.first * last.second)

    start = Pair(X, 2.0)
    slices = {"a": np.outer(np.arange(1.0, 4.0), X), "b": np.arange(3.0)}
    by_start, by_slices = cr.grad(function, (0, 1))(start, slices)
    product = np.prod(slices["a"], axis=0)
    near(by_start, Pair(product * 5, np.sum(X * product)))
    near(by_slices, {"a": 5 * X * product / slices["a"], "b": np.full(3, np.sum(X * product))})


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: cr.scan(lambda c, t: (c[:2], t), x, x), r"the carried value is .*\[3\].*\[2\]"),
        (
            lambda x: cr.scan(lambda c, t: ({"a": c["a"], "b": c["b"][0]}, t), {"a": x, "b": x}, x),
            r"the carried value at \['b'\] is float64\[3\], after a step float64",
        ),
        (
            lambda x: cr.scan(lambda c, t: ((c[0], [c[1][0] * 0.5]), t), (x, [x[0] > 0]), x),
            r"the carried value at \[1\]\[0\] is bool, after a step float64(.|\n)*start with dtype",
        ),
        (
            lambda x: cr.scan(lambda c, t: (c + 0.5, t), np.int64(0), x),
            "the carried value is int64, after a step float64",
        ),
        (lambda x: cr.scan(lambda c, t: (0.5, t), np.int64(0), x), "int64, after a step float64"),
        (lambda x: cr.scan(lambda c, t: (0.0, t), x, x), r"float64\[3\], after a step float64"),
        (lambda x: cr.scan(lambda c, t: ((c, c), t), x, x), "2 new after a step: \\[0\\], \\[1\\]"),
        (
            lambda x: cr.scan(lambda c, t: ({"a": c["a"]}, t), {"a": x, "b": {"c": x}}, x),
            r"1 missing after a step: \['b'\]\['c'\]",
        ),
        (lambda x: cr.scan(lambda c, t: ([c[0]], t), (x,), x), "other containers"),
        (lambda x: cr.scan(lambda c, t: c, x, x), "a step of scan gives"),
        (lambda x: cr.while_loop(lambda c: True, lambda c: c[:1], x), "the carried value is"),
        (lambda x: cr.fori_loop(0, 3, lambda i, c: (c, c), x), "2 new after a step"),
        (
            lambda x: cr.cond(x[0] > 0, lambda: (x, x), lambda: x),
            "the branches give values of different structures",
        ),
        (
            lambda x: cr.cond(x[0] > 0, lambda: {"a": x}, lambda: {"a": x[0]}),
            r"the branches give float64 and float64\[3\] at \['a'\]",
        ),
        (lambda x: cr.cond(x[0] > 0, lambda: x, lambda: 0.0), r"float64 and float64\[3\]"),
        (lambda x: cr.switch(np.argmax(x), [lambda: 0.5, lambda: np.argmax(x)]), "float64 and int"),
        (lambda x: cr.cond(x[0] > 0, lambda: x[0] > 1, lambda: 2), "bool and int64"),
    ],
)
def test_carried_values_and_branches_keep_their_types(call, says):
    with pytest.raises(TracingError, match=says) as caught:
        cr.trace(call)(X)
    assert caught.value.code == "E241"
    assert caught.value.place is not None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: cr.scan(lambda c, t: (c, t), x, x[0]), "xs is one number"),
        (
            lambda x: cr.scan(lambda c, t: (c, t), x, {"a": [x[0]]}),
            r"at \['a'\]\[0\] is one number",
        ),
        (
            lambda x: cr.scan(lambda c, t: (c, t), x, {"a": x, "b": x[:2]}),
            r"3 in xs at \['a'\], 2 in xs at \['b'\]",
        ),
        (lambda x: cr.scan(lambda c, t: (c, t), x, x, 4), "3 in xs, length is 4"),
        (lambda x: cr.scan(lambda c, t: (c, t), x), "the number of steps: length=10"),
        (lambda x: cr.scan(lambda c, t: (c, t), x, None, -1), "the number of steps"),
        (lambda x: cr.scan(lambda c, t: (c, t), x, x, checkpoints=0), "at least one checkpoint"),
        (lambda x: cr.cond(x > 0, lambda: x, lambda: x), r"one truth value, got shape \[3\]"),
        (lambda x: cr.cond(X > 0, lambda: x, lambda: x), r"one truth value, got shape \[3\]"),
        (lambda x: cr.switch(0, []), "at least one branch"),
        (lambda x: cr.switch(x[0], [lambda: x]), "one whole number, got float64"),
        (lambda x: cr.switch(np.argsort(x), [lambda: x]), r"one whole number, got int64\[3\]"),
        (lambda x: cr.while_loop(lambda c: c > 0, lambda c: c, x), r"truth value, got bool\[3\]"),
        (lambda x: cr.while_loop(lambda c: c[0], lambda c: c, x), "truth value, got float64"),
        (lambda x: cr.while_loop(lambda c: (True, True), lambda c: c, x), "one truth value"),
        (lambda x: cr.while_loop(lambda c: 1, lambda c: c, x), "truth value, got int64"),
        (lambda x: cr.fori_loop(0, x[0], lambda i, c: c, x), "whole numbers, got float64"),
    ],
)
def test_what_loops_and_branches_need(call, says):
    with pytest.raises(GraphError, match=says) as caught:
        cr.trace(call)(X)
    assert caught.value.code == "E242"


def test_what_is_no_array_is_an_error():
    with pytest.raises(GraphError, match="E233 the start of scan holds 'text'"):
        cr.scan(lambda c, t: (c, t), "text", X)
    with pytest.raises(GraphError, match="E233 .*'text'"):
        cr.scan(lambda c, t: (c, "text"), 0.0, X)
    with pytest.raises(TracingError, match=r"E231 .*symbolic value[^~]*chainrule.constant"):
        cr.fori_loop(0, 3, lambda i, c: c + X[i], 0.0)
    table = cr.constant(X)
    near(cr.fori_loop(0, 3, lambda i, c: c + table[i], 0.0), np.sum(X))


def test_errors_inside_of_a_body_point_at_its_line():
    with pytest.raises(TracingError, match="E230") as caught:
        cr.scan(lambda c, t: (c if c > 0 else t, None), 0.0, X)
    assert caught.value.place.file == __file__
    with pytest.raises(TracingError, match="E203"):
        cr.grad(lambda x: cr.scan(lambda c, t: (c * np.ones(2) + np.ones(3), None), x, X)[0])(1.0)


# --- nothing to carry, nothing to give ------------------------------------------------------------


def test_loops_and_branches_over_nothing():
    for run in (lambda f: f(1.0), lambda f: cr.jit(f)(1.0)):
        carried, rows = run(lambda x: cr.scan(lambda c, _: (None, 2.0), None, None, 3))
        assert carried is None
        np.testing.assert_array_equal(rows, [2, 2, 2])
        assert run(lambda x: cr.scan(lambda c, _: (None, None), None, None, 3)) == (None, None)
        assert run(lambda x: cr.cond(x > 0, lambda: None, lambda: None)) is None
        assert run(lambda x: cr.checkpoint(lambda x: None)(x)) is None
    slices = cr.jit(lambda x: cr.scan(lambda c, _: (None, 2.0), None, x)[1])(np.ones(2))
    np.testing.assert_array_equal(slices, [2, 2])
    assert cr.map(np.sum, np.zeros((0, 3))).shape == (0,)
    assert cr.vmap(lambda x: cr.while_loop(lambda s: s < 9, lambda s: 2 * s, x))(X[:0]).shape == (
        0,
    )
    with pytest.raises(GraphError, match="E242 while_loop carries no values"):
        cr.while_loop(lambda c: False, lambda c: c, None)
    assert cr.root(lambda x: x, np.zeros(0)).shape == (0,)
