"""Random programs of loops and branches under random compositions of transforms."""

from __future__ import annotations

import functools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from tests.api.flows import OURS, Lib, Unrolled

X = np.array([0.6, -0.8])
V = np.array([0.9, 0.5])
W = np.array([-0.4, 1.2])

# A program is a nested tuple; it goes from values c that change, and x, to new values.
SIMPLE = {
    "sin": lambda np, c, x, k: np.sin(c + k * x),
    "tanh": lambda np, c, x, k: np.tanh(c * x[0] + k),
    "product": lambda np, c, x, k: c * np.cos(x) + k * x,
    "turn": lambda np, c, x, k: c[::-1] * k + np.sin(x * c),
    "mix": lambda np, c, x, k: np.stack([c[0] * c[1], x[0] - k * c[1]]) / 2,
    "root": lambda np, c, x, k: np.sqrt(1 + c * c) - np.abs(k * x),
    "choose": lambda np, c, x, k: np.where(c > k / 2, np.sin(c), x * c),
}
numbers = st.sampled_from([-1.0, -0.5, 0.25, 0.75, 1.5])
simple = st.tuples(st.sampled_from(sorted(SIMPLE)), numbers)


counts = st.integers(0, 3)


def loops(programs):
    """Programs in which nothing is decided by numbers."""
    return st.one_of(
        st.tuples(st.just("then"), programs, programs),
        st.tuples(st.just("scan"), programs, counts, st.booleans()),
        st.tuples(st.just("fori"), programs, counts),
        st.tuples(st.just("map"), programs),
    )


smooth = st.recursive(simple, loops, max_leaves=3)


def larger(programs):
    return st.one_of(
        loops(programs),
        st.tuples(st.just("while"), programs, counts, numbers),
        st.tuples(st.just("cond"), programs, programs, numbers),
        st.tuples(st.just("switch"), programs, programs, programs, counts),
        st.tuples(st.just("descend"), smooth),
    )


programs = st.recursive(simple, larger, max_leaves=5)


def run(lib, program, c, x):
    """The values after a program."""
    np, flow = lib.np, lib.flow
    kind, *parts = program
    if kind in SIMPLE:
        return SIMPLE[kind](np, c, x, parts[0])
    if kind == "then":
        return run(lib, parts[1], run(lib, parts[0], c, x), x)
    if kind == "scan":
        inner, count, reverse = parts

        def step(state, slice):
            at, c = state
            c = run(lib, inner, c + slice / 4, x)
            return (at + 1, c), c * at

        xs = np.arange(1.0, count + 1)[:, None] * x
        (_, c), rows = flow.scan(step, (0, c), xs, reverse=reverse)
        return c + (0.0 if rows is None else np.sum(rows, axis=0) / 4)
    if kind == "fori":
        inner, count = parts
        return flow.fori_loop(0, count, lambda i, c: run(lib, inner, c + i * x / 4, x), c)
    if kind == "while":
        inner, count, limit = parts
        return flow.while_loop(
            lambda s: (s[0] < count) & (np.sum(s[1]) > limit),
            lambda s: (s[0] + 1, run(lib, inner, s[1], x)),
            (0, c),
        )[1]
    if kind == "cond":
        first, second, limit = parts
        return flow.cond(
            np.sum(c) > limit,
            lambda c: run(lib, first, c, x),
            lambda d: run(lib, second, c, x) + d,
            c,
        )
    if kind == "switch":
        *branches, at = parts
        number = at * np.sum(c > 0) - 1
        return flow.switch(number, [lambda b=b: run(lib, b, c, x) for b in branches])
    if kind == "map":
        return flow.map(lambda t: np.sum(run(lib, parts[0], c * t, x)), x)
    assert kind == "descend"
    descent = lib.grad(lambda y: np.sum(run(lib, parts[0], y, x) * x))
    return c - descent(c) / 4


def ours(program):
    return lambda x: run(OURS, program, x, x)


