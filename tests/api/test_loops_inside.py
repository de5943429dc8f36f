"""Loops, branches and derivatives inside of each other: what is not run does not count."""

# ruff: noqa: B023, RUF043
# Functions are written as users write them.

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from tests.api.flows import ITEMS, X, near

# --- what is not run does not count ---------------------------------------------------------------


def infinite(x):
    """Its derivative at 0 is infinite."""
    return np.sqrt(x)


UNTAKEN = {
    "cond, operand": lambda x: cr.cond(x > 0, infinite, lambda x: 2 * x, x),
    "cond, closure": lambda x: cr.cond(x > 0, lambda: infinite(x), lambda: 2 * x),
    "cond, both": lambda x: cr.cond(x > 0, lambda y: infinite(x) * y, lambda y: 2 * y, x),
    "cond of cond": lambda x: cr.cond(
        x > 0, lambda: cr.cond(x > 1, lambda: infinite(x), lambda: infinite(x) + x), lambda: 2 * x
    ),
    "switch": lambda x: cr.switch(
        np.sum(x <= 0), [lambda: infinite(x), lambda: 2 * x, lambda: 1 / x]
    ),
    "cond in scan": lambda x: cr.scan(
        lambda c, t: (c + cr.cond(x > t, lambda: infinite(x), lambda: x), None), 0.0, np.ones(2)
    )[0],
    "where in scan": lambda x: cr.scan(
        lambda c, t: (c + np.where(x > t, infinite(x), x), None), 0.0, np.ones(2)
    )[0],
    "where in scan, a slice": lambda x: cr.scan(
        lambda c, t: (c + np.where(t > 0, infinite(t), t), None), 0.0, np.ones(2) * x
    )[0],
    "where in scan in scan": lambda x: cr.scan(
        lambda c, t: cr.scan(lambda d, u: (d + np.where(x > t, infinite(x), x), None), c, None, 2),
        0.0,
        np.ones(1),
    )[0],
    "scan without steps": lambda x: cr.scan(lambda c, _: (c * infinite(x), None), 2 * x, None, 0)[
        0
    ],
    "while without steps": lambda x: cr.while_loop(
        lambda c: c > 1, lambda c: c / (1 + infinite(x)), 2 * x
    ),
    "fori without steps": lambda x: cr.fori_loop(
        0, np.sum(x > 0), lambda _, c: c * infinite(x), 2 * x
    ),
    "cond in while": lambda x: cr.while_loop(
        lambda s: s[0] < 2,
        lambda s: (s[0] + 1, s[1] + cr.cond(x > 0, lambda: infinite(x), lambda: x)),
        (0, 0.0),
    )[1],
}


@pytest.mark.parametrize("name", list(UNTAKEN))
def test_what_is_not_taken_contributes_nothing_even_if_infinite(name):
    function = UNTAKEN[name]
    assert cr.grad(function)(0.0) == 2.0
    assert cr.jvp(function, (0.0,), (1.0,))[1] == 2.0
    assert cr.grad(cr.grad(lambda x: function(x) * x))(0.0) == 4.0
    assert cr.trace(function)(1.0).at(0.0).gradient["x"] == 2.0


@pytest.mark.parametrize("name", list(UNTAKEN))
def test_what_one_item_does_not_take_does_not_count_for_it(name):
    function = UNTAKEN[name]
    near(cr.vmap(cr.grad(function))(np.zeros(2)), np.full(2, 2.0))
    found = cr.vmap(cr.grad(function))(np.array([0.0, 4.0]))
    assert found[0] == 2.0
    assert np.isfinite(found[1])


def test_only_the_branch_that_is_chosen_is_run():
    seen = []

    def watched(name):
        def function(x):
            seen.append(name)
            return np.asarray(x) * 2.0

        return cr.custom_derivative(function, result=lambda x: x)

    first, second = watched("first"), watched("second")
    graph = cr.trace(lambda x: cr.cond(x > 0, lambda: first(x), lambda: second(x)))(1.0)
    seen.clear()
    assert graph.at(3.0).value == 6.0
    assert seen == ["first"]
    assert graph.at(-3.0).value == -6.0
    assert seen == ["first", "second"]


