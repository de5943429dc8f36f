"""Gradient descent: closed forms, loops written in NumPy, least squares, divergence, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DerivativeError, EvaluationError, GraphError
from chainrule.fit.descend import descend


def descent(formula, rate, steps, of=None, parameters="w b", dtype="float64", **at):
    """Descend from named values."""
    graph = cr.parse(formula, parameters=parameters, dtype=dtype)
    values = {
        node: graph.dag.find(node.name).type.dtype.type(at[node.name])
        if np.ndim(at[node.name]) == 0
        else np.asarray(at[node.name], node.type.dtype)
        for node in graph.dag.inputs
    }
    return descend(graph.dag, values, rate, steps, of and graph.dag.find(of))


def named(numbers) -> dict:
    return {node.name: float(number) for node, number in numbers.items()}


def test_a_parabola_in_closed_form():
    """w − 3 shrinks by 1 − 2·0.1 = 0.8 in each step."""
    found = descent("(w - 3)^2", 0.1, 50, parameters="w", w=0)
    for k, step in enumerate(found.steps):
        assert step.step == k + 1
        assert named(step.parameters) == {"w": pytest.approx(3 - 3 * 0.8**k, rel=1e-13)}
        assert step.value == pytest.approx(9 * 0.64**k, rel=1e-11)
        assert named(step.gradient) == {"w": pytest.approx(-6 * 0.8**k, rel=1e-11)}
        assert named(step.update) == {"w": pytest.approx(0.6 * 0.8**k, rel=1e-11)}
        assert named(step.result) == {"w": pytest.approx(3 - 3 * 0.8 ** (k + 1), rel=1e-13)}
    assert named(found.values) == {"w": pytest.approx(3 - 3 * 0.8**50, rel=1e-13)}
    assert found.value == pytest.approx(9 * 0.64**50, rel=1e-9)
    assert found.note == ""


def test_one_step_of_the_regression_loss_of_the_texts():
    """At w = 0.5, b = 0.25, x = 2, y = 3: L = 3.0625, gradient (−7, −3.5)."""
    found = descent("L = (y - (w*x + b))^2", 0.1, 1, w=0.5, b=0.25, x=2, y=3)
    (step,) = found.steps
    assert (step.value, named(step.gradient)) == (3.0625, {"w": -7.0, "b": -3.5})
    assert named(found.values) == {"w": pytest.approx(1.2), "b": pytest.approx(0.6)}


def test_linear_regression_against_a_loop_in_numpy():
    rng = np.random.default_rng(3)
    x = rng.normal(size=200)
    y = 2 * x - 1 + rng.normal(size=200) / 10
    found = descent("L = (y - (w*x + b))^2", 0.05, 100, w=0.0, b=0.0, x=x, y=y)
    w = b = 0.0
    for step in found.steps:
        residual = y - (w * x + b)
        assert step.value == pytest.approx(np.mean(residual**2), rel=1e-12)
        slopes = np.mean(-2 * residual * x), np.mean(-2 * residual)
        assert tuple(named(step.gradient).values()) == pytest.approx(slopes, rel=1e-11, abs=1e-14)
        w, b = w - 0.05 * slopes[0], b - 0.05 * slopes[1]
    assert named(found.values) == {"w": pytest.approx(w), "b": pytest.approx(b)}
    assert found.points == 200


def test_it_ends_at_the_least_squares_solution():
    rng = np.random.default_rng(4)
    x1, x2 = rng.normal(size=(2, 50))
    y = 0.5 * x1 - 2 * x2 + 1 + rng.normal(size=50)
    found = descent(
        "(y - (w1*x1 + w2*x2 + b))^2", 0.2, 500, parameters="w1 w2 b",
        w1=0, w2=0, b=0, x1=x1, x2=x2, y=y,
    )  # fmt: skip
    design = np.column_stack([x1, x2, np.ones(50)])
    (w1, w2, b), *_ = np.linalg.lstsq(design, y)
    assert named(found.values) == pytest.approx({"w1": w1, "w2": w2, "b": b}, rel=1e-9)
    # The Hessian 2 XᵀX/n bounds the rate: it converges for rates below 2/λ.
    assert 2 / np.linalg.eigvalsh(2 * design.T @ design / 50).max() > 0.2


def test_logistic_regression_against_a_loop_in_numpy():
    rng = np.random.default_rng(5)
    x = rng.normal(size=80)
    y = (x + rng.normal(size=80) > 0).astype(float)
    loss = "p = sigmoid(w*x + b); -(y*log(p) + (1 - y)*log(1 - p))"
    found = descent(loss, 0.5, 30, w=0.1, b=-0.2, x=x, y=y)
    w, b = 0.1, -0.2
    for _ in range(30):
        p = 1 / (1 + np.exp(-(w * x + b)))
        w, b = w - 0.5 * np.mean((p - y) * x), b - 0.5 * np.mean(p - y)
    assert named(found.values) == {"w": pytest.approx(w), "b": pytest.approx(b)}


def test_a_penalty_does_not_depend_on_the_points():
    """Mean of (w x − y)² over two points, plus w²: gradient at w = 0 is −2·mean(x y)."""
    found = descent("(w*x - y)^2 + w^2", 0.1, 2, parameters="w", w=0, x=[1, 2], y=[1, 3])
    assert named(found.steps[0].gradient)["w"] == -7.0
    # w = 0.7: 2·mean(x(0.7x − y)) + 2·0.7 = 2·(−0.3 − 3.2)/2 + 1.4.
    assert named(found.steps[1].gradient)["w"] == pytest.approx(-2.1)


def test_a_parameter_apart_from_the_points():
    found = descent("x^2 + w^2", 0.1, 1, parameters="w", w=1, x=[1, 2, 3])
    assert named(found.steps[0].gradient) == {"w": pytest.approx(2.0)}
    assert found.steps[0].value == pytest.approx(14 / 3 + 1)


def test_a_parameter_that_does_not_matter_stays():
    found = descent("x^2 + 0*w", 0.1, 2, parameters="w", w=1, x=2)
    assert named(found.values) == {"w": 1.0}


def test_an_intermediate_node_can_be_made_smaller():
    found = descent("r = (w - 1)^2; r, 5*w", 0.5, 1, of="r", parameters="w", w=3)
    assert named(found.values) == {"w": 1.0}


def test_float32_stays_float32():
    found = descent("(w - x)^2", 0.1, 3, parameters="w", dtype="float32", w=0.1, x=1)
    assert all(value.dtype == np.float32 for value in found.values.values())
    assert all(g.dtype == np.float32 for step in found.steps for g in step.gradient.values())


def test_divergence_is_a_note_and_keeps_the_steps():
    """w ← w − 2·w·1e200: after two steps w² is beyond the largest float."""
    found = descent("w^2", 1e200, 10, parameters="w", w=1)
    assert 0 < len(found.steps) < 10
    assert math.isinf(found.value)
    assert found.note == "Stopped: f is inf; a smaller rate may help."
    assert found.note in str(found)


def test_a_slope_that_is_not_finite_is_a_note():
    found = descent("sqrt(w)", 0.1, 5, parameters="w", w=0)
    assert (found.steps, found.value) == ((), 0.0)
    assert found.note == "Stopped: the derivative by w is not finite."


def test_a_start_without_a_value():
    found = descent("log(w)", 0.1, 5, parameters="w", w=-1)
    assert found.steps == ()
    assert "f is nan" in found.note


@pytest.mark.parametrize("rate", [0, -0.1, math.inf, math.nan, "0.1", True, None])
def test_rates_that_make_no_sense(rate):
    with pytest.raises(EvaluationError, match="E309 the rate must be"):
        descent("w^2", rate, 1, parameters="w", w=1)


@pytest.mark.parametrize("steps", [0, -1, 2.0, "3", True, None])
def test_numbers_of_steps_that_make_no_sense(steps):
    with pytest.raises(EvaluationError, match="E309 the number of steps"):
        descent("w^2", 0.1, steps, parameters="w", w=1)


def test_refusals():
    with pytest.raises(EvaluationError, match=r'E308 .*parse\(…, parameters="x y"\), or'):
        descent("x*y", 0.1, 1, parameters="", x=1, y=2)
    with pytest.raises(EvaluationError, match="E308 the parameter 'w' starts at an array"):
        descent("w^2", 0.1, 1, parameters="w", w=[1, 2])
    with pytest.raises(DerivativeError, match=r"E332 .*'a', 'f1'"):
        descent("a = w^2; a, 2*a", 0.1, 1, parameters="w", w=1)
    with pytest.raises(DerivativeError, match="E331 'f' is bool"):
        descent("w > 0", 0.1, 1, parameters="w", w=1)
    with pytest.raises(DerivativeError, match="E331 'n' is int64"):
        descent("w*n", 0.1, 1, parameters="w n", dtype={"n": "int64"}, w=1, n=2)
    dag = cr.parse("w^2", parameters="w").dag
    other = cr.parse("v^2").dag.output
    with pytest.raises(GraphError, match="E224"):
        descend(dag, {dag.inputs[0]: np.float64(1)}, 0.1, 1, other)


def test_the_table(golden):
    line = descent("L = (y - (w*x + b))^2", 0.1, 3, w=0.5, b=0.25, x=[2, 1], y=[3, 1])
    wild = descent("(w - 3)^2", 1e160, 3, parameters="w", w=0)
    golden("tables/descent.txt", f"{line}\n\n{wild}\n")
    rows = line.table().data()["rows"]
    assert [row["step"] for row in rows] == [1, None, 2, None, 3, None, "end", None]
    assert [row["parameter"] for row in rows] == ["w", "b"] * 4
    assert (rows[0]["value"], rows[0]["gradient"], rows[1]["update"]) == (1.5625, -3.75, 0.2)
    assert (rows[-1]["gradient"], rows[-1]["at"]) == (None, named(line.values)["b"])


def test_names_with_subscripts_in_latex():
    latex = descent("(w_1 - 3)^2", 0.1, 1, parameters="w_1", w_1=0).table().latex()
    assert "$w_{1}$" in latex
