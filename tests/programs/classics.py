"""Examples known from papers on automatic differentiation, with loops and derivatives inside."""

from __future__ import annotations

import numpy

from tests.programs.program import Program

_random = numpy.random.default_rng(8)
_normal = _random.standard_normal


def _equations(np, matrix, values):
    return lambda x: x**3 + np.tanh(matrix @ x) + x - values


def newton_through(np, cr, matrix, values):
    """Newton's method in a loop that ends by itself; the derivative goes through its steps."""
    function = _equations(np, matrix, values)

    def far(state):
        return np.max(np.abs(state[1])) > 1e-14

    def step(state):
        x, _ = state
        move = -np.linalg.solve(cr.jacobian(function)(x), function(x))
        return x + move, move

    # The last step gives the derivatives: it begins at the solution.
    x, _ = cr.while_loop(far, step, (np.zeros(3), np.ones(3)))
    return np.sum(np.sin(x) * np.arange(1.0, 4.0))


def newton_implicit(np, cr, matrix, values):
    """The same solution, with the derivative of the equation."""
    x = cr.root(_equations(np, matrix, values), np.zeros(3), tolerance=1e-15)
    return np.sum(np.sin(x) * np.arange(1.0, 4.0))


def saddle(np, cr, centre, coupling):
    """Where a function of two points is least in one and greatest in the other: B. A. Pearlmutter
    and J. M. Siskind, Using Programming Language Theory to Make Automatic Differentiation Sound
    and Efficient, 2008. An inner argmax is differentiated by an outer argmin; both by us."""

    def height(u, v):
        away = u - centre
        return (
            away @ away
            + 0.1 * np.sum(away**4)
            + u @ coupling @ v
            - v @ v
            - 0.1 * np.sum(np.cos(v * centre))
        )

    def descend(function, start, steps):
        return cr.fori_loop(0, steps, lambda _, x: x - 0.25 * cr.grad(function)(x), start)

    def highest(u):
        return descend(lambda v: -height(u, v), np.zeros(2), 12)

    u = descend(lambda u: height(u, highest(u)), np.zeros(2), 8)
    return np.sum(u**2) + np.sum(np.sin(highest(u))) + height(u, highest(u))


def particle(np, cr, charge, places, speed):
    """Where a charged particle crosses the axis, and how strong a charge takes it to the origin:
    Pearlmutter and Siskind, 2008. The field is a gradient; the strength solves E'(w) = 0."""
    dt = 1.0

    def potential(x, w):
        away = x - places - np.stack([np.zeros(2), np.stack([0.0 * w, w])])
        return np.sum(charge / np.sqrt(np.sum(away**2, axis=1)))

    def miss(w):
        def fall(state):
            x, v = state
            return x + dt * v, v - dt * cr.grad(potential)(x, w)

        def above(state):
            return (state[0] + dt * state[1])[1] > 0

        x, v = cr.while_loop(above, fall, (np.array([0.0, 8.0]), speed))
        last = -x[1] / v[1]
        return (x[0] + last * v[0]) ** 2

    best = cr.root(cr.grad(miss), 1.0, tolerance=1e-14)
    return best + miss(0.5 * best)


def cofactors(np, cr, matrix):
    """A determinant by expansion along the first row, a loop in each loop; one by elimination."""

    def determinant(a):
        n = a.shape[0]
        if n == 1:
            return a[0, 0]

        def add(j, total):
            minor = np.where(np.arange(n - 1) < j, a[1:, :-1], a[1:, 1:])
            entry = np.sum(np.where(np.arange(n) == j, a[0], 0.0))
            return total + (1 - 2 * (j % 2)) * entry * determinant(minor)

        return cr.fori_loop(0, n, add, 0.0)

    return determinant(matrix) ** 2 + np.linalg.det(np.sin(matrix))


def kepler(np, cr, orbit, times, seen):
    """Squared error of places on an ellipse; where a planet is solves E = M + e sin E."""
    eccentricity, size, period, tilt = orbit
    mean = 2 * np.pi * times / period
    angle = cr.fixed_point(lambda E: mean + eccentricity * np.sin(E), mean, tolerance=1e-15)
    x = size * (np.cos(angle) - eccentricity)
    y = size * np.sqrt(1 - eccentricity**2) * np.sin(angle)
    turned = np.stack([x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)])
    return np.mean((turned - seen) ** 2)


_EQUATIONS = (0.5 * _normal((3, 3)), _normal(3))

PROGRAMS = [
    Program(newton_through, _EQUATIONS, flow=True),
    Program(newton_implicit, _EQUATIONS, flow=True),
    Program(saddle, (0.4 * _normal(2), 0.3 * _normal((2, 2))), flow=True),
    Program(
        particle,
        (numpy.array([1.1, 0.9]),),
        (numpy.array([[10.0, 10.0], [10.0, 0.0]]), numpy.array([0.75, 0.0])),
        flow=True,
    ),
    Program(cofactors, (_normal((4, 4)),), flow=True),
    Program(kepler, ((0.4, 1.3, 2.1, 0.5),), (numpy.linspace(0, 2, 9), _normal((2, 9))), flow=True),
]