def test_symbolic_values_made_by_hand_are_read_too():
    x, y = cr.inputs("x y")
    z = x * y
    total = cr.cond(z > 1, lambda: z * x, lambda: cr.log(z))
    total = total + cr.fori_loop(0, 3, lambda i, c: c * z + i, x)
    graph = cr.graph(total)
    record = graph.at(x=2.0, y=3.0)
    assert record.value == 12.0 + ((2 * 6 + 0) * 6 + 1) * 6 + 2
    # x² y + x⁴ y³ + x y + 2
    assert record.gradient == {"x": 12.0 + 4 * 8 * 27 + 3, "y": 4.0 + 16 * 3 * 9 + 2}


# --- what is inside of what -----------------------------------------------------------------------


def squared(x):
    """cr.custom_derivative of it has one rule."""
    return x**2


by_forward = cr.custom_derivative(squared)
by_reverse = cr.custom_derivative(squared)
by_forward.forward(lambda primals, tangents: 2 * primals[0] * tangents[0])
by_reverse.reverse(lambda primals, result, adjoint: (2 * primals[0] * adjoint,))


@pytest.mark.parametrize(
    "square", [by_forward, by_reverse, cr.checkpoint(squared), cr.jit(squared)]
)
def test_functions_with_rules_inside_of_loops(square):
    def function(x):  # x, x³, x⁷, x¹⁵
        return cr.scan(lambda c, _: (square(c) * x, None), x, None, 3)[0]

    assert cr.grad(function)(0.7) == pytest.approx(15 * 0.7**14, rel=1e-14)
    assert cr.grad(cr.grad(function))(0.7) == pytest.approx(210 * 0.7**13, rel=1e-14)
    near(cr.vmap(cr.grad(function))(X), 15 * X**14)
    ending = cr.grad(lambda x: cr.while_loop(lambda c: c > 0.1, lambda c: square(c) * x, x))
    assert ending(0.7) == pytest.approx(7 * 0.7**6, rel=1e-14)


def test_equations_inside_of_loops():
    def function(a):  # a, (a²)^⅓, (2 a^{5/3})^⅓
        def step(c, t):
            return cr.root(lambda x: x**3 - c * a * t, 1.0, tolerance=1e-15), None

        return cr.scan(step, a, np.array([1.0, 2.0]))[0]

    def plain(a):
        return (2 * (a * a) ** (1 / 3) * a) ** (1 / 3)

    assert cr.grad(function)(1.3) == pytest.approx(cr.grad(plain)(1.3), rel=1e-11)
    assert cr.hessian(function)(1.3) == pytest.approx(cr.hessian(plain)(1.3), rel=1e-10)
    near(cr.vmap(cr.grad(function))(X), np.stack([cr.grad(plain)(x) for x in X]), 1e-10)


def swinging(a, v):
    """Where a pendulum is after a second that began with speed v."""

    def slope(_, y):
        return np.stack([y[1], -a * np.sin(y[0])])

    start = np.stack([0 * v, v])
    return cr.odeint(slope, start, np.array([0.0, 1.0]), rtol=1e-12, atol=1e-12)[-1][0]


NESTED = {
    "a root in a root": lambda a: cr.root(
        lambda x: cr.root(lambda y: y**3 + y - x * a - 1, 1.0) + x - 2, 0.5
    ),
    "a fixed point in a root": lambda a: cr.root(
        lambda x: cr.fixed_point(lambda y: np.sin(y) * 0.3 + x * a, 1.0) + x - 2, 0.5
    ),
    "shooting": lambda a: cr.root(lambda v: swinging(a, v) - 0.5, 0.5),
    "many loops in a root": lambda a: cr.root(
        lambda x: (
            x
            - 8
            + np.sum(
                cr.vmap(
                    lambda c: cr.while_loop(
                        lambda d: d < 2, lambda d: d * 1.3 + 0.1 * x * x + a * 0.1, c
                    )
                )(X)
            )
        ),
        0.5,
    ),
    "an argmin in a loop": lambda a: cr.fori_loop(
        0, 2, lambda _, c: cr.root(cr.grad(lambda x: np.cosh(x - c) + a * x * x), 0.5), a
    ),
    "a root in a differential equation": lambda a: cr.odeint(
        lambda _, y: -cr.root(lambda z: z**3 + z - y * a, 0.5),
        1.0,
        np.array([0.0, 0.2]),
        rtol=1e-11,
        atol=1e-11,
        method="DOP853",
    )[-1],
}


