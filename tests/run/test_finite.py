"""Where values and derivatives stop being finite: each case known by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.app.cli import main

INF = math.inf

VALUES = [
    ("log(x)", {"x": 0}, ["f"]),
    ("log(x) + y", {"x": 0, "y": 1}, ["v1"]),
    ("exp(exp(x))", {"x": 8}, ["f"]),  # overflow: exp(2981)
    ("exp(x)/exp(x)", {"x": 1000}, ["v1"]),  # not the quotient, which is NaN
    ("a = 1/x; b = 0*a; b + log(y)", {"x": 0, "y": 0}, ["a", "v1"]),
    ("x*y", {"x": 0, "y": INF}, ["y"]),
    ("1e308*x + 1e308*x", {"x": 1}, ["f"]),
    ("where(x > 0, log(x), x^2)", {"x": 0}, []),  # the branch that is not taken
    ("a = log(x); f = where(x > 0, x^2, a)", {"x": 0}, ["a"]),
    ("1/(1/x)", {"x": 0}, []),  # infinite on the way, finite at the end
    ("x^2, 1/x", {"x": 0}, ["f2"]),
]


@pytest.mark.parametrize(("formula", "at", "first"), VALUES)
def test_first_values(formula, at, first):
    graph = cr.parse(formula)
    found = graph.at(**at).why_not_finite()
    assert sorted(value.name for value in found.values) == sorted(first)
    assert not any(np.isfinite(value.value) for value in found.values)


DERIVATIVES = [
    ("log(x)", {"x": 0}, [("x", "f", 1, INF, INF)]),
    ("0*sqrt(x)", {"x": 0}, [("x", "v1", 0, INF, math.nan)]),
    ("sqrt(x)^2", {"x": 0}, [("x", "v1", 0, INF, math.nan)]),
    ("a = x^2 + y^2; f = sqrt(a)", {"x": 0, "y": 0}, [("a", "f", 1, INF, INF)]),
    ("x*y", {"x": 0, "y": INF}, [("x", "f", 1, INF, INF)]),
    ("where(x > 0, log(x), x^2)", {"x": 0}, []),
    ("where(x > 0, sqrt(x), 0)", {"x": 0}, []),
    ("a = sqrt(x); f = where(a > 0, a, 1)", {"x": 0}, []),
    ("a = 1e200*x; f = 1e200*a", {"x": 1e-300}, [("x", "a", 1e200, 1e200, INF)]),
    ("abs(x)", {"x": 0}, []),
]


@pytest.mark.parametrize(("formula", "at", "first"), DERIVATIVES)
def test_first_derivatives(formula, at, first):
    found = cr.parse(formula).at(**at).why_not_finite().derivatives
    assert [edge[:2] for edge in found] == [edge[:2] for edge in first]
    np.testing.assert_array_equal(
        [edge[2:] for edge in found],
        [edge[2:] for edge in first],  # NaN equals NaN here
    )


def test_a_sum_of_finite_shares_that_overflows():
    (found,) = cr.parse("1e308*x + 1.5e308*x").at(x=0).why_not_finite().derivatives
    assert (found.operand, found.user, found.share) == ("x", None, INF)


@pytest.mark.parametrize("x", [0.0, 1e-320, 1.0, 800.0])
@pytest.mark.parametrize(
    "formula", ["log(x)*x", "exp(x)*sqrt(x)", "1/x - 1/x^2", "x^x", "tanh(x)/x"]
)
def test_there_is_a_reason_where_anything_is_not_finite_and_else_none(formula, x):
    record = cr.parse(formula).at(x=x)
    found = record.why_not_finite()
    assert bool(found.values) == (not np.isfinite(record.value))
    assert bool(found.derivatives) == (not np.isfinite(record.gradient["x"]))
    assert bool(found) == bool(found.sentences())


def test_arrays_points_and_loops():
    def walk(v):
        return np.sum(cr.scan(lambda v, w: (np.sqrt(v) * w,) * 2, v, np.array([1.0, 0.0]))[1])

    record = cr.trace(walk)(4.0).at(0.0)
    (found,) = record.why_not_finite().derivatives
    assert (found.operand, found.user, found.local_derivative) == ("v", "scan1", None)
    inside = record.iterations("scan1")[1].why_not_finite()
    assert "0 · inf" in str(inside)
    assert str(cr.parse("x + inf").at(x=1).why_not_finite()).startswith("inf is given.")
    assert str(cr.parse("a = inf; x + a").at(x=1).why_not_finite()).startswith("a = inf is given.")
    logs = cr.trace(lambda x: np.sum(np.log(x)))(np.ones(3)).at(np.array([1.0, 0.0, 2.0]))
    assert [value.name for value in logs.why_not_finite().values] == ["v1"]
    assert "[0, -inf" in str(logs.why_not_finite())
    points = cr.parse("1/x").at(x=[1, 0, 2]).why_not_finite()
    assert len(points.values) == len(points.derivatives) == 1


def test_a_chosen_output_and_none():
    record = cr.parse("f = log(x); g = sqrt(x); f, g").at(x=0)
    assert not record.why_not_finite().derivatives
    assert record.why_not_finite(of="g").derivatives[0].user == "g"
    assert str(cr.parse("x").at(x=1).why_not_finite()) == "All values and derivatives are finite."


def test_long_chains():
    (value,) = cr.inputs("x")
    for _ in range(20_000):
        value = value * 2
    found = cr.graph(value).at(x=1.0).why_not_finite()
    assert (len(found.values), len(found.derivatives)) == (1, 1)


def test_show_says_why():
    def show(formula: str, form: str) -> str:
        return CliRunner().invoke(main, ["show", formula, "x=0", "--format", form]).stdout

    reason = "On the edge x → v1 = sqrt(x) the derivative becomes nan: ∂f/∂v1 · ∂v1/∂x = 0 · inf."
    assert reason in show("0*sqrt(x)", "text")
    assert json.loads(show("0*sqrt(x)", "json"))["not_finite"] == [reason]
    assert "not_finite" not in json.loads(show("x", "json"))