def unrolled(program):
    """For each point the same in plain Python, for arguments near it."""

    def near(point):
        plain = Unrolled()
        library = Lib(np, plain, cr.grad)
        run(library, program, point, point)

        def function(x):
            plain.replay()
            return run(library, program, x, x)

        return function

    return near


# --- transforms: from functions of a vector to such functions -------------------------------------


def pushed(function):
    return lambda x: cr.jvp(function, (x,), (V,))[1]


def pulled(function):
    return lambda x: cr.vjp(function, x)[1](W)[0]


def slope(function):
    return cr.grad(lambda x: np.sum(np.sin(function(x)) * V))


def linearized(function):
    return lambda x: cr.linearize(function, x)[1](W)


def mean(function):
    """Over two items at once."""

    def both(x):
        return np.sum(cr.vmap(function)(np.stack([x, 0.7 * x])), axis=0) / 2

    return both


TRANSFORMS = {
    "jvp": pushed,
    "vjp": pulled,
    "grad": slope,
    "linearize": linearized,
    "checkpoint": cr.checkpoint,
    "jit": cr.jit,
    "vmap": mean,
}


def averaged(near):
    """The same as ``mean``, one item after the other."""
    return lambda p: lambda x: (near(p)(x) + near(0.7 * p)(0.7 * x)) / 2


def transformed(names, program):
    """The function, and what is the same in plain Python near a point."""
    function, near = ours(program), unrolled(program)
    for name in names:
        function = TRANSFORMS[name](function)
        if name == "vmap":
            near = averaged(near)
        elif name not in ("checkpoint", "jit"):
            near = functools.partial(composed, TRANSFORMS[name], near)
    return function, near(X)


def composed(transform, near, point):
    return transform(near(point))


names = st.lists(st.sampled_from(sorted(TRANSFORMS)), max_size=2)


def close(found, wanted, tolerance=1e-9):
    scale = max(1.0, np.max(np.abs(wanted)))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * scale)


@settings(max_examples=60)
@given(programs, names)
def test_loops_are_what_plain_python_does(program, names):
    function, plain = transformed(names, program)
    close(function(X), plain(X))
    wanted = cr.jacobian(plain)(X)
    close(cr.jacobian(function, mode="forward")(X), wanted)
    close(cr.jacobian(function, mode="reverse")(X), wanted)


@settings(max_examples=60)
@given(programs, names)
def test_reverse_mode_is_the_adjoint_of_forward_mode(program, names):
    function, _ = transformed(names, program)
    value, tangent = cr.jvp(function, (X,), (V,))
    again, pull = cr.vjp(function, X)
    close(again, value)
    (adjoint,) = pull(W)
    scale = np.sum(np.abs(tangent * W)) + np.sum(np.abs(adjoint * V)) + 1e-12
    assert abs(tangent @ W - adjoint @ V) <= 1e-11 * scale


@settings(max_examples=30)
@given(programs, st.lists(st.sampled_from(sorted(TRANSFORMS)), max_size=1))
def test_second_derivatives_are_symmetric(program, names):
    function, plain = transformed(names, program)
    found = cr.hessian(lambda x: np.sum(np.sin(function(x))))(X)
    close(found, found.T)
    close(found, cr.hessian(lambda x: np.sum(np.sin(plain(x))))(X), 1e-8)


@settings(max_examples=30)
@given(programs)
def test_many_items_are_a_loop_in_python(program):
    items = np.array([[0.6, -0.8], [-0.3, 0.9], [1.2, 0.4]])
    near = unrolled(program)
    wanted = np.stack([near(x)(x) for x in items])
    close(cr.vmap(ours(program))(items), wanted)
    slopes = np.stack([cr.jacobian(near(x))(x) for x in items])
    close(cr.vmap(cr.jacobian(ours(program), mode="reverse"))(items), slopes)
    total = cr.jacobian(cr.vmap(ours(program)), mode="reverse")(items)
    close(np.einsum("aiaj->aij", total), slopes)