@pytest.mark.parametrize("name", list(NESTED))
def test_equations_inside_of_each_other(name):
    function, a, h = NESTED[name], 0.3, 1e-4

    def difference(function):  # of fourth order
        near, far = function(a + h) - function(a - h), function(a + 2 * h) - function(a - 2 * h)
        return (8 * near - far) / (12 * h)

    slope = cr.grad(function)
    assert slope(a) == pytest.approx(difference(function), rel=2e-8)
    assert cr.jvp(function, (a,), (1.0,))[1] == pytest.approx(slope(a), rel=1e-10)
    assert cr.grad(slope)(a) == pytest.approx(difference(slope), rel=2e-8)


def test_many_items_inside_of_loops_inside_of_many_items():
    def function(x):
        step = cr.vmap(lambda c, t: cr.while_loop(lambda c: c < t, lambda c: c * 1.5 + x[0], c))
        return cr.scan(lambda c, t: (step(c, x * t + 1), c), x, np.arange(1.0, 4.0))[0]

    for values in ITEMS:
        counts = []  # how often each item was made larger, step after step
        c = values
        for t in (1.0, 2.0, 3.0):
            limits = values * t + 1
            counts.append(np.zeros(3, int))
            for at in range(3):
                while c[at] < limits[at]:
                    c = np.where(np.arange(3) == at, c * 1.5 + values[0], c)
                    counts[-1][at] += 1

        def plain(x):
            c = x
            for times in counts:
                for n in range(max(times)):
                    c = np.where(n < times, c * 1.5 + x[0], c)
            return c

        near(function(values), c)
        slopes = cr.jacobian(function, mode="reverse")(values)
        near(slopes, cr.jacobian(function, mode="forward")(values))
        near(slopes, cr.jacobian(plain)(values))
    near(cr.vmap(function)(ITEMS), np.stack([function(x) for x in ITEMS]))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: cr.while_loop(lambda c: c < 3, lambda c: c * 2 + x, x),
        lambda x: cr.scan(lambda c, _: (c * x, None), x, None, 3)[0],
        lambda x: cr.cond(x > 0, lambda: x, lambda: 2 * x),
    ],
)
def test_no_items_at_all(function):
    assert cr.vmap(function)(np.zeros(0)).shape == (0,)
    assert cr.vmap(cr.grad(function))(np.zeros(0)).shape == (0,)


def test_an_index_outside_is_an_error_inside_of_loops_too():
    with pytest.raises(cr.EvaluationError, match="E311 index . is out of bounds"):
        cr.grad(lambda x: cr.fori_loop(0, 5, lambda i, c: c + x[i], 0.0))(X)


def test_truth_values_and_numbers_choose():
    assert cr.grad(lambda x: cr.switch(x > 0, [lambda: x, lambda: 2 * x]))(0.5) == 2.0
    assert cr.grad(lambda x: cr.cond(x, lambda: x, lambda: 2 * x))(0.5) == 1.0
    assert cr.grad(lambda x: cr.cond(np.sum(x > 1), lambda: x, lambda: 2 * x))(0.5) == 2.0
    assert cr.cond(np.True_, lambda: 1, lambda: 2) == 1
    assert cr.switch(-5, [lambda: 1, lambda: 2]) == 1
    assert cr.switch(np.int64(5), [lambda: 1, lambda: 2]) == 2


# --- perturbation confusion -----------------------------------------------------------------------


def forward(function):
    return lambda x: cr.jvp(function, (x,), (1.0,))[1]


