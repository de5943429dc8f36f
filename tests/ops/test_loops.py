"""Nodes of loops and branches: what they compute besides what is read can be left out."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph import walk
from chainrule.ops.several import ITEM
from chainrule.ops.unused import used_only
from chainrule.run.program import Program

X = np.array([0.3, 1.1, 0.7])


def operations(outputs):
    return [node.op.name for node in walk.depth_first(outputs) if node.op.joint is not None]


def lean(function, *arguments):
    """The graph of a function, and its outputs without what is not read."""
    dag = cr.trace(function)(*arguments).dag
    return dag, used_only(dag.outputs)


FUNCTIONS = {
    "scan": lambda x: cr.scan(lambda c, t: (np.sin(c) * t, c + t), x, np.arange(1.0, 4.0)[:, None]),
    "while": lambda x: cr.while_loop(lambda c: np.sum(c) < 9, lambda c: c * 1.5 + x, x),
    "cond": lambda x: cr.cond(x[0] > 0, lambda y: (y * x, x), lambda y: (y, y * 2), np.sin(x)),
    "call": cr.checkpoint(lambda x: np.sin(x) * x),
    "nested": lambda x: cr.scan(
        lambda c, t: (
            cr.scan(lambda d, u: (cr.cond(u > 1, lambda: d * t, lambda: d + x), None), c, X)[0],
            None,
        ),
        x,
        X,
    )[0],
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_values_alone_do_not_need_the_loop_that_has_tangents_too(name):
    function = FUNCTIONS[name]

    def both(x, v):
        return cr.jvp(function, (x,), (v,))[1]

    plain = cr.trace(function)(X).dag
    pushed = cr.trace(both)(X, X).dag
    # All outputs are read: nothing changes.
    assert used_only(plain.outputs) == list(plain.outputs)
    once = used_only(pushed.outputs)
    assert used_only(once) == once
    np.testing.assert_array_equal(
        Program(type(pushed)(once, pushed.inputs))(X, X)[0], Program(pushed)(X, X)[0]
    )
    # Reverse mode by the tangent alone: linear, so that what it reads of the loop are values.
    pulled = cr.trace(cr.grad(lambda v, x: np.sum(cr.jvp(function, (x,), (v,))[1][0])))(X, X).dag
    found = used_only(pulled.outputs)
    v = pulled.inputs[0]
    assert v not in walk.ancestors(*found)
    made = Program(type(pulled)(found, [x for x in pulled.inputs if x is not v]))(X)
    np.testing.assert_allclose(made[0], pulled_value(pulled), rtol=1e-14)


def pulled_value(dag):
    return Program(dag)(X, X)[0]


def test_what_is_not_read_is_not_carried():
    def step(state, t):
        a, b, c, d = state
        return (a * t, b + a, c + b, d * 2), (a, c)

    def function(x, at):
        last, rows = cr.scan(step, (x, x, x, x), X)
        return [*last, *rows][at]

    for at, count in enumerate([1, 2, 3, 1, 1, 3]):
        _, (output,) = lean(lambda x, at=at: function(x, at), 0.5)
        assert output.op is ITEM
        scan = output.operands[0]
        assert scan.params[2] == count
        assert len(scan.type.parts) == 2 * count + (at > 3)
        dag = cr.trace(lambda x, at=at: function(x, at))(0.5).dag
        value = Program(type(dag)([output], dag.inputs))(0.5)[0]
        np.testing.assert_array_equal(value, Program(dag)(0.5)[0])


def test_branches_leave_out_what_is_not_read():
    def function(x, y):
        both = cr.cond(x > 0, lambda x, y: (x, y), lambda x, y: (2 * x, y), x, y)
        return both[0]

    _, (output,) = lean(function, 0.5, 0.6)
    cond = output.operands[0]
    assert len(cond.operands) == 2  # the number of the branch, and x
    assert len(cond.type.parts) == 1


def test_what_a_loop_with_checkpoints_leaves_out():
    def function(x, steps):
        def step(state, t):
            a, b = state
            return (np.sin(a * t), b * a), b

        (a, b), rows = cr.scan(step, (x, x), X, checkpoints=steps)
        return a, b + np.sum(rows)

    for at in (0, 1):
        for steps in (None, 1, 2):
            dag = cr.trace(cr.grad(lambda x: function(x, steps)[at]))(0.5).dag  # noqa: B023
            found = used_only(dag.outputs)
            made = Program(type(dag)(found, dag.inputs))(0.5)[0]
            np.testing.assert_array_equal(made, Program(dag)(0.5)[0])


def test_a_loop_whose_number_of_steps_is_read_keeps_its_condition():
    def function(x):
        return cr.fori_loop(0, np.sum(x > 0) + 2, lambda i, c: c * x, x)

    dag = cr.trace(cr.grad(lambda x: np.sum(function(x))))(X).dag
    found = used_only(dag.outputs)
    made = Program(type(dag)(found, dag.inputs))(X)[0]
    np.testing.assert_array_equal(made, Program(dag)(X)[0])
    assert "while_loop" in operations(found)


# --- rules for forward mode with loops inside -----------------------------------------------------


def inner_scan(x, a):
    return cr.scan(lambda c, t: (np.sin(c) * 0.5 + a * t, None), x, np.array([1.0, 0.5]))[0]


def inner_checkpoints(x, a):
    slices = np.linspace(0.5, 1.0, 6)
    return cr.scan(lambda c, t: (np.sin(c) * 0.5 + a * t, None), x, slices, checkpoints=2)[0]


def inner_while(x, a):
    return cr.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, np.sin(s[1]) * 0.5 + a), (0, x))[
        1
    ]


def inner_cond(x, a):
    return cr.cond(a > 0, lambda: np.sin(x) * 0.5 + a, lambda: x)


def inner_call(x, a):
    return cr.checkpoint(lambda x: np.sin(x) * 0.5 + a)(x)


def inner_nested(x, a):
    def step(c, t):
        moved = cr.scan(
            lambda d, u: (cr.cond(d > t, lambda: np.sin(d) * u + a, lambda: d / 2 + a * c), None),
            c,
            np.array([0.3, 0.4]),
        )[0]
        return moved, None

    return cr.scan(step, x, np.array([0.2, 5.0]))[0]


@pytest.mark.parametrize(
    "inner",
    [inner_scan, inner_checkpoints, inner_while, inner_cond, inner_call, inner_nested],
    ids=lambda f: f.__name__,
)
def test_solutions_of_equations_with_loops_inside(inner):
    def by_root(a):
        return cr.root(lambda x: inner(x, a) - x, 0.1)

    def by_iteration(a):
        return cr.fixed_point(lambda x: inner(x, a), 0.1, tolerance=1e-15)

    def unrolled(a):
        x = 0.1
        for _ in range(60):
            x = inner(x, a)
        return x

    for function in (by_root, by_iteration):
        for derivative in (cr.grad, lambda f: lambda a: cr.jvp(f, (a,), (1.0,))[1]):
            slope, wanted = derivative(function), cr.grad(unrolled)
            assert function(0.3) == pytest.approx(unrolled(0.3), rel=1e-11)
            assert slope(0.3) == pytest.approx(wanted(0.3), rel=1e-10)
            assert cr.grad(slope)(0.3) == pytest.approx(cr.grad(wanted)(0.3), rel=1e-9)


def test_a_rule_that_is_not_linear_is_found_inside_of_a_loop():
    @cr.custom_derivative
    def square(x):
        return x * x

    @square.forward
    def _(primals, tangents):
        ((x,), (dx,)) = primals, tangents
        return cr.fori_loop(0, 2, lambda _, c: c * dx, 2 * x)

    with pytest.raises(cr.DerivativeError, match="E344"):
        cr.grad(square)(1.0)
