"""Every worked example of the four texts, three ways in: text, operators, command line.

Expected values were computed with mpmath at 40 digits.
"""

from __future__ import annotations

import json
import math

import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.app.cli import main

TOLERANCE = 1e-14


def close(got: float, expected: float) -> bool:
    return math.isclose(got, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def by_text(seed) -> cr.Graph:
    return cr.parse(seed["formula"], parameters=seed["parameters"])


def by_operators(case_id: str) -> cr.Graph:
    """The same formulas in Python."""
    x, y, z, a, b, w, mu, sigma, x1, x2 = cr.inputs("x y z a b w mu sigma x1 x2")
    pa, pb, pc, pd, pw, pw1, pw2 = cr.parameters("a b c d w w1 w2")
    e, pi = cr.exp, math.pi
    built = {
        "product-of-sums": (x + y) * (x + 1),
        "gauss": e(-(x**2)),
        "gauss-times-square": x**2 * e(-(x**2)),
        "quartic": x**4 - 2 * x**3 - 3 * x**2 - 4 * x - 5,
        "normal-density": e(-((x - mu) ** 2) / (2 * sigma**2))
        / cr.sqrt(cr.constant(2) * pi * sigma**2),
        "gauss-as-product": e(-(x * x)),
        "cubic-bilinear": x**2 * y - x * y,
        "sigmoid": cr.sigmoid(x),
        "neuron": cr.sigmoid(pa * w + pb * x + pc * y + pd * z),
        "shared-sum": (x + y) * x,
        "sine-of-square-plus": cr.sin(x**2) + x,
        "walkthrough": cr.sin(x**2),
        "why-dags": x**2 + cr.sin(x**2),
        "exercise-difference-of-squares": (x - 1) * (x + 1),
        "exercise-square": x * x,
        "exercise-three-variables": (x + y) * z,
        "exercise-relu-layer": cr.relu(pw * x + pb),
        "logistic": cr.sigmoid(pa * x + pb),
        "square-of-multiple": (3 * x) ** 2,
        "sine-cosine": cr.sin(x) * cr.cos(x),
        "sine-cosine-of-square": cr.cos(x**2) * cr.sin(x**2),
        "regression-loss": (y - (pw * x + pb)) ** 2,
        "branching": (a + b) * (b + 1),
        "regression-two-features": (y - (pw1 * x1 + pw2 * x2 + pb)) ** 2,
    }
    return cr.graph(built[case_id])


@pytest.mark.parametrize("way", [by_text, lambda seed: by_operators(seed["id"])])
def test_value_gradient_and_counts(seed, way):
    graph = way(seed)
    record = graph.at(**seed["at"])
    assert close(record.value, seed["value"])
    assert record.gradient.keys() == seed["gradient"].keys()
    for name, expected in seed["gradient"].items():
        assert close(record.gradient[name], expected)
        assert close(record[graph.outputs[0]].tangent(name), expected)
    for name, count in seed.get("path_count", {}).items():
        assert graph.count_paths(name) == count
    if "computation_nodes" in seed:
        assert len(graph.dag.computations) == seed["computation_nodes"]
    assert set(graph.parameters) == set(seed["parameters"])
    assert record.parameter_gradient == {n: record.gradient[n] for n in graph.parameters}


def test_text_and_operators_make_the_same_graph(seed):
    from_text, from_operators = by_text(seed), by_operators(seed["id"])
    assert from_text.dag.outputs == from_operators.dag.outputs


def test_local_derivatives_along_the_chain(chain_seed):
    record = by_text(chain_seed).at(**chain_seed["at"])
    edges = [edge for edge in record.edges() if not edge.operand[0].isdigit()]
    for edge, expected in zip(edges, chain_seed["local_derivatives"], strict=True):
        assert close(edge.local_derivative, expected)


def test_contributions_of_each_path(seed):
    """In the second text x gets 3 through a and 5 directly, y gets 3."""
    table = by_text(seed).at(**seed["at"]).table("backward").data()
    rows = {row["node"]: row for row in table["rows"]}
    for name, expected in seed.get("path_contributions", {}).items():
        assert [c["product"] for c in rows[name]["contributions"]] == expected


def test_on_the_command_line(seed):
    values = [f"{name}={value!r}" for name, value in seed["at"].items()]
    options = ["--parameters", " ".join(seed["parameters"]), "--format", "json"]
    result = CliRunner().invoke(main, ["show", *options, seed["formula"], *values])
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    (value,), (gradient,) = data["value"].values(), data["gradient"].values()
    assert close(value, seed["value"])
    assert gradient.keys() == seed["gradient"].keys()
    assert all(close(gradient[name], seed["gradient"][name]) for name in gradient)


def test_the_sum_of_squares_example_of_the_third_text():
    """(3x)² at 4: g = 12, f = 144, df/dg = 24, dg/dx = 3, df/dx = 72."""
    record = cr.parse("g = 3x; f = g^2").at(x=4)
    assert (record["g"].value, record.value) == (12.0, 144.0)
    assert record.local_derivative("g", "f") == 24.0
    assert record.local_derivative("x", "g") == 3.0
    assert record.derivative(of="f", wrt="x") == 72.0


def test_the_shared_factor_of_the_fourth_text():
    """∂L/∂w and ∂L/∂b share ∂L/∂ŷ, computed once."""
    record = cr.parse("p = w*x + b; r = y - p; L = r^2", parameters="w b").at(
        w=0.5, b=0.25, x=2.0, y=3.0
    )
    assert record.parameter_gradient == {"w": -7.0, "b": -3.5}
    assert record["p"].adjoint == -3.5
    assert record.evaluations == len(
        [edge for edge in record.edges() if not edge.operand[0].isdigit()]
    )