both_ways = pytest.mark.parametrize(
    ("d", "e"),
    [(d, e) for d in (forward, cr.grad) for e in (forward, cr.grad)],
    ids=[
        "forward over forward",
        "forward over reverse",
        "reverse over forward",
        "reverse over reverse",
    ],
)


@both_ways
def test_perturbations_are_not_confused_in_loops(d, e):
    """J. M. Siskind and B. A. Pearlmutter, Perturbation Confusion and Referential Transparency
    (2005): d/dx (x · d/dy (x + y) at y = 1) at x = 1 is 1, not 2; here by loops."""

    def added(x, y):
        return cr.fori_loop(0, 3, lambda _, c: c + x, y)

    assert d(lambda x: x * e(lambda y: added(x, y))(1.0))(1.0) == 1.0
    assert d(lambda x: x * e(lambda y: added(y, x))(1.0))(1.0) == 3.0

    # the derivative is taken in the body of a loop, by a variable; x is another one
    def in_body(x):
        return cr.fori_loop(0, 2, lambda _, c: c * e(lambda y: x + y)(c), x)

    assert d(in_body)(5.0) == 1.0

    # by what is carried, which depends on x: c ↦ c · ∂(x y²)/∂y at y = c, twice
    def by_carried(x):
        return cr.fori_loop(0, 2, lambda _, c: e(lambda y: x * y**2)(c), x)

    # c₁ = 2 x², c₂ = 4 x³
    assert d(by_carried)(3.0) == 12 * 9.0
    assert d(d(by_carried))(3.0) == 24 * 3.0


@both_ways
def test_loops_inside_of_derivatives_inside_of_loops(d, e):
    def power(x, n):
        return cr.scan(lambda c, _: (c * x, None), 1.0, None, n)[0]

    def outer(x):
        def step(c, t):
            # ∂/∂y (y² x t) at y = c
            return e(lambda y: power(y, 2) * x * t)(c), e(lambda t: power(t, 3) * c)(x)

        last, rows = cr.scan(step, x, np.array([1.0, 2.0]))
        return last + np.sum(rows)

    # c₀ = x, c₁ = 2x², c₂ = 8x³; the rows are 3x² c₀ + 3x² c₁ = 3x³ + 6x⁴
    assert outer(2.0) == 8 * 8 + 3 * 8 + 6 * 16
    assert d(outer)(2.0) == pytest.approx(33 * 4 + 24 * 8, rel=1e-14)
    assert d(d(outer))(2.0) == pytest.approx(66 * 2 + 72 * 4, rel=1e-14)


@both_ways
def test_derivatives_in_branches_and_in_loops_that_end_by_themselves(d, e):
    def function(x):
        slope = cr.cond(x > 0, lambda: e(lambda y: x * y**2)(x), lambda: x)  # 2x²
        last = cr.while_loop(lambda c: c < 50, lambda c: c * e(lambda y: x * y + c)(x), slope)
        return last * e(lambda x: cr.while_loop(lambda c: c < 9, lambda c: c * x, x))(x)

    # x = 3: slope 2x², then times x until 54 = 2x³; the other loop gives x², of derivative 2x
    assert function(3.0) == 54.0 * 6
    assert d(function)(3.0) == 16 * 27.0
    assert d(d(function))(3.0) == 48 * 9.0


def test_the_shift_that_returns_functions_in_a_loop():
    """O. Manzyuk et al., Perturbation confusion in forward automatic differentiation of
    higher-order functions (2019), section 3: the second derivative by shifting twice."""

    def moved(function):
        return lambda x: forward(lambda u: cr.fori_loop(0, 1, lambda _, c: function(c), x + u))(0.0)

    assert moved(moved(np.exp))(1.0) == pytest.approx(np.exp(1.0), rel=1e-14)
    assert moved(moved(lambda x: x**3))(2.0) == 12.0

    def step(c, _):
        return c + moved(moved(lambda y: y**3 * c))(c), None

    # c + 6 c · c, twice
    found = cr.grad(lambda x: cr.scan(step, x, None, 2)[0])(0.5)
    assert found == pytest.approx(7 * (1 + 12 * 2.0), rel=1e-14)
