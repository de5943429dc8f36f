"""Loops need the memory of what they must save, or less with checkpoints, and linear time."""

# ruff: noqa: B023
# Functions are written as users write them.

from __future__ import annotations

import gc
import pickle
import tracemalloc

import numpy as np
import pytest

import chainrule as cr
from chainrule.api import plans
from chainrule.graph.node import live_nodes
from tests.api.flows import ITEMS, V, X, near, scalar
from tests.work import calls

# --- memory and time ------------------------------------------------------------------------------


def peak(run):
    gc.collect()
    tracemalloc.start()
    run()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


STEPS = 5_000


def test_the_gradient_of_a_long_scan_keeps_what_it_must_and_little_more():
    """Figure of the project: within 1.2 of what the saved values need."""
    weights = np.linspace(0.1, 1, 64 * 64).reshape(64, 64) / 64

    def loss(start):
        return np.sum(cr.scan(lambda c, _: (np.tanh(weights @ c), None), start, None, STEPS)[0])

    gradient = cr.grad(loss)
    start = np.ones(64)
    assert peak(lambda: gradient(start)) < 1.2 * STEPS * start.nbytes
    # Forward mode keeps nothing.
    assert peak(lambda: cr.jvp(loss, (start,), (start,))) < 0.1 * STEPS * start.nbytes


def test_the_gradient_of_a_long_loop_that_ends_by_itself_keeps_little_more():
    steps = 1000

    def loss(start):
        def body(state):
            return state[0] + 1, np.sin(state[1])

        return np.sum(cr.while_loop(lambda s: s[0] < steps, body, (0, start))[1])

    gradient = cr.grad(loss)
    start = np.ones(1000)
    gradient(start)
    assert peak(lambda: gradient(start)) < 1.2 * steps * start.nbytes


def test_second_derivatives_of_a_scan_keep_values_and_their_tangents():
    def loss(start):
        return np.sum(cr.scan(lambda c, _: (np.sin(c), None), start, None, 500)[0])

    start = np.ones(2000)
    cr.hvp(loss, (start,), (start,))
    assert peak(lambda: cr.hvp(loss, (start,), (start,))) < 2.4 * 500 * start.nbytes


def test_what_is_carried_but_not_needed_backward_is_not_saved():
    big = np.ones(500)

    def loss(x):
        def step(state, t):
            total, value = state
            return (total + t * big * value, np.sin(value)), None

        (total, _), _ = cr.scan(step, (big * 0, x), np.ones(1000))
        return np.sum(total)

    gradient = cr.grad(loss)
    gradient(0.5)
    assert peak(lambda: gradient(0.5)) < 0.05 * 1000 * big.nbytes


# --- checkpoints ----------------------------------------------------------------------------------


def checked(checkpoints, steps=13, *, reverse=False):
    """A scan that carries several values and stacks one."""

    def function(x):
        def step(state, t):
            a, count, b = state
            return (np.tanh(a * t + b), count + 1, b * np.cos(a) + x), a * b * count

        slices = np.linspace(0.5, 1.5, steps)[:, None] * x
        (a, count, b), rows = cr.scan(
            step, (x, 0, x**2), slices, reverse=reverse, checkpoints=checkpoints
        )
        return a * b / count + (0.0 if steps == 0 else np.sum(rows, axis=0) / 9)

    return function


