"""Solutions of equations: their values, and derivatives that are those of the solution."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GraphError


def close(got, expected, tolerance=1e-11):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def kepler(mean, eccentricity):
    """E of E = M + e·sin E to 30 digits, with its first and second derivative by M and by e."""
    with mpmath.workdps(40):
        equation = lambda M, e: mpmath.findroot(  # noqa: E731
            lambda E: E - M - e * mpmath.sin(E), M, tol=1e-35
        )
        return [
            float(x)
            for x in (
                equation(mean, eccentricity),
                mpmath.diff(equation, (mean, eccentricity), (1, 0), h=mpmath.mpf(10) ** -9),
                mpmath.diff(equation, (mean, eccentricity), (0, 1), h=mpmath.mpf(10) ** -9),
                mpmath.diff(equation, (mean, eccentricity), (2, 0), h=mpmath.mpf(10) ** -9),
                mpmath.diff(equation, (mean, eccentricity), (1, 1), h=mpmath.mpf(10) ** -9),
            )
        ]


def by_root(mean, eccentricity):
    return cr.root(lambda E: E - eccentricity * np.sin(E) - mean, mean)


def by_iteration(mean, eccentricity):
    return cr.fixed_point(lambda E: mean + eccentricity * np.sin(E), mean)


@pytest.mark.parametrize("solve", [by_root, by_iteration])
@pytest.mark.parametrize(("mean", "eccentricity"), [(0.4, 0.3), (1.0, 0.5), (2.7, 0.8), (0.0, 0.1)])
def test_kepler(solve, mean, eccentricity):
    value, d_mean, d_e, second, mixed = kepler(mean, eccentricity)
    close(solve(mean, eccentricity), value)
    close(cr.grad(solve, (0, 1))(mean, eccentricity), (d_mean, d_e))
    close(cr.jvp(solve, (mean, eccentricity), (1.0, 2.0))[1], d_mean + 2 * d_e)
    close(cr.grad(cr.grad(solve))(mean, eccentricity), second, 1e-9)
    close(cr.jacobian(cr.grad(solve), 1)(mean, eccentricity), mixed, 1e-9)


def test_many_equations_at_once():
    means = np.linspace(0, 3, 7)
    expected = [kepler(mean, 0.6) for mean in means]
    for solve in (by_root, by_iteration):
        close(cr.vmap(solve, (0, None))(means, 0.6), [row[0] for row in expected])
        slopes = cr.vmap(cr.grad(solve, (0, 1)), (0, None))(means, 0.6)
        close(slopes, ([row[1] for row in expected], [row[2] for row in expected]))
        total = cr.grad(lambda e, s=solve: np.sum(cr.vmap(s, (0, None))(means, e)))(0.6)
        close(total, sum(row[2] for row in expected))


def test_systems_with_structure():
    # x² + y² = a, x·y = b: x ± y = √(a ± 2b).
    def solve(a, b):
        def equations(p):
            return {"circle": p["x"] ** 2 + p["y"] ** 2 - a, "product": p["x"] * p["y"] - b}

        return cr.root(equations, {"x": 2.0, "y": 0.5})

    def by_hand(a, b):
        plus, minus = np.sqrt(a + 2 * b), np.sqrt(a - 2 * b)
        return {"x": (plus + minus) / 2, "y": (plus - minus) / 2}

    got, expected = solve(5.0, 1.5), by_hand(5.0, 1.5)
    close([got["x"], got["y"]], [expected["x"], expected["y"]])
    for name in ("x", "y"):
        mine = cr.hessian(lambda p, n=name: solve(p[0], p[1])[n])(np.array([5.0, 1.5]))
        theirs = cr.hessian(lambda p, n=name: by_hand(p[0], p[1])[n])(np.array([5.0, 1.5]))
        close(mine, theirs, 1e-9)


def test_a_linear_system():
    random = np.random.default_rng(0)
    matrix, vector = random.normal(size=(4, 4)), random.normal(size=4)
    solve = lambda A, b: cr.root(lambda x: A @ x - b, np.zeros(4))  # noqa: E731
    inverse = np.linalg.inv(matrix)
    close(solve(matrix, vector), inverse @ vector)
    close(cr.jacobian(solve, 1)(matrix, vector), inverse)
    d_matrix = -np.einsum("ij,k->ijk", inverse, inverse @ vector)
    close(cr.jacobian(solve)(matrix, vector), d_matrix, 1e-10)


def test_the_way_to_the_solution_does_not_count():
    far, near = (lambda a, s=s: cr.root(lambda x: x**2 - a, s) for s in (50.0, 1.4))
    close(cr.grad(far)(2.0), 0.5 / np.sqrt(2.0))
    close(cr.grad(near)(2.0), 0.5 / np.sqrt(2.0))
    close(cr.grad(lambda s: cr.root(lambda x: x**2 - 2.0, s))(1.0), 0)
    graph = cr.trace(cr.grad(far))(2.0)
    assert not any(node.op.name == "scan" for node in graph.dag.computations)


def test_what_has_no_solution_is_nan():
    assert np.isnan(cr.root(lambda x: x**2 + 1.0, 0.5))
    assert np.isnan(cr.fixed_point(lambda x: 2 * x + 1, 1.0, steps=100))
    assert np.isnan(cr.root(lambda x: x - 5.0, 0.0, steps=0))


def test_shorter_steps_where_a_full_one_is_worse():
    # Newton's method alone runs away from here.
    close(cr.root(np.arctan, 3.0), 0)


def test_equations_that_do_not_fit():
    with pytest.raises(GraphError, match=r"E246 root needs as many numbers .* got 1 for 2"):
        cr.root(lambda x: x[0], np.zeros(2))
    with pytest.raises(GraphError, match="E246 fixed_point"):
        cr.fixed_point(lambda x: np.stack([x, x]), 1.0)
    with pytest.raises(GraphError, match="E233"):
        cr.root(lambda x: x, "start")
