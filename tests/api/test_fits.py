"""Curves are fitted to certified values, with exact Jacobians."""

from __future__ import annotations

import json
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.sparse
import scipy.special

import chainrule as cr

NIST = json.loads(
    (Path(__file__).parents[1] / "data" / "nist_strd.json").read_text(encoding="utf-8")
)["sets"]


def misra1a(x, b1, b2):
    return b1 * (1 - np.exp(-b2 * x))


def thurber(x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)


def mgh09(x, b1, b2, b3, b4):
    return b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4)


MODELS = {"Misra1a": misra1a, "Thurber": thurber, "MGH09": mgh09}
FITS = [(name, start) for name in MODELS for start in (0, 1)]


def data_of(name):
    return [np.array(NIST[name][part]) for part in ("x", "y", "certified", "deviations")]


@pytest.mark.parametrize(("name", "start"), FITS)
def test_certified_values_by_curve_fit(name, start):
    x, y, certified, deviations = data_of(name)
    found, covariance = cr.scipy(MODELS[name]).curve_fit(
        x, y, NIST[name]["starts"][start], ftol=1e-15, xtol=1e-15, gtol=0, maxfev=10_000
    )
    np.testing.assert_allclose(found, certified, rtol=1e-7)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), deviations, rtol=1e-6)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
@pytest.mark.parametrize("name", MODELS)
def test_certified_values_by_least_squares(name, method):
    x, y, certified, _ = data_of(name)

    def residuals(b, x, *, y):
        return MODELS[name](x, *[b[at] for at in range(len(certified))]) - y

    found = cr.scipy(residuals).least_squares(
        NIST[name]["starts"][1],
        method=method,
        x_scale="jac",
        args=(x,),
        kwargs={"y": y},
        ftol=1e-15,
        xtol=1e-15,
        gtol=1e-15,
        max_nfev=2000,
    )
    np.testing.assert_allclose(found.x, certified, rtol=1e-6)
    np.testing.assert_allclose(2 * found.cost, NIST[name]["sum_of_squares"], rtol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_jacobians_of_models_agree_with_high_precision(name, passed):
    seen = passed(scipy.optimize, "least_squares")
    x, _, certified, _ = data_of(name)
    model = MODELS[name]
    cr.scipy(lambda b: model(x, *[b[at] for at in range(len(certified))])).least_squares(
        certified, max_nfev=1
    )
    jacobian = seen.keywords["jac"](certified)
    exact = {
        "Misra1a": lambda x, a, b: a * (1 - mpmath.exp(-b * x)),
    }.get(name, model)
    with mpmath.workdps(40):
        expected = [
            [
                float(mpmath.diff(lambda *b, at=at: exact(mpmath.mpf(at), *b), certified, unit))
                for unit in map(tuple, np.eye(len(certified), dtype=int).tolist())
            ]
            for at in x[::5].tolist()
        ]
    np.testing.assert_allclose(jacobian[::5], expected, rtol=1e-12)


def test_curve_fit_takes_what_scipys_takes(passed):
    seen = passed(scipy.optimize, "curve_fit")
    x, y, certified, _ = data_of("Misra1a")
    problem = cr.scipy(misra1a)
    sigma = np.full(len(x), 0.1)
    found = problem.curve_fit(x, y, [250, 5e-4], sigma, True, bounds=(0, [1000, 1]))[0]
    np.testing.assert_allclose(found, certified, rtol=1e-4)
    assert callable(seen.keywords["jac"])
    *_, info, _, _ = problem.curve_fit(x, y, [250, 5e-4], full_output=True)
    *_, without, _, _ = problem.curve_fit(x, y, [250, 5e-4], full_output=True, jac=None)
    assert info["nfev"] < without["nfev"]
    assert seen.keywords["jac"] is None
    line = cr.scipy(lambda x, a, b: a * x + b).curve_fit([0, 1, 2], [1, 3, 5])[0]
    np.testing.assert_allclose(line, [2, 1])


def test_curve_fit_of_several_variables():
    xs = np.array([[0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 1.0, 2.0]])

    def plane(x, a, b):
        return a * x[0] + b * x[1] ** 2

    found, _ = cr.scipy(plane).curve_fit(xs, plane(xs, 2.0, -1.0))
    np.testing.assert_allclose(found, [2, -1])


def test_least_squares_of_structures_within_bounds():
    t = np.linspace(0, 2, 9)
    y = 3 * np.exp(-2 * t)

    def residuals(p):
        return {"data": p["size"] * np.exp(-p["rates"][0] * t) - y, "more": [p["rates"][1], 0.0]}

    start = {"size": 1.0, "rates": np.ones(2)}
    found = cr.scipy(residuals).least_squares(start)
    np.testing.assert_allclose(found.x["rates"], [2, 0], atol=1e-6)
    assert found.jac.shape == (11, 3)
    bounds = ({"size": 0.0, "rates": 0.5}, np.inf)
    found = cr.scipy(residuals).least_squares(start, bounds=bounds)
    np.testing.assert_allclose(found.x["rates"][1], 0.5, atol=1e-6)


def chain(x):
    """Broyden's tridiagonal function (Moré, Garbow, Hillstrom 1981, problem 30)."""
    before, after = np.concatenate([[0.0], x[:-1]]), np.concatenate([x[1:], [0.0]])
    return (3 - 2 * x) * x - before - 2 * after + 1


@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_sparse_jacobians(method, passed):
    seen = passed(scipy.optimize, "least_squares")
    start = np.full(30, -1.0)
    sparse = cr.scipy(chain, sparse=True).least_squares(start, method=method)
    assert scipy.sparse.issparse(seen.keywords["jac"](start))
    dense = cr.scipy(chain).least_squares(start, method=method)
    assert isinstance(seen.keywords["jac"](start), np.ndarray)
    np.testing.assert_allclose(sparse.x, dense.x, atol=1e-6)
    assert sparse.cost < 1e-12


def test_patterns_for_differences(passed):
    seen = passed(scipy.optimize, "least_squares")
    start = np.full(6, -1.0)
    found = cr.scipy(chain).least_squares(start, jac="2-point", jac_sparsity=True)
    assert found.cost < 1e-12
    pattern = scipy.sparse.coo_array(seen.keywords["jac_sparsity"]).toarray() != 0
    assert np.all(pattern[cr.jacobian(chain)(start) != 0])


def test_least_squares_takes_fewer_evaluations_than_differences(passed):
    seen = passed(scipy.optimize, "least_squares")
    start = np.full(10, -1.0)
    problem = cr.scipy(chain)
    problem.least_squares(start)
    counted, seen.calls = seen.calls, 0
    problem.least_squares(start, jac="2-point")
    assert counted < seen.calls