@pytest.mark.parametrize("checkpoints", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("reverse", [False, True])
def test_checkpoints_change_no_derivative(checkpoints, reverse):
    function, plain = (checked(n, reverse=reverse) for n in (checkpoints, None))
    near(function(X), plain(X), 0)
    near(cr.vjp(function, X)[1](V), cr.vjp(plain, X)[1](V), 1e-14)
    near(cr.jvp(function, (X,), (V,)), cr.jvp(plain, (X,), (V,)), 0)
    near(cr.jacobian(function, mode="reverse")(X), cr.jacobian(plain)(X))
    near(cr.hessian(scalar(function))(X), cr.hessian(scalar(plain))(X))
    near(cr.jacobian(cr.grad(scalar(function)), mode="reverse")(X), cr.hessian(scalar(plain))(X))
    slopes = np.stack([cr.grad(scalar(plain))(x) for x in ITEMS])
    near(cr.vmap(cr.grad(scalar(function)))(ITEMS), slopes)
    near(cr.grad(lambda xs: np.sum(cr.vmap(scalar(function))(xs)))(ITEMS), slopes)
    graph = cr.trace(cr.grad(scalar(function)))(X)
    near(pickle.loads(pickle.dumps(graph)).at(X).value, graph.at(X).value, 0)
    near(cr.trace(scalar(function))(X).at(X).gradient["x"], cr.grad(scalar(plain))(X))


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 30])
def test_checkpoints_of_short_and_long_loops(steps):
    function, plain = (checked(n, max(steps, 1)) for n in (2, None))
    near(cr.grad(scalar(function))(X), cr.grad(scalar(plain))(X))
    empty = cr.grad(lambda x: cr.scan(lambda c, _: (c * x, None), x, None, 0, checkpoints=2)[0])
    assert empty(3.0) == 1.0


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize(
    "step",
    [
        lambda c, t: (np.sin(c) * t, c * t),
        lambda c, t: (t, c * t**2),
        lambda c, t: (0.0, np.sin(t)),
    ],
)
def test_checkpoints_change_no_jacobian(step, mode):
    def jacobian(checkpoints):
        return cr.jacobian(lambda x: cr.scan(step, 0.5, x, checkpoints=checkpoints)[1], mode=mode)

    near(jacobian(2)(X), jacobian(None)(X))


def test_checkpoints_of_a_loop_that_carries_nothing():
    def squares(x):
        return cr.scan(lambda _, t: (None, t**2), None, x, checkpoints=2)[1]

    near(cr.jacobian(squares, mode="reverse")(X), np.diag(2 * X))


def test_loops_with_checkpoints_inside_of_loops_with_checkpoints():
    def nested(inner, outer):
        def function(x):
            def step(c, t):
                moved = cr.scan(
                    lambda d, u: (np.sin(d * u) + x * t, None), c, X, checkpoints=inner
                )[0]
                return moved, c

            last, rows = cr.scan(step, x, np.arange(1.0, 8.0), checkpoints=outer)
            return np.sum(rows) * last

        return function

    wanted = cr.grad(nested(None, None))(0.4)
    for inner, outer in [(1, None), (None, 2), (1, 2), (2, 1)]:
        assert cr.grad(nested(inner, outer))(0.4) == pytest.approx(wanted, rel=1e-14)
        second = cr.grad(cr.grad(nested(inner, outer)))(0.4)
        assert second == pytest.approx(cr.grad(cr.grad(nested(None, None)))(0.4), rel=1e-12)


@pytest.mark.parametrize(("checkpoints", "times"), [(2, 12), (5, 4), (10, 2), (65, 1)])
def test_steps_are_run_again_as_often_as_revolve_says(checkpoints, times):
    """C(c + t, c) steps are undone with c checkpoints and at most t runs of each step more."""
    seen = []

    def watched(x):
        seen.append(1)
        return np.sin(x)

    sine = cr.custom_derivative(watched, result=lambda x: x)

    @sine.forward
    def _(primals, tangents):
        return np.cos(primals[0]) * tangents[0]

    steps = 66  # C(2 + 10, 2), C(10 + 2, 2)

    def function(x):
        return cr.scan(lambda c, _: (sine(c), None), x, None, steps, checkpoints=checkpoints)[0]

    gradient = cr.grad(function)
    gradient(0.5)
    seen.clear()
    gradient(0.5)
    # forward once; backward each step at most `times` more, and once where it is undone
    assert len(seen) <= steps * (2 + times)


def test_memory_with_checkpoints_is_bounded():
    def loss(start):
        return np.sum(cr.scan(lambda c, _: (np.sin(c), None), start, None, 2000, checkpoints=20)[0])

    start = np.ones(1000)
    gradient = cr.grad(loss)
    gradient(start)
    assert peak(lambda: gradient(start)) < (20 + 15) * start.nbytes


def test_a_long_loop_takes_time_in_proportion_to_its_steps():
    def work(steps):
        def loss(x):
            return cr.scan(lambda c, t: (np.sin(c) * x + t, None), x, np.ones(steps))[0]

        gradient = cr.grad(loss)
        gradient(0.5)
        return calls(lambda: gradient(0.5))

    few, many = work(100), work(STEPS)
    assert many < 1.1 * few * STEPS / 100

    def while_work(steps):
        def loss(x):
            return cr.while_loop(
                lambda s: s[0] < steps, lambda s: (s[0] + 1, np.sin(s[1]) * x), (0, x)
            )[1]

        gradient = cr.grad(loss)
        gradient(0.5)
        return calls(lambda: gradient(0.5))

    few, many = while_work(100), while_work(STEPS)
    assert many < 1.1 * few * STEPS / 100


def test_many_loops_after_one_another_are_traced_in_linear_time():
    def work(count):
        def function(x):
            for _ in range(count):
                x = cr.fori_loop(0, 2, lambda _, c: np.sin(c) * x, x)
                x = cr.cond(x > 0, lambda: x * 2, lambda: x)
            return x

        return calls(lambda: cr.trace(function)(0.5))

    work(2)
    assert work(80) < 4.6 * work(20)


def test_loops_nested_deeply():
    def nested(depth, x):
        if depth == 0:
            return np.sin(x)
        return cr.scan(lambda c, t: (nested(depth - 1, c * t + x), None), x, np.ones(2))[0]

    def plain(depth, x, y):
        if depth == 0:
            return np.sin(y)
        c = y
        for _ in range(2):
            c = plain(depth - 1, x, c + y)
        return c

    found = cr.grad(lambda x: nested(5, x))(0.1)
    assert found == pytest.approx(cr.grad(lambda x: plain(5, x, x))(0.1), rel=1e-12)


# --- what stays -----------------------------------------------------------------------------------


LEAVING = {
    "scan": lambda w, x: cr.scan(lambda c, _: (np.tanh(w @ c), None), x, None, 3)[0],
    "scan in scan": lambda w, x: cr.scan(
        lambda c, _: (cr.scan(lambda d, _: (np.tanh(w @ d), None), c, None, 2)[0], None), x, None, 3
    )[0],
    "while": lambda w, x: cr.while_loop(lambda c: c[0] > 0.1, lambda c: w @ c / 20, x),
    "cond": lambda w, x: cr.cond(x[0] > 0, lambda: w @ x, lambda: x),
    "checkpoint": lambda w, x: cr.checkpoint(lambda x: w @ x)(x),
    "map": lambda w, x: cr.map(lambda row: np.sum(w @ row * x), w),
}


@pytest.mark.parametrize("name", list(LEAVING))
def test_arrays_that_bodies_read_are_not_kept(name):
    """Programs of bodies are kept; arrays of numbers in them would be, too."""
    function = LEAVING[name]
    x = np.ones(20)

    def once(at):
        w = np.random.default_rng(at).random((20, 20))
        value = function(w, x)
        slope = cr.grad(lambda x: np.sum(function(w, x) ** 2))(x)
        product = cr.hvp(lambda x: np.sum(function(w, x) ** 2), (x,), (x,))
        record = cr.trace(lambda x: np.sum(function(w, x) ** 2))(x).at(x)
        near(record.gradient["x"], slope)
        return value, slope, product

    once(0)
    plans.cache._plans.clear()
    gc.collect()
    before = live_nodes()
    for at in range(1, 6):
        value, slope, product = once(at)
        assert np.all(np.isfinite(value))
        assert np.all(np.isfinite(slope + product))
    plans.cache._plans.clear()
    gc.collect()
    assert live_nodes() <= before
